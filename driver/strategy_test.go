package driver

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

func TestASnapshotIsClaimedByWhatIsOnStorPool(t *testing.T) {
	t.Parallel()
	type answers struct{ correct, upstream bool }
	for what, c := range map[string]struct {
		prepare func(r *rig, snapshot inventory.ID)
		want    answers
	}{
		"a ready record": {func(*rig, inventory.ID) {}, answers{true, true}},
		"a record that is being destroyed": {func(r *rig, snapshot inventory.ID) {
			r.refState(snapshot, inventory.RefDestroying)
		}, answers{true, false}},
		"a backup and details only: the volume is gone": {func(r *rig, snapshot inventory.ID) {
			r.dropPrimary(snapshot)
			r.backedUp(snapshot)
		}, answers{true, false}},
		"a backup only": {func(r *rig, snapshot inventory.ID) {
			r.dropPrimary(snapshot)
			r.backedUp(snapshot)
			r.change(func(tx *inventory.Tx) { tx.Details.Clear(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}) })
		}, answers{false, false}},
		"a bypassed backup of the old plugin": {func(r *rig, snapshot inventory.ID) {
			r.dropPrimary(snapshot)
			r.backedUp(snapshot)
			r.change(func(tx *inventory.Tx) {
				for _, ref := range refsOf(tx, snapshot, inventory.Image) {
					ref.Path = devPath("a.b.2")
					tx.SnapshotRefs.Put(ref)
				}
			})
		}, answers{true, true}},
	} {
		for quirks, want := range map[string]bool{"": c.want.correct, "D-38": c.want.upstream} {
			r := newRig(t, quirks)
			snapshot := r.taken(r.made(nil))
			c.prepare(r, snapshot)
			before := r.inv.Revision()
			assert.Equal(t, want, r.CanHandleSnapshot(snapshot, 0, SnapshotDelete), "%s %s", what, quirks)
			assert.Equal(t, want, r.CanHandleSnapshot(snapshot, 1, SnapshotDelete), "%s %s", what, quirks)
			assert.False(t, r.CanHandleSnapshot(snapshot, 9, SnapshotDelete), "%s: another zone", what)
			assert.False(t, r.CanHandleSnapshot(snapshot, 0, SnapshotTake), what)
			assert.False(t, r.CanHandleSnapshot(snapshot, 0, SnapshotRevert), what)
			assert.False(t, r.CanHandleSnapshot(99, 0, SnapshotDelete), what)
			assert.Equal(t, before, r.inv.Revision(), "asking changes nothing")
		}
	}
}

func (r *rig) refState(snapshot inventory.ID, state inventory.RefState) {
	r.change(func(tx *inventory.Tx) {
		for _, ref := range refsOf(tx, snapshot, inventory.Primary) {
			ref.State = state
			tx.SnapshotRefs.Put(ref)
		}
	})
}

func (r *rig) dropPrimary(snapshot inventory.ID) {
	r.change(func(tx *inventory.Tx) {
		for _, ref := range refsOf(tx, snapshot, inventory.Primary) {
			tx.SnapshotRefs.Delete(ref.ID)
		}
	})
}

func (r *rig) snapshotState(snapshot inventory.ID, state inventory.SnapshotState) {
	r.change(func(tx *inventory.Tx) {
		require.NoError(r.t, tx.Snapshots.Change(snapshot, func(s *inventory.Snapshot) { s.State = state }))
	})
}

func TestADeletedSnapshotLeavesNothing(t *testing.T) {
	t.Parallel()
	for quirks, details := range map[string]int{"": 0, "D-7a": 2} {
		r := newRig(t, quirks)
		snapshot := r.taken(r.made(nil))
		r.backedUp(snapshot)
		require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
		assert.Equal(t, []string{"a.b.1"}, r.sp.names())
		assert.Equal(t, []string{"snapshots/2/1/snap"}, r.files.gone)
		assert.Empty(t, r.refs(snapshot))
		assert.Equal(t, inventory.SnapshotDestroyed, r.snapshotRow(snapshot).State)
		assert.Len(t, r.detailsOf(inventory.OfSnapshot, snapshot), details, quirks)
		assert.Empty(t, r.intents())
		r.sp.made()
		require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0), "again")
		assert.Empty(t, r.sp.made())
	}
}

