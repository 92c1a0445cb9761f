package cluster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// holds tells whether the cluster has an object with this global id, if only one that is being deleted.
func (c *Cluster) holds(gid string) bool {
	if c.foreign[gid] != nil {
		return true
	}
	id, ours := c.numberIn(gid)
	return ours && c.byID(id) != nil
}

// numberIn returns the VisibleID in a global id that this cluster has made.
func (c *Cluster) numberIn(gid string) (id int64, ours bool) {
	seq, ours := strings.CutPrefix(gid, c.id+".")
	if !ours {
		return 0, false
	}
	id, err := strconv.ParseInt(seq, 36, 64)
	return id, err == nil
}

// arrive returns the VisibleID of a node that another cluster has made, or that comes home.
func (c *Cluster) arrive(n *node, gid string) int64 {
	if id, ours := c.numberIn(gid); ours {
		return id
	}
	c.lastID++
	c.foreign[gid] = n
	return c.lastID
}

// checkMove refuses to bring a volume or snapshot from another sub-cluster here. Errors: [Busy], [ObjectExists],
// [InsufficientResources], [Unreachable].
func (c *Cluster) checkMove(n *node) error {
	o := n.obj.Load()
	if err := c.give(n.home()); err != nil {
		return err
	}
	switch {
	case o.IsSnapshot() && len(n.exports()) > 0:
		return refuse(Busy, "Snapshot '%s' is still exported", o.Name)
	case o.IsSnapshot() && o.Snap.Transient:
		return refuse(Busy, "Snapshot '%s' is transient", o.Name)
	case n.recovering():
		return refuse(Busy, "'%s' is being copied", o.Name)
	case c.holds(o.GlobalID):
		return refuse(ObjectExists, "'~%s' already exists", o.GlobalID)
	}
	if err := n.home().unexported(n); err != nil {
		return err
	}
	if addressable(o.Name) {
		if err := c.checkFree(o.Name); err != nil {
			return err
		}
	}
	return c.checkSize(o.Size, c.resettled(o.Settings))
}

// resettled are the settings of another cluster as they are here: placement groups and a template that this cluster
// does not have give way to its defaults.
func (c *Cluster) resettled(s *Settings) *Settings {
	out := *s
	out.Template, out.TemplateID = "", 0
	if t, err := c.template(s.Template); err == nil {
		out.Template, out.TemplateID = t.name, t.id
	}
	for _, g := range []*string{&out.PlaceAll, &out.PlaceTail, &out.PlaceHead} {
		if c.groups[*g] == nil {
			*g = defaultGroup
		}
	}
	return c.share(out)
}

// rehome moves a node here, with its attachments. What is made from a moved snapshot stays where it is and keeps what
// it shows of it; the moved object has no parent any more.
func (c *Cluster) rehome(n *node) {
	from, o := n.home(), n.obj.Load()
	parent := n.parent()
	for n.child != nil {
		from.reparentTo(n.child, parent)
	}
	n.link(nil)
	n.image.Secede()
	for _, t := range from.templates {
		if t.parent == n {
			t.parent = nil
		}
	}
	from.leave(n, o)
	info := o.Info
	info.parent, info.Settings = nil, c.resettled(o.Settings)
	info.VisibleID = c.arrive(n, o.GlobalID)
	stays := slices.Clone(n.exports())
	for _, e := range stays {
		n.dropExport(e.to)
	}
	c.enter(n, nil, info)
	for _, e := range stays {
		if e.to != c.id {
			n.addExport(e)
		}
	}
	if s := info.Snap; s != nil && s.TargetDeleteDate != 0 {
		c.appoint(time.Unix(s.TargetDeleteDate, 0), n, dueDate)
	}
	from.reconsider(parent)
}

