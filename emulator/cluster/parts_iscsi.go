package cluster

import (
	"fmt"
	"maps"
	"slices"
)

type savedISCSI struct {
	BaseName   string             `json:"baseName"`
	Groups     []ISCSIPortalGroup `json:"groups"`
	Targets    []ISCSITarget      `json:"targets"`
	Initiators []ISCSIInitiator   `json:"initiators"`
	Sessions   []ISCSISession     `json:"sessions"`
}

// sortedValues lists what a map holds by ascending key.
func sortedValues[K ~string | ~int64, V any](m map[K]V) []V {
	all := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[k])
	}
	return all
}

func (c *Cluster) saveISCSI() savedISCSI {
	s := c.iscsi.clone()
	return savedISCSI{
		BaseName: s.baseName, Groups: sortedValues(s.groups), Targets: sortedValues(s.targets),
		Initiators: sortedValues(s.initiators), Sessions: slices.Clone(s.sessions),
	}
}

func (c *Cluster) loadISCSI(all savedISCSI) error {
	s := newISCSI(all.BaseName)
	for _, g := range all.Groups {
		s.groups[g.Name] = g
	}
	for _, t := range all.Targets {
		if o, ok := c.volumes.Get(t.VolumeID); !ok || o == nil {
			return fmt.Errorf("target %q: no volume has the number %d", t.Name, t.VolumeID)
		}
		s.targets[t.VolumeID] = t
	}
	for _, i := range all.Initiators {
		s.initiators[i.Name] = i
	}
	s.sessions = all.Sessions
	c.iscsi = s
	return nil
}

func (c *Cluster) saveConditions() []Condition { return slices.Clone(c.conditions) }

// loadConditions comes after disks, groups and clients, which then are in the state that the conditions call for.
func (c *Cluster) loadConditions(all []Condition) error {
	for _, cond := range all {
		if err := c.checkCondition(cond); err != nil {
			return err
		}
	}
	c.conditions = all
	for id, cl := range c.clients {
		cl.dead.Store(c.suffers(ClientDead, id))
	}
	c.recount()
	return nil
}