func TestASnapshotThatStorPoolHasLostIsDeletedWithEverythingElse(t *testing.T) {
	t.Parallel()
	for quirks, all := range map[string]bool{"": true, "D-7b": false} {
		r := newRig(t, quirks)
		snapshot := r.taken(r.made(nil))
		r.backedUp(snapshot)
		r.sp.remove("a.b.2")
		require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
		assert.Equal(t, all, len(r.files.gone) == 1, quirks)
		assert.Equal(t, all, len(r.detailsOf(inventory.OfSnapshot, snapshot)) == 0, quirks)
		assert.Equal(t, all, len(r.refs(snapshot)) == 0, quirks)
		assert.Equal(t, all, r.snapshotRow(snapshot).State == inventory.SnapshotDestroyed, quirks)
		assert.Empty(t, r.intents())
	}
}

func TestALostSnapshotWithoutBackupEndsEvenHalfDone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "D-7b")
	snapshot := r.taken(r.made(nil))
	r.sp.remove("a.b.2")
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
	assert.Equal(t, inventory.SnapshotDestroyed, r.snapshotRow(snapshot).State)
	assert.Equal(t, inventory.RefDestroying, r.refs(snapshot)[0].State)
}

func TestARefusedDeletionPutsTheStatesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	r.backedUp(snapshot)
	before := r.refs(snapshot)
	for _, call := range []string{"VolumesReassign", "SnapshotDelete"} {
		r.refuse(call, 1)
		require.ErrorIs(t, r.DeleteSnapshot(t.Context(), snapshot, 0), spapi.ErrBusy, call)
		assert.Equal(t, before, r.refs(snapshot), call)
		assert.Equal(t, inventory.SnapshotBackedUp, r.snapshotRow(snapshot).State, call)
		assert.Empty(t, r.files.gone, call)
		assert.Empty(t, r.intents())
	}
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
}

func TestAnExportedSnapshotIsToldFromOtherRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	r.fault("SnapshotDelete", 1, fakeFault{Body: `{"error":{"name":"busy","descr":"snapshot is still exported to west"}}`})
	require.ErrorIs(t, r.DeleteSnapshot(t.Context(), snapshot, 0), ErrExported)
	assert.Equal(t, inventory.SnapshotBackedUp, r.snapshotRow(snapshot).State)
}

func TestADeletionThatStoppedHalfWayIsFinishedByRepeatingIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	r.backedUp(snapshot)
	r.files.err = errors.New("no such server")
	require.ErrorContains(t, r.DeleteSnapshot(t.Context(), snapshot, 0), "no such server")
	assert.Equal(t, inventory.SnapshotDestroying, r.snapshotRow(snapshot).State)
	assert.Equal(t, []string{actionDeleteSnapshot}, r.intents())
	r.files.err = nil
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
	assert.Equal(t, inventory.SnapshotDestroyed, r.snapshotRow(snapshot).State)
	assert.Empty(t, r.intents())
}

func TestASnapshotInOtherHandsIsNotDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	for _, state := range []inventory.SnapshotState{
		inventory.SnapshotCreating, inventory.SnapshotPrimary, inventory.SnapshotBackingUp,
	} {
		r.snapshotState(snapshot, state)
		require.ErrorIs(t, r.DeleteSnapshot(t.Context(), snapshot, 0), ErrRefused, state)
	}
	r.snapshotState(snapshot, inventory.SnapshotAllocated)
	require.ErrorIs(t, r.DeleteSnapshot(t.Context(), snapshot, 1), ErrRefused, "in one zone")
	assert.Empty(t, r.sp.made())
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
}

