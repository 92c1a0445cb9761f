package cluster_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestTemplatesReadUnsetMembersAsNothingAndPlacementsAsPlaceAll(t *testing.T) {
	t.Parallel()
	b := start(t)
	assert.Equal(t, []cluster.Template{
		{ID: 4, Name: "hdd", Replication: 3, PlaceAll: "hdd", PlaceTail: "hdd", PlaceHead: "hdd"},
		{ID: 5, Name: "ssd", Replication: 3, PlaceAll: "ssd", PlaceTail: "ssd", PlaceHead: "ssd"},
		{ID: 6, Name: "hybrid", Replication: 3, PlaceAll: "hdd", PlaceTail: "ssd", PlaceHead: "hdd"},
	}, b.Templates())
	require.NoError(t, b.TemplateCreate(cluster.TemplateSpec{Name: "t", Size: new(10 * gib), Policy: cluster.Policy{
		PlaceTail: "ssd", BW: new(cluster.Limit(0)), IOPS: new(cluster.Limit(7)), ReuseServer: new(true),
	}}))
	tm, err := b.Template("t")
	require.NoError(t, err)
	assert.Equal(t, cluster.Template{
		ID: 7, Name: "t", Size: 10 * gib, PlaceAll: "default", PlaceTail: "ssd", PlaceHead: "default", IOPS: 7, ReuseServer: true,
	}, tm)
}

func TestTemplateCallsRefuseBadRequests(t *testing.T) {
	t.Parallel()
	b := start(t)
	spec := func(s cluster.TemplateSpec) error { return b.TemplateCreate(s) }
	refused(t, spec(cluster.TemplateSpec{Name: "ssd"}), cluster.ObjectExists, "Template 'ssd' already exists")
	refused(t, spec(cluster.TemplateSpec{Name: "a.b"}), cluster.InvalidParam, "")
	refused(t, spec(cluster.TemplateSpec{Name: "t", Size: new(int64(5))}), cluster.InvalidParam, "")
	refused(t, spec(cluster.TemplateSpec{Name: "t", Parent: "none"}), cluster.ObjectDoesNotExist, "")
	refused(t, spec(cluster.TemplateSpec{Name: "t", Policy: cluster.Policy{PlaceAll: "none"}}), cluster.ObjectDoesNotExist, "")
	change := func(name string, ch cluster.TemplateChange) error { return b.TemplateUpdate(name, ch) }
	refused(t, change("none", cluster.TemplateChange{}), cluster.ObjectDoesNotExist, "Template 'none' does not exist")
	refused(t, change("ssd", cluster.TemplateChange{Rename: "hdd"}), cluster.ObjectExists, "")
	refused(t, change("ssd", cluster.TemplateChange{Policy: cluster.Policy{Replication: new(9)}}), cluster.InvalidParam, "")
	refused(t, b.TemplateDelete("none"), cluster.ObjectDoesNotExist, "")
	_, err := b.Template("none")
	refused(t, err, cluster.ObjectDoesNotExist, "")
	assert.Len(t, b.Templates(), 3)
}

func TestATemplateChangeReachesItsObjectsOnlyWithPropagate(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Template: "ssd", Policy: cluster.Policy{BW: new(cluster.Limit(3))}})
	s := b.snapshot(v, cluster.SnapshotSpec{})
	other := b.volume(cluster.VolumeSpec{Template: "hdd"})
	iops := func(ref cluster.Ref) cluster.Limit { return b.vol(ref).IOPS }

	require.NoError(t, b.TemplateUpdate("ssd", cluster.TemplateChange{Policy: cluster.Policy{IOPS: new(cluster.Limit(100))}}))
	assert.Equal(t, cluster.Limit(0), iops(v))
	assert.Equal(t, cluster.Limit(100), iops(b.volume(cluster.VolumeSpec{Template: "ssd"})))

	require.NoError(t, b.TemplateUpdate("ssd", cluster.TemplateChange{
		Propagate: true, Policy: cluster.Policy{IOPS: new(cluster.Limit(200)), Replication: new(2)},
	}))
	assert.Equal(t, []cluster.Limit{200, 3}, []cluster.Limit{iops(v), b.vol(v).BW}, "only what was given")
	assert.Equal(t, 2, b.snap(s).Replication)
	assert.Equal(t, cluster.Limit(0), iops(other))

	require.NoError(t, b.TemplateUpdate("ssd", cluster.TemplateChange{Rename: "fast", Size: new(gib)}))
	assert.Equal(t, "fast", b.vol(v).Template)
	require.NoError(t, b.TemplateDelete("fast"))
	assert.Empty(t, b.vol(v).Template+b.snap(s).Template)
	assert.Equal(t, cluster.Limit(200), iops(v), "they keep their settings")
	assert.Equal(t, "hdd", b.vol(other).Template)
}

func TestPlacementGroupsAreCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	b := start(t)
	update := func(name string, ch cluster.GroupChange) error { return b.PlacementGroupUpdate(name, ch) }
	require.NoError(t, update("g", cluster.GroupChange{AddDisks: []int{202, 101, 101}}))
	g, err := b.PlacementGroup("g")
	require.NoError(t, err)
	assert.Equal(t, cluster.PlacementGroup{ID: 7, Name: "g", Disks: []int{101, 202}}, g)
	refused(t, update("g", cluster.GroupChange{AddDisks: []int{1}}), cluster.ObjectDoesNotExist, "Disk 1 does not exist")
	refused(t, update("g", cluster.GroupChange{Rename: "ssd"}), cluster.ObjectExists, "")
	refused(t, update("a b", cluster.GroupChange{}), cluster.InvalidParam, "")
	refused(t, update("g", cluster.GroupChange{Rename: "a b"}), cluster.InvalidParam, "")

	v := b.volume(cluster.VolumeSpec{Policy: cluster.Policy{PlaceAll: "g"}})
	require.NoError(t, b.TemplateCreate(cluster.TemplateSpec{Name: "t", Policy: cluster.Policy{PlaceAll: "g"}}))
	require.NoError(t, update("g", cluster.GroupChange{Rename: "h", AddDisks: []int{301}, RemoveDisks: []int{101}}))
	assert.Equal(t, "h", b.vol(v).PlaceTail)
	tm, err := b.Template("t")
	require.NoError(t, err)
	assert.Equal(t, "h", tm.PlaceAll)
	_, err = b.PlacementGroup("g")
	refused(t, err, cluster.ObjectDoesNotExist, "Placement group 'g' does not exist")
	var all []string
	for _, g := range b.PlacementGroups() {
		all = append(all, g.Name)
	}
	assert.Equal(t, []string{"default", "h", "hdd", "ssd"}, all)

	refused(t, b.PlacementGroupDelete("g"), cluster.ObjectDoesNotExist, "")
	refused(t, b.PlacementGroupDelete("h"), cluster.Busy, "")
	require.NoError(t, b.TemplateDelete("t"))
	refused(t, b.PlacementGroupDelete("h"), cluster.Busy, "Placement group 'h' is in use")
	require.NoError(t, b.VolumeDelete(v, ""))
	require.NoError(t, b.PlacementGroupDelete("h"))
}

func TestReplicasAreOnDifferentServersAndTheTailComesLast(t *testing.T) {
	t.Parallel()
	b := start(t)
	ssd := func(id int) bool {
		d, err := b.Disk(id)
		require.NoError(t, err)
		return d.SSD
	}
	v := b.vol(b.volume(cluster.VolumeSpec{Template: "hybrid", Size: new(10 * gib)}))
	l := b.Layout(v)
	assert.Len(t, l.TargetDiskSets, 12)
	for _, set := range l.TargetDiskSets {
		require.Len(t, set, 3)
		assert.Equal(t, []bool{false, false, true}, []bool{ssd(set[0]), ssd(set[1]), ssd(set[2])}, "%v", set)
		servers := []int{set[0] / 100, set[1] / 100, set[2] / 100}
		slices.Sort(servers)
		assert.Equal(t, []int{1, 2, 3}, servers, "%v", set)
	}
	counts := make([]int64, len(l.TargetDiskSets))
	for set := range l.Objects() {
		counts[slices.IndexFunc(l.TargetDiskSets, func(s []int) bool { return slices.Equal(s, set) })]++
	}
	assert.Equal(t, counts, l.Counts())
	var sum int64
	for _, n := range counts {
		sum += n
	}
	assert.Equal(t, v.ObjectsCount(), sum)
}

