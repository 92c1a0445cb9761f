package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestARevertKeepsTheVolumeAndTakesTheContents(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Tags: map[string]string{"a": "b"}, Policy: cluster.Policy{IOPS: new(cluster.Limit(5))}})
	b.write(v, 0, 1, mib)
	b.snapshot(v, cluster.SnapshotSpec{Name: "s1"})
	b.write(v, 0, 2, mib)
	b.snapshot(v, cluster.SnapshotSpec{Name: "s2"})
	b.write(v, 0, 3, mib)
	before := b.vol(v)
	require.NoError(t, b.VolumeRevert("v", "s1", false))
	o := b.vol(v)
	assert.Equal(t, "s1", o.ParentName())
	assert.Equal(t, []any{before.Name, before.GlobalID, before.Tags, before.Settings, before.Size},
		[]any{o.Name, o.GlobalID, o.Tags, o.Settings, o.Size})
	b.holds(v, 0, 1, mib)
	b.holds("s2", 0, 2, mib)
	assert.Equal(t, cluster.Space{Stored: 0, Used: mib}, b.Space(o))
	assert.Equal(t, "s1", b.snap("s2").ParentName(), "the former chain stays")

	require.NoError(t, b.SnapshotDelete("s1"))
	b.holds(v, 0, 1, mib)
}

func TestARevertTakesTheSizeOnRequestOnly(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Size: new(mib)})
	b.write(v, 0, 1, mib)
	s := b.snapshot(v, cluster.SnapshotSpec{})
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Size: new(2 * mib)}))
	require.NoError(t, b.VolumeRevert(v, s, false))
	assert.Equal(t, 2*mib, b.vol(v).Size)
	b.holds(v, mib, 0, mib)
	require.NoError(t, b.VolumeRevert(v, s, true))
	assert.Equal(t, mib, b.vol(v).Size)

	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Size: new(int64(512)), ShrinkOK: true}))
	require.NoError(t, b.VolumeRevert(v, s, false))
	assert.Equal(t, int64(512), b.vol(v).Size)
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Size: new(mib)}))
	b.holds(v, 512, 0, mib-512)
}

func TestAVolumeRevertsToASnapshotOfAnotherVolume(t *testing.T) {
	t.Parallel()
	b := start(t)
	other := b.volume(cluster.VolumeSpec{})
	b.write(other, 0, 1, mib)
	s := b.snapshot(other, cluster.SnapshotSpec{})
	v := b.volume(cluster.VolumeSpec{})
	require.NoError(t, b.VolumeRevert(v, s, false))
	require.NoError(t, b.SnapshotDelete(s), "it has two children, which is no obstacle")
	b.holds(v, 0, 1, mib)
}

func TestARevertIsRefusedWhileAttachedAndForWhatIsUnknown(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	refused(t, b.VolumeRevert("none", "s", false), cluster.ObjectDoesNotExist, "")
	refused(t, b.VolumeRevert("v", "none", false), cluster.ObjectDoesNotExist, "")
	refused(t, b.VolumeRevert("v", "v", false), cluster.ObjectDoesNotExist, "")
	b.attach(v, 1)
	refused(t, b.VolumeRevert("v", "s", false), cluster.Busy, "Volume 'v' is attached")
}

func TestARevertMayBeAllowedWhileAttachedAndMayResetLimits(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.RevertAttached, k.RevertResetsLimits = true, true }))
	require.NoError(t, b.TemplateCreate(cluster.TemplateSpec{Name: "t", Policy: cluster.Policy{BW: new(cluster.Limit(9))}}))
	v := b.volume(cluster.VolumeSpec{Template: "t", Policy: cluster.Policy{IOPS: new(cluster.Limit(5)), BW: new(cluster.Limit(5))}})
	b.write(v, 0, 1, mib)
	s := b.snapshot(v, cluster.SnapshotSpec{})
	b.attach(v, 1)
	d, err := b.Device(1, v)
	require.NoError(t, err)
	b.write(v, 0, 2, mib)
	require.NoError(t, b.VolumeRevert(v, s, false))
	p := []byte{0}
	_, err = d.ReadAt(p, 0)
	require.NoError(t, err)
	assert.Equal(t, []byte{1}, p)
	assert.Equal(t, []cluster.Limit{0, 9}, []cluster.Limit{b.vol(v).IOPS, b.vol(v).BW})
}

