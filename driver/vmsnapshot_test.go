package driver

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

func (r *rig) vmSnapshotRow(id inventory.ID) (row inventory.VMSnapshot, there bool) {
	r.t.Helper()
	r.view(func(tx *inventory.Tx) { row, there = tx.VMSnapshots.Get(id) })
	return row, there
}

func TestAVMSnapshotHasAMemberOfEachDiskAndIsCurrent(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first := r.photographed()
	assert.Equal(t, map[string]string{"V": devPath("a.b.3"), "W": devPath("a.b.4"), detailPool: "1"}, r.detailsOf(inventory.OfVMSnapshot, first))
	row, _ := r.vmSnapshotRow(first)
	assert.True(t, row.Current)
	assert.Equal(t, inventory.VMSnapshotReady, row.State)
	var second inventory.ID
	r.change(func(tx *inventory.Tx) { second = tx.VMSnapshots.Put(inventory.VMSnapshot{UUID: "H", VM: row.VM}).ID })
	require.NoError(t, r.TakeVMSnapshot(t.Context(), second))
	row, _ = r.vmSnapshotRow(second)
	assert.Equal(t, first, row.Parent)
	require.NoError(t, r.DeleteVMSnapshot(t.Context(), second))
	row, _ = r.vmSnapshotRow(first)
	assert.True(t, row.Current, "the parent of a deleted one is current again")
	_, there := r.vmSnapshotRow(second)
	assert.False(t, there)
	assert.Empty(t, r.detailsOf(inventory.OfVMSnapshot, second))
	require.NoError(t, r.DeleteVMSnapshot(t.Context(), second), "again")
}

func TestWhichVMSnapshotsAreTakenHere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.grouped()
	assert.True(t, r.CanHandleVMSnapshot(1, false))
	assert.False(t, r.CanHandleVMSnapshot(1, true), "memory")
	assert.False(t, r.CanHandleVMSnapshot(9, false), "no volumes")
	foreign := r.elsewhere()
	r.volume(func(v *inventory.Volume) { v.VM, v.Pool = 1, foreign })
	assert.False(t, r.CanHandleVMSnapshot(1, false), "a volume elsewhere")
	require.ErrorIs(t, r.TakeVMSnapshot(t.Context(), 1), ErrRefused)
	row, _ := r.vmSnapshotRow(1)
	assert.Equal(t, inventory.VMSnapshotError, row.State)
}

func TestAVMSnapshotWithoutAMemberFailsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for quirks, passes := range map[string]bool{"": false, "D-8b": true} {
		r := newRig(t, quirks)
		id := r.grouped()
		r.fault("VolumesGroupSnapshot", 1, fakeFault{Do: true, Body: `{"data":{"snapshots":[{"volume":"~a.b.1","snapshotGlobalId":"a.b.3"}]}}`})
		err := r.TakeVMSnapshot(t.Context(), id)
		assert.Equal(t, passes, err == nil, quirks)
		row, _ := r.vmSnapshotRow(id)
		assert.Equal(t, passes, row.State == inventory.VMSnapshotReady, quirks)
		assert.Equal(t, !passes, len(r.sp.names()) == 2, "%q: a member that the answer left out goes as well", quirks)
	}
}

func TestDisksOfTwoStorPoolsAreNoGroup(t *testing.T) {
	t.Parallel()
	for quirks, refused := range map[string]bool{"": true, "D-8a": false} {
		s := newStage(t, quirks)
		withLocation(s)
		far := s.far.add(fakeObject{Size: 1 << 30})
		withVM(inventory.VMStopped)(s)
		s.change(func(tx *inventory.Tx) {
			require.NoError(t, tx.Volumes.Change(secondDisk, func(v *inventory.Volume) { v.Pool, v.Path = secondPool, devPath(far) }))
		})
		err := s.TakeVMSnapshot(t.Context(), vmSnapshotID)
		require.Error(t, err)
		assert.Equal(t, refused, strings.Contains(err.Error(), "different StorPool clusters"), quirks)
	}
}

