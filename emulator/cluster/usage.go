package cluster

import "slices"

// Space returns the space figures of a volume or snapshot (storpool-api 6.8); those of one that is gone are
// zero.
func (c *Cluster) Space(o *Object) Space {
	c.rlock()
	image := o.node.image
	c.mu.RUnlock()
	switch {
	case image == nil:
		return Space{}
	case o.IsSnapshot():
		return Space{Stored: image.Stored(), Used: image.Freed()}
	}
	return Space{Stored: image.Stored(), Used: image.Used()}
}

// usage counts what is on the disks, from objects as they were at one moment.
type usage struct {
	placer *placer
	disks  []Disk // all, by id, with what they hold
	full   map[int]bool
	loads  map[*Settings]*load
}

// load adds up the objects with the same settings. objects[i] and bytes[i] are of disk set i.
type load struct {
	sets    [][]int
	objects []int64
	bytes   []int64
}

// usage walks all volumes and snapshots without holding up anybody; visit is called for each.
func (c *Cluster) usage(visit func(o *Object, stored int64)) *usage {
	c.lock()
	u := &usage{placer: c.placer(), full: c.fullDisks(), loads: map[*Settings]*load{}}
	for _, d := range c.disks {
		u.disks = append(u.disks, d.Disk)
	}
	lists := []List[*Object]{{c.volumes.Copy()}, {c.snapshots.Copy()}}
	c.mu.Unlock()
	for _, l := range lists {
		for o := range l.All() {
			stored := c.stored(o)
			u.add(o, stored)
			visit(o, stored)
		}
	}
	u.settle()
	return u
}

func (c *Cluster) stored(o *Object) int64 {
	c.mu.RLock()
	image := o.node.image
	c.mu.RUnlock()
	if image == nil {
		return 0
	}
	return image.Stored()
}

func (u *usage) add(o *Object, stored int64) {
	l := u.loads[o.Settings]
	if l == nil {
		sets := u.placer.setsOf(o.Settings)
		l = &load{sets: sets, objects: make([]int64, len(sets)), bytes: make([]int64, len(sets))}
		u.loads[o.Settings] = l
	}
	n := int64(len(l.sets))
	if n == 0 {
		return
	}
	for i := range l.sets {
		l.objects[i] += o.ObjectsCount() / n
		l.bytes[i] += stored / n
	}
	for k := range o.ObjectsCount() % n {
		l.objects[(o.VisibleID+k)%n]++
	}
	l.bytes[o.VisibleID%n] += stored % n
}

// settle turns the loads of the disk sets into figures of the disks.
func (u *usage) settle() {
	objects, bytes := map[int]int64{}, map[int]int64{}
	for _, l := range u.loads {
		for i, set := range l.sets {
			for _, id := range set {
				objects[id] += l.objects[i]
				bytes[id] += l.bytes[i]
			}
		}
	}
	for i := range u.disks {
		d := &u.disks[i]
		d.ObjectsAllocated = objects[d.ID]
		d.ObjectsCount = max(d.ObjectsCount, d.ObjectsAllocated)
		d.OnDiskSize = bytes[d.ID]
		d.AGAllocated = min((d.OnDiskSize/dataOf*rawOf+agSize-1)/agSize, d.AGCount)
		d.EntriesAllocated = min((d.OnDiskSize+entrySize-1)/entrySize, d.EntriesCount)
		if u.full[d.ID] {
			d.AGAllocated, d.EntriesAllocated = d.AGCount, d.EntriesCount
		}
	}
}

// Disks lists the disks by id.
func (c *Cluster) Disks() []Disk {
	return c.usage(func(*Object, int64) {}).disks
}

// Disk returns one disk. Error: [ObjectDoesNotExist].
func (c *Cluster) Disk(id int) (Disk, error) {
	disks := c.Disks()
	i := slices.IndexFunc(disks, func(d Disk) bool { return d.ID == id })
	if i < 0 {
		return Disk{}, refuse(ObjectDoesNotExist, "Disk %d does not exist", id)
	}
	return disks[i], nil
}

// TemplateStatus returns the usage and capacity of every template, in order of creation (storpool-api 8).
func (c *Cluster) TemplateStatus() []TemplateStatus {
	templates := c.Templates()
	all := make([]TemplateStatus, len(templates))
	of := map[int64]*TemplateStatus{}
	for i, t := range templates {
		all[i].Template = t
		of[t.ID] = &all[i]
	}
	parents := map[*node]bool{}
	var snapshots []*Object
	u := c.usage(func(o *Object, stored int64) {
		parents[o.parent] = true
		s := of[o.TemplateID]
		if s == nil {
			return
		}
		s.count(o, stored)
		if o.IsSnapshot() {
			snapshots = append(snapshots, o)
		}
	})
	for _, o := range snapshots {
		if s := of[o.TemplateID]; parents[o.node] {
			s.SnapshotsWithChildrenSize += o.Size
		} else {
			s.SnapshotsWithoutChildrenSize += o.Size
		}
	}
	for i := range all {
		u.estimate(&all[i], c.model.Replication)
	}
	return all
}

func (s *TemplateStatus) count(o *Object, stored int64) {
	s.Size += o.Size
	s.TotalSize += o.Size * int64(o.Replication)
	s.StoredSize += stored
	s.OnDiskSize += stored * int64(o.Replication)
	switch {
	case !o.IsSnapshot():
		s.VolumesCount++
		s.VolumesSize += o.Size
	case o.Snap.Deleted:
		s.SnapshotsCount++
		s.RemovingSnapshotsCount++
	default:
		s.SnapshotsCount++
	}
}

// estimate fills in how much fits; unset replication counts as the default.
func (u *usage) estimate(s *TemplateStatus, replication int) {
	if s.Replication != 0 {
		replication = s.Replication
	}
	s.All = u.groupStatus(s.PlaceAll, replication)
	s.Tail = u.groupStatus(s.PlaceTail, replication)
	s.Head = u.groupStatus(s.PlaceHead, replication)
	s.Stored = Estimate{
		Capacity: min(s.All.Stored.Capacity, s.Tail.Stored.Capacity, s.Head.Stored.Capacity),
		Free:     min(s.All.Stored.Free, s.Tail.Stored.Free, s.Head.Stored.Free),
	}
}

func (u *usage) groupStatus(name string, replication int) (g GroupStatus) {
	var count, free int64
	for _, d := range u.disks {
		if d.Up() && slices.Contains(u.placer.groups[name], d.ID) {
			count += d.AGCount
			free += d.AGFree()
		}
	}
	g.Capacity, g.Available = count*agSize, free*agSize
	g.Stored = Estimate{Capacity: usable(count) / int64(replication), Free: usable(free) / int64(replication)}
	return g
}
