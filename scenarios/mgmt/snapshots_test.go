package mgmt_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// onStorPool counts StorPool snapshots.
func (s *scene) onStorPool() (n int) {
	s.t.Helper()
	objects, _, err := s.Target.Look(s.ctx)
	require.NoError(s.t, err)
	for _, x := range objects {
		if x.Snapshot && !x.Transient {
			n++
		}
	}
	return n
}

// detail is the device path of a snapshot.
func (s *scene) detail(sn inventory.Snapshot) (path string) {
	_ = s.Inventory.View(func(tx *inventory.Tx) error {
		path, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: sn.ID}, sn.UUID)
		return nil
	})
	return path
}

func (s *scene) restore(sn inventory.ID) inventory.Volume {
	s.t.Helper()
	v, err := s.Mgmt.CreateVolumeFromSnapshot(s.ctx, mgmt.RestoreSpec{Snapshot: sn, Name: "restored"})
	s.ok(err)
	return v
}

func TestSnapshotsRevertAndRestoreWithAndWithoutBackup(t *testing.T) {
	t.Parallel()
	for _, bypass := range []bool{false, true} {
		play(t, world.Options{}, func(s *scene) {
			s.bypass(bypass)
			m := s.deploy(mgmt.VMSpec{})
			v := s.attached(m.ID, mib)
			s.write(v.ID, 0, '1')
			sn := s.snap(v.ID)
			assert.Equal(s.t, inventory.SnapshotBackedUp, sn.State)
			assert.Equal(s.t, map[bool]int{false: 1, true: 0}[bypass], s.calls("agent BackupSnapshot"))
			s.write(v.ID, 0, '2')
			s.reads(s.restore(sn.ID).ID, 0, pattern('1'))
			_, err := s.Mgmt.RevertSnapshot(s.ctx, sn.ID)
			s.refused(err, "the VM is Running")
			_, err = s.Mgmt.StopVM(s.ctx, m.ID, false)
			s.ok(err)
			_, err = s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 3 * mib})
			s.ok(err)
			v, err = s.Mgmt.RevertSnapshot(s.ctx, sn.ID)
			s.ok(err)
			assert.EqualValues(s.t, mib, v.Size, "size goes back with the contents")
			s.reads(v.ID, 0, pattern('1'))
			_, err = s.Mgmt.StartVM(s.ctx, m.ID, 0)
			s.ok(err)
			sn, err = s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
			s.ok(err)
			assert.Equal(s.t, inventory.SnapshotDestroyed, sn.State)
			assert.Zero(s.t, s.onStorPool())
			_, err = s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
			s.refused(err, "is Destroyed")
			_, err = s.Mgmt.CreateVolumeFromSnapshot(s.ctx, mgmt.RestoreSpec{Snapshot: sn.ID})
			s.refused(err, "is Destroyed")
			_, err = s.Mgmt.RevertSnapshot(s.ctx, sn.ID)
			s.refused(err, "is Destroyed")
		})
	}
}

func TestABackupRestoresWhatStorPoolLost(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		s.write(v.ID, 0, '1')
		sn := s.snap(v.ID)
		require.NoError(s.t, s.Lose(s.ctx, world.GlobalID(s.detail(sn)), true))
		s.reads(s.restore(sn.ID).ID, 0, pattern('1'))
		_, err := s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
		s.ok(err)
	})
}

func TestASnapshotOutlivesItsVolume(t *testing.T) {
	t.Parallel()
	for _, bypass := range []bool{false, true} {
		play(t, world.Options{}, func(s *scene) {
			s.bypass(bypass)
			m := s.deploy(mgmt.VMSpec{})
			v := s.attached(m.ID, mib)
			s.write(v.ID, 0, '1')
			sn := s.snap(v.ID)
			_, err := s.Mgmt.DetachVolume(s.ctx, v.ID)
			s.ok(err)
			_, err = s.Mgmt.DeleteVolume(s.ctx, v.ID)
			s.ok(err)
			s.reads(s.restore(sn.ID).ID, 0, pattern('1'))
			_, err = s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
			s.ok(err)
			assert.Zero(s.t, s.onStorPool())
		})
	}
}

