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

func TestAVMFromAnISOLivesAndItsDataDiskOutlivesIt(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{Data: []mgmt.VolumeSpec{s.data(mib)}, Tags: map[string]string{mgmt.PolicyTag: "gold"}})
		assert.Equal(s.t, inventory.VMRunning, m.State)
		disk := s.volume(s.root(m.ID).ID + 1)
		s.write(s.root(m.ID).ID, 0, 'r')
		s.write(disk.ID, 512, 'd')
		_, err := s.Mgmt.StopVM(s.ctx, m.ID, false)
		s.ok(err)
		s.reads(disk.ID, 512, pattern('d'))
		m, err = s.Mgmt.StartVM(s.ctx, m.ID, s.Hosts[1].ID)
		s.ok(err)
		assert.Equal(s.t, s.Hosts[1].ID, m.Host)
		s.reads(s.root(m.ID).ID, 0, pattern('r'))
		root := s.root(m.ID)
		_, err = s.Mgmt.DestroyVM(s.ctx, m.ID, true)
		s.ok(err)
		assert.Equal(s.t, inventory.VolumeExpunged, s.volume(root.ID).State)
		disk = s.volume(disk.ID)
		assert.Zero(s.t, disk.VM)
		s.reads(disk.ID, 512, pattern('d'))
		_, err = s.Mgmt.DeleteVolume(s.ctx, disk.ID)
		s.ok(err)
		objects, _, err := s.Target.Look(s.ctx)
		require.NoError(s.t, err)
		assert.Len(s.t, objects, 1, "only the check volume is left")
	})
}

func TestATemplateIsCopiedToAPoolOnceHoweverManyVMsAreMadeOfIt(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		tmpl := s.template(8*mib, 't')
		for _, size := range []int64{0, 16 * mib} {
			m := s.deploy(mgmt.VMSpec{Template: tmpl.ID, RootSize: size})
			s.reads(s.root(m.ID).ID, 0, pattern('t'))
			assert.Equal(s.t, max(size, 8*mib), s.root(m.ID).Size)
		}
		assert.Equal(s.t, 1, s.calls("agent DownloadTemplate"))
		_, err := s.Mgmt.DeployVM(s.ctx, s.spec(mgmt.VMSpec{Template: tmpl.ID, RootSize: mib}))
		s.refused(err, "smaller than the template")
	})
}

func TestADeletedTemplateIsEvictedOnceNoVolumeUsesIt(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		tmpl := s.template(8*mib, 't')
		m := s.deploy(mgmt.VMSpec{Template: tmpl.ID})
		_, err := s.Mgmt.DeleteTemplate(s.ctx, tmpl.ID)
		s.ok(err)
		_, err = s.Mgmt.DeleteTemplate(s.ctx, tmpl.ID)
		s.refused(err, "is deleted")
		s.ok(s.Mgmt.CollectGarbage(s.ctx))
		assert.Zero(s.t, s.calls("agent DestroyTemplate"), "a VM still uses it")
		s.reads(s.root(m.ID).ID, 0, pattern('t'))
		_, err = s.Mgmt.DestroyVM(s.ctx, m.ID, true)
		s.ok(err)
		require.NoError(s.t, s.Arm(fault.Rule{Call: "POST SnapshotDelete", Effect: fault.Effect{Kind: fault.Refuse}}))
		require.Error(s.t, s.Mgmt.CollectGarbage(s.ctx))
		s.holds()
		s.ok(s.Mgmt.CollectGarbage(s.ctx))
		assert.Equal(s.t, 2, s.calls("agent DestroyTemplate"))
		objects, _, err := s.Target.Look(s.ctx)
		require.NoError(s.t, err)
		assert.Len(s.t, objects, 1, "only the check volume is left")
	})
}

func TestADeployThatFailsLeavesAVMInErrorAndTheCollectorRemovesItsVolumes(t *testing.T) {
	t.Parallel()
	for call, times := range map[string]int{"POST VolumeCreate": 1, "agent Start/connect": 2} { // once on each host
		play(t, world.Options{}, func(s *scene) {
			require.NoError(s.t, s.Arm(fault.Rule{Call: call, Times: times, Effect: fault.Effect{Kind: fault.Refuse}}))
			m, err := s.Mgmt.DeployVM(s.ctx, s.spec(mgmt.VMSpec{Data: []mgmt.VolumeSpec{s.data(mib)}}))
			require.Error(s.t, err)
			assert.Empty(s.t, s.Unfired())
			assert.Equal(s.t, inventory.VMError, m.State)
			s.holds()
			_, err = s.Mgmt.DestroyVM(s.ctx, m.ID, true)
			s.ok(err)
			objects, _, err := s.Target.Look(s.ctx)
			require.NoError(s.t, err)
			assert.Len(s.t, objects, 1, "only the check volume is left")
		})
	}
}

