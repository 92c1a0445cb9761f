package driver

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// grownSince is a rig with a volume that has grown since its snapshot was taken.
func grownSince(t *testing.T, quirks string) (r *rig, snapshot, volume inventory.ID) {
	t.Helper()
	r = newRig(t, quirks)
	volume = r.made(nil)
	snapshot = r.taken(volume)
	_, err := r.Resize(t.Context(), volume, ResizeRequest{Size: 20 * gib})
	require.NoError(t, err)
	r.sp.made()
	return r, snapshot, volume
}

func TestAVolumeHasItsRealSizeAfterARevert(t *testing.T) {
	t.Parallel()
	for quirks, onStorPool := range map[string]int64{"": 10 * gib, "D-32b": 20 * gib} {
		r, snapshot, volume := grownSince(t, quirks)
		res, err := r.RevertSnapshot(t.Context(), snapshot, volume)
		require.NoError(t, err)
		assert.Equal(t, 10*gib, res.Size, quirks)
		assert.Equal(t, 10*gib, r.volumeRow(volume).Size, quirks)
		assert.Equal(t, onStorPool, r.sp.find("~a.b.1", false).Size, quirks)
		assert.Equal(t, 10*gib, r.used(), quirks)
		assert.Equal(t, "~a.b.2", r.sp.find("~a.b.1", false).Parent)
	}
}

func TestNothingIsTouchedUnlessVolumeAndSnapshotExist(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"a.b.1", "a.b.2"} {
		for quirks, touched := range map[string]bool{"": false, "D-32a": true} {
			r, snapshot, volume := grownSince(t, quirks)
			r.sp.remove(lost)
			_, err := r.RevertSnapshot(t.Context(), snapshot, volume)
			require.ErrorIs(t, err, spapi.ErrNotFound, "%s %s", lost, quirks)
			assert.Equal(t, touched, assert.ObjectsAreEqual("VolumesReassign", names(r.sp.made())[0]), "%s %s", lost, quirks)
			assert.Empty(t, r.intents())
		}
	}
}

func TestASnapshotThatIsNotOnStorPoolIsNotRevertedTo(t *testing.T) {
	t.Parallel()
	for quirks, sent := range map[string]bool{"": false, "D-32a": true} {
		r := newRig(t, quirks)
		volume := r.made(nil)
		_, err := r.RevertSnapshot(t.Context(), r.snapshot(volume), volume)
		require.Error(t, err)
		assert.Equal(t, !sent, errors.Is(err, ErrNotOnStorPool))
		assert.Equal(t, sent, len(r.sp.made()) > 0, quirks)
	}
}

func TestALegacyVolumeBecomesAnonymousBeforeItsRevert(t *testing.T) {
	t.Parallel()
	r, snapshot, volume := grownSince(t, "D-32a")
	r.set(inventory.OfVolume, volume, detailLegacy, "/dev/storpool/old")
	r.fault("VolumeUpdate", 1, fakeFault{Body: `{"data":{"ok":true}}`})
	_, err := r.RevertSnapshot(t.Context(), snapshot, volume)
	require.NoError(t, err)
	assert.Equal(t, fakeCall{"VolumeUpdate/old", `{"rename":"","tags":{"uuid":"old"}}`}, r.sp.made()[0])
	assert.Empty(t, r.detailsOf(inventory.OfVolume, volume))
}

func TestALimitThatCouldNotBeSetAfterARevertIsReportedAndSetLater(t *testing.T) {
	t.Parallel()
	for quirks, reported := range map[string]bool{"": true, "D-32c": false} {
		r := newRig(t, quirks)
		volume := r.made(func(v *inventory.Volume) { v.MaxIOPS = 500 })
		snapshot := r.taken(volume)
		r.sp.find("~a.b.1", false).IOPS = nil
		r.refuse("VolumeUpdate", 1)
		_, err := r.RevertSnapshot(t.Context(), snapshot, volume)
		assert.Equal(t, reported, errors.Is(err, spapi.ErrBusy), quirks)
		require.NoError(t, r.Reconcile(t.Context()))
		assert.Equal(t, reported, r.limitOf() != nil, quirks)
		assert.Empty(t, r.intents())
	}
}

func TestAnUnlimitedVolumeIsUnlimitedAfterARevert(t *testing.T) {
	t.Parallel()
	for quirks, want := range map[string]bool{"": true, "D-12e": false} {
		r, snapshot, volume := grownSince(t, quirks)
		limit := int64(7)
		r.sp.find("~a.b.1", false).IOPS = &limit // what the snapshot had
		_, err := r.RevertSnapshot(t.Context(), snapshot, volume)
		require.NoError(t, err)
		assert.Equal(t, want, *r.limitOf() == 0, quirks)
	}
}

func TestARevertThatMayHaveHappenedIsRepeatedOnlyWhileItIsGoingOn(t *testing.T) {
	t.Parallel()
	for state, parent := range map[inventory.VolumeState]string{inventory.VolumeReverting: "~a.b.2", inventory.VolumeReady: "before"} {
		r, snapshot, volume := grownSince(t, "")
		r.sp.find("~a.b.1", false).Parent = "before"
		r.sp.Fault = func(call string, _ int) *fakeFault {
			if call == "VolumeRevert" {
				return &fakeFault{Lost: true}
			}
			return nil
		}
		_, err := r.RevertSnapshot(t.Context(), snapshot, volume)
		require.Error(t, err)
		r.sp.Fault = nil
		r.change(func(tx *inventory.Tx) {
			require.NoError(t, tx.Volumes.Change(volume, func(v *inventory.Volume) { v.State = state }))
		})
		require.NoError(t, r.Reconcile(t.Context()))
		assert.Equal(t, parent, r.sp.find("~a.b.1", false).Parent, state)
		assert.Equal(t, inventory.VolumeReady, r.volumeRow(volume).State)
		assert.Equal(t, r.sp.find("~a.b.1", false).Size, r.volumeRow(volume).Size)
	}
}
