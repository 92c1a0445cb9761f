package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

// loads returns what all disks together and disk 101 alone hold.
func (b *bed) loads() (objects, bytes, of101 int64) {
	b.t.Helper()
	for _, d := range b.Disks() {
		objects += d.ObjectsAllocated
		bytes += d.OnDiskSize
		if d.ID == 101 {
			of101 = d.ObjectsAllocated
		}
	}
	return objects, bytes, of101
}

// relocating counts the objects that still have to leave a disk.
func (b *bed) relocating() (n int) {
	p := b.Placement()
	for o := range b.Volumes().All() {
		if p.Moves(o) {
			n++
		}
	}
	return n
}

func TestASoftEjectMovesDataAwayInTheCourseOfTime(t *testing.T) {
	t.Parallel()
	b := start(t)
	var all []cluster.Ref
	for range 4 { // each has 98304 objects on the disk, which take 1.92 seconds
		all = append(all, b.volume(cluster.VolumeSpec{Template: "ssd", Size: new(12 * tib)}))
	}
	for k := range int64(12) {
		b.write(all[0], k*32*mib, 1, mib)
	}
	objects, bytes, on := b.loads()
	require.Equal(t, int64(4*98304), on)
	require.Empty(t, b.Tasks())
	require.NoError(t, b.DiskSoftEject(101, "on"))
	number := b.Generation() - 1

	_, _, now := b.loads()
	assert.Equal(t, on, now, "nothing has left yet")
	assert.Equal(t, 4, b.relocating())
	assert.Equal(t, []cluster.Task{{Disk: 101, Transaction: number, All: on, Dispatched: 98304}}, b.Tasks())
	late := b.volume(cluster.VolumeSpec{Template: "ssd", Size: new(12 * tib)})
	for set := range b.Layout(b.vol(late)).Objects() {
		require.NotContains(t, set, 101, "nothing new is put there")
	}
	require.NoError(t, b.VolumeDelete(late, ""))

	b.clock.Advance(2 * time.Second)
	objectsNow, bytesNow, now := b.loads()
	assert.Equal(t, int64(3*98304), now, "the first volume has left")
	assert.Equal(t, []int64{objects, bytes}, []int64{objectsNow, bytesNow}, "nothing is lost")
	assert.Equal(t, []cluster.Task{{Disk: 101, Transaction: number, All: on, Completed: 98304, Dispatched: 2 * 98304}}, b.Tasks())
	targets := b.DiskTargets()
	assert.Equal(t, cluster.Target{Current: 3 * 98304}, targets[0].Objects)
	var toRecover int64
	for _, d := range targets {
		toRecover += d.Objects.ToRecover
	}
	assert.Equal(t, int64(3*98304), toRecover)
	moved, waiting := b.ObjectTargets(b.vol(all[0])), b.ObjectTargets(b.vol(all[1]))
	assert.Len(t, moved, 11)
	assert.Len(t, waiting, 12)

	require.NoError(t, b.DiskSoftEject(101, "paused"))
	b.clock.Advance(time.Hour)
	assert.Equal(t, 3, b.relocating())
	assert.Empty(t, b.Tasks(), "a paused one does nothing")
	require.NoError(t, b.DiskSoftEject(101, "on"))
	b.clock.Advance(1900 * time.Millisecond)
	assert.Equal(t, 2, b.relocating(), "it goes on where it was")
	b.clock.Advance(time.Hour)
	objectsNow, bytesNow, now = b.loads()
	assert.Equal(t, []int64{objects, bytes, 0}, []int64{objectsNow, bytesNow, now})
	assert.Zero(t, b.relocating())
	assert.Empty(t, b.Tasks())

	require.NoError(t, b.DiskSoftEject(101, "off"))
	_, _, now = b.loads()
	assert.Equal(t, on, now, "it is in use again")
}

