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

func TestAVolumeIsMadeAtItsFirstAttachAndDetachesWithItsBytes(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		made := s.calls("POST VolumeCreate")
		v, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
		s.ok(err)
		assert.Equal(s.t, inventory.VolumeAllocated, v.State)
		assert.Equal(s.t, made, s.calls("POST VolumeCreate"))
		for _, running := range []bool{true, false} {
			if !running {
				_, err = s.Mgmt.StopVM(s.ctx, m.ID, false)
				s.ok(err)
			}
			v, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
			s.ok(err)
			assert.Equal(s.t, 1, v.DeviceID)
			s.write(v.ID, 1024, 'b')
			v, err = s.Mgmt.DetachVolume(s.ctx, v.ID)
			s.ok(err)
			assert.False(s.t, v.HasDevice)
			s.reads(v.ID, 1024, pattern('b'))
		}
		assert.Equal(s.t, made+1, s.calls("POST VolumeCreate"))
	})
}

func TestAttachesThatCoreRefuses(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Hosts: 1}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		attach := func(volume, vm inventory.ID, device int) error {
			_, err := s.Mgmt.AttachVolume(s.ctx, volume, vm, device)
			return err
		}
		s.refused(attach(v.ID, m.ID, mgmt.FreeDevice), "is attached to VM")
		free, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
		s.ok(err)
		s.refused(attach(free.ID, m.ID, 1), "device 1 of the VM is taken")
		s.refused(attach(free.ID, m.ID, -7), "not a device number")
		s.refused(attach(free.ID, m.ID, 0), "is taken")
		_, err = s.Mgmt.DetachVolume(s.ctx, free.ID)
		s.refused(err, "is not attached")
		_, err = s.Mgmt.DetachVolume(s.ctx, s.root(m.ID).ID)
		s.refused(err, "root disk of a running VM")
		_, err = s.Mgmt.DeleteVolume(s.ctx, v.ID)
		s.refused(err, "is attached to VM")
		_, err = s.Mgmt.DestroyVM(s.ctx, m.ID, false)
		s.ok(err)
		s.refused(attach(free.ID, m.ID, mgmt.FreeDevice), "the VM is Destroyed")
	})
}

func TestARootDiskMovesBetweenStoppedVMs(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		a, b := s.deploy(mgmt.VMSpec{}), s.deploy(mgmt.VMSpec{})
		root := s.root(a.ID)
		s.write(root.ID, 0, 'a')
		for _, m := range []inventory.VM{a, b} {
			_, err := s.Mgmt.StopVM(s.ctx, m.ID, false)
			s.ok(err)
		}
		gone, err := s.Mgmt.DetachVolume(s.ctx, s.root(b.ID).ID)
		s.ok(err)
		assert.Equal(s.t, inventory.Data, gone.Kind)
		_, err = s.Mgmt.DetachVolume(s.ctx, root.ID)
		s.ok(err)
		moved, err := s.Mgmt.AttachVolume(s.ctx, root.ID, b.ID, 0)
		s.ok(err)
		assert.Equal(s.t, inventory.Root, moved.Kind)
		_, err = s.Mgmt.StartVM(s.ctx, b.ID, 0)
		s.ok(err)
		s.reads(root.ID, 0, pattern('a'))
	})
}

func TestAnAttachThatFailsLeavesTheVolumeDetached(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"refused by StorPool": {Call: "POST VolumesReassignWait", Effect: fault.Effect{Kind: fault.Refuse}},
		"answer lost":         {Call: "POST VolumesReassignWait", Effect: fault.Effect{Kind: fault.Lose}},
		"agent dies after it": {Call: "agent Attach/plug", Effect: fault.Effect{Kind: fault.Cut}},
		"agent's answer lost": {Call: "agent Attach/plug", Effect: fault.Effect{Kind: fault.Lose}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, world.Options{}, func(s *scene) {
				m := s.deploy(mgmt.VMSpec{})
				v, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
				s.ok(err)
				require.NoError(s.t, s.Arm(rule))
				_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
				require.Error(s.t, err)
				assert.Empty(s.t, s.Unfired())
				v = s.volume(v.ID)
				assert.Equal(s.t, inventory.VolumeReady, v.State)
				assert.Zero(s.t, v.VM)
				s.holds()
				_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
				s.ok(err)
			})
		})
	}
}

