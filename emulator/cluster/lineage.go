package cluster

import (
	"slices"
	"strings"
	"time"
)

// discard deletes a snapshot that is not attached, at once or as soon as its children and the delay permit.
func (c *Cluster) discard(n *node) {
	if n.child == nil || !n.crowded() && !n.arriving() && c.does.DeleteDelay == 0 {
		c.remove(n)
		return
	}
	info := n.obj.Load().Info
	s := *info.Snap
	s.Deleted, s.TargetDeleteDate = true, 0
	info.Name = "*" + strings.TrimPrefix(info.Name, "~")
	info.Tags = Tags{}
	info.Snap = &s
	if s.DeleteBlocked = n.blockedBy(); s.DeleteBlocked != "" {
		c.publish(n, info)
		return
	}
	c.publish(n, info)
	c.appoint(c.now().Add(c.does.DeleteDelay), n, dueMerge)
}

// Values of DeleteBlocked.
const (
	blockedByChildren = "multiple children"      // two or more (storpool-api 6.5)
	blockedByCopy     = "recovering from remote" // its contents are still on their way
)

// blockedBy tells why a snapshot with children cannot be merged into them, "" when it can.
func (n *node) blockedBy() string {
	switch {
	case n.crowded():
		return blockedByChildren
	case n.arriving():
		return blockedByCopy
	}
	return ""
}

// letPass makes a transient snapshot vanish after its lifetime.
func (c *Cluster) letPass(n *node) {
	if c.does.TransientLifetime == 0 {
		c.remove(n)
		return
	}
	c.appoint(c.now().Add(c.does.TransientLifetime), n, dueVanish)
}

// remove takes a volume or snapshot away. Its children get its parent and keep what they show.
func (c *Cluster) remove(n *node) {
	parent := n.parent()
	for n.child != nil {
		c.reparentTo(n.child, parent)
	}
	n.link(nil)
	n.image.Delete()
	c.withdraw(n)
	c.reconsider(parent)
}

// reconsider looks at a snapshot again that has lost a child or an attachment, or changed its flags: a
// deleted one may be merged now, a bound or transient one without children goes, one that is overdue as well.
func (c *Cluster) reconsider(n *node) {
	if n == nil {
		return
	}
	o := n.obj.Load()
	if n.gone.Load() || !o.IsSnapshot() || n.kept() {
		return
	}
	switch s := o.Snap; {
	case s.Deleted:
		c.resume(n)
	case (s.Bound || s.Transient) && n.child == nil:
		c.remove(n)
	case s.TargetDeleteDate != 0 && s.TargetDeleteDate <= c.now().Unix():
		c.discard(n)
	}
}

// resume goes on with a deletion that its children had blocked.
func (c *Cluster) resume(n *node) {
	switch {
	case n.child == nil:
		c.remove(n)
	case n.blockedBy() != "":
		c.block(n, n.blockedBy())
	case c.does.DeleteDelay == 0:
		c.remove(n)
	default:
		c.block(n, "")
		c.appoint(c.now().Add(c.does.DeleteDelay), n, dueMerge)
	}
}

// merge ends a deletion whose delay is over, unless the snapshot has got more children meanwhile.
func (c *Cluster) merge(n *node) {
	if why := n.blockedBy(); why != "" && n.child != nil {
		c.block(n, why)
		return
	}
	c.remove(n)
}

// block publishes why a deletion does not progress.
func (c *Cluster) block(n *node, why string) {
	info := n.obj.Load().Info
	if info.Snap.DeleteBlocked == why {
		return
	}
	s := *info.Snap
	s.DeleteBlocked, info.Snap = why, &s
	c.publish(n, info)
}

// VolumeRevert throws the contents of a volume away and gives it those of any snapshot; its size stays
// unless revertSize is true (storpool-api 6.6). Errors: [ObjectDoesNotExist], [Busy] while it is attached.
func (c *Cluster) VolumeRevert(ref, to Ref, revertSize bool) error {
	c.lock()
	defer c.mu.Unlock()
	return c.revert(ref, to, revertSize, c.snapshot)
}

