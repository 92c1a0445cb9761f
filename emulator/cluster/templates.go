package cluster

import (
	"cmp"
	"slices"

	"github.com/tidwall/btree"
)

// template holds settings that volumes may start from. Unset members of the policy are absent.
type template struct {
	id     int64
	name   string
	size   int64 // 0 when unset
	policy Policy
	parent *node // may be gone
}

// source returns the snapshot that volumes of the template start from, nil when there is none.
func (t *template) source() *node {
	if t.parent == nil || t.parent.gone.Load() || t.parent.obj.Load().Snap.Deleted {
		return nil
	}
	return t.parent
}

func (t *template) view() Template {
	var s Settings
	s.apply(t.policy)
	s.PlaceAll = cmp.Or(s.PlaceAll, defaultGroup)
	v := Template{
		ID: t.id, Name: t.name, Size: t.size, Replication: s.Replication, PlaceAll: s.PlaceAll,
		PlaceTail: cmp.Or(s.PlaceTail, s.PlaceAll), PlaceHead: cmp.Or(s.PlaceHead, s.PlaceAll),
		BW: s.BW, IOPS: s.IOPS, ReuseServer: s.ReuseServer,
	}
	if p := t.source(); p != nil {
		v.ParentName = p.shown()
	}
	return v
}

// complete makes the unset placements of a template follow placeAll, and unlimited limits unset
// (storpool-api 8).
func (p Policy) complete() Policy {
	p.PlaceTail = cmp.Or(p.PlaceTail, p.PlaceAll)
	p.PlaceHead = cmp.Or(p.PlaceHead, p.PlaceAll)
	if p.BW != nil && *p.BW == 0 {
		p.BW = nil
	}
	if p.IOPS != nil && *p.IOPS == 0 {
		p.IOPS = nil
	}
	return p
}

func (c *Cluster) template(name string) (*template, error) {
	if !validTemplateName(name) {
		return nil, refuse(InvalidParam, "Invalid template name '%s'", name)
	}
	for _, t := range c.templates {
		if t.name == name {
			return t, nil
		}
	}
	return nil, missing("Template", name)
}

// Template returns one template. Error: [ObjectDoesNotExist].
func (c *Cluster) Template(name string) (Template, error) {
	c.rlock()
	defer c.mu.RUnlock()
	t, err := c.template(name)
	if err != nil {
		return Template{}, err
	}
	return t.view(), nil
}

// Templates lists the templates in order of creation.
func (c *Cluster) Templates() []Template {
	c.rlock()
	defer c.mu.RUnlock()
	all := make([]Template, 0, len(c.templates))
	for _, t := range c.templates {
		all = append(all, t.view())
	}
	return all
}

// TemplateCreate adds a template. Errors: [ObjectExists], [ObjectDoesNotExist], [InvalidParam].
func (c *Cluster) TemplateCreate(spec TemplateSpec) error {
	c.lock()
	defer c.mu.Unlock()
	if err := c.checkTemplateName(spec.Name); err != nil {
		return err
	}
	parent, err := c.checkTemplate(spec.Size, spec.Parent, spec.Policy)
	if err != nil {
		return err
	}
	c.addTemplate(spec, parent)
	c.changed()
	return nil
}

func (c *Cluster) addTemplate(spec TemplateSpec, parent *node) {
	c.lastPlace++
	t := &template{id: c.lastPlace, name: spec.Name, policy: spec.Policy.complete(), parent: parent}
	if spec.Size != nil {
		t.size = *spec.Size
	}
	c.templates = append(c.templates, t)
}

func (c *Cluster) checkTemplateName(name string) error {
	if !validTemplateName(name) {
		return refuse(InvalidParam, "Invalid template name '%s'", name)
	}
	if t, _ := c.template(name); t != nil {
		return refuse(ObjectExists, "Template '%s' already exists", name)
	}
	return nil
}