func TestACreateThatFailsLeavesTheVolumeAllocated(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
		s.ok(err)
		require.NoError(s.t, s.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Refuse}}))
		_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
		require.Error(s.t, err)
		assert.Equal(s.t, inventory.VolumeAllocated, s.volume(v.ID).State)
		s.holds()
		_, err = s.Mgmt.AttachVolume(s.ctx, v.ID, m.ID, mgmt.FreeDevice)
		s.ok(err)
	})
}

func TestADeleteThatFailsCanBeRepeated(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		_, err := s.Mgmt.DetachVolume(s.ctx, v.ID)
		s.ok(err)
		require.NoError(s.t, s.Arm(fault.Rule{Call: "POST VolumeDelete", Effect: fault.Effect{Kind: fault.Refuse}}))
		v, err = s.Mgmt.DeleteVolume(s.ctx, v.ID)
		require.Error(s.t, err)
		assert.Equal(s.t, inventory.VolumeDestroy, v.State)
		s.holds()
		s.ok(s.Mgmt.CollectGarbage(s.ctx))
		assert.Equal(s.t, inventory.VolumeExpunged, s.volume(v.ID).State)
		_, err = s.Mgmt.DeleteVolume(s.ctx, v.ID)
		s.refused(err, "is Expunged")
	})
}

func TestResizesLiveAndOffline(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		s.write(v.ID, 0, 'a')
		v, err := s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 4 * mib})
		s.ok(err)
		assert.EqualValues(s.t, 4*mib, v.Size)
		seen, err := s.GuestSize(s.ctx, m.ID, v.ID)
		require.NoError(s.t, err)
		assert.EqualValues(s.t, 4*mib, seen, "the guest sees the new size at once")
		_, err = s.Mgmt.StopVM(s.ctx, m.ID, false)
		s.ok(err)
		_, err = s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 2 * mib})
		s.refused(err, "a shrink needs consent")
		v, err = s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 2 * mib, ShrinkOK: true})
		s.ok(err)
		v, err = s.Mgmt.DetachVolume(s.ctx, v.ID)
		s.ok(err)
		v, err = s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 3 * mib})
		s.ok(err)
		s.reads(v.ID, 0, pattern('a'))
		fresh, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
		s.ok(err)
		fresh, err = s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: fresh.ID, Size: 5 * mib})
		s.ok(err)
		assert.EqualValues(s.t, 5*mib, fresh.Size)
		assert.Equal(s.t, inventory.VolumeAllocated, fresh.State)
	})
}

func TestAnOfferingChangesTierTemplateLimitAndSize(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		offering := func(spec mgmt.OfferingSpec) inventory.ID {
			o, err := s.Mgmt.CreateDiskOffering(spec)
			s.ok(err)
			return o.ID
		}
		for _, o := range []inventory.ID{
			offering(mgmt.OfferingSpec{Name: "tier", Details: map[string]string{mgmt.TierDetail: "gold"}}),
			offering(mgmt.OfferingSpec{Name: "template", Details: map[string]string{mgmt.TemplateDetail: "ssd"}}),
			offering(mgmt.OfferingSpec{Name: "limit", MaxIOPS: 500}),
			offering(mgmt.OfferingSpec{Name: "size and both", Size: 8 * mib, Details: map[string]string{
				mgmt.TierDetail: "gold", mgmt.TemplateDetail: "ssd",
			}}),
			offering(mgmt.OfferingSpec{Name: "plain", Size: 2 * mib}),
			s.Disk.ID,
		} {
			changed, err := s.Mgmt.ChangeOffering(s.ctx, v.ID, o, 0)
			s.ok(err)
			assert.Equal(s.t, o, changed.Offering)
		}
		assert.EqualValues(s.t, 2*mib, s.volume(v.ID).Size)
	})
}

func TestAResizeThatFailsChangesNothingOrSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"StorPool refuses":   {Call: "POST VolumeUpdate", Effect: fault.Effect{Kind: fault.Refuse}},
		"the host is silent": {Call: "agent ResizeVolume/blockresize", Effect: fault.Effect{Kind: fault.Lose}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, world.Options{}, func(s *scene) {
				m := s.deploy(mgmt.VMSpec{})
				v := s.attached(m.ID, mib)
				require.NoError(s.t, s.Arm(rule))
				_, err := s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 4 * mib})
				s.t.Log(err)
				assert.Empty(s.t, s.Unfired())
				s.holds()
				_, err = s.Mgmt.StopVM(s.ctx, m.ID, false)
				s.ok(err)
				_, err = s.Mgmt.StartVM(s.ctx, m.ID, 0)
				s.ok(err)
				_, err = s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 4 * mib})
				s.ok(err)
			})
		})
	}
}