func TestAStopThatTheHostDoesNotConfirmLeavesTheVMRunning(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		host, err := s.Fleet.Host(s.Hosts[0].UUID)
		require.NoError(s.t, err)
		require.NoError(s.t, s.Mgmt.SetHostState(s.ctx, s.Hosts[0].ID, inventory.HostDown))
		_, err = s.Mgmt.StopVM(s.ctx, m.ID, false)
		require.ErrorIs(s.t, err, mgmt.ErrAgent)
		assert.Equal(s.t, inventory.VMRunning, s.vm(m.ID).State)
		s.holds()
		assert.True(s.t, host.Up())
	})
}

// cutOff is a VM whose host was cut off and that was stopped by force.
func cutOff(s *scene) inventory.VM {
	s.t.Helper()
	m := s.deploy(mgmt.VMSpec{})
	s.write(s.root(m.ID).ID, 0, 'a')
	require.NoError(s.t, s.Mgmt.SetHostState(s.ctx, m.Host, inventory.HostDown))
	m, err := s.Mgmt.StopVM(s.ctx, m.ID, true)
	s.ok(err)
	return m
}

func TestAVMStoppedByForceOnALostHostStartsElsewhereAsTheOnlyWriter(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := cutOff(s)
		m, err := s.Mgmt.StartVM(s.ctx, m.ID, 0)
		s.ok(err)
		assert.Equal(s.t, s.Hosts[1].ID, m.Host)
		s.reads(s.root(m.ID).ID, 0, pattern('a'))
		old, err := s.Fleet.Host(s.Hosts[0].UUID)
		require.NoError(s.t, err)
		g, err := old.Guest(m.Instance)
		require.NoError(s.t, err, "the guest on the lost host does not know")
		d, err := g.DiskAt(0)
		require.NoError(s.t, err)
		_, err = d.WriteAt(pattern('x'), 0)
		require.Error(s.t, err, "the lost host must not write any more")
	})
}

func TestWithoutFencingTwoHostsWriteTheSameVolume(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Driver: "CS-10799"}, func(s *scene) {
		m := cutOff(s)
		_, err := s.Mgmt.StartVM(s.ctx, m.ID, 0)
		require.NoError(s.t, err)
		require.ErrorContains(s.t, s.Check(s.ctx), "is attached read-write to clients [1 2]")
	})
}

func TestHighAvailabilityRestartsAVMOfALostHostElsewhere(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		s.write(s.root(m.ID).ID, 0, 'a')
		_, err := s.Mgmt.FailOver(s.ctx, m.ID, 0)
		s.refused(err, "not running on a host that is down")
		host, err := s.Fleet.Host(s.Hosts[0].UUID)
		require.NoError(s.t, err)
		host.PowerOff()
		require.NoError(s.t, s.Mgmt.SetHostState(s.ctx, m.Host, inventory.HostDown))
		s.holds()
		require.NoError(s.t, s.Arm(fault.Rule{Call: "POST VolumesReassign", Effect: fault.Effect{Kind: fault.Refuse}}))
		_, err = s.Mgmt.FailOver(s.ctx, m.ID, 0)
		require.Error(s.t, err, "without a detach there is no restart")
		s.holds()
		m, err = s.Mgmt.StartVM(s.ctx, m.ID, 0)
		s.ok(err)
		assert.Equal(s.t, s.Hosts[1].ID, m.Host)
		s.reads(s.root(m.ID).ID, 0, pattern('a'))
	})
}

func TestActionsOnAVMInTheWrongStateAreRefused(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		_, err := s.Mgmt.StartVM(s.ctx, m.ID, 0)
		s.refused(err, "the VM is Running")
		_, err = s.Mgmt.DestroyVM(s.ctx, m.ID, false)
		s.ok(err)
		_, err = s.Mgmt.StopVM(s.ctx, m.ID, false)
		s.refused(err, "the VM is Destroyed")
		s.ok(s.Mgmt.CollectGarbage(s.ctx))
		require.Error(s.t, s.Inventory.View(func(tx *inventory.Tx) error {
			_, err := tx.VMs.Must(m.ID)
			return err
		}), "the collector has expunged it")
	})
}
