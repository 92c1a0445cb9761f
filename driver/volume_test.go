package driver

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

func TestACreatedVolumeIsOnRecordAndCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.volume(nil)
	res, err := r.CreateAsync(t.Context(), r.onPool(VolumeObject, id))
	require.NoError(t, err)
	assert.Equal(t, Result{Path: "/dev/storpool-byid/a.b.1", Size: 10 * gib, Format: "QCOW2"}, res)
	row := r.volumeRow(id)
	assert.Equal(t, [3]string{res.Path, "StorPool", "QCOW2"}, [3]string{row.Path, row.PoolType, row.Format})
	assert.Equal(t, 10*gib, r.used())
}

func TestCreatingAVolumeThatIsThereMakesNoSecondOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.made(nil)
	res, err := r.CreateAsync(t.Context(), r.onPool(VolumeObject, id))
	require.NoError(t, err)
	assert.Equal(t, devPath("a.b.1"), res.Path)
	assert.Equal(t, []string{"Volume/~a.b.1"}, names(r.sp.made()))
	r.sp.remove("a.b.1")
	res, err = r.CreateAsync(t.Context(), r.onPool(VolumeObject, id))
	require.NoError(t, err)
	assert.Equal(t, devPath("a.b.2"), res.Path, "one that is gone is made anew")
}

func TestWhatCannotBeCreatedIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	secret := r.volume(func(v *inventory.Volume) { v.PassphraseID = 1 })
	kms := r.volume(func(v *inventory.Volume) { v.KMSKeyID = 1 })
	plain := r.volume(nil)
	for what, c := range map[string]struct {
		o    Object
		want error
		text string
	}{
		"encrypted by passphrase": {r.onPool(VolumeObject, secret), ErrRefused, "its passphrase is not on record"},
		"encrypted by KMS":        {r.onPool(VolumeObject, kms), ErrRefused, "its passphrase is not on record"},
		"a snapshot":              {r.onPool(SnapshotObject, 1), ErrRefused, "only volumes"},
		"on secondary storage":    {r.onStore(VolumeObject, plain), ErrRefused, "only volumes"},
		"without a row":           {r.onPool(VolumeObject, 99), inventory.ErrNotFound, "volume 99"},
		"on a pool that is gone":  {Object{Kind: VolumeObject, ID: plain, Role: inventory.Primary, Store: 99}, inventory.ErrNotFound, "pool 99"},
	} {
		_, err := r.CreateAsync(t.Context(), c.o)
		require.ErrorIs(t, err, c.want, what)
		assert.ErrorContains(t, err, c.text, what)
	}
	assert.Empty(t, r.sp.made())
	assert.Empty(t, r.intents())
}

func TestADeletedVolumeIsOffTheRecordAndTheCount(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.made(nil)
	r.set(inventory.OfVolume, id, detailLegacy, "/dev/storpool/old")
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	assert.Empty(t, r.sp.names())
	assert.Zero(t, r.used())
	assert.Empty(t, r.volumeRow(id).Path)
	assert.Empty(t, r.detailsOf(inventory.OfVolume, id))
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)), "again")
	assert.Zero(t, r.used(), "what is gone is counted once")
}

func TestAVolumeThatStorPoolHasLostIsDeleted(t *testing.T) {
	t.Parallel()
	for quirks, used := range map[string]int64{"": 0, "D-25b": 10 * gib} {
		r := newRig(t, quirks)
		id := r.made(nil)
		r.sp.remove("a.b.1")
		require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
		assert.Equal(t, used, r.used(), quirks)
	}
}

func TestAVolumeOfTheOldDaysIsDeletedByItsUUID(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.volume(nil)
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	assert.Equal(t, []string{"VolumeDelete/V"}, names(r.sp.made()))
}

func TestTemplatesAreNotDeletedHere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	assert.ErrorIs(t, r.DeleteAsync(t.Context(), r.onPool(TemplateObject, 1)), ErrRefused)
	assert.ErrorIs(t, r.DeleteAsync(t.Context(), r.onStore(VolumeObject, 1)), ErrRefused)
	assert.Empty(t, r.sp.made())
}

