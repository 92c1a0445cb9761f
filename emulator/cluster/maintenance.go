package cluster

import (
	"slices"

	"github.com/tidwall/btree"
)

// MaintenanceRequest asks to put a node in maintenance. Limits that are nil are not looked at, but for the two that
// always hold: every object keeps a replica, and the cluster keeps its quorum.
type MaintenanceRequest struct {
	Node                   int
	Duration               int64 // seconds, planned
	Description            string
	MaxNodes               *int // nodes in maintenance at once
	MaxReplicationDecrease *int // replicas that an object may lack meanwhile
	MinOKReplicas          *int // replicas that every object keeps; default 1
	VotingSafetyMargin     *int // servers up beyond a bare majority; default 0
}

// Maintenance is a node in maintenance as it was when it was read. It ends only with [Cluster.MaintenanceComplete];
// one that takes longer than planned is an overrun.
type Maintenance struct {
	Node        int
	Started     int64 // UNIX seconds
	Duration    int64 // seconds, planned
	Description string
	Overrun     bool
	Remaining   int64 // seconds left, 0 of an overrun
}

// Maintenances lists the nodes that are in maintenance, by id.
func (c *Cluster) Maintenances() []Maintenance {
	c.mu.RLock()
	defer c.mu.RUnlock()
	now := c.now().Unix()
	all := slices.Clone(c.maintenance)
	for i := range all {
		m := &all[i]
		m.Remaining = max(0, m.Started+m.Duration-now)
		m.Overrun = m.Remaining == 0
	}
	return all
}

// MaintenanceSet puts a node in maintenance. Error: [InvalidParam] for an unknown node, one that is in maintenance
// already, a bad number, and where the redundancy would fall below the limits (storpool-api A.17).
func (c *Cluster) MaintenanceSet(q MaintenanceRequest) error {
	c.lock()
	defer c.mu.Unlock()
	at, in := slices.BinarySearchFunc(c.maintenance, q.Node, func(m Maintenance, node int) int { return m.Node - node })
	switch {
	case in:
		return refuse(InvalidParam, "Node %d is in maintenance", q.Node)
	case !c.hasNode(q.Node):
		return refuse(InvalidParam, "Node %d does not exist", q.Node)
	case q.Duration <= 0 || q.Duration > maxSeconds:
		return refuse(InvalidParam, "Invalid duration %d", q.Duration)
	case q.MaxNodes != nil && len(c.maintenance) >= *q.MaxNodes:
		return refuse(InvalidParam, "%d nodes are in maintenance, at most %d may be", len(c.maintenance), *q.MaxNodes)
	}
	for _, limit := range []*int{q.MaxNodes, q.MaxReplicationDecrease, q.MinOKReplicas, q.VotingSafetyMargin} {
		if limit != nil && *limit < 0 {
			return refuse(InvalidParam, "Invalid limit %d", *limit)
		}
	}
	if err := c.checkVotes(q); err != nil {
		return err
	}
	if err := c.checkReplicas(q); err != nil {
		return err
	}
	c.maintenance = slices.Insert(c.maintenance, at, Maintenance{
		Node: q.Node, Started: c.now().Unix(), Duration: q.Duration, Description: q.Description,
	})
	c.changed()
	return nil
}

// MaintenanceComplete ends the maintenance of a node. Error: [ObjectDoesNotExist] for one that is in none.
func (c *Cluster) MaintenanceComplete(node int) error {
	c.lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.maintenance, func(m Maintenance) bool { return m.Node == node })
	if i < 0 {
		return refuse(ObjectDoesNotExist, "Node %d is not in maintenance", node)
	}
	c.maintenance = slices.Delete(c.maintenance, i, i+1)
	c.changed()
	return nil
}

func (c *Cluster) hasNode(node int) bool {
	if node >= 1 && node <= c.model.Servers {
		return true
	}
	return slices.ContainsFunc(c.clientIDs, func(id int) bool { return id%maxNodes == node })
}

// maintained tells whether a server is on a node that is in maintenance, or on the given one.
func (c *Cluster) maintained(server, node int) bool {
	return server == node || slices.ContainsFunc(c.maintenance, func(m Maintenance) bool { return m.Node == server })
}

// checkVotes refuses to leave less than a majority of the servers, and the margin.
func (c *Cluster) checkVotes(q MaintenanceRequest) error {
	if q.Node > c.model.Servers {
		return nil
	}
	margin := 0
	if q.VotingSafetyMargin != nil {
		margin = *q.VotingSafetyMargin
	}
	left := 0
	for id := 1; id <= c.model.Servers; id++ {
		if !c.suffers(ServerDown, id) && !c.maintained(id, q.Node) {
			left++
		}
	}
	if need := c.model.Servers/2 + 1 + margin; left < need {
		return refuse(InvalidParam, "%d voting nodes would be left, %d have to be", left, need)
	}
	return nil
}

// checkReplicas refuses to take away more replicas of any object than the limits allow.
func (c *Cluster) checkReplicas(q MaintenanceRequest) error {
	away := map[int]bool{}
	for _, d := range c.disks {
		away[d.ID] = !d.Up() || c.maintained(d.Server, q.Node)
	}
	least := 1
	if q.MinOKReplicas != nil {
		least = *q.MinOKReplicas
	}
	p := c.placement()
	var err error
	check := func(_ int64, o *Object) bool {
		l := p.Layout(o)
		for i, n := range l.Counts() {
			if n == 0 {
				continue
			}
			lost := 0
			for _, d := range l.TargetDiskSets[i] {
				if away[d] {
					lost++
				}
			}
			left := len(l.TargetDiskSets[i]) - lost
			switch {
			case lost == 0:
			case left < least:
				err = refuse(InvalidParam, "'%s' would keep %d replicas, it has to keep %d", o.Name, left, least)
			case q.MaxReplicationDecrease != nil && lost > *q.MaxReplicationDecrease:
				err = refuse(InvalidParam, "'%s' would lack %d replicas, at most %d may be lacking", o.Name, lost,
					*q.MaxReplicationDecrease)
			}
		}
		return err == nil
	}
	for _, list := range []*btree.Map[int64, *Object]{c.volumes, c.snapshots} {
		list.Scan(check)
	}
	return err
}