func TestADroppedRecordLosesTheSnapshotOfADeletedVolume(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Driver: "CS-5433"}, func(s *scene) {
		s.bypass(true)
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		sn := s.snap(v.ID)
		_, err := s.Mgmt.DetachVolume(s.ctx, v.ID)
		s.ok(err)
		_, err = s.Mgmt.DeleteVolume(s.ctx, v.ID)
		require.NoError(s.t, err)
		require.ErrorContains(s.t, s.Check(s.ctx), "has no record of a store")
		_, err = s.Mgmt.CreateVolumeFromSnapshot(s.ctx, mgmt.RestoreSpec{Snapshot: sn.ID})
		require.ErrorContains(s.t, err, "no store has the snapshot")
	})
}

func TestASnapshotThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"take refused":        {Call: "POST VolumeSnapshot", Effect: fault.Effect{Kind: fault.Refuse}},
		"backup cannot start": {Call: "POST VolumesReassignWait", Effect: fault.Effect{Kind: fault.Refuse}},
		"copy fails":          {Call: "agent BackupSnapshot/convert", Effect: fault.Effect{Kind: fault.Refuse}},
		"agent dies":          {Call: "agent BackupSnapshot/convert", Effect: fault.Effect{Kind: fault.Cut}},
		"answer is lost":      {Call: "agent BackupSnapshot/answer", Effect: fault.Effect{Kind: fault.Lose}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, world.Options{}, func(s *scene) {
				m := s.deploy(mgmt.VMSpec{})
				v := s.attached(m.ID, mib)
				s.write(v.ID, 0, '1')
				require.NoError(s.t, s.Arm(rule))
				sn, err := s.Mgmt.CreateSnapshot(s.ctx, v.ID, "")
				require.Error(s.t, err)
				assert.Empty(s.t, s.Unfired())
				assert.Equal(s.t, inventory.SnapshotError, sn.State)
				s.holds()
				assert.Zero(s.t, s.onStorPool())
				again := s.snap(v.ID)
				s.reads(s.restore(again.ID).ID, 0, pattern('1'))
				_, err = s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
				s.ok(err)
			})
		})
	}
}

func TestADeleteOfASnapshotCanBeRepeated(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"POST VolumesReassign", "POST SnapshotDelete"} {
		play(t, world.Options{}, func(s *scene) {
			m := s.deploy(mgmt.VMSpec{})
			v := s.attached(m.ID, mib)
			sn := s.snap(v.ID)
			require.NoError(s.t, s.Arm(fault.Rule{Call: call, Effect: fault.Effect{Kind: fault.Refuse}}))
			_, err := s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
			require.Error(s.t, err)
			s.holds()
			_, err = s.Mgmt.DeleteSnapshot(s.ctx, sn.ID)
			s.ok(err)
			assert.Zero(s.t, s.onStorPool())
		})
	}
}

func TestSnapshotsOfAVolumeMayHaveTheSameName(t *testing.T) {
	t.Parallel()
	for _, quirk := range []string{"", "KV-S5"} {
		play(t, world.Options{Driver: quirk}, func(s *scene) { twins(s, quirk == "") })
	}
}

// twins takes two snapshots of one name and restores them from secondary storage.
func twins(s *scene, distinct bool) {
	s.t.Helper()
	m := s.deploy(mgmt.VMSpec{})
	v := s.attached(m.ID, mib)
	var ids []inventory.ID
	for _, b := range []byte("12") {
		s.write(v.ID, 0, b)
		sn, err := s.Mgmt.CreateSnapshot(s.ctx, v.ID, "nightly")
		require.NoError(s.t, err)
		require.NoError(s.t, s.Lose(s.ctx, world.GlobalID(s.detail(sn)), true))
		ids = append(ids, sn.ID)
	}
	first := s.restore(ids[0])
	s.reads(s.restore(ids[1]).ID, 0, pattern('2'))
	if distinct {
		s.reads(first.ID, 0, pattern('1'))
		return
	}
	s.reads(first.ID, 0, pattern('2'))
}
