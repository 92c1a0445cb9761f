package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spsim/spsim/emulator/blocks"
)

// wish is a checked request for a snapshot.
type wish struct {
	name      string
	bound     bool
	transient bool
	date      int64
	settings  *Settings // nil takes those of the volume
	tags      Tags
}

// VolumeSnapshot slides a snapshot in between a volume and its parent (storpool-api 6.4).
// Errors: [ObjectDoesNotExist], [ObjectExists], [InvalidParam].
func (c *Cluster) VolumeSnapshot(ref Ref, spec SnapshotSpec) (SnapshotCreated, error) {
	c.lock()
	defer c.mu.Unlock()
	v, err := c.volume(ref)
	if err != nil {
		return SnapshotCreated{}, err
	}
	w, err := c.wish(v, spec)
	if err != nil {
		return SnapshotCreated{}, err
	}
	n, err := c.snap(v, w)
	if err != nil {
		return SnapshotCreated{}, err
	}
	o := n.obj.Load()
	made := SnapshotCreated{Name: o.Name, GlobalID: o.GlobalID, VisibleID: o.VisibleID}
	if o.Snap.AutoName {
		made.AutoName = o.Name
	}
	c.changed()
	return made, nil
}

func (c *Cluster) wish(v *node, spec SnapshotSpec) (w wish, err error) {
	w = wish{name: spec.Name, bound: spec.Bind, tags: Tags{}.merge(spec.Tags)}
	if err := c.checkNew(spec.Name, spec.Tags); err != nil {
		return w, err
	}
	if w.date, err = c.date(spec.Schedule, 0); err != nil {
		return w, err
	}
	if spec.Template != "" {
		t, err := c.template(spec.Template)
		if err != nil {
			return w, err
		}
		if w.settings, err = c.resolve(Policy{}, t, v.obj.Load().Settings); err != nil {
			return w, err
		}
	}
	return w, nil
}

// date returns the targetDeleteDate that a schedule asks for, old when it asks for nothing.
func (c *Cluster) date(s Schedule, old int64) (int64, error) {
	now := c.now().Unix()
	switch {
	case s.DeleteAfter != nil && s.TargetDeleteDate != nil:
		return 0, refuse(InvalidParam, "Both deleteAfter and targetDeleteDate are given")
	case s.DeleteAfter != nil && (*s.DeleteAfter < 0 || *s.DeleteAfter > never/int64(time.Second)-now):
		return 0, refuse(InvalidParam, "Invalid deleteAfter %d", *s.DeleteAfter)
	case s.DeleteAfter != nil && *s.DeleteAfter > 0:
		return now + *s.DeleteAfter, nil
	case s.TargetDeleteDate != nil && *s.TargetDeleteDate != 0 && *s.TargetDeleteDate < now,
		s.TargetDeleteDate != nil && *s.TargetDeleteDate > never/int64(time.Second):
		return 0, refuse(InvalidParam, "Invalid targetDeleteDate %d", *s.TargetDeleteDate)
	case s.TargetDeleteDate != nil:
		return *s.TargetDeleteDate, nil
	case s.DeleteAfter != nil:
		return 0, nil
	}
	return old, nil
}

// snap freezes the contents of a volume and inserts them.
func (c *Cluster) snap(v *node, w wish) (*node, error) {
	image, err := v.image.Snapshot()
	if err != nil {
		return nil, err
	}
	return c.insert(v, image, w), nil
}

// insert puts a snapshot of the volume in between it and its parent.
func (c *Cluster) insert(v *node, image *blocks.Image, w wish) *node {
	vo := v.obj.Load()
	id, anonymous := c.identify()
	info := Info{
		Settings: cmp.Or(w.settings, vo.Settings), GlobalID: anonymous[1:], Name: w.name, Size: vo.Size,
		Created: c.now().Unix(), VisibleID: id, Tags: w.tags, parent: vo.parent,
		Snap: &SnapshotInfo{
			Bound: w.bound, Transient: w.transient, TargetDeleteDate: w.date,
			CreatedFrom: vo.GlobalID, CreatedFromID: vo.VisibleID, source: v,
		},
	}
	if alike(info.Settings, vo.Settings) {
		info.VAG = vo.VAG
	}
	if w.name == "" {
		info.Name, info.Snap.AutoName = c.generatedName(vo, id, anonymous, w.transient)
	}
	n := &node{image: image}
	v.link(nil)
	n.link(vo.parent)
	c.publish(n, info)
	c.reparentTo(v, n)
	if w.date != 0 {
		c.appoint(time.Unix(w.date, 0), n, dueDate)
	}
	return n
}

// generatedName names a snapshot that was not given a name (storpool-api 4.3).
func (c *Cluster) generatedName(v *Object, id int64, anonymous string, transient bool) (name string, auto bool) {
	if strings.HasPrefix(v.Name, "~") && !transient && !c.does.AnonymousAtNames {
		return anonymous, false
	}
	return fmt.Sprintf("%s@%d", strings.TrimPrefix(v.Name, "~"), id), true
}