func (c *Cluster) checkTemplate(size *int64, parent Ref, p Policy) (source *node, err error) {
	if size != nil && (*size <= 0 || *size%c.does.SizeGranularity != 0) {
		return nil, refuse(InvalidParam, "Invalid size %d", *size)
	}
	if err := c.checkPolicy(p); err != nil {
		return nil, err
	}
	if parent != "" {
		return c.snapshot(parent)
	}
	return nil, nil
}

// TemplateUpdate changes what is given; objects of the template follow only with propagate. Errors:
// [ObjectDoesNotExist], [ObjectExists], [InvalidParam].
func (c *Cluster) TemplateUpdate(name string, ch TemplateChange) error {
	c.lock()
	defer c.mu.Unlock()
	t, err := c.template(name)
	if err != nil {
		return err
	}
	renamed := ch.Rename != "" && ch.Rename != name
	if renamed {
		if err := c.checkTemplateName(ch.Rename); err != nil {
			return err
		}
	}
	parent, err := c.checkTemplate(ch.Size, ch.Parent, ch.Policy)
	if err != nil {
		return err
	}
	t.parent = cmp.Or(parent, t.parent)
	if ch.Size != nil {
		t.size = *ch.Size
	}
	t.policy = overlay(t.policy, ch.Policy).complete()
	t.name = cmp.Or(ch.Rename, t.name)
	if renamed || ch.Propagate {
		c.eachOf(t, func(s *Settings) {
			s.Template = t.name
			if ch.Propagate {
				s.apply(ch.Policy)
			}
		})
	}
	c.changed()
	return nil
}

// overlay returns old with what ch sets.
func overlay(old, ch Policy) Policy {
	return Policy{
		Replication: cmp.Or(ch.Replication, old.Replication),
		PlaceAll:    cmp.Or(ch.PlaceAll, old.PlaceAll),
		PlaceTail:   cmp.Or(ch.PlaceTail, old.PlaceTail),
		PlaceHead:   cmp.Or(ch.PlaceHead, old.PlaceHead),
		BW:          cmp.Or(ch.BW, old.BW),
		IOPS:        cmp.Or(ch.IOPS, old.IOPS),
		ReuseServer: cmp.Or(ch.ReuseServer, old.ReuseServer),
	}
}

// TemplateDelete removes a template; its objects keep their settings and have none any more. Error:
// [ObjectDoesNotExist].
func (c *Cluster) TemplateDelete(name string) error {
	c.lock()
	defer c.mu.Unlock()
	t, err := c.template(name)
	if err != nil {
		return err
	}
	c.templates = slices.DeleteFunc(c.templates, func(o *template) bool { return o == t })
	c.eachOf(t, func(s *Settings) { s.Template, s.TemplateID = "", 0 })
	c.changed()
	return nil
}

// eachOf changes the settings of every object of the template.
func (c *Cluster) eachOf(t *template, change func(*Settings)) {
	c.resettle(func(s *Settings) {
		if s.TemplateID == t.id {
			change(s)
		}
	})
}

// resettle changes the settings of every object; change may leave them as they are.
func (c *Cluster) resettle(change func(*Settings)) {
	for _, list := range []*btree.Map[int64, *Object]{c.volumes.Copy(), c.snapshots.Copy()} {
		list.Scan(func(_ int64, o *Object) bool {
			s := *o.Settings
			if change(&s); s != *o.Settings {
				info := o.Info
				info.Settings = c.share(s)
				c.publish(o.node, info)
			}
			return true
		})
	}
}

// withTemplateLimits returns the settings with bw and iops as the template has them.
func (c *Cluster) withTemplateLimits(s *Settings) *Settings {
	reset := *s
	reset.BW, reset.IOPS = 0, 0
	for _, t := range c.templates {
		if t.id == s.TemplateID {
			reset.apply(Policy{BW: t.policy.BW, IOPS: t.policy.IOPS})
		}
	}
	return c.share(reset)
}
