package cluster

import (
	"cmp"
	"slices"
)

// Export is a permission that a cluster gives: to a location to read a snapshot, or to a sub-cluster to attach a volume.
type Export struct {
	Name      string // of the snapshot or volume, as shown
	GlobalID  string
	VisibleID int64
	Location  string // name
	BackingUp bool   // it belongs to a backup under way
	ToCluster string // id of the sub-cluster, for a volume
}

// RemoteObject is a snapshot that another location exports to this cluster, or a volume that another sub-cluster does.
type RemoteObject struct {
	Name          string // of the snapshot there; for a backup of a volume that of the volume
	Location      string // name
	GlobalID      string
	Size          int64 // bytes
	Created       int64 // UNIX seconds
	Tags          Tags
	OnVolume      string // our volume that it was made of, "" when there is none
	LocalSnapshot string // our copy, "" when there is none
	CreatedFrom   string // global id of the volume that it was taken of, its own when there is none
	CreatedFromID int64
}

// SnapshotExport lets a location read a snapshot (storpool-api 10). Errors: [ObjectDoesNotExist]; [ObjectExists] when it
// is exported there already; [InvalidParam] for the cluster's own location and for a transient snapshot.
func (c *Cluster) SnapshotExport(ref Ref, location string) error {
	c.lockAll()
	defer c.mu.Unlock()
	n, err := c.snapshot(ref)
	if err != nil {
		return err
	}
	l, err := c.otherLocation(location)
	if err != nil {
		return err
	}
	if err := c.exportSnapshot(n, l); err != nil {
		return err
	}
	c.changed()
	return nil
}

func (c *Cluster) exportSnapshot(n *node, l *Location) error {
	switch {
	case n.obj.Load().Snap.Transient:
		return refuse(InvalidParam, "Snapshot '%s' is transient", n.shown())
	case n.exportedTo(l.ID):
		return refuse(ObjectExists, "Snapshot '%s' is already exported to location '%s'", n.shown(), l.Name)
	}
	c.permit(n, export{to: l.ID})
	return nil
}

// permit adds an export of a snapshot and shows it.
func (c *Cluster) permit(n *node, e export) {
	n.addExport(e)
	c.showExported(n)
}

// showExported publishes whether a snapshot is exported.
func (c *Cluster) showExported(n *node) {
	info := n.obj.Load().Info
	if info.Snap == nil || info.Snap.Exported == (len(n.exports()) > 0) {
		return
	}
	s := *info.Snap
	s.Exported, info.Snap = !s.Exported, &s
	c.publish(n, info)
}

// Unexport says which exports of a snapshot to withdraw.
type Unexport struct {
	Location string
	All      bool // from every location
	Force    bool // although a copy is not complete, which then loses what has not arrived
}

// SnapshotUnexport withdraws the export of a snapshot to a location, or with All every one; then it is no error that there
// is none. Errors: [ObjectDoesNotExist]; [InvalidParam], also while a copy is not complete, unless forced.
func (c *Cluster) SnapshotUnexport(ref Ref, u Unexport) error {
	c.lockAll()
	defer c.mu.Unlock()
	n, err := c.snapshot(ref)
	if err != nil {
		return err
	}
	ids, err := c.locationsOf(n, u)
	if err != nil {
		return err
	}
	var broken []*transfer
	for _, t := range n.readers() {
		if !slices.Contains(ids, locationOf(t.copy.home().id)) {
			continue
		}
		if !u.Force {
			return refuse(InvalidParam, "Snapshot '%s' is being copied by location '%s'", n.shown(),
				c.locationName(locationOf(t.copy.home().id)))
		}
		broken = append(broken, t)
	}
	for _, id := range ids {
		n.dropExport(id)
	}
	for _, t := range broken {
		t.tear(c.now())
	}
	if len(ids) > 0 && !n.gone.Load() {
		c.showExported(n)
		c.reconsider(n)
		c.changed()
	}
	return nil
}