func TestAVMSnapshotIsDeletedByWhatIsOnRecord(t *testing.T) {
	t.Parallel()
	for quirks, fails := range map[string]bool{"": false, "D-8c": true, "D-8d": true} {
		r := newRig(t, quirks)
		id := r.photographed()
		if quirks == "D-8d" {
			r.sp.remove("a.b.4")
		} else {
			r.change(func(tx *inventory.Tx) {
				require.NoError(t, tx.Volumes.Change(2, func(v *inventory.Volume) { v.VM = 0 }))
			})
			r.made(func(v *inventory.Volume) { v.UUID, v.VM = "later", 1 })
		}
		err := r.DeleteVMSnapshot(t.Context(), id)
		assert.Equal(t, fails, err != nil, quirks)
		if !fails {
			assert.NotContains(t, r.sp.names(), "a.b.4", "the member of a disk that left")
			_, there := r.vmSnapshotRow(id)
			assert.False(t, there)
		}
	}
}

func TestARefusedDeletionOfAVMSnapshotBeginsNothing(t *testing.T) {
	t.Parallel()
	for quirks, state := range map[string]string{"": inventory.VMSnapshotReady, "D-8e": inventory.VMSnapshotExpunging} {
		r := newRig(t, quirks)
		id := r.photographed()
		r.refuse("SnapshotDelete", 1)
		require.Error(t, r.DeleteVMSnapshot(t.Context(), id))
		row, _ := r.vmSnapshotRow(id)
		assert.Equal(t, state, row.State, quirks)
	}
	r := newRig(t, "")
	id := r.photographed()
	r.refuse("SnapshotDelete", 2)
	require.Error(t, r.DeleteVMSnapshot(t.Context(), id))
	require.NoError(t, r.Reconcile(t.Context()), "what was begun is finished")
	_, there := r.vmSnapshotRow(id)
	assert.False(t, there)
	assert.Equal(t, []string{"a.b.1", "a.b.2"}, r.sp.names())
}

// grownDisk resizes the first disk, so that a revert changes its size.
func grownDisk(r *rig) {
	_, err := r.Resize(r.t.Context(), 1, ResizeRequest{Size: 20 * gib})
	require.NoError(r.t, err)
}

func TestARevertOfAVMIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for quirks, halfDone := range map[string]bool{"": false, "D-8g": true} {
		r := newRig(t, quirks)
		id := r.photographed()
		grownDisk(r)
		r.refuse("VolumeRevert", 2)
		_, err := r.RevertVMSnapshot(t.Context(), id)
		require.ErrorContains(t, err, "volume 2")
		assert.Equal(t, halfDone, r.sp.find("~a.b.1", false).Size == 10*gib, quirks)
		row, _ := r.vmSnapshotRow(id)
		assert.Equal(t, inventory.VMSnapshotReady, row.State, "it can be repeated")
		assert.Len(t, r.sp.names(), 4, "no safety snapshots are left")
		assert.Empty(t, r.intents())
	}
}

func TestARevertOfAVMRecordsTheSizesThatStorPoolHas(t *testing.T) {
	t.Parallel()
	for quirks, size := range map[string]int64{"": 10 * gib, "D-8h": 20 * gib} {
		r := newRig(t, quirks)
		id := r.photographed()
		grownDisk(r)
		_, err := r.RevertVMSnapshot(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, size, r.volumeRow(1).Size, quirks)
		assert.Equal(t, size+10*gib, r.used(), quirks)
	}
}

func TestADiskThatCameLaterStaysAndIsNamed(t *testing.T) {
	t.Parallel()
	for quirks, fails := range map[string]bool{"": false, "D-8f": true} {
		r := newRig(t, quirks)
		id := r.photographed()
		r.made(func(v *inventory.Volume) { v.UUID, v.Name, v.VM = "later", "scratch", 1 })
		res, err := r.RevertVMSnapshot(t.Context(), id)
		assert.Equal(t, fails, err != nil, quirks)
		assert.Equal(t, !fails, strings.Contains(res.Notice, "scratch"), quirks)
	}
}

func TestACutShortRevertOfAVMIsTakenBackOnlyWhileItIsGoingOn(t *testing.T) {
	t.Parallel()
	for state, back := range map[string]bool{inventory.VMSnapshotReverting: true, inventory.VMSnapshotReady: false} {
		r := newRig(t, "")
		id := r.photographed()
		r.change(func(tx *inventory.Tx) {
			require.NoError(t, tx.VMSnapshots.Change(id, func(s *inventory.VMSnapshot) { s.State = state }))
			tx.Intents.Put(inventory.Intent{
				Op: "cut", Action: actionRevertVMSnapshot, Pool: 1, Kind: inventory.OfVMSnapshot, Object: id, Data: "~a.b.1=~a.b.3",
			})
		})
		require.NoError(t, r.Reconcile(t.Context()))
		assert.Equal(t, back, slices.Contains(names(r.sp.made()), "VolumeRevert/~a.b.1"), "%s: it may have been in use since", state)
		row, _ := r.vmSnapshotRow(id)
		assert.Equal(t, inventory.VMSnapshotReady, row.State)
		assert.Empty(t, r.intents())
	}
}

