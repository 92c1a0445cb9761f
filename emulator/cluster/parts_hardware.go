package cluster

import (
	"fmt"
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
