package cluster

import (
	"cmp"
	"slices"
)

// RemoteSpec asks for a copy of a snapshot that another location exports to this cluster (storpool-api 10).
type RemoteSpec struct {
	GlobalID string // of the snapshot, without tilde; the copy keeps it
	Location string // name
	Name     string // "" makes a nameless snapshot; a volume needs one
	Template string
	Policy   Policy
	Tags     map[string]string
	Export   bool // export the copy back to the location
}

// SnapshotFromRemote starts to copy a snapshot that a location exports to us. The copy has the global id of the original
// and can be used at once; it is recovering until all has arrived. Errors: [ObjectExists] when it is here already or the
// name is taken; [ObjectDoesNotExist] for an unknown location and for what is not exported to us; [InvalidParam];
// [InsufficientResources].
func (c *Cluster) SnapshotFromRemote(spec RemoteSpec) error {
	c.lockAll()
	defer c.mu.Unlock()
	f, err := c.fetch(spec)
	if err != nil {
		return err
	}
	n := c.copyOf(f, SnapshotInfo{Slave: true})
	if spec.Export {
		c.permit(n, export{to: f.location})
	}
	c.receive(f.source, n, false)
	c.changed()
	return nil
}

// VolumeFromRemote is SnapshotFromRemote that ends in a new volume. The snapshot below it is transient and goes when all
// has arrived; with Export it stays. Errors as of SnapshotFromRemote.
func (c *Cluster) VolumeFromRemote(spec RemoteSpec) error {
	if spec.Name == "" {
		return refuse(InvalidParam, "The volume needs a name")
	}
	c.lockAll()
	defer c.mu.Unlock()
	f, err := c.fetch(spec)
	if err != nil {
		return err
	}
	f.name = ""
	n := c.copyOf(f, SnapshotInfo{Slave: spec.Export, Transient: !spec.Export})
	image, err := n.image.Clone(f.size)
	if err != nil {
		return err
	}
	id, anonymous := c.identify()
	v := &node{image: image}
	v.link(n)
	c.publish(v, Info{
		Settings: f.settings, GlobalID: anonymous[1:], Name: spec.Name, Size: f.size, Created: c.now().Unix(), VisibleID: id,
		Tags: f.tags, parent: n,
	})
	if spec.Export {
		c.permit(n, export{to: f.location})
	}
	c.receive(f.source, n, false)
	c.changed()
	return nil
}

// fetched is a checked request for a copy.
type fetched struct {
	source   *node
	location string // id
	name     string
	size     int64
	settings *Settings
	tags     Tags
}

func (c *Cluster) fetch(spec RemoteSpec) (f fetched, err error) {
	if !validGlobalID(spec.GlobalID) {
		return f, refuse(InvalidParam, "Invalid global id '%s'", spec.GlobalID)
	}
	l, err := c.otherLocation(spec.Location)
	if err != nil {
		return f, err
	}
	if slices.ContainsFunc(c.siblings(), func(m *Cluster) bool { return m.holds(spec.GlobalID) }) {
		return f, refuse(ObjectExists, "Snapshot '~%s' already exists", spec.GlobalID)
	}
	if f.source, err = c.offered(spec.GlobalID, l); err != nil {
		return f, err
	}
	if err := c.checkNew(spec.Name, spec.Tags); err != nil {
		return f, err
	}
	var t *template
	if spec.Template != "" {
		if t, err = c.template(spec.Template); err != nil {
			return f, err
		}
	}
	if f.settings, err = c.resolve(spec.Policy, t, nil); err != nil {
		return f, err
	}
	f.location, f.name, f.tags = l.ID, spec.Name, Tags{}.merge(spec.Tags)
	f.size = f.source.obj.Load().Size
	return f, c.checkSize(f.size, f.settings)
}

// offered finds a snapshot that a location exports to us. Errors: [ObjectDoesNotExist], [Unreachable].
func (c *Cluster) offered(gid string, l *Location) (*node, error) {
	all, err := c.clustersAt(l)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if n := m.byGlobalID(gid); n != nil && n.obj.Load().IsSnapshot() && n.exportedTo(locationOf(c.id)) {
			if err := c.reach(m); err != nil {
				return nil, err
			}
			return n, nil
		}
	}
	return nil, refuse(ObjectDoesNotExist, "Location '%s' exports no snapshot '~%s'", l.Name, gid)
}

// copyOf makes a snapshot with the contents of another cluster's; s holds what is special about it.
func (c *Cluster) copyOf(f fetched, s SnapshotInfo) *node {
	o := f.source.obj.Load()
	n := &node{image: f.source.image.Copy()}
	s.Recovering = true
	s.CreatedFrom, s.CreatedFromID = o.Snap.CreatedFrom, o.Snap.CreatedFromID
	if v := c.byGlobalID(s.CreatedFrom); v != nil && !v.obj.Load().IsSnapshot() {
		s.source = v
	}
	c.enter(n, nil, Info{
		Settings: f.settings, GlobalID: o.GlobalID, Name: cmp.Or(f.name, "~"+o.GlobalID), Size: o.Size, Created: o.Created,
		VisibleID: c.arrive(n, o.GlobalID), Tags: f.tags, Snap: &s,
	})
	return n
}

// SnapshotReconcile makes a copy from another location a proper member of this cluster (storpool-api 10). For any other
// snapshot it changes nothing. Error: [ObjectDoesNotExist].
func (c *Cluster) SnapshotReconcile(ref Ref) error {
	c.lock()
	defer c.mu.Unlock()
	n, err := c.snapshot(ref)
	if err != nil {
		return err
	}
	info := n.obj.Load().Info
	if !info.Snap.Slave {
		return nil
	}
	s := *info.Snap
	s.Slave, info.Snap = false, &s
	c.publish(n, info)
	c.changed()
	return nil
}

// Backup is the outcome of a backup for one volume.
type Backup struct {
	Volume   string // name as shown
	GlobalID string // of the snapshot, here while it is being copied and over there
}

// VolumesBackup takes snapshots of volumes at one moment, all or none, and copies them to a location, which exports them
// back to us; here they go when they have arrived (storpool-api 10). The tags are for every snapshot. Errors:
// [ObjectDoesNotExist], [InvalidParam], [Unreachable].
func (c *Cluster) VolumesBackup(location string, spec GroupSpec) ([]Backup, error) {
	c.lockAll()
	defer c.mu.Unlock()
	l, err := c.otherLocation(location)
	if err != nil {
		return nil, err
	}
	at, err := c.clustersAt(l)
	if err != nil {
		return nil, err
	}
	to := at[0]
	if err := c.give(to); err != nil {
		return nil, err
	}
	g, err := c.group(spec)
	if err != nil {
		return nil, err
	}
	settings, err := to.resolve(Policy{}, nil, nil)
	if err != nil {
		return nil, err
	}
	made, err := g.snap()
	if err != nil {
		return nil, err
	}
	all := make([]Backup, len(made))
	for i, n := range made {
		v, home := g.volumes[i].obj.Load(), n.home()
		home.permit(n, export{to: l.ID, backup: true})
		o := n.obj.Load()
		all[i] = Backup{Volume: v.Name, GlobalID: o.GlobalID}
		k := to.copyOf(fetched{source: n, size: o.Size, settings: settings, tags: o.Tags}, SnapshotInfo{
			Backup: true, BackupOf: v.GlobalID, BackupOfID: v.VisibleID, BackupName: v.Name,
		})
		to.receive(n, k, true)
		to.changed()
		home.changed()
	}
	return all, nil
}
