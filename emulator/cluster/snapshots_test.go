package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

const second = time.Second

func TestASnapshotIsSlidInBetweenAVolumeAndItsParent(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Template: "ssd", Tags: map[string]string{"cs": "volume"}})
	b.write(v, 0, 1, mib)
	first := b.snapshot(v, cluster.SnapshotSpec{Name: "first"})
	b.write(v, 0, 2, mib)
	made, err := b.VolumeSnapshot("v", cluster.SnapshotSpec{Name: "second", Tags: map[string]string{"x": "y"}})
	require.NoError(t, err)
	assert.Equal(t, cluster.SnapshotCreated{Name: "second", GlobalID: "spsm.b.3", VisibleID: 3}, made)
	b.write(v, 0, 3, mib)

	o := b.snap("second")
	assert.Equal(t, "first", o.ParentName())
	assert.Equal(t, "second", b.vol(v).ParentName())
	assert.Equal(t, "v", o.OnVolume())
	assert.Equal(t, map[string]string{"x": "y"}, o.Tags.Map(), "tags of the volume are not copied")
	assert.Equal(t, "ssd", o.Template)
	assert.Equal(t, cluster.SnapshotInfo{CreatedFrom: b.vol(v).GlobalID, CreatedFromID: 1}, publicOf(o))
	b.holds(first, 0, 1, mib)
	b.holds("second", 0, 2, mib)
	b.holds(v, 0, 3, mib)
	chain, err := b.Ancestors(v)
	require.NoError(t, err)
	assert.Equal(t, []*cluster.Object{o, b.snap(first)}, chain)

	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Rename: new("w")}))
	assert.Equal(t, "w", o.OnVolume())
	require.NoError(t, b.VolumeDelete(v, ""))
	assert.Equal(t, "-", o.OnVolume())
	b.holds("second", 0, 2, mib)
}

// publicOf returns the exported members of what only snapshots have.
func publicOf(o *cluster.Object) cluster.SnapshotInfo {
	s := o.Snap
	return cluster.SnapshotInfo{
		AutoName: s.AutoName, Bound: s.Bound, Transient: s.Transient, Deleted: s.Deleted, DeleteBlocked: s.DeleteBlocked,
		TargetDeleteDate: s.TargetDeleteDate, CreatedFrom: s.CreatedFrom, CreatedFromID: s.CreatedFromID,
	}
}

func TestAnonymousSnapshotsAreNamedForTheirVolumeOrTheirID(t *testing.T) {
	t.Parallel()
	b := start(t)
	named := b.volume(cluster.VolumeSpec{Name: "v"})
	nameless := b.volume(cluster.VolumeSpec{})
	made, err := b.VolumeSnapshot(named, cluster.SnapshotSpec{})
	require.NoError(t, err)
	assert.Equal(t, cluster.SnapshotCreated{Name: "v@3", GlobalID: "spsm.b.3", AutoName: "v@3", VisibleID: 3}, made)
	assert.True(t, b.snap("v@3").Snap.AutoName)
	made, err = b.VolumeSnapshot(nameless, cluster.SnapshotSpec{})
	require.NoError(t, err)
	assert.Equal(t, cluster.SnapshotCreated{Name: "~spsm.b.4", GlobalID: "spsm.b.4", VisibleID: 4}, made)
	assert.False(t, b.snap("~spsm.b.4").Snap.AutoName)

	require.NoError(t, b.SnapshotUpdate("v@3", cluster.SnapshotChange{Rename: new("kept")}))
	assert.False(t, b.snap("kept").Snap.AutoName)
	require.NoError(t, b.SnapshotUpdate("kept", cluster.SnapshotChange{Rename: new("")}))
	assert.Equal(t, "~spsm.b.3", b.snap("~spsm.b.3").Name)

	other := start(t, with(func(k *cluster.Behaviour) { k.AnonymousAtNames = true }))
	made, err = other.VolumeSnapshot(other.volume(cluster.VolumeSpec{}), cluster.SnapshotSpec{})
	require.NoError(t, err)
	assert.Equal(t, "spsm.b.1@2", made.Name)
}

func TestVolumeSnapshotRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.snapshot(b.volume(cluster.VolumeSpec{Name: "v"}), cluster.SnapshotSpec{Name: "s"})
	now := b.clock.Now().Unix()
	at := b.Generation()
	cases := []struct {
		what   string
		volume cluster.Ref
		spec   cluster.SnapshotSpec
		name   cluster.ErrorName
	}{
		{"unknown volume", "none", cluster.SnapshotSpec{}, cluster.ObjectDoesNotExist},
		{"snapshot of a snapshot", "s", cluster.SnapshotSpec{}, cluster.ObjectDoesNotExist},
		{"name of a volume", "v", cluster.SnapshotSpec{Name: "v"}, cluster.ObjectExists},
		{"name of a snapshot", "v", cluster.SnapshotSpec{Name: "s"}, cluster.ObjectExists},
		{"generated name", "v", cluster.SnapshotSpec{Name: "v@7"}, cluster.InvalidParam},
		{"name of a deleted one", "v", cluster.SnapshotSpec{Name: "*s"}, cluster.InvalidParam},
		{"date in the past", "v", cluster.SnapshotSpec{Schedule: cluster.Schedule{TargetDeleteDate: new(now - 1)}}, cluster.InvalidParam},
		{"date beyond time", "v", cluster.SnapshotSpec{Schedule: cluster.Schedule{TargetDeleteDate: new(int64(1) << 60)}}, cluster.InvalidParam},
		{"delay in the past", "v", cluster.SnapshotSpec{Schedule: cluster.Schedule{DeleteAfter: new(int64(-1))}}, cluster.InvalidParam},
		{"delay beyond time", "v", cluster.SnapshotSpec{Schedule: cluster.Schedule{DeleteAfter: new(int64(1) << 62)}}, cluster.InvalidParam},
		{"both", "v", cluster.SnapshotSpec{Schedule: cluster.Schedule{DeleteAfter: new(int64(1)), TargetDeleteDate: new(now)}}, cluster.InvalidParam},
		{"unknown template", "v", cluster.SnapshotSpec{Template: "none"}, cluster.ObjectDoesNotExist},
		{"bad tag", "v", cluster.SnapshotSpec{Tags: map[string]string{"ä": "x"}}, cluster.InvalidParam},
	}
	for _, c := range cases {
		_, err := b.VolumeSnapshot(c.volume, c.spec)
		assert.ErrorIs(t, err, c.name, c.what)
	}
	assert.Equal(t, at, b.Generation())
	assert.Equal(t, []string{"s"}, names(b.Snapshots()))
}

func TestAGroupIsTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	w := b.volume(cluster.VolumeSpec{})
	group := func(volumes ...cluster.GroupVolume) error {
		_, err := b.GroupSnapshot(cluster.GroupSpec{Volumes: volumes})
		return err
	}
	at := b.Generation()
	refused(t, group(cluster.GroupVolume{Volume: v}, cluster.GroupVolume{Volume: "none"}), cluster.ObjectDoesNotExist, "")
	refused(t, group(cluster.GroupVolume{Volume: v}, cluster.GroupVolume{Volume: "v"}), cluster.InvalidParam, "Volume 'v' is listed twice")
	refused(t, group(cluster.GroupVolume{Volume: v, Name: "g"}, cluster.GroupVolume{Volume: w, Name: "g"}), cluster.ObjectExists, "")
	refused(t, group(cluster.GroupVolume{Volume: v, Name: "g"}, cluster.GroupVolume{Volume: w, Name: "v"}), cluster.ObjectExists, "")
	assert.Equal(t, at, b.Generation())
	assert.Empty(t, names(b.Snapshots()))

	members, err := b.GroupSnapshot(cluster.GroupSpec{
		Volumes: []cluster.GroupVolume{{Volume: w, Tags: map[string]string{"cvm": "own"}}, {Volume: v, Name: "g"}},
		Tags:    map[string]string{"cs": "group", "cvm": "all"},
	})
	require.NoError(t, err)
	assert.Equal(t, []cluster.GroupMember{
		{Volume: "~spsm.b.2", VolumeGlobalID: "spsm.b.2", Snapshot: "~spsm.b.3", SnapshotGlobalID: "spsm.b.3"},
		{Volume: "v", VolumeGlobalID: "spsm.b.1", Snapshot: "g", SnapshotGlobalID: "spsm.b.4"},
	}, members)
	assert.Equal(t, at+1, b.Generation())
	assert.Equal(t, map[string]string{"cs": "group", "cvm": "own"}, b.snap("~spsm.b.3").Tags.Map())
	assert.Equal(t, map[string]string{"cs": "group", "cvm": "all"}, b.snap("g").Tags.Map())
	assert.Equal(t, "g", b.vol(v).ParentName())
}

func TestAScheduledDeletionHappensWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	s := b.snapshot(v, cluster.SnapshotSpec{Schedule: cluster.Schedule{DeleteAfter: new(int64(60))}})
	dated := b.snapshot(v, cluster.SnapshotSpec{Schedule: cluster.Schedule{TargetDeleteDate: new(b.clock.Now().Unix() + 90)}})
	kept := b.snapshot(v, cluster.SnapshotSpec{Schedule: cluster.Schedule{DeleteAfter: new(int64(60))}})
	moved := b.snapshot(v, cluster.SnapshotSpec{Schedule: cluster.Schedule{DeleteAfter: new(int64(60))}})
	require.NoError(t, b.VolumeDelete(v, ""))
	assert.Equal(t, b.clock.Now().Unix()+60, b.snap(s).Snap.TargetDeleteDate)
	require.NoError(t, b.SnapshotUpdate(kept, cluster.SnapshotChange{Schedule: cluster.Schedule{DeleteAfter: new(int64(0))}}))
	require.NoError(t, b.SnapshotUpdate(moved, cluster.SnapshotChange{Schedule: cluster.Schedule{DeleteAfter: new(int64(120))}}))

	at := b.Generation()
	b.clock.Advance(59 * second)
	assert.Equal(t, 4, b.Snapshots().Len())
	b.clock.Advance(second)
	assert.Equal(t, []string{string(dated), string(kept), string(moved)}, names(b.Snapshots()))
	assert.Equal(t, at+1, b.Generation())
	b.clock.Advance(30 * second)
	assert.Equal(t, []string{string(kept), string(moved)}, names(b.Snapshots()))
	b.clock.Advance(30 * second)
	assert.Equal(t, []string{string(kept)}, names(b.Snapshots()))
	refused(t, b.SnapshotUpdate(s, cluster.SnapshotChange{}), cluster.ObjectDoesNotExist, "")
}

func TestAScheduledDeletionOfAnAttachedSnapshotWaitsForTheDetach(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	s := b.snapshot(v, cluster.SnapshotSpec{Schedule: cluster.Schedule{DeleteAfter: new(int64(60))}})
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: s, RO: []int{1}}}))
	b.clock.Advance(time.Hour)
	assert.Equal(t, 1, b.Snapshots().Len())
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: s, DetachAll: true}}))
	assert.Equal(t, 0, b.Snapshots().Len())
}

func TestABoundSnapshotGoesOnceNothingNeedsIt(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	s := b.snapshot(v, cluster.SnapshotSpec{Bind: true})
	upper := b.snapshot(v, cluster.SnapshotSpec{Bind: true})
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: upper, RO: []int{1}}}))
	require.NoError(t, b.VolumeDelete(v, ""))
	assert.Equal(t, 2, b.Snapshots().Len(), "one is attached and the other has a child")
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: upper, Detach: []int{1}, RO: []int{2}}}))
	assert.Equal(t, 2, b.Snapshots().Len(), "the attachment moved")
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: upper, DetachAll: true}}))
	assert.Equal(t, 0, b.Snapshots().Len())
	_, err := b.Snapshot(s)
	refused(t, err, cluster.ObjectDoesNotExist, "")

	w := b.volume(cluster.VolumeSpec{})
	s = b.snapshot(w, cluster.SnapshotSpec{Bind: true})
	require.NoError(t, b.SnapshotUpdate(s, cluster.SnapshotChange{Bind: new(false)}))
	require.NoError(t, b.VolumeDelete(w, ""))
	assert.False(t, b.snap(s).Snap.Bound)
	require.NoError(t, b.SnapshotUpdate(s, cluster.SnapshotChange{Bind: new(true)}))
	assert.Equal(t, 0, b.Snapshots().Len())
}

