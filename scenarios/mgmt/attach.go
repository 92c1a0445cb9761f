package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// FreeDevice asks [Server.AttachVolume] to choose the device number: the first free one from 1 on.
const FreeDevice = -1

// AttachVolume attaches a volume to a VM that is running or stopped; one that was only recorded is created first.
// Device 0 makes it the root disk of a stopped VM that has none.
func (s *Server) AttachVolume(ctx context.Context, volume, vm inventory.ID, device int) (inventory.Volume, error) {
	unlock, err := s.lock(ctx, vmKey(vm), volumeKey(volume))
	if err != nil {
		return inventory.Volume{}, err
	}
	defer unlock()
	v, m, device, err := s.attachable(volume, vm, device)
	if err != nil {
		return v, err
	}
	if err := s.settleVolume(ctx, v); err != nil {
		return v, err
	}
	if d, still := s.doubtOf(ofVolume(v.ID)); still {
		return v, fmt.Errorf("attach volume %d: host %d left its %s in doubt: %w", v.ID, d.host, d.what, ErrAgent)
	}
	if v.State == inventory.VolumeAllocated {
		if v, err = s.createOnPool(ctx, v, 0, s.driver.CreateAsync); err != nil {
			return v, err
		}
	}
	if v.State == inventory.VolumeUploaded {
		if v, err = s.bringIn(ctx, v); err != nil {
			return v, err
		}
	}
	if err := s.setVolumeState(v.ID, inventory.VolumeAttaching); err != nil {
		return v, err
	}
	v.DeviceID = device
	if m.State == inventory.VMRunning {
		if err := s.plug(ctx, v, m); err != nil {
			return v, errors.Join(fmt.Errorf("attach volume %d to VM %d: %w", v.ID, m.ID, err),
				s.setVolumeState(v.ID, inventory.VolumeReady))
		}
	}
	v, err = s.changeVolume(v.ID, func(v *inventory.Volume) {
		v.State, v.VM, v.DeviceID, v.HasDevice = inventory.VolumeReady, m.ID, device, true
		if device == 0 {
			v.Kind = inventory.Root
		}
	})
	if err != nil {
		return v, err
	}
	if err := s.driver.ProvideVMInfo(ctx, m.ID, v.ID); err != nil {
		s.log.WarnContext(ctx, "tag attached volume", "volume", v.ID, "error", err) // core does not fail the attach
	}
	return v, nil
}

// plug attaches on the host of a running VM. When the host did not say yes it is told to take the disk out again,
// since it may have done it, and access is revoked.
func (s *Server) plug(ctx context.Context, v inventory.Volume, m inventory.VM) error {
	d, err := s.disk(v)
	if err != nil {
		return err
	}
	err = s.send(ctx, m.Host, agentapi.Attach{VM: m.Instance, Disk: d})
	if err == nil {
		return nil
	}
	out := s.send(ctx, m.Host, agentapi.Detach{VM: m.Instance, Disk: d})
	var noted error
	if out != nil || errors.Is(err, ErrSilent) { // one that is silent may attach it after it was told to detach it
		noted = s.setDoubt(ofVolume(v.ID), doubt{"attach", m.ID, m.Host})
	}
	return errors.Join(err, noted, s.driver.RevokeAccess(ctx, v.ID))
}

func (s *Server) disk(v inventory.Volume) (d agentapi.Disk, err error) {
	err = s.inv.View(func(tx *inventory.Tx) error {
		d = disk(tx, v)
		return nil
	})
	return d, err
}

// attachable reads both rows and makes core's checks.
func (s *Server) attachable(volume, vm inventory.ID, device int) (v inventory.Volume, m inventory.VM, dev int, err error) {
	err = s.inv.View(func(tx *inventory.Tx) error {
		if v, err = tx.Volumes.Must(volume); err != nil {
			return err
		}
		if m, err = tx.VMs.Must(vm); err != nil {
			return err
		}
		taken := map[int]bool{}
		for _, o := range volumesOf(tx, vm) {
			taken[o.DeviceID] = true
		}
		dev = device
		if dev == FreeDevice {
			for dev = 1; taken[dev]; dev++ {
				continue
			}
		}
		reason := attachRefusal(v, m, dev, taken[dev])
		if h, on := tx.Hosts.Get(m.Host); reason == "" && on && v.Encrypted() && !h.Encryption {
			reason = noEncryption
		}
		if reason != "" {
			return &Refused{"attachVolume", fmt.Sprintf("volume %d to VM %d", volume, vm), reason}
		}
		return nil
	})
	return v, m, dev, err
}

