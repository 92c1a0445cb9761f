package mgmt_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

func TestABackupThatAVolumeIsBeingMadeOfIsNotDeleted(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Throughput: mib}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		s.write(v.ID, 0, 'a')
		sn, err := s.Mgmt.CreateSnapshot(s.ctx, v.ID, "")
		require.NoError(s.t, err)
		var path string
		require.NoError(s.t, s.Inventory.Update(func(tx *inventory.Tx) error { // StorPool has lost it, and core knows
			own := inventory.Owner{Kind: inventory.OfSnapshot, ID: sn.ID}
			path, _ = tx.Details.Get(own, sn.UUID)
			tx.Details.Clear(own)
			ref, _ := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool { return r.Snapshot == sn.ID && r.Role == inventory.Primary })
			tx.SnapshotRefs.Delete(ref.ID)
			return nil
		}))
		require.NoError(s.t, s.Lose(s.ctx, world.GlobalID(path), true))
		require.False(s.t, s.Driver.CanHandleSnapshot(sn.ID, 0, driver.SnapshotDelete), "core deletes it")
		var restored inventory.Volume
		var made, kept error
		clock.Gather(s.Clock,
			func() {
				restored, made = s.Mgmt.CreateVolumeFromSnapshot(s.ctx, mgmt.RestoreSpec{Snapshot: sn.ID, Name: "r", Pool: s.Pool.ID})
			},
			func() {
				if assert.NoError(s.t, s.Clock.Sleep(s.ctx, 1e6)) { // the download takes longer
					_, kept = s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
				}
			})
		require.NoError(s.t, made)
		assert.ErrorIs(s.t, kept, driver.ErrRefused)
		s.reads(restored.ID, 0, pattern('a'))
		_, err = s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
		assert.NoError(s.t, err)
		s.holds()
	})
}
