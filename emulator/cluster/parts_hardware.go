package cluster

import (
	"fmt"
	"maps"
	"slices"
)

func (c *Cluster) saveMaintenance() []Maintenance { return slices.Clone(c.maintenance) }

func (c *Cluster) loadMaintenance(all []Maintenance) error {
	for i, m := range all {
		if !c.hasNode(m.Node) || i > 0 && m.Node <= all[i-1].Node {
			return fmt.Errorf("node %d is unknown or out of order", m.Node)
		}
	}
	c.maintenance = all
	return nil
}

// savedVAG is a volume allocation group with a number of disk sets of its own.
type savedVAG struct {
	Group   int64 `json:"group"`
	Targets int   `json:"targets"`
}

func (c *Cluster) saveVAGs() []savedVAG {
	all := make([]savedVAG, 0, len(c.targets))
	for _, id := range slices.Sorted(maps.Keys(c.targets)) {
		all = append(all, savedVAG{id, c.targets[id]})
	}
	return all
}

func (c *Cluster) loadVAGs(all []savedVAG) error {
	for i, v := range all {
		if v.Group < 1 || !validTargets(v.Targets) || i > 0 && v.Group <= all[i-1].Group {
			return fmt.Errorf("group %d is out of order or has a bad number of disk sets", v.Group)
		}
		c.spread(v.Group, v.Targets)
	}
	c.recount()
	return nil
}

type savedBalancer struct {
	Told BalancerStatus `json:"told,omitempty"`
	At   int64          `json:"at,omitempty"` // UNIX nanoseconds
}

func (c *Cluster) saveBalancer() savedBalancer { return savedBalancer{c.balancer.told, c.balancer.at} }

func (c *Cluster) loadBalancer(b savedBalancer) error {
	if b.Told != "" && b.Told != BalancerWorking && b.Told != BalancerCommitting {
		return fmt.Errorf("unknown state %q", b.Told)
	}
	c.balancer = balancer{b.Told, b.At}
	return nil
}