// safety is a rig with a volume that is to leave a safety snapshot.
func safety(t *testing.T, quirks string) (r *rig, volume inventory.ID) {
	t.Helper()
	r = newRig(t, quirks)
	r.change(func(tx *inventory.Tx) { tx.Zones.Put(inventory.Zone{ID: 9}) })
	id := r.made(func(v *inventory.Volume) { v.MaxIOPS, v.Account = 300, "2" })
	r.set(inventory.OfPool, r.pool, SettingDeleteAfter, "60")
	return r, id
}

func TestASafetySnapshotHasTheRecordsOfASnapshot(t *testing.T) {
	t.Parallel()
	r, id := safety(t, "")
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	s := r.snapshotRow(1)
	assert.Equal(t, inventory.Snapshot{
		ID: 1, UUID: s.UUID, Name: "a.b.2", Volume: id, Zone: 1, Size: 10 * gib, State: inventory.SnapshotBackedUp, MaxIOPS: 300,
		Type: "RECURRING", Location: "PRIMARY", Account: "2",
	}, s)
	assert.NotEmpty(t, s.UUID)
	assert.Equal(t, []inventory.SnapshotRef{{
		ID: 1, Snapshot: 1, Volume: id, Role: inventory.Primary, Store: r.pool, Path: devPath("a.b.2"), Size: 10 * gib,
		PhysicalSize: 10 * gib, State: inventory.RefReady,
	}}, r.refs(1))
	assert.Equal(t, map[string]string{detailDelayDelete: "~a.b.2"}, r.detailsOf(inventory.OfSnapshot, 1))
}

func TestASafetySnapshotThatNamesItsZoneAsStoreIsTheDefect(t *testing.T) {
	t.Parallel()
	r, id := safety(t, "D-16a")
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Pools.Change(r.pool, func(p *inventory.Pool) { p.Zone = 9 }))
	})
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	assert.Equal(t, inventory.ID(9), r.refs(1)[0].Store)
}

func TestWithoutItsSafetySnapshotNoVolumeIsDeleted(t *testing.T) {
	t.Parallel()
	r, id := safety(t, "")
	r.refuse("VolumeSnapshot", 1)
	require.Error(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	assert.Equal(t, []string{"a.b.1"}, r.sp.names())

	r, id = safety(t, "D-16b")
	r.refuse("VolumeSnapshot", 1)
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	assert.Empty(t, r.sp.names())
}

func TestARefusedDeleteTakesItsSafetySnapshotBack(t *testing.T) {
	t.Parallel()
	for quirks, left := range map[string]int{"": 1, "D-16c": 3} {
		r, id := safety(t, quirks)
		for range 2 {
			r.refuse("VolumeDelete", 1)
			require.ErrorIs(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)), spapi.ErrBusy)
		}
		assert.Len(t, r.sp.names(), left, quirks)
		assert.Equal(t, 10*gib, r.used())
		var rows int
		r.view(func(tx *inventory.Tx) { rows = tx.Snapshots.Len() })
		assert.Equal(t, left-1, rows, quirks)
	}
}

func TestEncryptedVolumesAndPoolsWithoutDelayLeaveNoSafetySnapshot(t *testing.T) {
	t.Parallel()
	r, id := safety(t, "")
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Volumes.Change(id, func(v *inventory.Volume) { v.PassphraseID = 1 }))
	})
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	r.set(inventory.OfPool, r.pool, SettingDeleteAfter, "0")
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, r.made(nil))))
	assert.Empty(t, r.sp.names())
}