// locationsOf lists the ids of the locations that a request is about.
func (c *Cluster) locationsOf(n *node, u Unexport) (ids []string, err error) {
	if u.All {
		for _, e := range n.exports() {
			ids = append(ids, e.to)
		}
		return ids, nil
	}
	if u.Location == "" {
		return nil, refuse(InvalidParam, "Neither location nor all is given")
	}
	l, err := c.sites.location(u.Location)
	if err != nil {
		return nil, err
	}
	if !n.exportedTo(l.ID) {
		return nil, refuse(ObjectDoesNotExist, "Snapshot '%s' is not exported to location '%s'", n.shown(), l.Name)
	}
	return []string{l.ID}, nil
}

// Exports lists the exports of snapshots, by snapshot in order of creation, then by location id.
func (c *Cluster) Exports() []Export {
	c.lockAll()
	defer c.mu.Unlock()
	var all []Export
	for _, n := range c.exporters() {
		o := n.obj.Load()
		if !o.IsSnapshot() {
			continue
		}
		for _, e := range n.exports() {
			all = append(all, Export{
				Name: o.Name, GlobalID: o.GlobalID, VisibleID: o.VisibleID, Location: c.locationName(e.to), BackingUp: e.backup,
			})
		}
	}
	return all
}

// VolumeExports lists the exports of volumes to other sub-clusters, on request and by attachments, by volume in order of
// creation, then by cluster id.
func (c *Cluster) VolumeExports() []Export {
	c.lockAll()
	defer c.mu.Unlock()
	var all []Export
	for _, n := range c.exporters() {
		o := n.obj.Load()
		if o.IsSnapshot() {
			continue
		}
		for _, id := range n.reachedBy() {
			all = append(all, Export{
				Name: o.Name, GlobalID: o.GlobalID, VisibleID: o.VisibleID, Location: c.locationName(locationOf(id)), ToCluster: id,
			})
		}
	}
	return all
}

// exporters lists what is exported, snapshots to locations and volumes to clusters, in order of creation.
func (c *Cluster) exporters() []*node {
	all := make([]*node, 0, len(c.exporting))
	for n := range c.exporting {
		all = append(all, n)
	}
	for _, m := range c.siblings() {
		if m == c {
			continue
		}
		m.attachments.Scan(func(_ int64, a *Attachment) bool {
			if n := a.node; n.home() == c && !n.obj.Load().IsSnapshot() && !slices.Contains(all, n) {
				all = append(all, n)
			}
			return true
		})
	}
	slices.SortFunc(all, func(a, b *node) int { return cmp.Compare(a.id(), b.id()) })
	return all
}

// RemoteSnapshots lists the snapshots that other locations export to this one, our backups over there included
// (storpool-api 10).
func (c *Cluster) RemoteSnapshots() []RemoteObject {
	c.lockAll()
	defer c.mu.Unlock()
	var all []RemoteObject
	for _, m := range c.fed.members {
		if locationOf(m.id) == locationOf(c.id) || c.reach(m) != nil {
			continue
		}
		for _, n := range m.exporters() {
			if n.obj.Load().IsSnapshot() && n.exportedTo(locationOf(c.id)) {
				all = append(all, c.seen(n))
			}
		}
	}
	return all
}

// RemoteVolumes lists the volumes that other sub-clusters export to this one.
func (c *Cluster) RemoteVolumes() []RemoteObject {
	c.lockAll()
	defer c.mu.Unlock()
	var all []RemoteObject
	for _, m := range c.reachable() {
		if m == c {
			continue
		}
		for _, n := range m.exporters() {
			if !n.obj.Load().IsSnapshot() && slices.Contains(n.reachedBy(), c.id) {
				all = append(all, c.seen(n))
			}
		}
	}
	return all
}

