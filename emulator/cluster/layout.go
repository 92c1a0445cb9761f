package cluster

import (
	"iter"
	"maps"
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
			set := l.at(k)
			if set == nil {
				set = []int{}
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

// at returns the disks of one 32 MiB object.
func (l Layout) at(k int64) []int {
	if n := int64(len(l.TargetDiskSets)); n > 0 {
		return l.TargetDiskSets[(l.first+k)%n]
	}
	return nil
}

// on returns how many 32 MiB objects are on a disk.
func (l Layout) on(disk int) (n int64) {
	counts := l.Counts()
	for i, set := range l.TargetDiskSets {
		if slices.Contains(set, disk) {
			n += counts[i]
		}
	}
	return n
}

// Layout returns where the volume or snapshot is.
func (c *Cluster) Layout(o *Object) Layout { return c.Placement().Layout(o) }

// Placement says where volumes and snapshots are, by the disks, placement groups and soft-ejections of the moment
// when it was taken. A disk that is down keeps its place until it is forgotten. It is for one goroutine at a time.
type Placement struct {
	disks   map[int]Disk
	domains map[int]int      // by server: those with the same one may fail together
	groups  map[string][]int // dealt
	drains  []drain          // by disk
	targets map[int64]int    // by volume allocation group
	sets    map[arrangement][][]int
}

// arrangement is what decides about disk sets.
type arrangement struct {
	settings *Settings
	targets  int    // how many sets, 0 for one per disk
	without  string // disks that hold nothing, two bytes each
}

// Placement returns where everything is now.
func (c *Cluster) Placement() *Placement {
	c.lock()
	defer c.mu.Unlock()
	return c.placement()
}

// placement moves on what is moving; the lock is held for a change.
func (c *Cluster) placement() *Placement {
	p := &Placement{
		disks: map[int]Disk{}, domains: c.model.domains(), groups: map[string][]int{}, targets: maps.Clone(c.targets),
		sets: map[arrangement][][]int{},
	}
	for _, d := range c.disks {
		p.disks[d.ID] = d.Disk
	}
	for name, g := range c.groups {
		p.groups[name] = p.dealt(g.disks)
	}
	for _, d := range c.disks {
		if d.SoftEject != softEjectOff {
			c.move(d, p)
			p.drains = append(p.drains, d.drain)
		}
	}
	return p
}

// dealt orders disks so that neighbours are on different servers: neighbours make a disk set.
func (p *Placement) dealt(disks []int) []int {
	round := make(map[int]int, len(disks)) // how many of its server come before
	seen := map[int]int{}
	for _, id := range disks {
		server := p.disks[id].Server
		round[id] = seen[server]
		seen[server]++
	}
	order := slices.Clone(disks)
	slices.SortStableFunc(order, func(a, b int) int { return round[a] - round[b] })
	return order
}

// Disks lists the disks by id, without what they hold.
func (p *Placement) Disks() []Disk {
	all := make([]Disk, 0, len(p.disks))
	for _, id := range slices.Sorted(maps.Keys(p.disks)) {
		all = append(all, p.disks[id])
	}
	return all
}

// Lacks tells whether a disk that the volume or snapshot should be on is down.
func (p *Placement) Lacks(o *Object) bool {
	for _, set := range p.Target(o).TargetDiskSets {
		for _, id := range set {
			if d := p.disks[id]; !d.Up() {
				return true
			}
		}
	}
	return false
}

// Layout returns where the volume or snapshot is.
func (p *Placement) Layout(o *Object) Layout { return p.layout(o, p.now(o)) }

// Target returns where the volume or snapshot is once all data has left the disks that are being soft-ejected.
func (p *Placement) Target(o *Object) Layout { return p.layout(o, p.goal(o)) }

// Moves tells whether the volume or snapshot still has to leave a disk.
func (p *Placement) Moves(o *Object) bool {
	now, goal := p.now(o), p.goal(o)
	if now == goal {
		return false
	}
	a, b := p.layout(o, now), p.layout(o, goal)
	for i, n := range a.Counts() {
		if n > 0 && !slices.Equal(a.TargetDiskSets[i], b.TargetDiskSets[i]) {
			return true
		}
	}
	return false
}

// now is the arrangement of an object at present: without the disks that it has left.
func (p *Placement) now(o *Object) arrangement {
	return p.arrange(o, func(d *drain) bool { return d.left(o.VisibleID) })
}

// goal is the arrangement when all is done.
func (p *Placement) goal(o *Object) arrangement {
	return p.arrange(o, func(*drain) bool { return true })
}

func (p *Placement) arrange(o *Object, leaves func(*drain) bool) arrangement {
	a := arrangement{settings: o.Settings}
	if len(p.targets) > 0 {
		a.targets = p.targets[o.VAG]
	}
	for i := range p.drains {
		if d := &p.drains[i]; leaves(d) {
			a.without += string([]byte{byte(d.Disk >> 8), byte(d.Disk)})
		}
	}
	return a
}

func (p *Placement) layout(o *Object, a arrangement) Layout {
	sets := p.setsOf(a)
	l := Layout{TargetDiskSets: sets, objects: o.ObjectsCount()}
	if len(sets) > 0 {
		l.first = o.VisibleID % int64(len(sets))
	}
	return l
}

// setsOf returns the disk sets of an arrangement. A set keeps a disk that should hold nothing when there is no other.
func (p *Placement) setsOf(a arrangement) [][]int {
	if sets, ok := p.sets[a]; ok {
		return sets
	}
	s := a.settings
	n := max(len(p.groups[s.PlaceAll]), len(p.groups[s.PlaceTail]), len(p.groups[s.PlaceHead]))
	if a.targets > 0 && n > 0 {
		n = a.targets
	}
	without := a.withoutOf()
	sets := make([][]int, 0, n)
	for turn := range n {
		set := p.choose(s, turn, nil)
		if len(without) > 0 {
			if other := p.choose(s, turn, without); len(other) == len(set) {
				set = other
			}
		}
		sets = append(sets, set)
	}
	p.sets[a] = sets
	return sets
}

// withoutOf returns the disks that hold nothing.
func (a arrangement) withoutOf() map[int]bool {
	without := map[int]bool{}
	for i := 0; i+1 < len(a.without); i += 2 {
		without[int(a.without[i])<<8|int(a.without[i+1])] = true
	}
	return without
}

// choose picks one set: the first replica from placeHead, the last from placeTail, those between from placeAll, each
// in a fault domain of its own where the disks and reuseServer permit.
func (p *Placement) choose(s *Settings, turn int, without map[int]bool) []int {
	set := p.pick(s.PlaceTail, turn, nil, without, s.ReuseServer)
	for replica := 1; replica < s.Replication; replica++ {
		from := s.PlaceAll
		if replica == 1 {
			from = s.PlaceHead
		}
		set = p.pick(from, turn, set, without, s.ReuseServer)
	}
	if len(set) > 1 { // the tail was chosen first, since reads use it, and comes last
		set = append(slices.Clone(set[1:]), set[0])
	}
	return set
}

// pick adds a disk of the group to the set, if there is one left, beginning the search at a turn.
func (p *Placement) pick(group string, turn int, set []int, without map[int]bool, reuseServer bool) []int {
	disks := p.groups[group]
	fallback := -1
	for i := range disks {
		id := disks[(turn+i)%len(disks)]
		if slices.Contains(set, id) || without[id] {
			continue
		}
		if reuseServer || !p.shares(set, p.disks[id].Server) {
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

// shares tells whether a disk of the set may fail together with the server.
func (p *Placement) shares(set []int, server int) bool {
	return slices.ContainsFunc(set, func(id int) bool { return p.domains[p.disks[id].Server] == p.domains[server] })
}

// alike tells whether two settings place data on the same disks.
func alike(a, b *Settings) bool {
	return a.Replication == b.Replication && a.PlaceAll == b.PlaceAll && a.PlaceTail == b.PlaceTail &&
		a.PlaceHead == b.PlaceHead && a.ReuseServer == b.ReuseServer
}