func TestARevertOfAVMLooksBeforeItLeaps(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.photographed()
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.VMs.Change(1, func(v *inventory.VM) { v.State = inventory.VMRunning }))
	})
	_, err := r.RevertVMSnapshot(t.Context(), id)
	require.ErrorIs(t, err, ErrRefused)
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.VMs.Change(1, func(v *inventory.VM) { v.State = inventory.VMStopped }))
	})
	r.sp.remove("a.b.4")
	_, err = r.RevertVMSnapshot(t.Context(), id)
	require.ErrorIs(t, err, spapi.ErrNotFound)
	assert.Equal(t, []string{"Snapshot/~a.b.3", "Volume/~a.b.1", "Snapshot/~a.b.4"}, names(r.sp.made()), "nothing is touched")
	r.change(func(tx *inventory.Tx) {
		for volume := range inventory.ID(2) {
			require.NoError(t, tx.Volumes.Change(volume+1, func(v *inventory.Volume) { v.VM = 0 }))
		}
	})
	_, err = r.RevertVMSnapshot(t.Context(), id)
	require.ErrorIs(t, err, ErrRefused, "no disk is left")
}

func TestALegacyDiskIsRenamedBeforeItsVMIsReverted(t *testing.T) {
	t.Parallel()
	for quirks, fails := range map[string]bool{"": true, "D-8i": false} {
		r := newRig(t, quirks)
		id := r.photographed()
		r.set(inventory.OfVolume, 1, detailLegacy, "/dev/storpool/old")
		r.sp.Objects[0].Named = "old"
		r.refuse("VolumeUpdate", 1)
		_, err := r.RevertVMSnapshot(t.Context(), id)
		assert.Equal(t, fails, err != nil, quirks)
	}
	r := newRig(t, "")
	id := r.photographed()
	r.set(inventory.OfVolume, 1, detailLegacy, "/dev/storpool/old")
	r.sp.Objects[0].Named = "old"
	_, err := r.RevertVMSnapshot(t.Context(), id)
	require.NoError(t, err)
	assert.Empty(t, r.detailsOf(inventory.OfVolume, 1))
	assert.Equal(t, "old", r.sp.find("~a.b.1", false).Tags[tagUUID])
	assert.Empty(t, r.sp.Objects[0].Named)
}

func TestAPolicyIsCheckedSetAndTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	require.NoError(t, r.CheckVMTag("colour", "any thing", false))
	require.NoError(t, r.CheckVMTag(tagPolicy, "daily-7.x:y", false))
	require.ErrorIs(t, r.CheckVMTag(tagPolicy, "a b", false), ErrRefused)
	require.ErrorIs(t, r.CheckVMTag(tagPolicy, "a~b", true), ErrRefused)
	r.set(inventory.Setting, 0, SettingPolicyAdminOnly, "true")
	require.ErrorIs(t, r.CheckVMTag(tagPolicy, "gold", false), ErrRefused)
	require.NoError(t, r.CheckVMTag(tagPolicy, "gold", true))
	require.NoError(t, newRig(t, "D-29a").CheckVMTag(tagPolicy, "a b", false))

	for quirks, silent := range map[string]bool{"": false, "D-29b": true} {
		r := newRig(t, quirks)
		vm := r.vm()
		id := r.made(func(v *inventory.Volume) { v.VM = vm })
		r.set(inventory.Tag, vm, tagPolicy, "silver")
		r.refuse("VolumeUpdate", 1)
		err := r.ProvideVMTags(t.Context(), vm, id)
		assert.Equal(t, silent, err == nil, quirks)
		require.NoError(t, r.Reconcile(t.Context()))
		assert.Equal(t, !silent, r.sp.find("~a.b.1", false).Tags[tagPolicy] == "silver", "%q: what failed is done later", quirks)
	}
}