func TestADeletionThatMayHaveHappenedIsFinishedAndMakesNoSecondSafetySnapshot(t *testing.T) {
	t.Parallel()
	r, id := safety(t, "")
	gone := false
	r.sp.Fault = func(call string, _ int) *fakeFault {
		if call == "VolumeDelete" && !gone {
			return &fakeFault{Lost: true}
		}
		return nil
	}
	require.Error(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	assert.Equal(t, []string{actionDelete}, r.intents())
	gone = true
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	assert.Len(t, r.sp.names(), 1, "the safety snapshot of the first attempt")
	assert.Empty(t, r.intents())
	assert.Zero(t, r.used())
}

func TestTheTagsOfAnAttachedVolumeAreSetSoonerOrLater(t *testing.T) {
	t.Parallel()
	for quirks, later := range map[string]bool{"": true, "D-11b": false} {
		r := newRig(t, quirks)
		vm := r.vm()
		id := r.made(nil)
		r.change(func(tx *inventory.Tx) {
			require.NoError(t, tx.Volumes.Change(id, func(v *inventory.Volume) { v.VM = vm }))
		})
		r.refuse("VolumeUpdate", 1)
		err := r.ProvideVMInfo(t.Context(), vm, id)
		assert.Equal(t, later, errors.Is(err, spapi.ErrBusy), quirks)
		require.NoError(t, r.Reconcile(t.Context()))
		assert.Equal(t, later, r.sp.find("~a.b.1", false).Tags["cvm"] == "M", quirks)
		assert.Empty(t, r.intents())
	}
}

func TestTheUUIDTagIsCloudStacksAtAllTimes(t *testing.T) {
	t.Parallel()
	for quirks, want := range map[string]string{"": "V", "D-11a": "~a.b.1"} {
		r := newRig(t, quirks)
		vm := r.vm()
		id := r.made(func(v *inventory.Volume) { v.VM = vm })
		require.NoError(t, r.ProvideVMInfo(t.Context(), vm, id))
		assert.Equal(t, want, r.sp.find("~a.b.1", false).Tags["uuid"])
	}
}

func TestVolumesOfNobodyAndOfOtherProvidersAreNotTagged(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	vm, row := r.vm(), r.volume(nil)
	free := r.made(nil)
	held := r.made(func(v *inventory.Volume) { v.VM = vm })
	require.NoError(t, r.ProvideVMInfo(t.Context(), vm, free), "it has no VM")
	require.NoError(t, r.RevokeAccess(t.Context(), held), "it has a VM")
	require.NoError(t, r.RevokeAccess(t.Context(), 99), "it is gone")
	require.NoError(t, r.RevokeAccess(t.Context(), row), "it was never there")
	require.NoError(t, r.UpdateStorageWithTheNewDiskOffering(t.Context(), held, 0), "no offering")
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Pools.Change(r.pool, func(p *inventory.Pool) { p.Provider = "NFS" }))
	})
	require.NoError(t, r.ProvideVMInfo(t.Context(), vm, held))
	require.NoError(t, r.RevokeAccess(t.Context(), free))
	require.NoError(t, r.UpdateStorageWithTheNewDiskOffering(t.Context(), held, r.offering(0)))
	require.NoError(t, r.DetachVolumeFromAllStorageNodes(t.Context(), held))
	assert.Empty(t, r.sp.made())
	assert.Empty(t, r.intents(), "nothing is left for later")
}

func TestTheTagsOfADetachedVolumeAreClearedSoonerOrLater(t *testing.T) {
	t.Parallel()
	for quirks, later := range map[string]bool{"": true, "D-28": false} {
		r := newRig(t, quirks)
		vm := r.vm()
		id := r.made(func(v *inventory.Volume) { v.VM, v.HasDevice = vm, true })
		r.change(func(tx *inventory.Tx) {
			require.NoError(t, tx.Volumes.Change(id, func(v *inventory.Volume) { v.VM = 0 }))
		})
		r.refuse("VolumeUpdate", 1)
		require.NoError(t, r.RevokeAccess(t.Context(), id), "the volume is detached all the same")
		require.NoError(t, r.Reconcile(t.Context()))
		_, tagged := r.sp.find("~a.b.1", false).Tags["cvm"]
		assert.Equal(t, later, !tagged, quirks)
		assert.Empty(t, r.intents())
	}
}