// VolumeRevertAnywhere is VolumeRevert to a snapshot that may live in another cluster of the multi-cluster; then the
// volume gets its contents and no parent.
func (c *Cluster) VolumeRevertAnywhere(ref, to Ref, revertSize bool) error {
	c.lockAll()
	defer c.mu.Unlock()
	return c.revert(ref, to, revertSize, func(ref Ref) (*node, error) { return c.findAnywhere(ref, "Snapshot", true) })
}

func (c *Cluster) revert(ref, to Ref, revertSize bool, find func(Ref) (*node, error)) error {
	v, err := c.volume(ref)
	if err != nil {
		return err
	}
	s, err := find(to)
	if err != nil {
		return err
	}
	if len(v.held) > 0 && !c.does.RevertAttached {
		return refuse(Busy, "Volume '%s' is attached", v.shown())
	}
	if s.home() != c && s.recovering() {
		return refuse(Busy, "'%s' is being copied", s.shown())
	}
	if err := v.image.Revert(s.image, revertSize); err != nil {
		return err
	}
	if s.home() != c {
		v.image.Secede()
		s = nil
	}
	former := v.parent()
	info := v.obj.Load().Info
	info.Size = v.image.Size()
	info.parent = s
	if c.does.RevertResetsLimits {
		info.Settings = c.withTemplateLimits(info.Settings)
	}
	v.link(s)
	c.publish(v, info)
	c.reconsider(former)
	c.changed()
	return nil
}

// VolumeFreeze turns a volume into a snapshot of the same name, global id and tags (storpool-api 6.7).
// Attachments with ro rights stay. Errors: [ObjectDoesNotExist], [InvalidParam], [Busy] while it is
// attached rw or an iSCSI target.
func (c *Cluster) VolumeFreeze(ref Ref, schedule Schedule) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.volume(ref)
	if err != nil {
		return err
	}
	if err := c.unexported(n); err != nil {
		return err
	}
	date, err := c.date(schedule, 0)
	if err != nil {
		return err
	}
	for _, b := range n.held {
		if b.view.Rights == ReadWrite {
			return refuse(Busy, "Volume '%s' is attached", n.shown())
		}
	}
	if err := n.image.Freeze(); err != nil {
		return err
	}
	for _, e := range slices.Clone(n.exports()) { // of a volume to clusters, of a snapshot to locations
		n.dropExport(e.to)
	}
	info := n.obj.Load().Info
	info.Snap = &SnapshotInfo{TargetDeleteDate: date}
	c.publish(n, info)
	for _, b := range n.held {
		b.rebind(ReadOnly)
	}
	if date != 0 {
		c.appoint(time.Unix(date, 0), n, dueDate)
	}
	c.changed()
	return nil
}

// VolumeRebase gives a volume another of its ancestors as its parent, or none when parent is "". What it
// shows does not change (storpool-api 6.7). Errors: [ObjectDoesNotExist], [InvalidParam].
func (c *Cluster) VolumeRebase(ref, parent Ref) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.volume(ref)
	if err != nil {
		return err
	}
	return c.rebase(n, parent)
}

// SnapshotRebase is VolumeRebase of a snapshot.
func (c *Cluster) SnapshotRebase(ref, parent Ref) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.snapshot(ref)
	if err != nil {
		return err
	}
	return c.rebase(n, parent)
}

func (c *Cluster) rebase(n *node, ref Ref) error {
	former := n.parent()
	var to *node
	if ref != "" {
		var err error
		if to, err = c.snapshot(ref); err != nil {
			return err
		}
	}
	if to == former {
		return nil
	}
	if former.recovering() {
		return refuse(Busy, "'%s' is being copied", former.shown())
	}
	if to == nil {
		if err := n.image.Rebase(nil); err != nil {
			return err
		}
	} else if n.image.Rebase(to.image) != nil {
		return refuse(InvalidParam, "Snapshot '%s' is not an ancestor of '%s'", ref, n.shown())
	}
	c.reparentTo(n, to)
	c.reconsider(former)
	c.changed()
	return nil
}

// VolumeAbandonDisk acknowledges that the copies of a volume or snapshot on a disk are given up.
func (c *Cluster) VolumeAbandonDisk(ref Ref, id int) error {
	c.rlock()
	defer c.mu.RUnlock()
	if !validRef(ref) {
		return refuse(InvalidParam, "Invalid volume name '%s'", ref)
	}
	if c.node(ref) == nil {
		return missing("Volume", string(ref))
	}
	_, err := c.disk(id)
	return err
}