func TestASnapshotWhoseVolumeIsGoneIsDeletedByItsDetails(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	r.dropPrimary(snapshot)
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
	assert.Equal(t, []string{"a.b.1"}, r.sp.names())
	assert.Equal(t, inventory.SnapshotDestroyed, r.snapshotRow(snapshot).State)
}

func TestADevicePathOnSecondaryStorageIsNoFile(t *testing.T) {
	t.Parallel()
	for quirks, ok := range map[string]bool{"": true, "D-7c": false} {
		r := newRig(t, quirks)
		snapshot := r.taken(r.made(nil))
		r.backedUp(snapshot)
		r.change(func(tx *inventory.Tx) {
			for _, ref := range refsOf(tx, snapshot, inventory.Image) {
				ref.Path = devPath("a.b.2")
				tx.SnapshotRefs.Put(ref)
			}
		})
		err := r.DeleteSnapshot(t.Context(), snapshot, 0)
		assert.Equal(t, ok, err == nil, "%s %v", quirks, err)
		assert.Empty(t, r.files.gone)
		assert.Equal(t, []string{"a.b.1"}, r.sp.names())
		assert.Equal(t, ok, len(r.refs(snapshot)) == 0)
	}
}

// inTwoZones is a rig with a snapshot that two zones have, each on a pool of its own.
func inTwoZones(t *testing.T) (r *rig, snapshot, other inventory.ID) {
	t.Helper()
	r = newRig(t, "")
	snapshot = r.taken(r.made(nil))
	r.change(func(tx *inventory.Tx) {
		p, _ := tx.Pools.Get(r.pool)
		zone := tx.Zones.Put(inventory.Zone{}).ID
		p.ID, p.Zone = 0, zone
		other = tx.Pools.Put(p).ID
		putDescriptor(tx, other, ownDescriptor(tx, r.pool))
		tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: snapshot, Role: inventory.Primary, Store: other, Path: devPath("a.b.2"), State: inventory.RefReady,
		})
	})
	return r, snapshot, other
}

func TestADeletionInOneZoneLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	r, snapshot, other := inTwoZones(t)
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 1))
	refs := r.refs(snapshot)
	require.Len(t, refs, 1)
	assert.Equal(t, other, refs[0].Store)
	assert.Equal(t, inventory.SnapshotBackedUp, r.snapshotRow(snapshot).State)
	assert.Equal(t, map[string]string{"S": devPath("a.b.2"), detailPool: "2"}, r.detailsOf(inventory.OfSnapshot, snapshot), "the other pool's")
	r.sp.made()
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
	assert.Equal(t, inventory.SnapshotDestroyed, r.snapshotRow(snapshot).State)
	assert.Empty(t, r.detailsOf(inventory.OfSnapshot, snapshot))
}

func TestADeletionEverywhereSucceedsOnlyIfAllSucceed(t *testing.T) {
	t.Parallel()
	r, snapshot, _ := inTwoZones(t)
	r.refuse("VolumesReassign", 1)
	require.ErrorIs(t, r.DeleteSnapshot(t.Context(), snapshot, 0), spapi.ErrBusy)
	assert.Equal(t, inventory.SnapshotBackedUp, r.snapshotRow(snapshot).State, "neither is gone")
	assert.Len(t, r.refs(snapshot), 2)
	r.refuse("VolumesReassign", 2)
	require.ErrorIs(t, r.DeleteSnapshot(t.Context(), snapshot, 0), spapi.ErrBusy)
	assert.Equal(t, inventory.SnapshotDestroying, r.snapshotRow(snapshot).State, "one of them is gone")
	assert.Len(t, r.refs(snapshot), 2)
	require.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
	assert.Equal(t, inventory.SnapshotDestroyed, r.snapshotRow(snapshot).State)
}

func TestABackupCannotBeDeletedWithoutAnImageStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.images = nil
	snapshot := r.taken(r.made(nil))
	r.backedUp(snapshot)
	require.ErrorContains(t, r.DeleteSnapshot(t.Context(), snapshot, 0), "Config.Images")
}

