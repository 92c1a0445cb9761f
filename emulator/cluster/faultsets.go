package cluster

import "slices"

// FaultSets lists the sets of servers that may fail together, in the order of the model.
func (c *Cluster) FaultSets() []ModelFaultSet {
	all := slices.Clone(c.model.FaultSets)
	for i := range all {
		all[i].Servers = slices.Clone(all[i].Servers)
	}
	return all
}

// domains numbers the servers so that those have the same number that may fail together.
func (m Model) domains() map[int]int {
	all := map[int]int{}
	for id := 1; id <= m.Servers; id++ {
		all[id] = -id
	}
	for i, f := range m.FaultSets {
		for _, id := range f.Servers {
			all[id] = i
		}
	}
	return all
}

func (m Model) checkFaultSets(check func(ok bool, format string, args ...any)) {
	names, servers := map[string]bool{}, map[int]bool{}
	for _, f := range m.FaultSets {
		check(validGroupName(f.Name) && !names[f.Name], "fault set: bad or repeated name %q", f.Name)
		names[f.Name] = true
		for _, id := range f.Servers {
			check(id >= 1 && id <= m.Servers && !servers[id], "fault set %q: unknown or repeated server %d", f.Name, id)
			servers[id] = true
		}
	}
}
