package cluster

import (
	"cmp"

	"github.com/spsim/spsim/emulator/blocks"
)

// origin is what a new volume is made from; every member may be nil.
type origin struct {
	template *template
	parent   *node // snapshot
	base     *node // volume
}

// settings returns those of the source object.
func (o origin) settings() *Settings {
	if n := cmp.Or(o.parent, o.base); n != nil {
		return n.obj.Load().Settings
	}
	return nil
}

// size returns the size of the source, 0 when there is none.
func (o origin) size() int64 {
	if n := cmp.Or(o.parent, o.base); n != nil {
		return n.obj.Load().Size
	}
	return 0
}

// VolumeCreate makes a volume: empty, from a snapshot or as a copy of a volume (storpool-api 6.2).
// Errors: [ObjectExists], [ObjectDoesNotExist], [InvalidParam], [InsufficientResources].
func (c *Cluster) VolumeCreate(spec VolumeSpec) (Created, error) {
	c.lock()
	defer c.mu.Unlock()
	if err := c.checkNew(spec.Name, spec.Tags); err != nil {
		return Created{}, err
	}
	from, err := c.origin(spec)
	if err != nil {
		return Created{}, err
	}
	settings, err := c.resolve(spec.Policy, from.template, from.settings())
	if err != nil {
		return Created{}, err
	}
	size, err := c.sizeOf(spec, from, settings)
	if err != nil {
		return Created{}, err
	}
	var passing *node
	if from.base != nil {
		if passing, err = c.snap(from.base, wish{transient: true}); err != nil {
			return Created{}, err
		}
		from.parent = passing
	}
	image, err := c.newImage(from.parent, size)
	if err != nil {
		return Created{}, err
	}
	id, anonymous := c.identify()
	n := &node{image: image}
	n.link(from.parent)
	c.publish(n, Info{
		Settings: settings, GlobalID: anonymous[1:], Name: cmp.Or(spec.Name, anonymous), Size: size,
		Created: c.now().Unix(), VisibleID: id, Tags: Tags{}.merge(spec.Tags), parent: from.parent,
	})
	made := Created{Name: n.shown(), GlobalID: anonymous[1:]}
	if passing != nil {
		made.AutoName = passing.shown()
		c.letPass(passing)
	}
	c.changed()
	return made, nil
}

// checkNew refuses a bad or taken name, and bad tags.
func (c *Cluster) checkNew(name string, tags map[string]string) error {
	if name != "" {
		if err := c.checkName(name); err != nil {
			return err
		}
	}
	return c.checkTags(tags)
}

func (c *Cluster) checkName(name string) error {
	if !validName(name) {
		return refuse(InvalidParam, "Invalid volume name '%s'", name)
	}
	return c.checkFree(name)
}

// checkFree refuses a name that a volume or snapshot has.
func (c *Cluster) checkFree(name string) error {
	if taken := c.byName[name]; taken != nil {
		if taken.obj.Load().IsSnapshot() {
			return refuse(ObjectExists, "Snapshot '%s' already exists", name)
		}
		return refuse(ObjectExists, "Volume '%s' already exists", name)
	}
	return nil
}

// origin resolves what the request names; the parent of the template applies where it names no source.
func (c *Cluster) origin(spec VolumeSpec) (from origin, err error) {
	if spec.Parent != "" && spec.BaseOn != "" {
		return origin{}, refuse(InvalidParam, "Both parent and baseOn are given")
	}
	if spec.Template != "" {
		if from.template, err = c.template(spec.Template); err != nil {
			return origin{}, err
		}
	}
	switch {
	case spec.Parent != "":
		from.parent, err = c.snapshot(spec.Parent)
	case spec.BaseOn != "":
		from.base, err = c.volume(spec.BaseOn)
	case from.template != nil:
		from.parent = from.template.source()
	}
	return from, err
}

// sizeOf finds the size of a new volume: of the request, the source or the template.
func (c *Cluster) sizeOf(spec VolumeSpec, from origin, settings *Settings) (int64, error) {
	size := from.size()
	if size == 0 && from.template != nil {
		size = from.template.size
	}
	if spec.Size != nil {
		size = *spec.Size
	} else if size == 0 {
		return 0, refuse(InvalidParam, "Neither size nor anything that supplies it is given")
	}
	if size < from.size() {
		return 0, refuse(InvalidParam, "Size %d is less than the %d bytes of the source", size, from.size())
	}
	return size, c.checkGrowth(size, settings)
}

