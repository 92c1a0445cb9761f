package emulator

import (
	"context"

	"github.com/spsim/spsim/emulator/cluster"
)

type groupArguments struct {
	Group string `sp:"placementGroupName,path"`
}

func (q groupArguments) about() subject { return subject{names: []string{q.Group}} }

func placementGroupsList(_ context.Context, c *cluster.Cluster, _ noArguments) (map[string]placementGroup, error) {
	out := map[string]placementGroup{}
	for _, g := range c.PlacementGroups() {
		out[g.Name] = groupOf(g)
	}
	return out, nil
}

func placementGroupDescribe(_ context.Context, c *cluster.Cluster, q groupArguments) (placementGroup, error) {
	g, err := c.PlacementGroup(q.Group)
	if err != nil {
		return placementGroup{}, err
	}
	return groupOf(g), nil
}

func groupOf(g cluster.PlacementGroup) placementGroup {
	return placementGroup{ID: g.ID, Name: g.Name, Disks: append([]int{}, g.Disks...)}
}

type groupUpdateArguments struct {
	groupArguments
	Rename   string `sp:"rename"`
	AddDisks []int  `sp:"addDisks"`
	RmDisks  []int  `sp:"rmDisks"`
}

// placementGroupUpdate creates the group when it is missing.
func placementGroupUpdate(_ context.Context, c *cluster.Cluster, q groupUpdateArguments) (apiOK, error) {
	return ok(c, c.PlacementGroupUpdate(q.Group, cluster.GroupChange{
		Rename: q.Rename, AddDisks: q.AddDisks, RemoveDisks: q.RmDisks,
	}))
}

func placementGroupDelete(_ context.Context, c *cluster.Cluster, q groupArguments) (apiOK, error) {
	return ok(c, c.PlacementGroupDelete(q.Group))
}

func faultSetsList(_ context.Context, c *cluster.Cluster, _ noArguments) (map[string]faultSet, error) {
	out := map[string]faultSet{}
	for _, f := range c.FaultSets() {
		out[f.Name] = faultSet{Name: f.Name, Servers: append([]int{}, f.Servers...)}
	}
	return out, nil
}
