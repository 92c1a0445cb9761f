package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func (b *bed) vag(ref cluster.Ref) int64 {
	b.t.Helper()
	if o, err := b.Volume(ref); err == nil {
		return o.VAG
	}
	return b.snap(ref).VAG
}

func TestObjectsOfOneLineageShareAnAllocationGroup(t *testing.T) {
	t.Parallel()
	b := start(t)
	v, other := b.volume(cluster.VolumeSpec{Template: "ssd"}), b.volume(cluster.VolumeSpec{Template: "ssd"})
	group := b.vag(v)
	assert.Equal(t, b.vol(v).VisibleID, group)
	assert.NotEqual(t, group, b.vag(other))
	s := b.snapshot(v, cluster.SnapshotSpec{})
	child := b.volume(cluster.VolumeSpec{Parent: s})
	apart := b.volume(cluster.VolumeSpec{Parent: s, Template: "hdd"})
	assert.Equal(t, []int64{group, group, group}, []int64{b.vag(v), b.vag(s), b.vag(child)})
	assert.Equal(t, b.vol(apart).VisibleID, b.vag(apart), "it is placed otherwise")

	require.NoError(t, b.VolumeUpdate(child, cluster.VolumeChange{Policy: cluster.Policy{IOPS: new(cluster.Limit(5))}}))
	assert.Equal(t, group, b.vag(child))
	require.NoError(t, b.VolumeUpdate(child, cluster.VolumeChange{Template: "hdd"}))
	assert.Equal(t, b.vol(child).VisibleID, b.vag(child))
	refused(t, b.VolumeUpdateVAG(child, 0), cluster.InvalidParam, "")
	require.NoError(t, b.VolumeUpdate(child, cluster.VolumeChange{Template: "ssd"}))
	require.NoError(t, b.VolumeUpdateVAG(child, 0))
	assert.Equal(t, group, b.vag(child))
	require.NoError(t, b.SnapshotUpdateVAG(s, uint64(b.vag(other))))
	assert.Equal(t, b.vag(other), b.vag(s))
}

func TestAnAllocationGroupDescribesItsObjects(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Template: "hybrid", Size: new(96 * mib)})
	group := uint64(b.vag(v))
	g, err := b.VAG(group)
	require.NoError(t, err)
	assert.Equal(t, []any{int64(group), int64(0), false, "hybrid"}, []any{g.ID, g.ParentID, g.Violated, g.Settings.Template})
	l := b.Layout(b.vol(v))
	assert.Equal(t, l.TargetDiskSets, g.Sets)
	assert.Len(t, g.Chains, 3, "one per 32 MiB object")

	require.NoError(t, b.VAGUpdate(group, 2))
	g, err = b.VAG(group)
	require.NoError(t, err)
	assert.Len(t, g.Sets, 2)
	assert.Equal(t, g.Sets, b.Layout(b.vol(v)).TargetDiskSets)
	require.NoError(t, b.VAGUpdate(group, 64))
	assert.Len(t, b.Layout(b.vol(v)).TargetDiskSets, 64, "more than there are disks")
	var objects int64
	for _, d := range b.Disks() {
		objects += d.ObjectsAllocated
	}
	assert.Equal(t, int64(9), objects)

	s := b.snapshot(v, cluster.SnapshotSpec{})
	apart := b.volume(cluster.VolumeSpec{Parent: s, Template: "ssd"})
	g, err = b.VAG(uint64(b.vag(apart)))
	require.NoError(t, err)
	assert.Equal(t, int64(group), g.ParentID)
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Template: "ssd"}))
	assert.Equal(t, int64(group), b.vag(v), "it founded the group")
	g, err = b.VAG(group)
	require.NoError(t, err)
	assert.True(t, g.Violated)
}

func TestBadAllocationGroupRequestsAreRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	v, hdd := b.volume(cluster.VolumeSpec{Template: "ssd"}), b.volume(cluster.VolumeSpec{Template: "hdd"})
	before := b.Generation()
	_, err := b.VAG(0)
	refused(t, err, cluster.InvalidParam, "")
	_, err = b.VAG(1 << 63)
	refused(t, err, cluster.ObjectDoesNotExist, "")
	refused(t, b.VolumeUpdateVAG(v, 0), cluster.InvalidParam, "")
	refused(t, b.VolumeUpdateVAG(v, 999), cluster.ObjectDoesNotExist, "Volume allocation group '999' does not exist")
	refused(t, b.VolumeUpdateVAG(v, uint64(b.vag(hdd))), cluster.InvalidParam, "")
	refused(t, b.VolumeUpdateVAG("none", 1), cluster.ObjectDoesNotExist, "")
	refused(t, b.SnapshotUpdateVAG(v, 1), cluster.ObjectDoesNotExist, "")
	for _, n := range []int{0, -1, 3, 65536} {
		refused(t, b.VAGUpdate(uint64(b.vag(v)), n), cluster.InvalidParam, "")
	}
	refused(t, b.VAGUpdate(999, 2), cluster.ObjectDoesNotExist, "")
	assert.Equal(t, before, b.Generation())
}

func TestTheBalancerWorksCommitsAndStops(t *testing.T) {
	t.Parallel()
	b := start(t)
	told := func(cmd string) cluster.BalancerStatus {
		require.NoError(t, b.BalancerCommand(cmd))
		return b.Balancer()
	}
	assert.Equal(t, cluster.BalancerIdle, b.Balancer())
	refused(t, b.BalancerCommand("commit"), cluster.InvalidParam, "The balancer is not ready: nothing to do")
	refused(t, b.BalancerCommand("jump"), cluster.InvalidParam, "")
	assert.Equal(t, cluster.BalancerWorking, told("start"))
	b.clock.Advance(time.Second / 2)
	assert.Equal(t, cluster.BalancerWorking, told("start"), "it does not begin again")
	b.clock.Advance(time.Second / 2)
	assert.Equal(t, cluster.BalancerReady, b.Balancer())
	assert.Equal(t, cluster.BalancerCommitting, told("commit"))
	b.clock.Advance(time.Second)
	assert.Equal(t, cluster.BalancerIdle, b.Balancer())
	assert.Equal(t, cluster.BalancerWorking, told("start"))
	require.NoError(t, b.SetCondition(cluster.Condition{Kind: cluster.DiskGone, ID: 101}))
	assert.Equal(t, cluster.BalancerBlocked, b.Balancer())
	assert.Equal(t, cluster.BalancerIdle, told("stop"))
}

func TestReplicasAvoidToShareAFaultSet(t *testing.T) {
	t.Parallel()
	b := start(t, func(o *cluster.Options) {
		o.Model.FaultSets = []cluster.ModelFaultSet{{Name: "left", Servers: []int{1, 2}}, {Name: "right", Servers: []int{3}}}
	})
	assert.Equal(t, []string{"left", "right"}, []string{b.FaultSets()[0].Name, b.FaultSets()[1].Name})
	v := b.volume(cluster.VolumeSpec{Template: "ssd", Policy: cluster.Policy{Replication: new(2)}})
	for set := range b.Layout(b.vol(v)).Objects() {
		assert.NotEqual(t, set[0] < 300, set[1] < 300, "%v", set)
	}
	for _, sets := range [][]cluster.ModelFaultSet{
		{{Name: "a b", Servers: []int{1}}},
		{{Name: "a"}, {Name: "a"}},
		{{Name: "a", Servers: []int{4}}},
		{{Name: "a", Servers: []int{1}}, {Name: "b", Servers: []int{1}}},
	} {
		m := cluster.DefaultModel()
		m.FaultSets = sets
		require.ErrorContains(t, m.Validate(), "fault set")
	}
}