// VolumeAcquire moves a volume from the sub-cluster where it lives to this one; nothing happens when it is here. While
// it is attached there on decides: "" and [OnAttachedFail] refuse, [OnAttachedExport] moves it and leaves the
// attachments (storpool-api 9). Errors: [ObjectDoesNotExist], [Busy], [ObjectExists], [InvalidParam].
func (c *Cluster) VolumeAcquire(ref Ref, on OnAttached) error {
	c.lockAll()
	defer c.mu.Unlock()
	n, err := c.findAnywhere(ref, "Volume", false)
	if err != nil || n.home() == c {
		return err
	}
	return c.bring(n, on)
}

// VolumeMoveToRemote moves a volume to another sub-cluster, named by name or, behind a tilde, by id. Attachments as
// of [Cluster.VolumeAcquire]. Errors: [ObjectDoesNotExist], [Busy], [ObjectExists], [InvalidParam].
func (c *Cluster) VolumeMoveToRemote(ref Ref, to string, on OnAttached) error {
	return c.moveTo(ref, to, on, c.volume)
}

// SnapshotMoveToRemote is VolumeMoveToRemote of a snapshot. What was made from it stays, and keeps what it shows.
func (c *Cluster) SnapshotMoveToRemote(ref Ref, to string, on OnAttached) error {
	return c.moveTo(ref, to, on, c.snapshot)
}

func (c *Cluster) moveTo(ref Ref, to string, on OnAttached, find func(Ref) (*node, error)) error {
	c.lockAll()
	defer c.mu.Unlock()
	n, err := find(ref)
	if err != nil {
		return err
	}
	m, err := c.sibling(to)
	if err != nil {
		return err
	}
	if err := c.give(m); err != nil {
		return err
	}
	return m.bring(n, on)
}

// sibling finds another sub-cluster of the multi-cluster. Errors: [ObjectDoesNotExist], [InvalidParam],
// [Unreachable].
func (c *Cluster) sibling(name string) (*Cluster, error) {
	m, err := c.peer(name)
	if err != nil {
		return nil, err
	}
	if m == c || locationOf(m.id) != locationOf(c.id) {
		return nil, refuse(InvalidParam, "'%s' is not another cluster of the multi-cluster", name)
	}
	return m, nil
}

// bring moves a node here, in accordance with its attachments.
func (c *Cluster) bring(n *node, on OnAttached) error {
	if err := c.checkMove(n); err != nil {
		return err
	}
	stay := false
	switch on {
	case "", OnAttachedFail:
		if len(n.held) > 0 {
			return refuse(Busy, "'%s' is attached", n.shown())
		}
	case OnAttachedDetach:
		for _, b := range n.held {
			if b.open.Load() > 0 {
				return b.busy()
			}
		}
	case OnAttachedDetachForce:
	case OnAttachedExport:
		stay = true
	default:
		return refuse(InvalidParam, "Invalid choice '%s' for an object that is attached", on)
	}
	for !stay && len(n.held) > 0 {
		n.held[0].unbind()
	}
	from := n.home()
	c.rehome(n)
	from.changed()
	c.changed()
	return nil
}

// VolumeExport lets the clients of another sub-cluster attach a volume that stays here (storpool-api 9). Errors:
// [ObjectDoesNotExist], [ObjectExists], [InvalidParam].
func (c *Cluster) VolumeExport(ref Ref, to string) error {
	c.lockAll()
	defer c.mu.Unlock()
	n, err := c.volume(ref)
	if err != nil {
		return err
	}
	m, err := c.sibling(to)
	if err != nil {
		return err
	}
	if n.exportedTo(m.id) {
		return refuse(ObjectExists, "Volume '%s' is already exported to cluster '%s'", n.shown(), to)
	}
	n.addExport(export{to: m.id})
	c.changed()
	return nil
}

// reachedBy lists the clusters that a volume is exported to, by id: on request, or since it is attached there.
func (n *node) reachedBy() (ids []string) {
	for _, e := range n.exports() {
		ids = append(ids, e.to)
	}
	for _, b := range n.held {
		if b.at != n.home() {
			ids = append(ids, b.at.id)
		}
	}
	slices.SortFunc(ids, cmp.Compare)
	return slices.Compact(ids)
}