func TestDataStaysWhereThereIsNoOtherDisk(t *testing.T) {
	t.Parallel()
	b := start(t)
	require.NoError(t, b.PlacementGroupUpdate("two", cluster.GroupChange{AddDisks: []int{101, 201}}))
	v := b.volume(cluster.VolumeSpec{Policy: cluster.Policy{PlaceAll: "two", Replication: new(2)}})
	require.NoError(t, b.DiskSoftEject(101, "on"))
	b.clock.Advance(time.Hour)
	_, _, on := b.loads()
	assert.Equal(t, b.vol(v).ObjectsCount(), on)
	assert.Zero(t, b.relocating())
}

func TestTwoSoftEjectsRunBesideEachOther(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.volume(cluster.VolumeSpec{Template: "ssd"})
	objects, _, _ := b.loads()
	require.NoError(t, b.DiskSoftEject(101, "on"))
	require.NoError(t, b.DiskSoftEject(201, "on"))
	b.clock.Advance(time.Hour)
	now, _, _ := b.loads()
	assert.Equal(t, objects, now)
	for _, d := range b.Disks() {
		assert.Equal(t, d.SSD && d.ID != 101 && d.ID != 201, d.ObjectsAllocated > 0, "disk %d", d.ID)
	}
}

func TestWhatADiskHoldsAddsUp(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Template: "hybrid"})
	for k := range int64(5) {
		b.write(v, k*32*mib, 1, 3*mib)
	}
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	b.write(v, 0, 2, mib)
	b.volume(cluster.VolumeSpec{Template: "ssd", Parent: "s", Size: new(2 * gib)})
	var all int64
	for _, d := range b.Disks() {
		var bytes, ofVolumes, objects int64
		list, err := b.DiskObjects(d.ID)
		require.NoError(t, err)
		for _, o := range list {
			bytes += o.Bytes
		}
		volumes, err := b.DiskVolumes(d.ID)
		require.NoError(t, err)
		for _, o := range volumes {
			ofVolumes += o.Bytes
			objects += o.Objects
		}
		assert.Equal(t, []int64{d.OnDiskSize, d.OnDiskSize, d.ObjectsAllocated}, []int64{bytes, ofVolumes, objects})
		all += bytes
	}
	assert.Equal(t, 3*16*mib, all)
	_, err := b.DiskObjects(1)
	refused(t, err, cluster.ObjectDoesNotExist, "")
	_, err = b.DiskVolumes(1)
	refused(t, err, cluster.ObjectDoesNotExist, "")
}

func TestAScrubTakesAsLongAsThereIsDataOnTheDisk(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Template: "ssd"})
	b.write(v, 0, 1, 32*mib)
	for k := range int64(7) { // on the same disk set
		b.write(v, (k+1)*12*32*mib%(32*32*mib), 1, 32*mib)
	}
	disk := func() cluster.Disk {
		for _, d := range b.Disks() {
			if d.OnDiskSize > 64*mib {
				return d
			}
		}
		require.Fail(t, "no disk has enough data")
		return cluster.Disk{}
	}
	total, id := disk().OnDiskSize, disk().ID
	began := b.clock.Now().Unix()
	require.NoError(t, b.DiskScrubStart(id))
	s := disk().Scrub
	assert.Equal(t, []int64{total, 0, 64 * mib, (total + 64*mib - 1) / (64 * mib)}, []int64{s.Total, s.Done, s.Rate(), s.Left()})
	b.clock.Advance(second)
	s = disk().Scrub
	assert.Equal(t, []int64{64 * mib, (total - 1) / (64 * mib)}, []int64{s.Done, s.Left()})
	require.NoError(t, b.DiskScrubPause(id, true))
	b.clock.Advance(10 * second)
	s = disk().Scrub
	assert.Equal(t, []int64{64 * mib, 0, began, began + 1}, []int64{s.Done, s.Rate(), s.Started, s.PausedAt})
	require.NoError(t, b.DiskScrubPause(id, false))
	left := disk().Scrub.Left()
	b.clock.Advance(time.Duration(left-1) * second)
	assert.Equal(t, began, disk().Scrub.Started)
	b.clock.Advance(second)
	assert.Equal(t, cluster.Scrub{Completed: began + 11 + left}, disk().Scrub)
	require.NoError(t, b.DiskScrubStart(id))
	assert.Equal(t, began+11+left, disk().Scrub.Completed, "the last completed pass is remembered")
}
