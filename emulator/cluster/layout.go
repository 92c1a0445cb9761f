package cluster

import (
	"iter"
	"slices"
)

// Layout says on which disks an object is: its 32 MiB objects go round the disk sets in turn.
type Layout struct {
	TargetDiskSets [][]int // each from the first replica to the last
	first          int64   // set of the first 32 MiB object
	objects        int64
}

// Objects yields the disks of each 32 MiB object.
func (l Layout) Objects() iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		for k := range l.objects {
			set := []int{}
			if n := int64(len(l.TargetDiskSets)); n > 0 {
				set = l.TargetDiskSets[(l.first+k)%n]
			}
			if !yield(set) {
				return
			}
		}
	}
}

// Counts returns how many 32 MiB objects are on each of the TargetDiskSets.
func (l Layout) Counts() []int64 {
	counts := make([]int64, len(l.TargetDiskSets))
	n := int64(len(counts))
	for i := range counts {
		counts[i] = l.objects / n
		if (int64(i)-l.first+n)%n < l.objects%n {
			counts[i]++
		}
	}
	return counts
}

// Layout returns where the volume or snapshot is.
func (c *Cluster) Layout(o *Object) Layout {
	c.rlock()
	p := c.placer()
	c.mu.RUnlock()
	return p.layout(o)
}

// placer finds disk sets; it works on a copy of what it needs. A disk that is down keeps its place until it
// is forgotten.
type placer struct {
	disks  map[int]Disk
	groups map[string][]int
	sets   map[*Settings][][]int
}

func (c *Cluster) placer() *placer {
	p := &placer{disks: map[int]Disk{}, groups: map[string][]int{}, sets: map[*Settings][][]int{}}
	for _, d := range c.disks {
		p.disks[d.ID] = d.Disk
	}
	for name, g := range c.groups {
		p.groups[name] = slices.Clone(g.disks)
	}
	return p
}

func (p *placer) layout(o *Object) Layout {
	sets := p.setsOf(o.Settings)
	l := Layout{TargetDiskSets: sets, objects: o.ObjectsCount()}
	if len(sets) > 0 {
		l.first = o.VisibleID % int64(len(sets))
	}
	return l
}

// setsOf returns the disk sets for the settings: the first replica from placeHead, the last from placeTail,
// those between from placeAll, each on a server of its own where the disks and reuseServer permit.
func (p *placer) setsOf(s *Settings) [][]int {
	if sets, ok := p.sets[s]; ok {
		return sets
	}
	n := max(len(p.groups[s.PlaceAll]), len(p.groups[s.PlaceTail]), len(p.groups[s.PlaceHead]))
	sets := make([][]int, 0, n)
	for turn := range n {
		set := p.pick(s.PlaceTail, turn, nil, s.ReuseServer)
		for replica := 1; replica < s.Replication; replica++ {
			from := s.PlaceAll
			if replica == 1 {
				from = s.PlaceHead
			}
			set = p.pick(from, turn, set, s.ReuseServer)
		}
		if len(set) > 1 { // the tail was chosen first, since reads use it, and comes last
			set = append(slices.Clone(set[1:]), set[0])
		}
		sets = append(sets, set)
	}
	p.sets[s] = sets
	return sets
}

// pick adds a disk of the group to the set, if there is one left, beginning the search at a turn.
func (p *placer) pick(group string, turn int, set []int, reuseServer bool) []int {
	disks := p.groups[group]
	fallback := -1
	for i := range disks {
		id := disks[(turn+i)%len(disks)]
		if slices.Contains(set, id) {
			continue
		}
		if reuseServer || !p.serverIn(set, p.disks[id].Server) {
			return append(set, id)
		}
		if fallback < 0 {
			fallback = id
		}
	}
	if fallback < 0 {
		return set
	}
	return append(set, fallback)
}

func (p *placer) serverIn(set []int, server int) bool {
	return slices.ContainsFunc(set, func(id int) bool { return p.disks[id].Server == server })
}