// reparentTo publishes the node with another parent.
func (c *Cluster) reparentTo(n, parent *node) {
	n.link(parent)
	info := n.obj.Load().Info
	info.parent = parent
	c.publish(n, info)
}

// GroupSnapshot takes snapshots of several volumes at one moment, all or none; the answers are in the order
// of the request (storpool-api 6.4). Errors: [ObjectDoesNotExist], [ObjectExists], [InvalidParam].
func (c *Cluster) GroupSnapshot(spec GroupSpec) ([]GroupMember, error) {
	c.lockAll()
	defer c.mu.Unlock()
	g, err := c.group(spec)
	if err != nil {
		return nil, err
	}
	made, err := g.snap()
	if err != nil {
		return nil, err
	}
	members := make([]GroupMember, len(made))
	for i, v := range g.volumes {
		vo, so := v.obj.Load(), made[i].obj.Load()
		members[i] = GroupMember{
			Volume: vo.Name, VolumeGlobalID: vo.GlobalID, Snapshot: so.Name, SnapshotGlobalID: so.GlobalID,
		}
	}
	return members, nil
}

// groupPlan is a checked request for snapshots of several volumes.
type groupPlan struct {
	store   *blocks.Store
	volumes []*node
	wishes  []wish
}

func (c *Cluster) group(spec GroupSpec) (*groupPlan, error) {
	type name struct {
		in   *Cluster
		name string
	}
	g := &groupPlan{store: c.store}
	listed, named := map[*node]bool{}, map[name]bool{}
	for _, m := range spec.Volumes {
		v, err := c.member(m.Volume, spec.Anywhere)
		if err != nil {
			return nil, err
		}
		tags := maps.Clone(spec.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, m.Tags)
		w, err := v.home().wish(v, SnapshotSpec{Name: m.Name, Tags: tags})
		if err != nil {
			return nil, err
		}
		if listed[v] {
			return nil, refuse(InvalidParam, "Volume '%s' is listed twice", m.Volume)
		}
		of := name{v.home(), m.Name}
		if named[of] {
			return nil, refuse(ObjectExists, "Snapshot '%s' is listed twice", m.Name)
		}
		listed[v], named[of] = true, m.Name != ""
		g.volumes, g.wishes = append(g.volumes, v), append(g.wishes, w)
	}
	return g, nil
}

func (c *Cluster) member(ref Ref, anywhere bool) (*node, error) {
	if anywhere {
		return c.findAnywhere(ref, "Volume", false)
	}
	return c.volume(ref)
}

// snap makes the snapshots, in the clusters where the volumes live.
func (g *groupPlan) snap() ([]*node, error) {
	images := make([]*blocks.Image, len(g.volumes))
	for i, v := range g.volumes {
		images[i] = v.image
	}
	frozen, err := g.store.SnapshotAll(images...)
	if err != nil {
		return nil, err
	}
	made, homes := make([]*node, len(frozen)), map[*Cluster]bool{}
	for i, v := range g.volumes {
		made[i] = v.home().insert(v, frozen[i], g.wishes[i])
		homes[v.home()] = true
	}
	for m := range homes {
		m.changed()
	}
	return made, nil
}

// SnapshotUpdate changes what is given, or nothing. Errors: [ObjectDoesNotExist], [ObjectExists],
// [InvalidParam].
func (c *Cluster) SnapshotUpdate(ref Ref, ch SnapshotChange) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.snapshot(ref)
	if err != nil {
		return err
	}
	old := n.obj.Load().Info
	info, err := c.altered(old, alteration{ch.Rename, ch.Template, ch.Policy, ch.Tags})
	if err != nil {
		return err
	}
	s := *old.Snap
	if s.TargetDeleteDate, err = c.date(ch.Schedule, s.TargetDeleteDate); err != nil {
		return err
	}
	if ch.Bind != nil {
		s.Bound = *ch.Bind
	}
	s.AutoName = s.AutoName && info.Name == old.Name
	if info == old && s == *old.Snap {
		return nil
	}
	info.Snap = &s
	c.publish(n, info)
	if s.TargetDeleteDate != 0 && s.TargetDeleteDate != old.Snap.TargetDeleteDate {
		c.appoint(time.Unix(s.TargetDeleteDate, 0), n, dueDate)
	}
	c.reconsider(n)
	c.changed()
	return nil
}

// SnapshotDelete deletes a snapshot; its children keep what they show of it (storpool-api 6.5). With two
// children or more it lingers as "*name" until one is left. Errors: [ObjectDoesNotExist], [Busy].
func (c *Cluster) SnapshotDelete(ref Ref) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.snapshot(ref)
	if err != nil {
		return err
	}
	switch {
	case len(n.held) > 0:
		return refuse(Busy, "Snapshot '%s' is attached", n.shown())
	case len(n.exports()) > 0:
		return refuse(Busy, "Snapshot '%s' is still exported", n.shown())
	case n.kept():
		return refuse(Busy, "Snapshot '%s' is being copied", n.shown())
	}
	c.discard(n)
	c.changed()
	return nil
}
