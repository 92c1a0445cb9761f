package driver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
)

func TestASnapshotThatAVolumeIsBeingMadeOfIsNotDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	other, err := New(r.config)
	require.NoError(t, err)
	intent := inventory.Intent{Kind: inventory.OfVolume, Object: 77, Pool: r.pool, Data: usesSnapshot(snapshot)}
	o, err := other.begin(actionRestore, intent)
	require.NoError(t, err)
	before := r.snapshotRow(snapshot)
	for _, remove := range []func() error{
		func() error { return r.DeleteSnapshot(t.Context(), snapshot, 0) },
		func() error { return r.DeleteAsync(t.Context(), r.onPool(SnapshotObject, snapshot)) },
	} {
		err := remove()
		assert.ErrorIs(t, err, ErrRefused)
		assert.ErrorContains(t, err, "volume 77 is being made of it")
	}
	assert.Empty(t, r.sp.made(), "StorPool is not asked")
	assert.Equal(t, before, r.snapshotRow(snapshot))
	o.end(t.Context(), &err)
	require.NoError(t, err)
	assert.NoError(t, r.DeleteSnapshot(t.Context(), snapshot, 0))
}

func TestNothingIsMadeOfASnapshotThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	r.change(func(tx *inventory.Tx) {
		s, _ := tx.Snapshots.Get(snapshot)
		s.State = inventory.SnapshotDestroying
		tx.Snapshots.Put(s)
	})
	volume := r.volume(nil)
	_, err := r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
	assert.ErrorIs(t, err, ErrRefused)
	assert.Empty(t, r.sp.made())
	assert.Empty(t, r.intents())
}