// attachRefusal is core's reason to refuse an attach, or empty.
func attachRefusal(v inventory.Volume, m inventory.VM, device int, taken bool) string {
	switch {
	case v.VM != 0:
		return fmt.Sprintf("the volume is attached to VM %d", v.VM)
	case v.State != inventory.VolumeAllocated && v.State != inventory.VolumeReady && v.State != inventory.VolumeUploaded:
		return "the volume is " + string(v.State)
	case m.State != inventory.VMRunning && m.State != inventory.VMStopped:
		return "the VM is " + string(m.State)
	case v.Zone != m.Zone:
		return "volume and VM are in different zones"
	case device < 0:
		return fmt.Sprintf("device %d is not a device number", device)
	case taken:
		return fmt.Sprintf("device %d of the VM is taken", device)
	case device == 0 && m.State != inventory.VMStopped:
		return "a root disk is attached to a stopped VM only"
	case device == 0 && v.State == inventory.VolumeAllocated:
		return "an empty volume is no root disk"
	}
	return ""
}

// DetachVolume detaches a volume from its VM. A root disk leaves a stopped VM only; it is a data volume from then on.
func (s *Server) DetachVolume(ctx context.Context, id inventory.ID) (inventory.Volume, error) {
	v, unlock, err := s.lockVolume(ctx, id)
	if err != nil {
		return v, err
	}
	defer unlock()
	refuse := func(reason string) (inventory.Volume, error) {
		return v, &Refused{"detachVolume", fmt.Sprintf("volume %d", id), reason}
	}
	if v.VM == 0 {
		return refuse("the volume is not attached")
	}
	if v.State != inventory.VolumeReady && v.State != inventory.VolumeAllocated {
		return refuse("the volume is " + string(v.State))
	}
	m, err := s.vm(v.VM)
	if err != nil {
		return v, err
	}
	switch m.State {
	case inventory.VMRunning:
		if v.Kind == inventory.Root {
			return refuse("the root disk of a running VM stays")
		}
		if err := s.unplug(ctx, v, m); err != nil {
			return v, errors.Join(fmt.Errorf("detach volume %d from VM %d: %w", v.ID, m.ID, err),
				s.setDoubt(ofVolume(v.ID), doubt{"detach", m.ID, m.Host}))
		}
	case inventory.VMStopped, inventory.VMDestroyed:
	default:
		return refuse("the VM is " + string(m.State))
	}
	return s.release(ctx, v)
}

func (s *Server) unplug(ctx context.Context, v inventory.Volume, m inventory.VM) error {
	d, err := s.disk(v)
	if err != nil {
		return err
	}
	return s.send(ctx, m.Host, agentapi.Detach{VM: m.Instance, Disk: d})
}

// release takes a volume from its VM on record and revokes access to it.
func (s *Server) release(ctx context.Context, v inventory.Volume) (inventory.Volume, error) {
	vm := v.VM
	v, err := s.changeVolume(v.ID, func(v *inventory.Volume) {
		v.VM, v.DeviceID, v.HasDevice, v.Kind = 0, 0, false, inventory.Data
	})
	err = errors.Join(err, s.clearDoubt(ofVolume(v.ID)))
	if err != nil || v.Path == "" {
		return v, err
	}
	if err := s.driver.RevokeAccess(ctx, v.ID); err != nil {
		return v, fmt.Errorf("revoke access to volume %d: %w", v.ID, err)
	}
	if err := s.driver.ProvideVMInfo(ctx, vm, v.ID); err != nil {
		s.log.WarnContext(ctx, "tag detached volume", "volume", v.ID, "error", err)
	}
	return v, nil
}
