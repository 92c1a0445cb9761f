package cluster_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestAConditionIsTheSameInGoAndJSON(t *testing.T) {
	t.Parallel()
	for text, cond := range map[string]cluster.Condition{
		`{"kind":"diskGone","id":101}`:                 {Kind: cluster.DiskGone, ID: 101},
		`{"kind":"serverDown","id":2}`:                 {Kind: cluster.ServerDown, ID: 2},
		`{"kind":"clientDead","id":3}`:                 {Kind: cluster.ClientDead, ID: 3},
		`{"kind":"clientDown","id":3}`:                 {Kind: cluster.ClientDown, ID: 3},
		`{"kind":"noQuorum"}`:                          {Kind: cluster.NoQuorum},
		`{"kind":"capacityExhausted"}`:                 {Kind: cluster.CapacityExhausted},
		`{"kind":"capacityExhausted","group":"hdd"}`:   {Kind: cluster.CapacityExhausted, Group: "hdd"},
		`{"kind":"capacityExhausted","group":"alone"}`: {Kind: cluster.CapacityExhausted, Group: "alone"},
	} {
		b := start(t)
		require.NoError(t, b.PlacementGroupUpdate("alone", cluster.GroupChange{AddDisks: []int{101}}))
		var read cluster.Condition
		require.NoError(t, json.Unmarshal([]byte(text), &read))
		assert.Equal(t, cond, read)
		written, err := json.Marshal(cond)
		require.NoError(t, err)
		assert.JSONEq(t, text, string(written))
		require.NoError(t, b.SetCondition(cond), text)
		require.NoError(t, b.SetCondition(cond), "again")
		assert.Equal(t, []cluster.Condition{cond}, b.Conditions())
		require.NoError(t, b.ClearCondition(cond))
		refused(t, b.ClearCondition(cond), cluster.ObjectDoesNotExist, "")
		assert.Empty(t, b.Conditions())
	}
}

func TestConditionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	for _, c := range []struct {
		cond cluster.Condition
		want cluster.ErrorName
	}{
		{cluster.Condition{}, cluster.InvalidParam},
		{cluster.Condition{Kind: "flood"}, cluster.InvalidParam},
		{cluster.Condition{Kind: cluster.DiskGone}, cluster.ObjectDoesNotExist},
		{cluster.Condition{Kind: cluster.DiskGone, ID: 101, Group: "ssd"}, cluster.InvalidParam},
		{cluster.Condition{Kind: cluster.ServerDown, ID: 4}, cluster.ObjectDoesNotExist},
		{cluster.Condition{Kind: cluster.ServerDown}, cluster.ObjectDoesNotExist},
		{cluster.Condition{Kind: cluster.ClientDead, ID: 99}, cluster.ObjectDoesNotExist},
		{cluster.Condition{Kind: cluster.NoQuorum, ID: 1}, cluster.InvalidParam},
		{cluster.Condition{Kind: cluster.CapacityExhausted, ID: 1}, cluster.InvalidParam},
		{cluster.Condition{Kind: cluster.CapacityExhausted, Group: "none"}, cluster.ObjectDoesNotExist},
	} {
		refused(t, b.SetCondition(c.cond), c.want, "")
	}
	assert.Empty(t, b.Conditions())
}

func TestADiskIsUpOnlyWhileNothingTakesItAway(t *testing.T) {
	t.Parallel()
	b := start(t)
	up := func(id int) bool {
		d, err := b.Disk(id)
		require.NoError(t, err)
		return d.Up()
	}
	gone, down := cluster.Condition{Kind: cluster.DiskGone, ID: 101}, cluster.Condition{Kind: cluster.ServerDown, ID: 1}
	at := b.Generation()
	require.NoError(t, b.SetCondition(gone))
	d, err := b.Disk(101)
	require.NoError(t, err)
	assert.Equal(t, at, d.GenerationLeft)
	assert.Equal(t, at+1, b.Generation(), "a disk that goes is a change")
	assert.Equal(t, []int{101}, b.MissingDisks(1))
	require.NoError(t, b.DiskIgnore(101))
	assert.Empty(t, b.MissingDisks(1))
	require.NoError(t, b.SetCondition(down))
	assert.False(t, up(108))
	assert.True(t, up(201))
	assert.Equal(t, cluster.Down, b.Services().Servers[0].Status)
	assert.Equal(t, cluster.Running, b.Services().Servers[1].Status)
	require.NoError(t, b.ClearCondition(gone))
	assert.False(t, up(101), "its server is down")
	require.NoError(t, b.DiskEject(108))
	b.ClearConditions()
	assert.True(t, up(101))
	assert.False(t, up(108), "it was ejected")
	assert.Empty(t, b.MissingDisks(1))

	require.NoError(t, b.SetCondition(gone))
	require.NoError(t, b.DiskForget(101))
	assert.Empty(t, b.Conditions(), "the disk took it along")
}

func TestAClusterWithoutAMajorityOfItsServersHasNoQuorum(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	b.attach(v, 1)
	d, err := b.Device(1, v)
	require.NoError(t, err)
	one, two := cluster.Condition{Kind: cluster.ServerDown, ID: 1}, cluster.Condition{Kind: cluster.ServerDown, ID: 2}
	require.NoError(t, b.SetCondition(one))
	require.NoError(t, b.Available())
	_, err = d.WriteAt(make([]byte, 4096), 0)
	require.NoError(t, err, "two replicas are left")
	for _, last := range []cluster.Condition{two, {Kind: cluster.NoQuorum}} {
		require.NoError(t, b.SetCondition(last))
		err = b.Available()
		refused(t, err, cluster.ClusterDown, "")
		var refusal *cluster.Error
		require.ErrorAs(t, err, &refusal)
		assert.True(t, refusal.Transient)
		assert.Equal(t, cluster.Waiting, b.Services().Cluster)
		_, err = d.ReadAt(make([]byte, 4096), 0)
		require.ErrorIs(t, err, cluster.ErrUnavailable)
		require.NoError(t, b.ClearCondition(last))
		require.NoError(t, b.Available())
	}
}