func TestAFormerBoundParentIsCollectedByARevert(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	b.snapshot(v, cluster.SnapshotSpec{Name: "kept"})
	b.snapshot(v, cluster.SnapshotSpec{Name: "bound", Bind: true})
	require.NoError(t, b.VolumeRevert(v, "kept", false))
	assert.Equal(t, []string{"kept"}, names(b.Snapshots()))
}

func TestAFrozenVolumeIsASnapshotWithItsNameAndID(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Tags: map[string]string{"a": "b"}})
	b.write(v, 0, 1, mib)
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	b.attach(v, 1)
	refused(t, b.VolumeFreeze("v", cluster.Schedule{}), cluster.Busy, "")
	require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: v, RO: []int{1}}}))
	refused(t, b.VolumeFreeze("v", cluster.Schedule{DeleteAfter: new(int64(-1))}), cluster.InvalidParam, "")
	gid := b.vol(v).GlobalID

	require.NoError(t, b.VolumeFreeze("v", cluster.Schedule{DeleteAfter: new(int64(60))}))
	assert.Empty(t, names(b.Volumes()))
	o := b.snap("v")
	assert.Equal(t, []string{gid, "s", "-"}, []string{o.GlobalID, o.ParentName(), o.OnVolume()})
	assert.Equal(t, "-", b.snap("s").OnVolume(), "its volume is a volume no more")
	assert.Equal(t, map[string]string{"a": "b"}, o.Tags.Map())
	assert.Equal(t, []*cluster.Object{o}, b.FindByTag("a", "b"))
	assert.True(t, b.AttachmentsOf(gid)[0].Snapshot)
	b.holds("v", 0, 1, mib)
	require.Error(t, b.WriteContent("v", 0, []byte{1}))
	c := b.volume(cluster.VolumeSpec{Parent: "v"})
	b.holds(c, 0, 1, mib)

	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: "v", DetachAll: true}}))
	b.clock.Advance(60 * second)
	assert.Equal(t, []string{"s"}, names(b.Snapshots()))
}

func TestARebaseMovesTheParentAndKeepsTheContents(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.write(v, 0, 1, mib)
	b.snapshot(v, cluster.SnapshotSpec{Name: "s1"})
	b.write(v, mib, 2, mib)
	b.snapshot(v, cluster.SnapshotSpec{Name: "s2", Bind: true})
	stranger := b.snapshot(b.volume(cluster.VolumeSpec{}), cluster.SnapshotSpec{Name: "stranger"})
	refused(t, b.VolumeRebase("v", stranger), cluster.InvalidParam, "Snapshot '"+string(stranger)+"' is not an ancestor of 'v'")
	refused(t, b.VolumeRebase("v", "none"), cluster.ObjectDoesNotExist, "")
	refused(t, b.VolumeRebase("none", ""), cluster.ObjectDoesNotExist, "")
	refused(t, b.SnapshotRebase("none", ""), cluster.ObjectDoesNotExist, "")
	at := b.Generation()
	require.NoError(t, b.VolumeRebase("v", "s2"))
	assert.Equal(t, at, b.Generation(), "that is its parent")

	require.NoError(t, b.VolumeRebase("v", "s1"))
	assert.Equal(t, "s1", b.vol(v).ParentName())
	assert.Equal(t, mib, b.Space(b.vol(v)).Stored)
	_, err := b.Snapshot("s2")
	refused(t, err, cluster.ObjectDoesNotExist, "")
	b.snapshot(v, cluster.SnapshotSpec{Name: "s3"})
	require.NoError(t, b.SnapshotRebase("s3", ""))
	assert.Empty(t, b.snap("s3").ParentName())
	require.NoError(t, b.SnapshotDelete("s1"))
	b.holds(v, 0, 1, mib)
	b.holds(v, mib, 2, mib)
}

func TestAbandoningADiskIsAcknowledged(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.snapshot(b.volume(cluster.VolumeSpec{Name: "v"}), cluster.SnapshotSpec{Name: "s"})
	require.NoError(t, b.VolumeAbandonDisk("v", 101))
	require.NoError(t, b.VolumeAbandonDisk("s", 101))
	refused(t, b.VolumeAbandonDisk("none", 101), cluster.ObjectDoesNotExist, "")
	refused(t, b.VolumeAbandonDisk("v", 4000), cluster.ObjectDoesNotExist, "")
	refused(t, b.VolumeAbandonDisk("a/b", 101), cluster.InvalidParam, "")
}