func (c *Cluster) newImage(parent *node, size int64) (*blocks.Image, error) {
	if parent == nil {
		return c.store.New(size)
	}
	return parent.image.Clone(size)
}

// VolumeUpdate changes what is given, or nothing (storpool-api 6.3). Errors: [ObjectDoesNotExist],
// [ObjectExists], [InvalidParam], [InsufficientResources].
func (c *Cluster) VolumeUpdate(ref Ref, ch VolumeChange) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.volume(ref)
	if err != nil {
		return err
	}
	old := n.obj.Load().Info
	info, err := c.altered(old, alteration{ch.Rename, ch.Template, ch.Policy, ch.Tags})
	if err != nil {
		return err
	}
	if info.Size, err = c.resized(info, ch); err != nil {
		return err
	}
	if info == old {
		return nil
	}
	if info.Size != old.Size {
		if err := n.image.Resize(info.Size); err != nil {
			return err
		}
	}
	c.publish(n, info)
	c.changed()
	return nil
}

// resized returns the new size of a volume, with the settings that it gets.
func (c *Cluster) resized(info Info, ch VolumeChange) (int64, error) {
	size := info.Size
	switch {
	case ch.Size != nil && ch.SizeAdd != nil:
		return 0, refuse(InvalidParam, "Both size and sizeAdd are given")
	case ch.Size != nil:
		size = *ch.Size
	case ch.SizeAdd != nil:
		if *ch.SizeAdd <= 0 || *ch.SizeAdd%c.does.SizeGranularity != 0 {
			return 0, refuse(InvalidParam, "Invalid sizeAdd %d", *ch.SizeAdd)
		}
		if size += *ch.SizeAdd; size < 0 {
			return 0, refuse(InsufficientResources, "Invalid sizeAdd %d", *ch.SizeAdd)
		}
	}
	if size == info.Size {
		return size, nil
	}
	check := c.checkSize
	if size > info.Size {
		check = c.checkGrowth
	}
	if err := check(size, info.Settings); err != nil {
		return 0, err
	}
	if size < info.Size && !ch.ShrinkOK {
		return 0, refuse(InvalidParam, "Shrinking from %d to %d bytes needs shrinkOk", info.Size, size)
	}
	return size, nil
}

// alteration is what updates of volumes and of snapshots have in common.
type alteration struct {
	rename   *string
	template string
	policy   Policy
	tags     map[string]string
}

// altered returns info with the alteration, once all of it is checked.
func (c *Cluster) altered(info Info, a alteration) (Info, error) {
	if err := c.checkTags(a.tags); err != nil {
		return info, err
	}
	if a.rename != nil && *a.rename != info.Name {
		if *a.rename != "" {
			if err := c.checkName(*a.rename); err != nil {
				return info, err
			}
		}
		info.Name = cmp.Or(*a.rename, "~"+info.GlobalID)
	}
	var t *template
	var err error
	if a.template != "" {
		if t, err = c.template(a.template); err != nil {
			return info, err
		}
	}
	if info.Settings, err = c.resolve(a.policy, t, info.Settings); err != nil {
		return info, err
	}
	info.Tags = info.Tags.merge(a.tags)
	return info, nil
}

// VolumeDelete deletes a volume. While it is attached on decides: "" and [OnAttachedFail] refuse,
// [OnAttachedDetach] detaches where the device is not open, [OnAttachedDetachForce] always
// (storpool-api 6.5). One that is an iSCSI target is busy. Errors: [ObjectDoesNotExist], [Busy], [InvalidParam].
func (c *Cluster) VolumeDelete(ref Ref, on OnAttached) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.volume(ref)
	if err != nil {
		return err
	}
	if err := c.unexported(n); err != nil {
		return err
	}
	switch on {
	case "", OnAttachedFail:
		if len(n.held) > 0 {
			return refuse(Busy, "Volume '%s' is attached", n.shown())
		}
	case OnAttachedDetach:
		for _, b := range n.held {
			if b.open.Load() > 0 {
				return b.busy()
			}
		}
	case OnAttachedDetachForce:
	default:
		return refuse(InvalidParam, "Invalid onAttached '%s'", on)
	}
	for len(n.held) > 0 {
		n.held[0].unbind()
	}
	c.remove(n)
	c.changed()
	return nil
}
