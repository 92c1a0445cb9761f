package emulator

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spsim/spsim/emulator/cluster"
)

// tasksList: data moves only away from disks that are being soft-ejected.
func tasksList(_ context.Context, c *cluster.Cluster, _ noArguments) ([]task, error) {
	out := []task{}
	for _, t := range c.Tasks() {
		out = append(out, task{
			DiskID: t.Disk, TransactionID: t.Transaction, AllObjects: t.All, CompletedObjects: t.Completed,
			DispatchedObjects: t.Dispatched,
		})
	}
	return out, nil
}

// relocatorState counts what still has to move, and what is arriving from other locations.
func relocatorState(_ context.Context, c *cluster.Cluster, _ noArguments) (relocatorStatus, error) {
	out := relocatorStatus{Status: "on"}
	p := c.Placement()
	seq, _ := everything(c)
	for o := range seq {
		if p.Moves(o) {
			out.VolumesToRelocate++
		}
		if o.Snap != nil && o.Snap.Recovering {
			out.RecoveringFromRemote++
		}
	}
	return out, nil
}

// MarshalJSON writes one of the two shapes of a disk.
func (d diskTarget) MarshalJSON() ([]byte, error) {
	var shape any = d.base
	if d.up != nil {
		shape = d.up
	}
	text, err := json.Marshal(shape)
	if err != nil {
		return nil, fmt.Errorf("encode disk: %w", err)
	}
	return text, nil
}

func diskTargetsOf(all []cluster.DiskTarget) map[int]diskTarget {
	out := map[int]diskTarget{}
	for _, d := range all {
		base := downDiskTarget{ID: d.ID, ServerID: d.Server, GenerationLeft: d.GenerationLeft}
		t := diskTarget{base: base}
		if d.GenerationLeft == -1 {
			t.up = &upDiskTarget{
				downDiskTarget: base, ObjectsCount: d.ObjectsCount, ObjectsAllocated: figureOf(d.Objects),
				OnDiskSize: figureOf(d.OnDisk), StoredSize: figureOf(d.OnDisk),
			}
		}
		out[d.ID] = t
	}
	return out
}

func figureOf(t cluster.Target) figure {
	return figure{Current: t.Current, Target: t.Target, Delta: t.Target - t.Current, ToRecover: t.ToRecover}
}

// disksTargets: what every disk holds and will hold. The balancer never wants more than that the data leaves the disks
// which are being soft-ejected, so that it answers the same.
func disksTargets(_ context.Context, c *cluster.Cluster, _ noArguments) (map[int]diskTarget, error) {
	return diskTargetsOf(c.DiskTargets()), nil
}

func volumeDisksTargets(_ context.Context, c *cluster.Cluster, q volumeArguments) (map[int]diskTarget, error) {
	o, err := c.Volume(q.Volume)
	if err != nil {
		return nil, err
	}
	return diskTargetsOf(c.ObjectTargets(o)), nil
}

func snapshotDisksTargets(_ context.Context, c *cluster.Cluster, q snapshotArguments) (map[int]diskTarget, error) {
	o, err := c.Snapshot(q.Snapshot)
	if err != nil {
		return nil, err
	}
	return diskTargetsOf(c.ObjectTargets(o)), nil
}

func balancerState(_ context.Context, c *cluster.Cluster, _ noArguments) (balancerStatus, error) {
	return balancerStatus{Status: string(c.Balancer())}, nil
}

type balancerArguments struct {
	Cmd string `sp:"cmd,required"`
}

// balancerCommand: start, stop or commit.
func balancerCommand(_ context.Context, c *cluster.Cluster, q balancerArguments) (apiOK, error) {
	return ok(c, c.BalancerCommand(q.Cmd))
}

// balance tells how the balancer sees objects.
type balance struct {
	placement *cluster.Placement
	runs      bool
}

func newBalance(c *cluster.Cluster) balance {
	return balance{placement: c.Placement(), runs: c.Balancer() != cluster.BalancerIdle}
}

func (b balance) of(o *cluster.Object) balancerVolume {
	return balancerVolume{
		Name: o.Name, Size: o.Size, Snapshot: o.IsSnapshot(), Replication: o.Replication, ObjectsCount: o.ObjectsCount(),
		placement:   placement{PlaceAll: o.PlaceAll, PlaceTail: o.PlaceTail, PlaceHead: o.PlaceHead},
		Blocked:     b.placement.Lacks(o),
		Reallocated: b.runs && b.placement.Moves(o),
	}
}

// balancerVolumes: every volume and snapshot.
func balancerVolumes(_ context.Context, c *cluster.Cluster, _ noArguments) ([]balancerVolume, error) {
	out := []balancerVolume{}
	b := newBalance(c)
	seq, _ := everything(c)
	for o := range seq {
		out = append(out, b.of(o))
	}
	return out, nil
}

func (b balance) sets(o *cluster.Object) balancerSets {
	return balancerSets{
		balancerVolume:   b.of(o),
		CurrentDiskSets:  arrays(b.placement.Layout(o).TargetDiskSets),
		BalancerDiskSets: arrays(b.placement.Target(o).TargetDiskSets),
	}
}

// arrays makes an absent list an empty one.
func arrays(sets [][]int) [][]int { return append([][]int{}, sets...) }

func volumeBalancerSets(_ context.Context, c *cluster.Cluster, q volumeArguments) (balancerSets, error) {
	o, err := c.Volume(q.Volume)
	if err != nil {
		return balancerSets{}, err
	}
	return newBalance(c).sets(o), nil
}

func snapshotBalancerSets(_ context.Context, c *cluster.Cluster, q snapshotArguments) (balancerSets, error) {
	o, err := c.Snapshot(q.Snapshot)
	if err != nil {
		return balancerSets{}, err
	}
	return newBalance(c).sets(o), nil
}
