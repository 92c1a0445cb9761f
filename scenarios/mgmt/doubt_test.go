package mgmt_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// late makes a step happen after its caller has given up.
func (s *scene) late(call string) {
	s.t.Helper()
	rule := fault.Rule{Call: call, Effect: fault.Effect{Kind: fault.Late, Delay: fault.Duration(time.Minute)}}
	require.NoError(s.t, s.Arm(rule))
}

func TestAnAttachThatComesTooLateIsTakenBack(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
		s.ok(err)
		s.late("agent Attach/plug")
		_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
		require.ErrorIs(s.t, err, mgmt.ErrSilent)
		s.holds()
		_, attachments, err := s.Target.Look(s.ctx)
		require.NoError(s.t, err)
		for _, a := range attachments {
			assert.NotEqual(s.t, world.GlobalID(s.volume(v.ID).Path), a.GlobalID)
		}
		_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
		s.ok(err)
	})
}

func TestAVolumeInDoubtIsNotAttachedWhileItsHostIsSilent(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		other := s.deploy(mgmt.VMSpec{})
		v, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
		s.ok(err)
		s.late("agent Attach/plug")
		_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
		require.ErrorIs(s.t, err, mgmt.ErrSilent)
		require.NoError(s.t, s.Mgmt.SetHostState(s.ctx, m.Host, inventory.HostDown))
		_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, other.ID, mgmt.FreeDevice)
		require.ErrorContains(s.t, err, "left its attach in doubt")
		s.holds()
		require.NoError(s.t, s.Mgmt.SetHostState(s.ctx, m.Host, inventory.HostUp))
		_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, other.ID, mgmt.FreeDevice)
		s.ok(err)
	})
}

func TestADetachThatFailedIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{fault.Lose, fault.Malformed, fault.Refuse} {
		play(t, world.Options{}, func(s *scene) {
			m := s.deploy(mgmt.VMSpec{})
			v := s.attached(m.ID, mib)
			s.write(v.ID, 0, 'a')
			require.NoError(s.t, s.Arm(fault.Rule{Call: "agent Detach/unplug", Effect: fault.Effect{Kind: kind}}))
			_, err := s.Mgmt.DetachVolume(s.ctx, v.ID)
			require.ErrorIs(s.t, err, mgmt.ErrAgent)
			s.holds()
			assert.Equal(s.t, m.ID, s.volume(v.ID).VM)
			s.reads(v.ID, 0, pattern('a'))
			_, err = s.Mgmt.DetachVolume(s.ctx, v.ID)
			s.ok(err)
		})
	}
}

func TestAStopWithoutAnswerIsFinishedLater(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		s.late("agent Stop/shutdown")
		_, err := s.Mgmt.StopVM(s.ctx, m.ID, false)
		require.ErrorIs(s.t, err, mgmt.ErrSilent)
		assert.Equal(s.t, inventory.VMRunning, s.vm(m.ID).State)
		s.holds()
		assert.Equal(s.t, inventory.VMStopped, s.vm(m.ID).State)
	})
}

func TestAStartThatComesTooLateIsStopped(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		_, err := s.Mgmt.StopVM(s.ctx, m.ID, false)
		s.ok(err)
		s.late("agent Start/run")
		_, err = s.Mgmt.StartVM(s.ctx, m.ID, 0)
		require.ErrorIs(s.t, err, mgmt.ErrSilent)
		s.holds()
		_, err = s.Mgmt.StartVM(s.ctx, m.ID, s.Hosts[1].ID)
		s.ok(err)
	})
}

func TestABackupThatComesTooLateIsRemoved(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		s.late("agent BackupSnapshot/measure")
		_, err := s.Mgmt.CreateSnapshot(s.ctx, v.ID, "")
		require.Error(s.t, err)
		s.holds()
		s.snap(v.ID)
	})
}