func TestTheSnapshotOfOneRecordIsDeletedForOtherCallers(t *testing.T) {
	t.Parallel()
	for quirks, ok := range map[string]bool{"": true, "D-24": false} {
		r := newRig(t, quirks)
		snapshot := r.taken(r.made(nil))
		r.change(func(tx *inventory.Tx) {
			for _, ref := range refsOf(tx, snapshot, inventory.Primary) {
				ref.Path = devPath("a.b.2")
				tx.SnapshotRefs.Put(ref)
			}
		})
		require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(SnapshotObject, snapshot)))
		assert.Equal(t, []string{"a.b.1"}, r.sp.names())
		err := r.DeleteAsync(t.Context(), r.onPool(SnapshotObject, snapshot))
		assert.Equal(t, ok, err == nil, "%s: a missing one is deleted", quirks)
	}
}

func TestASnapshotWithoutANameIsNotAskedFor(t *testing.T) {
	t.Parallel()
	for quirks, calls := range map[string][]fakeCall{
		"":     nil,
		"D-24": {{"VolumesReassign", `[{"detach":"all","force":true}]`}, {"SnapshotDelete/null", ""}},
	} {
		r := newRig(t, quirks)
		snapshot := r.snapshot(r.made(nil))
		r.fault("VolumesReassign", 1, fakeFault{Body: `{"data":{"ok":true}}`})
		require.Error(t, r.DeleteAsync(t.Context(), r.onPool(SnapshotObject, snapshot)))
		assert.Equal(t, calls, r.sp.made(), quirks)
	}
	r := newRig(t, "")
	require.ErrorIs(t, r.DeleteAsync(t.Context(), r.onPool(SnapshotObject, 99)), inventory.ErrNotFound)
}

func TestARecordIsFoundBySnapshotRoleAndStore(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.change(func(tx *inventory.Tx) {
		tx.SnapshotRefs.Put(inventory.SnapshotRef{Snapshot: 2, Role: inventory.Primary, Store: 1})
		tx.SnapshotRefs.Put(inventory.SnapshotRef{Snapshot: 1, Role: inventory.Image, Store: 1})
		tx.SnapshotRefs.Put(inventory.SnapshotRef{Snapshot: 1, Role: inventory.Primary, Store: 2})
		tx.SnapshotRefs.Put(inventory.SnapshotRef{Snapshot: 1, Role: inventory.Primary, Store: 1})
		ref, ok := refOf(tx, Object{Kind: SnapshotObject, ID: 1, Role: inventory.Primary, Store: 1})
		assert.True(t, ok)
		assert.Equal(t, inventory.ID(4), ref.ID)
		_, ok = refOf(tx, Object{Kind: SnapshotObject, ID: 2, Role: inventory.Image, Store: 1})
		assert.False(t, ok)
	})
}

func TestASnapshotIsTakenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	assert.Equal(t, map[string]string{"S": devPath("a.b.2"), detailPool: "1"}, r.detailsOf(inventory.OfSnapshot, snapshot))
	assert.Equal(t, devPath("a.b.2"), r.refs(snapshot)[0].Path)
	res, err := r.TakeSnapshot(t.Context(), snapshot)
	require.NoError(t, err)
	assert.Equal(t, devPath("a.b.2"), res.Path)
	assert.Equal(t, []string{"Snapshot/~a.b.2"}, names(r.sp.made()))
	r.sp.remove("a.b.2")
	res, err = r.TakeSnapshot(t.Context(), snapshot)
	require.NoError(t, err)
	assert.Equal(t, devPath("a.b.3"), res.Path, "one that is gone is taken anew")
}

func TestAVolumeThatIsNotOnStorPoolHasNoSnapshot(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.volume(func(v *inventory.Volume) { v.Path = "/mnt/nfs/disk" })
	_, err := r.TakeSnapshot(t.Context(), r.snapshot(id))
	require.ErrorIs(t, err, ErrNotOnStorPool)
	assert.ErrorContains(t, err, "/mnt/nfs/disk")
	assert.Empty(t, r.sp.made())
}
