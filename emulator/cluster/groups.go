package cluster

import (
	"cmp"
	"maps"
	"slices"
)

func (g *group) view(name string) PlacementGroup {
	return PlacementGroup{ID: g.id, Name: name, Disks: slices.Clone(g.disks)}
}

// PlacementGroups lists the placement groups by name.
func (c *Cluster) PlacementGroups() []PlacementGroup {
	c.rlock()
	defer c.mu.RUnlock()
	var all []PlacementGroup
	for _, name := range slices.Sorted(maps.Keys(c.groups)) {
		all = append(all, c.groups[name].view(name))
	}
	return all
}

// PlacementGroup returns one placement group. Error: [ObjectDoesNotExist].
func (c *Cluster) PlacementGroup(name string) (PlacementGroup, error) {
	c.rlock()
	defer c.mu.RUnlock()
	g := c.groups[name]
	if g == nil {
		return PlacementGroup{}, missing("Placement group", name)
	}
	return g.view(name), nil
}

// PlacementGroupUpdate changes a placement group; one that is missing is created. Errors:
// [ObjectDoesNotExist] for a disk, [ObjectExists], [InvalidParam].
func (c *Cluster) PlacementGroupUpdate(name string, ch GroupChange) error {
	c.lock()
	defer c.mu.Unlock()
	for _, n := range []string{name, cmp.Or(ch.Rename, name)} {
		if !validGroupName(n) {
			return refuse(InvalidParam, "Invalid placement group name '%s'", n)
		}
	}
	if ch.Rename != "" && ch.Rename != name && c.groups[ch.Rename] != nil {
		return refuse(ObjectExists, "Placement group '%s' already exists", ch.Rename)
	}
	for _, id := range slices.Concat(ch.AddDisks, ch.RemoveDisks) {
		if _, err := c.disk(id); err != nil {
			return err
		}
	}
	g := c.groups[name]
	if g == nil {
		c.lastPlace++
		g = &group{id: c.lastPlace}
	}
	disks := slices.DeleteFunc(slices.Concat(g.disks, ch.AddDisks), func(id int) bool {
		return slices.Contains(ch.RemoveDisks, id)
	})
	slices.Sort(disks)
	g.disks = slices.Compact(disks)
	delete(c.groups, name)
	c.groups[cmp.Or(ch.Rename, name)] = g
	if ch.Rename != "" && ch.Rename != name {
		c.renameGroup(name, ch.Rename)
	}
	c.recount()
	c.changed()
	return nil
}

// renameGroup makes templates and objects follow.
func (c *Cluster) renameGroup(from, to string) {
	follow := func(name *string) {
		if *name == from {
			*name = to
		}
	}
	for i := range c.conditions {
		follow(&c.conditions[i].Group)
	}
	for _, t := range c.templates {
		follow(&t.policy.PlaceAll)
		follow(&t.policy.PlaceTail)
		follow(&t.policy.PlaceHead)
	}
	c.resettle(func(s *Settings) {
		follow(&s.PlaceAll)
		follow(&s.PlaceTail)
		follow(&s.PlaceHead)
	})
}

// PlacementGroupDelete deletes a placement group. Errors: [ObjectDoesNotExist], [Busy] while a template,
// volume or snapshot uses it.
func (c *Cluster) PlacementGroupDelete(name string) error {
	c.lock()
	defer c.mu.Unlock()
	if c.groups[name] == nil {
		return missing("Placement group", name)
	}
	if c.groupUsed(name) {
		return refuse(Busy, "Placement group '%s' is in use", name)
	}
	delete(c.groups, name)
	c.forgetCondition(Condition{Kind: CapacityExhausted, Group: name})
	c.changed()
	return nil
}

func (c *Cluster) groupUsed(name string) (used bool) {
	for _, t := range c.templates {
		used = used || name == t.policy.PlaceAll || name == t.policy.PlaceTail || name == t.policy.PlaceHead
	}
	visit := func(_ int64, o *Object) bool {
		used = used || name == o.PlaceAll || name == o.PlaceTail || name == o.PlaceHead
		return !used
	}
	c.volumes.Scan(visit)
	c.snapshots.Scan(visit)
	return used
}