// seen is an object of another cluster as this one sees it.
func (c *Cluster) seen(n *node) RemoteObject {
	o := n.obj.Load()
	r := RemoteObject{
		Name: o.Name, Location: c.locationName(locationOf(n.home().id)), GlobalID: o.GlobalID, Size: o.Size, Created: o.Created,
		Tags: o.Tags, CreatedFrom: o.GlobalID, CreatedFromID: o.VisibleID,
	}
	s := o.Snap
	if s == nil {
		return r
	}
	if s.CreatedFrom != "" {
		r.CreatedFrom, r.CreatedFromID = s.CreatedFrom, s.CreatedFromID
	}
	switch {
	case s.BackupName != "":
		r.Name = s.BackupName
	case s.AutoName: // holds a character that names of volumes have not
		r.Name = "~" + o.GlobalID
	}
	if v := c.byGlobalID(r.CreatedFrom); v != nil && !v.obj.Load().IsSnapshot() {
		r.OnVolume = v.shown()
	}
	if l := c.byGlobalID(o.GlobalID); l != nil {
		r.LocalSnapshot = l.shown()
	}
	return r
}

// RemoteUnexport gives up a snapshot of another location.
type RemoteUnexport struct {
	Location string
	GlobalID string
	Schedule Schedule // its deletion over there, if that location grants it; nil and 0 leave it alone
}

// SnapshotsRemoteUnexport gives up snapshots of other locations, all or none. Where the other side grants deferred
// deletions to us, they are deleted there in time, not before the delay that it has set (storpool-api 10). Errors:
// [ObjectDoesNotExist], [InvalidParam], [Unreachable].
func (c *Cluster) SnapshotsRemoteUnexport(items []RemoteUnexport) error {
	c.lockAll()
	defer c.mu.Unlock()
	nodes := make([]*node, len(items))
	for i, u := range items {
		var err error
		if nodes[i], err = c.abandoned(u); err != nil {
			return err
		}
		if slices.Contains(nodes[:i], nodes[i]) {
			return refuse(InvalidParam, "Snapshot '~%s' is listed twice", u.GlobalID)
		}
	}
	for i, n := range nodes {
		m := n.home()
		n.dropExport(locationOf(c.id))
		m.showExported(n)
		m.deleteLater(n, items[i].Schedule, locationOf(c.id))
		m.reconsider(n)
		m.changed()
	}
	if len(items) > 0 {
		c.changed()
	}
	return nil
}

func (c *Cluster) abandoned(u RemoteUnexport) (*node, error) {
	l, err := c.otherLocation(u.Location)
	if err != nil {
		return nil, err
	}
	s := u.Schedule
	if s.DeleteAfter != nil && s.TargetDeleteDate != nil || s.DeleteAfter != nil && *s.DeleteAfter < 0 ||
		s.TargetDeleteDate != nil && *s.TargetDeleteDate < 0 {
		return nil, refuse(InvalidParam, "Invalid deleteAfter or targetDeleteDate")
	}
	n, err := c.offered(u.GlobalID, l)
	if err != nil {
		return nil, err
	}
	for _, t := range n.readers() {
		if t.copy.home() == c {
			return nil, refuse(InvalidParam, "Snapshot '~%s' is being copied", u.GlobalID)
		}
	}
	return n, c.give(n.home())
}

// deleteLater plans the deletion that a location asks for, if we grant it one.
func (c *Cluster) deleteLater(n *node, s Schedule, location string) {
	delay, granted := c.grants(location)
	now := c.now().Unix()
	var date int64
	switch {
	case s.DeleteAfter != nil && *s.DeleteAfter > 0:
		date = now + min(*s.DeleteAfter, never/int64(1_000_000_000)-now)
	case s.TargetDeleteDate != nil:
		date = min(*s.TargetDeleteDate, never/int64(1_000_000_000))
	}
	if date != 0 && granted {
		c.setDate(n, max(date, now+delay))
	}
}

// grants is the smallest delay of a deletion, in seconds, that a location may ask of us, if it may ask for any.
func (c *Cluster) grants(location string) (delay int64, granted bool) {
	for _, b := range c.sites.bridges {
		if d := b.MinimumDeleteDelay; b.location == location && d != nil && (!granted || *d < delay) {
			delay, granted = *d, true
		}
	}
	return delay, granted
}