func TestADeadClientCannotUseItsDevices(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	b.attach(v, 1)
	b.attach(v, 2)
	mine, err := b.Device(1, v)
	require.NoError(t, err)
	other, err := b.Device(2, v)
	require.NoError(t, err)
	require.NoError(t, b.SetCondition(cluster.Condition{Kind: cluster.ClientDead, ID: 1}))
	p := make([]byte, 4096)
	_, err = mine.WriteAt(p, 0)
	require.ErrorIs(t, err, cluster.ErrClientDead)
	_, err = mine.ReadAt(p, 0)
	require.ErrorIs(t, err, cluster.ErrClientDead)
	require.ErrorIs(t, mine.Discard(0, 4096), cluster.ErrClientDead)
	_, err = mine.Size()
	require.ErrorIs(t, err, cluster.ErrClientDead)
	_, err = b.Device(1, v)
	require.ErrorIs(t, err, cluster.ErrClientDead)
	_, err = other.WriteAt(p, 0)
	require.NoError(t, err)
	assert.Equal(t, cluster.Down, b.Services().Clients[0].Status)
	require.NoError(t, b.SetClientDown(1, true))
	require.NoError(t, b.ClearCondition(cluster.Condition{Kind: cluster.ClientDead, ID: 1}))
	assert.Equal(t, []cluster.Condition{{Kind: cluster.ClientDown, ID: 1}}, b.Conditions())
	assert.Equal(t, cluster.Down, b.Services().Clients[0].Status)
	_, err = mine.WriteAt(p, 0)
	require.NoError(t, err)
}

func TestDataWithoutAnyDiskThatIsUpCannotBeUsed(t *testing.T) {
	t.Parallel()
	b := start(t)
	require.NoError(t, b.PlacementGroupUpdate("two", cluster.GroupChange{AddDisks: []int{101, 201}}))
	v := b.volume(cluster.VolumeSpec{Policy: cluster.Policy{PlaceAll: "two", Replication: new(1)}})
	b.attach(v, 1)
	d, err := b.Device(1, v)
	require.NoError(t, err)
	sets := b.Layout(b.vol(v))
	var disks []int
	for set := range sets.Objects() {
		disks = append(disks, set[0])
	}
	require.NoError(t, b.SetCondition(cluster.Condition{Kind: cluster.DiskGone, ID: disks[0]}))
	p := make([]byte, 4096)
	_, err = d.ReadAt(p, 0)
	require.ErrorIs(t, err, cluster.ErrUnavailable)
	_, err = d.WriteAt(p, 32*mib-8192)
	require.ErrorIs(t, err, cluster.ErrUnavailable)
	_, err = d.WriteAt(p, 32*mib)
	require.NoError(t, err, "the next object is on the other disk")
	_, err = d.ReadAt(p, 32*mib-1)
	require.ErrorIs(t, err, cluster.ErrUnavailable, "a byte of the first object")
	require.NoError(t, b.PlacementGroupUpdate("two", cluster.GroupChange{RemoveDisks: []int{disks[0]}}))
	_, err = d.ReadAt(p, 0)
	require.NoError(t, err, "the group has no disk any more that is down")
}

func TestAnExhaustedPlacementGroupTakesNothingNew(t *testing.T) {
	t.Parallel()
	b := start(t)
	v, other := b.volume(cluster.VolumeSpec{Template: "hybrid"}), b.volume(cluster.VolumeSpec{Template: "ssd"})
	b.attach(v, 1)
	b.attach(other, 1)
	d, err := b.Device(1, v)
	require.NoError(t, err)
	free, err := b.Device(1, other)
	require.NoError(t, err)
	require.NoError(t, b.SetCondition(cluster.Condition{Kind: cluster.CapacityExhausted, Group: "hdd"}))

	_, err = b.VolumeCreate(cluster.VolumeSpec{Size: new(gib), Template: "hybrid"})
	refused(t, err, cluster.InsufficientResources, "")
	refused(t, b.VolumeUpdate(v, cluster.VolumeChange{SizeAdd: new(mib)}), cluster.InsufficientResources, "")
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Size: new(512 * mib), ShrinkOK: true}))
	b.volume(cluster.VolumeSpec{Template: "ssd"})
	_, err = d.WriteAt(make([]byte, 4096), 0)
	require.ErrorIs(t, err, cluster.ErrNoSpace)
	require.NoError(t, d.Discard(0, 4096))
	_, err = d.ReadAt(make([]byte, 4096), 0)
	require.NoError(t, err)
	_, err = free.WriteAt(make([]byte, 4096), 0)
	require.NoError(t, err)
	for _, s := range b.TemplateStatus() {
		assert.Equal(t, s.Name == "ssd", s.Stored.Free > 0, s.Name)
		assert.Positive(t, s.Stored.Capacity)
	}
	disk, err := b.Disk(105)
	require.NoError(t, err)
	assert.Zero(t, disk.AGFree())
	require.NoError(t, b.PlacementGroupUpdate("hdd", cluster.GroupChange{Rename: "slow"}))
	assert.Equal(t, []cluster.Condition{{Kind: cluster.CapacityExhausted, Group: "slow"}}, b.Conditions())
	b.ClearConditions()
	_, err = d.WriteAt(make([]byte, 4096), 0)
	require.NoError(t, err)
}
