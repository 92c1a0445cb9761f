package emulator

import (
	"context"
	"strconv"

	"github.com/spsim/spsim/emulator/cluster"
)

func maintenanceList(_ context.Context, c *cluster.Cluster, _ noArguments) (maintenanceNodes, error) {
	out := maintenanceNodes{Nodes: []maintenanceNode{}}
	for _, m := range c.Maintenances() {
		n := maintenanceNode{
			NodeID: m.Node, Started: m.Started, Duration: m.Duration, Description: m.Description, Overrun: m.Overrun,
		}
		if !m.Overrun {
			n.Remaining = &m.Remaining
		}
		out.Nodes = append(out.Nodes, n)
	}
	return out, nil
}

type nodeArguments struct {
	Node int `sp:"nodeId,required"`
}

func (q nodeArguments) about() subject { return subject{names: []string{strconv.Itoa(q.Node)}} }

type maintenanceArguments struct {
	nodeArguments
	Duration               int64  `sp:"duration,required"`
	Description            string `sp:"description,required"`
	MaxNodes               *int   `sp:"maxNodesInMaintenance"`
	MaxReplicationDecrease *int   `sp:"maxReplicationDecrease"`
	MinOKReplicas          *int   `sp:"minOkReplicas"`
	VotingSafetyMargin     *int   `sp:"votingSafetyMargin"`
}

// maintenanceSet is refused where the redundancy would fall below what is asked for (storpool-api A.17).
func maintenanceSet(_ context.Context, c *cluster.Cluster, q maintenanceArguments) (apiOK, error) {
	return ok(c, c.MaintenanceSet(cluster.MaintenanceRequest{
		Node: q.Node, Duration: q.Duration, Description: q.Description, MaxNodes: q.MaxNodes,
		MaxReplicationDecrease: q.MaxReplicationDecrease, MinOKReplicas: q.MinOKReplicas,
		VotingSafetyMargin: q.VotingSafetyMargin,
	}))
}

func maintenanceComplete(_ context.Context, c *cluster.Cluster, q nodeArguments) (apiOK, error) {
	return ok(c, c.MaintenanceComplete(q.Node))
}
