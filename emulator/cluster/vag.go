package cluster

import "strconv"

// VAG is a volume allocation group: volumes and snapshots that share their disk sets (storpool-api A.11).
type VAG struct {
	ID       int64
	ParentID int64     // group of the parent of its first object, 0 when there is none
	Settings *Settings // of its first object
	Sets     [][]int   // where the data should be
	Chains   [][]int   // where the data is
	Violated bool      // it has objects that are to be placed otherwise
}

// maxTargets is the largest number of disk sets of a group (storpool-api C).
const maxTargets = 32768

func validTargets(n int) bool { return n >= 1 && n <= maxTargets && n&(n-1) == 0 }

// vagOf returns the group of an object that is about to be published: a new one is in that of its parent when it is
// placed alike, and one that comes to be placed otherwise leaves for a group of its own.
func (c *Cluster) vagOf(n *node, old *Object, info *Info) int64 {
	fromElsewhere := n.home() != nil && n.home() != c
	switch p := info.parent; {
	case old != nil && !fromElsewhere && !alike(old.Settings, info.Settings):
		return info.VisibleID
	case info.VAG != 0 && !fromElsewhere:
		return info.VAG
	case p != nil && p.home() == c && alike(p.obj.Load().Settings, info.Settings):
		return p.obj.Load().VAG
	}
	return info.VisibleID
}

func missingVAG(id uint64) error {
	return missing("Volume allocation group", strconv.FormatUint(id, 10))
}

// VAG returns a volume allocation group. Errors: [InvalidParam] for 0, [ObjectDoesNotExist].
func (c *Cluster) VAG(id uint64) (VAG, error) {
	c.lock()
	defer c.mu.Unlock()
	first, err := c.founder(id)
	if err != nil {
		return VAG{}, err
	}
	p := c.placement()
	v := VAG{ID: first.VAG, Settings: first.Settings}
	if first.parent != nil && first.parent.home() == c {
		v.ParentID = first.parent.obj.Load().VAG
	}
	if v.ParentID == v.ID {
		v.ParentID = 0
	}
	v.Sets = p.setsOf(p.goal(first))
	used := make([]bool, len(v.Sets))
	for o := range c.present() {
		if o.VAG != v.ID {
			continue
		}
		v.Violated = v.Violated || !alike(o.Settings, first.Settings)
		l := p.Layout(o)
		for i, n := range l.Counts() {
			if n > 0 && i < len(used) && !used[i] {
				used[i] = true
				v.Chains = append(v.Chains, l.TargetDiskSets[i])
			}
		}
	}
	return v, nil
}

// founder returns the first object of a group.
func (c *Cluster) founder(id uint64) (*Object, error) {
	if id == 0 {
		return nil, refuse(InvalidParam, "Invalid volume allocation group '0'")
	}
	var first *Object
	for o := range c.present() {
		if uint64(o.VAG) == id && (first == nil || o.VisibleID < first.VisibleID) {
			first = o
		}
	}
	if first == nil {
		return nil, missingVAG(id)
	}
	return first, nil
}

// VolumeUpdateVAG puts a volume in another group, 0 in that of its parent. Errors: [ObjectDoesNotExist];
// [InvalidParam] without a parent, and where the group is placed otherwise than the volume.
func (c *Cluster) VolumeUpdateVAG(ref Ref, id uint64) error {
	return c.updateVAG(id, func() (*node, error) { return c.volume(ref) })
}

// SnapshotUpdateVAG is [Cluster.VolumeUpdateVAG] of a snapshot.
func (c *Cluster) SnapshotUpdateVAG(ref Ref, id uint64) error {
	return c.updateVAG(id, func() (*node, error) { return c.snapshot(ref) })
}

func (c *Cluster) updateVAG(id uint64, find func() (*node, error)) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := find()
	if err != nil {
		return err
	}
	o := n.obj.Load()
	var first *Object
	switch {
	case id != 0:
		if first, err = c.founder(id); err != nil {
			return err
		}
	case o.parent == nil || o.parent.home() != c:
		return refuse(InvalidParam, "'%s' has no parent", o.Name)
	default:
		first = o.parent.obj.Load()
	}
	if !alike(first.Settings, o.Settings) {
		return refuse(InvalidParam, "'%s' is placed otherwise than the volume allocation group", o.Name)
	}
	info := o.Info
	info.VAG = first.VAG
	c.publish(n, info)
	c.recount()
	c.changed()
	return nil
}

// spread sets how many disk sets a group has.
func (c *Cluster) spread(group int64, targets int) {
	if c.targets == nil {
		c.targets = map[int64]int{}
	}
	c.targets[group] = targets
}

// VAGUpdate sets how many disk sets a group has: a power of two up to 32768. Errors: [ObjectDoesNotExist],
// [InvalidParam].
func (c *Cluster) VAGUpdate(id uint64, targets int) error {
	c.lock()
	defer c.mu.Unlock()
	if !validTargets(targets) {
		return refuse(InvalidParam, "Invalid targetsCount %d", targets)
	}
	first, err := c.founder(id)
	if err != nil {
		return err
	}
	c.spread(first.VAG, targets)
	c.recount()
	c.changed()
	return nil
}