func TestBoundSnapshotsOfOneChainMayBeDetachedTogether(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	low := b.snapshot(v, cluster.SnapshotSpec{Bind: true})
	high := b.snapshot(v, cluster.SnapshotSpec{Bind: true})
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: high, RO: []int{1}}, {Snapshot: low, RO: []int{1}}}))
	require.NoError(t, b.VolumeDelete(v, ""))
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: high, DetachAll: true}, {Snapshot: low, DetachAll: true}}))
	assert.Empty(t, names(b.Snapshots()))
}

func TestDeletingASnapshotKeepsWhatItsChildrenShow(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	b.write(v, 0, 1, mib)
	low := b.snapshot(v, cluster.SnapshotSpec{Name: "low"})
	b.write(v, mib, 2, mib)
	mid := b.snapshot(v, cluster.SnapshotSpec{Name: "mid", Tags: map[string]string{"cs": "template"}})
	b.write(v, 0, 3, mib)
	require.NoError(t, b.SnapshotDelete("mid"))
	assert.Equal(t, []string{"low"}, names(b.Snapshots()))
	assert.Equal(t, "low", b.vol(v).ParentName())
	assert.Equal(t, 2*mib, b.Space(b.vol(v)).Stored)
	b.holds(v, 0, 3, mib)
	b.holds(v, mib, 2, mib)
	for _, ref := range []cluster.Ref{mid, "mid", "*mid"} {
		refused(t, b.SnapshotDelete(ref), cluster.ObjectDoesNotExist, "")
	}
	require.NoError(t, b.SnapshotDelete(low))
	require.NoError(t, b.VolumeDelete(v, ""))
	assert.Equal(t, 0, b.Volumes().Len()+b.Snapshots().Len())
}

func TestASnapshotWithTwoChildrenLingersUntilOneIsLeft(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	b.write(v, 0, 1, mib)
	s := b.snapshot(v, cluster.SnapshotSpec{Tags: map[string]string{"cs": "template"}})
	c := b.volume(cluster.VolumeSpec{Parent: s})
	require.NoError(t, b.SnapshotDelete(s))
	assert.Equal(t, []string{"*" + string(s[1:])}, names(b.Snapshots()))
	for o := range b.Snapshots().All() {
		assert.True(t, o.Snap.Deleted)
		assert.Equal(t, "multiple children", o.Snap.DeleteBlocked)
		assert.Empty(t, o.Tags.Map(), "a deleted snapshot has no tags any more")
	}
	assert.Empty(t, b.FindByTag("cs", "template"))
	assert.Equal(t, "*"+string(s[1:]), b.vol(c).ParentName())
	for _, ref := range []cluster.Ref{s, "*" + s[1:]} {
		_, err := b.Snapshot(ref)
		refused(t, err, cluster.ObjectDoesNotExist, "")
	}
	_, err := b.VolumeCreate(cluster.VolumeSpec{Parent: s})
	refused(t, err, cluster.ObjectDoesNotExist, "")
	refused(t, b.VolumeRevert(v, s, false), cluster.ObjectDoesNotExist, "")
	refused(t, b.Reassign([]cluster.Assignment{{Snapshot: s, RO: []int{1}}}), cluster.ObjectDoesNotExist, "")

	require.NoError(t, b.VolumeDelete(v, ""))
	assert.Empty(t, names(b.Snapshots()))
	assert.Empty(t, b.vol(c).ParentName())
	b.holds(c, 0, 1, mib)
}

func TestTheNameOfADeletedSnapshotIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.DeleteDelay = 5 * second }))
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	require.NoError(t, b.SnapshotDelete("s"))
	assert.Equal(t, []string{"*s"}, names(b.Snapshots()))
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	auto := b.snap(b.snapshot(v, cluster.SnapshotSpec{})).Name
	require.NoError(t, b.SnapshotDelete(cluster.Ref(auto)))
	require.NoError(t, b.SnapshotDelete("s"))
	assert.Equal(t, []string{"*s", "*s", "*" + auto}, names(b.Snapshots()))
	b.clock.Advance(5 * second)
	assert.Empty(t, names(b.Snapshots()))
	assert.Empty(t, b.vol(v).ParentName())
}

func TestADelayedDeletionStartsOnceOneChildIsLeft(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.DeleteDelay = 5 * second }))
	v := b.volume(cluster.VolumeSpec{})
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	c := b.volume(cluster.VolumeSpec{Parent: "s"})
	require.NoError(t, b.SnapshotDelete("s"))
	b.clock.Advance(time.Hour)
	assert.Equal(t, []string{"*s"}, names(b.Snapshots()), "blocked by two children")
	require.NoError(t, b.VolumeDelete(c, ""))
	for o := range b.Snapshots().All() {
		assert.Empty(t, o.Snap.DeleteBlocked)
	}
	b.clock.Advance(4 * second)
	assert.Equal(t, []string{"*s"}, names(b.Snapshots()))
	b.clock.Advance(second)
	assert.Empty(t, names(b.Snapshots()))
}

func TestADelayedDeletionWaitsAgainWhenItGetsMoreChildren(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.DeleteDelay, k.TransientLifetime = 5*second, 2*second }))
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	c := b.volume(cluster.VolumeSpec{BaseOn: v})
	require.NoError(t, b.SnapshotDelete("s")) // its only child is the transient snapshot
	b.clock.Advance(2 * second)
	assert.Equal(t, []string{"*s"}, names(b.Snapshots()), "the children of the transient one are its now")
	b.clock.Advance(time.Hour)
	assert.Equal(t, []string{"*s"}, names(b.Snapshots()))
	require.NoError(t, b.VolumeDelete(c, ""))
	b.clock.Advance(5 * second)
	assert.Empty(t, names(b.Snapshots()))
}

func TestAnAttachedSnapshotIsNotDeleted(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.snapshot(b.volume(cluster.VolumeSpec{}), cluster.SnapshotSpec{Name: "s"})
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: "s", RO: []int{1}}}))
	refused(t, b.SnapshotDelete("s"), cluster.Busy, "Snapshot 's' is attached")
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: "s", DetachAll: true}}))
	require.NoError(t, b.SnapshotDelete("s"))
}

func TestSnapshotUpdateChangesSettingsAndTags(t *testing.T) {
	t.Parallel()
	b := start(t)
	s := b.snapshot(b.volume(cluster.VolumeSpec{Template: "ssd"}), cluster.SnapshotSpec{Tags: map[string]string{"a": "1", "b": "2"}, Template: "hdd"})
	assert.Equal(t, "hdd", b.snap(s).Template)
	require.NoError(t, b.SnapshotUpdate(s, cluster.SnapshotChange{
		Template: "hybrid", Policy: cluster.Policy{IOPS: new(cluster.Limit(1000))}, Tags: map[string]string{"a": "", "c": "3"},
	}))
	o := b.snap(s)
	assert.Equal(t, map[string]string{"b": "2", "c": "3"}, o.Tags.Map())
	assert.Equal(t, []string{"hybrid", "hdd", "ssd"}, []string{o.Template, o.PlaceAll, o.PlaceTail})
	assert.Equal(t, cluster.Limit(1000), o.IOPS)
	b.volume(cluster.VolumeSpec{Name: "taken"})
	refused(t, b.SnapshotUpdate(s, cluster.SnapshotChange{Rename: new("taken")}), cluster.ObjectExists, "")
	refused(t, b.SnapshotUpdate(s, cluster.SnapshotChange{Schedule: cluster.Schedule{TargetDeleteDate: new(int64(1))}}), cluster.InvalidParam, "")
}