func TestAGroupWithTooFewServersPlacesWhatItCan(t *testing.T) {
	t.Parallel()
	b := start(t)
	require.NoError(t, b.PlacementGroupUpdate("two", cluster.GroupChange{AddDisks: []int{101, 102}}))
	l := b.Layout(b.vol(b.volume(cluster.VolumeSpec{Policy: cluster.Policy{PlaceAll: "two"}})))
	for _, set := range l.TargetDiskSets {
		assert.ElementsMatch(t, []int{101, 102}, set)
	}
	require.NoError(t, b.PlacementGroupUpdate("none", cluster.GroupChange{}))
	_, err := b.VolumeCreate(cluster.VolumeSpec{Size: new(gib), Policy: cluster.Policy{PlaceAll: "none"}})
	refused(t, err, cluster.InsufficientResources, "")
	require.NoError(t, b.PlacementGroupUpdate("two", cluster.GroupChange{RemoveDisks: []int{101, 102}}))
	for o := range b.Volumes().All() {
		assert.Empty(t, b.Layout(o).Counts())
		for set := range b.Layout(o).Objects() {
			assert.Empty(t, set)
		}
	}
}

func TestAVolumeMayBeAsLargeAsTheDisksThatAreUp(t *testing.T) {
	t.Parallel()
	b := start(t)
	require.NoError(t, b.PlacementGroupUpdate("two", cluster.GroupChange{AddDisks: []int{101, 201}}))
	create := func() error {
		_, err := b.VolumeCreate(cluster.VolumeSpec{Size: new(40 * tib), Policy: cluster.Policy{PlaceAll: "two", Replication: new(2)}})
		return err
	}
	require.NoError(t, create())
	require.NoError(t, b.DiskEject(201))
	refused(t, create(), cluster.InsufficientResources, "")
}

func TestDisksCountWhatIsOnThem(t *testing.T) {
	t.Parallel()
	b := start(t)
	disks := b.Disks()
	require.Len(t, disks, 24)
	d := disks[0]
	assert.Equal(t, []any{101, 1, true, int64(-1), "off"}, []any{d.ID, d.Server, d.SSD, d.GenerationLeft, d.SoftEject})
	assert.Equal(t, int64(131070), d.AGCount)
	assert.Equal(t, d.AGCount, d.AGFree(), "nothing is written")
	assert.True(t, slices.IsSortedFunc(disks, func(a, b cluster.Disk) int { return a.ID - b.ID }))

	v := b.volume(cluster.VolumeSpec{Template: "ssd", Size: new(10 * tib)})
	for k := range int64(12) { // a disk set each
		b.write(v, k*32*mib+4096, 1, mib)
	}
	var objects, onDisk int64
	for _, d := range b.Disks() {
		objects += d.ObjectsAllocated
		onDisk += d.OnDiskSize
		assert.Equal(t, d.OnDiskSize > 0, d.SSD, "disk %d", d.ID)
		if d.SSD {
			assert.Equal(t, d.AGCount-1, d.AGFree())
			assert.Equal(t, (d.OnDiskSize+4095)/4096, d.EntriesAllocated)
		}
	}
	assert.Equal(t, 3*b.vol(v).ObjectsCount(), objects)
	assert.Equal(t, 3*12*mib, onDisk)
}

