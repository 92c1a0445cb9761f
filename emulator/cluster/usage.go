package cluster

import (
	"slices"

	"github.com/spsim/spsim/emulator/blocks"
)

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

// Lost tells whether some of the contents of a volume or snapshot are lost: its copy from another location was torn.
func (c *Cluster) Lost(o *Object) bool {
	c.mu.RLock()
	image := o.node.image
	c.mu.RUnlock()
	return image != nil && image.Lost()
}

// usage counts what is on the disks, from objects as they were at one moment.
type usage struct {
	*tally
	disks []Disk // all, by id, with what they hold
	full  map[int]bool
}

// usage walks all volumes and snapshots without holding up anybody; visit is called for each, with where it has data
// of its own.
func (c *Cluster) usage(visit func(u *usage, o *Object, chunks []blocks.Chunk)) *usage {
	c.lock()
	u := &usage{tally: newTally(c.placement()), full: c.fullDisks()}
	now := c.now().Unix()
	for _, d := range c.disks {
		seen := d.Disk
		seen.Scrub = d.Scrub.at(now)
		u.disks = append(u.disks, seen)
	}
	lists := []List[*Object]{{c.volumes.Copy()}, {c.snapshots.Copy()}}
	c.mu.Unlock()
	for _, l := range lists {
		for o := range l.All() {
			chunks := c.chunks(o)
			u.add(u.placement.now(o), o, chunks)
			visit(u, o, chunks)
		}
	}
	u.settle()
	return u
}

// chunks returns where an object has data of its own.
func (c *Cluster) chunks(o *Object) []blocks.Chunk {
	c.mu.RLock()
	image := o.node.image
	c.mu.RUnlock()
	if image == nil {
		return nil
	}
	return image.Chunks()
}

// bytesOf returns the bytes of data in all chunks.
func bytesOf(chunks []blocks.Chunk) (n int64) {
	for _, k := range chunks {
		n += k.Bytes
	}
	return n
}

// settle turns the loads of the disk sets into figures of the disks.
func (u *usage) settle() {
	on := u.perDisk()
	for i := range u.disks {
		d := &u.disks[i]
		d.ObjectsAllocated = on[d.ID].objects
		d.ObjectsCount = max(d.ObjectsCount, d.ObjectsAllocated)
		d.OnDiskSize = on[d.ID].bytes
		d.AGAllocated = min((d.OnDiskSize/dataOf*rawOf+agSize-1)/agSize, d.AGCount)
		d.EntriesAllocated = min((d.OnDiskSize+entrySize-1)/entrySize, d.EntriesCount)
		if u.full[d.ID] {
			d.AGAllocated, d.EntriesAllocated = d.AGCount, d.EntriesCount
		}
	}
}

func (u *usage) disk(id int) (Disk, error) {
	i := slices.IndexFunc(u.disks, func(d Disk) bool { return d.ID == id })
	if i < 0 {
		return Disk{}, refuse(ObjectDoesNotExist, "Disk %d does not exist", id)
	}
	return u.disks[i], nil
}

// countAll is a usage that nobody looks at meanwhile.
func (c *Cluster) countAll() *usage { return c.usage(func(*usage, *Object, []blocks.Chunk) {}) }

// Disks lists the disks by id.
func (c *Cluster) Disks() []Disk { return c.countAll().disks }

// Disk returns one disk. Error: [ObjectDoesNotExist].
func (c *Cluster) Disk(id int) (Disk, error) { return c.countAll().disk(id) }

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
	u := c.usage(func(_ *usage, o *Object, chunks []blocks.Chunk) {
		parents[o.parent] = true
		s := of[o.TemplateID]
		if s == nil {
			return
		}
		s.count(o, bytesOf(chunks))
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
		if d.Up() && slices.Contains(u.placement.groups[name], d.ID) {
			count += d.AGCount
			free += d.AGFree()
		}
	}
	g.Capacity, g.Available = count*agSize, free*agSize
	g.Stored = Estimate{Capacity: usable(count) / int64(replication), Free: usable(free) / int64(replication)}
	return g
}