func TestTagsThatAreClearedLaterAreNotThoseOfANewVM(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.made(nil)
	r.refuse("VolumeUpdate", 1)
	require.NoError(t, r.RevokeAccess(t.Context(), id))
	vm := r.vm()
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Volumes.Change(id, func(v *inventory.Volume) { v.VM = vm }))
	})
	require.NoError(t, r.ProvideVMInfo(t.Context(), vm, id))
	require.NoError(t, r.Reconcile(t.Context()))
	assert.Equal(t, "M", r.sp.find("~a.b.1", false).Tags["cvm"])
}

func TestATransportErrorDoesNotFailADetach(t *testing.T) {
	t.Parallel()
	for quirks, fails := range map[string]bool{"": false, "D-28": true} {
		r := newRig(t, quirks)
		id := r.made(nil)
		r.sp.Fault = func(string, int) *fakeFault { return &fakeFault{Lost: true} }
		assert.Equal(t, fails, r.RevokeAccess(t.Context(), id) != nil, quirks)
	}
}

func TestANewOfferingTakesBackWhatTheOldOneSet(t *testing.T) {
	t.Parallel()
	for quirks, want := range map[string][2]string{"": {"", "hdd"}, "D-27a": {"gold", "hdd"}} {
		r := newRig(t, quirks)
		id := r.made(func(v *inventory.Volume) { v.Offering = r.offering(0, offeringTier, "gold") })
		require.NoError(t, r.UpdateStorageWithTheNewDiskOffering(t.Context(), id, r.offering(0)))
		o := r.sp.find("~a.b.1", false)
		assert.Equal(t, want, [2]string{o.Tags["qc"], o.Template}, quirks)
	}
	for quirks, want := range map[string]string{"": "hdd", "D-27a": "ssd"} {
		r := newRig(t, quirks)
		id := r.made(func(v *inventory.Volume) { v.Offering = r.offering(0, offeringTemplate, "ssd") })
		require.NoError(t, r.UpdateStorageWithTheNewDiskOffering(t.Context(), id, r.offering(0, offeringTier, "gold")))
		o := r.sp.find("~a.b.1", false)
		assert.Equal(t, [2]string{"gold", want}, [2]string{o.Tags["qc"], o.Template}, quirks)
	}
}

func TestARefusedOfferingIsReported(t *testing.T) {
	t.Parallel()
	for quirks, reported := range map[string]bool{"": true, "D-27b": false} {
		r := newRig(t, quirks)
		id := r.made(nil)
		r.refuse("VolumeUpdate", 1)
		err := r.UpdateStorageWithTheNewDiskOffering(t.Context(), id, r.offering(0, offeringTier, "gold"))
		assert.Equal(t, reported, errors.Is(err, spapi.ErrBusy), quirks)
	}
}

func TestAForcedDetachThatLeavesAnAttachmentFails(t *testing.T) {
	t.Parallel()
	for quirks, fails := range map[string]bool{"": true, "D-31": false} {
		r := newRig(t, quirks)
		id := r.made(nil)
		r.refuse("VolumesReassign", 1)
		assert.Equal(t, fails, r.DetachVolumeFromAllStorageNodes(t.Context(), id) != nil, quirks)
		r.fault("AttachmentsList", 1, fakeFault{Body: `{"data":[` +
			`{"volume":"~a.b.1","globalId":"a.b.1","snapshot":true,"client":1},{"volume":"~a.b.1","globalId":"a.b.1","client":7}]}`})
		err := r.DetachVolumeFromAllStorageNodes(t.Context(), id)
		assert.Equal(t, fails, err != nil && assert.ErrorContains(t, err, "client 7"), quirks)
	}
}

func TestOperationsOnOneVolumeFollowOneAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.made(nil)
	unlock, err := r.lock(t.Context(), inventory.OfVolume, id)
	require.NoError(t, err)
	ctx, cancel := r.time.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r.time.Run(func() { err = r.DeleteAsync(ctx, r.onPool(VolumeObject, id)) })
	require.ErrorContains(t, err, "wait for volume 1")
	unlock()
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
}