func TestDisksAreDescribedEjectedScrubbedAndForgotten(t *testing.T) {
	t.Parallel()
	b := start(t)
	disk := func() cluster.Disk {
		d, err := b.Disk(101)
		require.NoError(t, err)
		return d
	}
	require.NoError(t, b.DiskSetDescription(101, "shelf 1"))
	refused(t, b.DiskSetDescription(101, "a/b"), cluster.InvalidParam, "")
	assert.Equal(t, "shelf 1", disk().Description)
	require.NoError(t, b.DiskSoftEject(101, "paused"))
	refused(t, b.DiskSoftEject(101, "maybe"), cluster.InvalidParam, "")
	assert.Equal(t, "paused", disk().SoftEject)

	now := b.clock.Now().Unix()
	require.NoError(t, b.DiskScrubPause(101, true))
	b.clock.Advance(second)
	require.NoError(t, b.DiskScrubStart(101))
	assert.Equal(t, cluster.Scrub{Started: now + 1, Since: now + 1, Paused: true, PausedAt: now + 1}, disk().Scrub)
	b.clock.Advance(second)
	require.NoError(t, b.DiskScrubPause(101, false))
	assert.Equal(t, cluster.Scrub{Completed: now + 2}, disk().Scrub, "nothing is on the disk")

	refused(t, b.DiskForget(101), cluster.Busy, "Disk 101 is up")
	at := b.Generation()
	require.NoError(t, b.DiskEject(101))
	assert.Equal(t, at, disk().GenerationLeft)
	require.NoError(t, b.DiskEject(101))
	assert.Equal(t, at, disk().GenerationLeft, "it left once")
	require.NoError(t, b.DiskForget(101))
	_, err := b.Disk(101)
	refused(t, err, cluster.ObjectDoesNotExist, "Disk 101 does not exist")
	g, err := b.PlacementGroup("ssd")
	require.NoError(t, err)
	assert.NotContains(t, g.Disks, 101)
	for _, err := range []error{
		b.DiskSetDescription(101, ""), b.DiskSoftEject(101, "on"), b.DiskScrubStart(101), b.DiskScrubPause(101, true),
		b.DiskEject(101), b.DiskForget(101),
	} {
		refused(t, err, cluster.ObjectDoesNotExist, "")
	}
}

func TestTemplateStatusAddsUpItsObjectsAndEstimatesWhatFits(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Template: "hybrid", Size: new(2 * gib)})
	b.write(v, 0, 1, mib)
	b.snapshot(v, cluster.SnapshotSpec{Name: "childless"})
	b.volume(cluster.VolumeSpec{Parent: "childless", Size: new(3 * gib)})
	b.snapshot(v, cluster.SnapshotSpec{Name: "parent"})
	b.volume(cluster.VolumeSpec{Parent: "parent", Size: new(3 * gib)})
	require.NoError(t, b.VolumeDelete(v, ""))
	require.NoError(t, b.SnapshotDelete("childless")) // two children

	all := b.TemplateStatus()
	require.Len(t, all, 3)
	s := all[2]
	assert.Equal(t, []int64{2, 2, 1}, []int64{s.VolumesCount, s.SnapshotsCount, s.RemovingSnapshotsCount})
	assert.Equal(t, []int64{10 * gib, 6 * gib, 30 * gib}, []int64{s.Size, s.VolumesSize, s.TotalSize})
	assert.Equal(t, []int64{4 * gib, 0}, []int64{s.SnapshotsWithChildrenSize, s.SnapshotsWithoutChildrenSize})
	assert.Equal(t, []int64{mib, 3 * mib}, []int64{s.StoredSize, s.OnDiskSize})

	const group = 512 << 20
	raw := int64(12) * 131070 * group // twelve disks of each kind
	assert.Equal(t, []int64{raw, raw, raw}, []int64{s.All.Capacity, s.Tail.Capacity, s.Head.Capacity})
	fits := int64(12) * 131070 * group / 4224 * 4096 / 3
	assert.Equal(t, fits, s.Stored.Capacity)
	assert.Less(t, s.Stored.Free, s.Stored.Capacity)
	assert.Equal(t, min(s.All.Stored.Free, s.Tail.Stored.Free), s.Stored.Free)
	assert.Equal(t, fits, all[1].Head.Stored.Capacity)
	assert.Equal(t, int64(0), all[0].VolumesCount)

	require.NoError(t, b.DiskEject(101))
	assert.Equal(t, raw-131070*group, b.TemplateStatus()[2].Tail.Capacity, "a disk that is down holds nothing more")
}
