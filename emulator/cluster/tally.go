package cluster

import (
	"slices"

	"github.com/spsim/spsim/emulator/blocks"
)

// tally counts what is on the disks.
type tally struct {
	placement *Placement
	loads     map[arrangement]*load
}

// load adds up the objects with the same arrangement. objects[i] and bytes[i] are of disk set i.
type load struct {
	sets    [][]int
	objects []int64
	bytes   []int64
}

// amount is what a disk, or an object on a disk, takes.
type amount struct {
	objects int64 // of 32 MiB
	bytes   int64
}

func newTally(p *Placement) *tally { return &tally{placement: p, loads: map[arrangement]*load{}} }

// add counts an object, which has data in these chunks.
func (t *tally) add(a arrangement, o *Object, chunks []blocks.Chunk) {
	l := t.loads[a]
	if l == nil {
		sets := t.placement.setsOf(a)
		l = &load{sets: sets, objects: make([]int64, len(sets)), bytes: make([]int64, len(sets))}
		t.loads[a] = l
	}
	n := int64(len(l.sets))
	if n == 0 {
		return
	}
	whole, rest := o.ObjectsCount()/n, o.ObjectsCount()%n
	if whole > 0 {
		for i := range l.sets {
			l.objects[i] += whole
		}
	}
	for k := range rest {
		l.objects[(o.VisibleID+k)%n]++
	}
	for _, c := range chunks {
		l.bytes[(o.VisibleID+c.Index)%n] += c.Bytes
	}
}

// perDisk turns the loads of the disk sets into those of the disks.
func (t *tally) perDisk() map[int]amount {
	all := map[int]amount{}
	for _, l := range t.loads {
		for i, set := range l.sets {
			if l.objects[i] == 0 && l.bytes[i] == 0 {
				continue
			}
			for _, id := range set {
				on := all[id]
				on.objects += l.objects[i]
				on.bytes += l.bytes[i]
				all[id] = on
			}
		}
	}
	return all
}

// Target compares a figure with what it will be once all data has left the disks that are being soft-ejected.
type Target struct {
	Current   int64
	Target    int64
	ToRecover int64 // what has to be copied to get there
}

func target(now, goal int64) Target {
	return Target{Current: now, Target: goal, ToRecover: max(0, goal-now)}
}

// DiskTarget is what a disk holds and will hold. Of a disk that is down only the first three members are meant.
type DiskTarget struct {
	ID             int
	Server         int
	GenerationLeft int64 // -1 while the disk is up
	ObjectsCount   int64 // 32 MiB objects that the disk can hold
	Objects        Target
	OnDisk         Target // bytes
}

func (u *usage) targets(now, goal map[int]amount, all bool) []DiskTarget {
	var out []DiskTarget
	for _, d := range u.disks {
		_, here := now[d.ID]
		_, there := goal[d.ID]
		if all || here || there {
			out = append(out, DiskTarget{
				ID: d.ID, Server: d.Server, GenerationLeft: d.GenerationLeft, ObjectsCount: d.ObjectsCount,
				Objects: target(now[d.ID].objects, goal[d.ID].objects), OnDisk: target(now[d.ID].bytes, goal[d.ID].bytes),
			})
		}
	}
	return out
}

// DiskTargets returns for every disk, by id, what it holds and will hold.
func (c *Cluster) DiskTargets() []DiskTarget {
	var goal *tally
	u := c.usage(func(u *usage, o *Object, chunks []blocks.Chunk) {
		if goal == nil {
			goal = newTally(u.placement)
		}
		goal.add(u.placement.goal(o), o, chunks)
	})
	if goal == nil {
		goal = newTally(u.placement)
	}
	return u.targets(u.perDisk(), goal.perDisk(), true)
}

// ObjectTargets is [Cluster.DiskTargets] for the disks that a volume or snapshot is on or will be on.
func (c *Cluster) ObjectTargets(o *Object) []DiskTarget {
	u := c.countAll()
	now, goal, chunks := newTally(u.placement), newTally(u.placement), c.chunks(o)
	now.add(u.placement.now(o), o, chunks)
	goal.add(u.placement.goal(o), o, chunks)
	return u.targets(now.perDisk(), goal.perDisk(), false)
}

// DiskObject is a 32 MiB object of which a disk holds data.
type DiskObject struct {
	Object *Object
	Index  int64 // of the 32 MiB object in the volume or snapshot
	Bytes  int64
}

// DiskObjects lists the 32 MiB objects of which a disk holds data, volumes before snapshots. Error:
// [ObjectDoesNotExist].
func (c *Cluster) DiskObjects(id int) ([]DiskObject, error) {
	var all []DiskObject
	u := c.usage(func(u *usage, o *Object, chunks []blocks.Chunk) {
		if len(chunks) == 0 {
			return
		}
		l := u.placement.Layout(o)
		for _, k := range chunks {
			if slices.Contains(l.at(k.Index), id) {
				all = append(all, DiskObject{Object: o, Index: k.Index, Bytes: k.Bytes})
			}
		}
	})
	if _, err := u.disk(id); err != nil {
		return nil, err
	}
	return all, nil
}

// DiskVolume is what a disk holds of a volume or snapshot.
type DiskVolume struct {
	Object  *Object
	Objects int64 // of 32 MiB
	Bytes   int64
}

// DiskVolumes lists what a disk holds of each volume and snapshot, volumes before snapshots. Error:
// [ObjectDoesNotExist].
func (c *Cluster) DiskVolumes(id int) ([]DiskVolume, error) {
	var all []DiskVolume
	u := c.usage(func(u *usage, o *Object, chunks []blocks.Chunk) {
		l := u.placement.Layout(o)
		v := DiskVolume{Object: o, Objects: l.on(id)}
		for _, k := range chunks {
			if slices.Contains(l.at(k.Index), id) {
				v.Bytes += k.Bytes
			}
		}
		if v.Objects > 0 {
			all = append(all, v)
		}
	})
	if _, err := u.disk(id); err != nil {
		return nil, err
	}
	return all, nil
}
