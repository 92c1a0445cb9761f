package mgmt

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// UnseenStop is the detail of a VM that was stopped on record while its host did not confirm it; its value is the
// host's row. The disks may still be attached there.
const UnseenStop = "stopped.unseen.on"

// StartVM starts a stopped VM on a host, or on one that core chooses (host 0).
func (s *Server) StartVM(ctx context.Context, id, host inventory.ID) (inventory.VM, error) {
	unlock, err := s.lock(ctx, vmKey(id))
	if err != nil {
		return inventory.VM{}, err
	}
	defer unlock()
	m, err := s.vm(id)
	if err != nil {
		return m, err
	}
	if m.State != inventory.VMStopped {
		return m, &Refused{"startVirtualMachine", fmt.Sprintf("VM %d", id), "the VM is " + string(m.State)}
	}
	return s.start(ctx, m, host, 0)
}

// start takes a VM from Stopped to Running, or back to Stopped with an error. A host that refuses, or that is not reached, is
// avoided: the next one is tried, unless the host was given.
func (s *Server) start(ctx context.Context, m inventory.VM, host, pool inventory.ID) (inventory.VM, error) {
	avoid := map[inventory.ID]bool{}
	var before error
	for {
		err := s.update(func(tx *inventory.Tx) (err error) {
			if m.Host, err = chooseHost(tx, m, host, avoid); err != nil {
				return err
			}
			m.State = inventory.VMStarting
			tx.VMs.Put(m)
			return nil
		})
		if err != nil {
			return m, fmt.Errorf("start VM %d: %w", m.ID, errors.Join(before, err))
		}
		sent, err := s.launch(ctx, m, pool)
		if err == nil {
			return s.changeVM(m.ID, func(row *inventory.VM) { row.State, row.LastHost = inventory.VMRunning, m.Host })
		}
		before = errors.Join(before, err)
		tried := m.Host
		m, err = s.startFailed(ctx, m, sent, fmt.Errorf("start VM %d: %w", m.ID, before))
		if _, unseen := s.unseen(m.ID); unseen || host != 0 || !sent || !errors.Is(before, ErrAgent) || errors.Is(before, ErrSilent) {
			return m, err
		}
		avoid[tried] = true
		s.log.WarnContext(ctx, "try another host", "vm", m.ID, "host", tried, "error", before)
	}
}

// unseen is the host that did not confirm a stop of a VM.
func (s *Server) unseen(vm inventory.ID) (host string, there bool) {
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		host, there = tx.Details.Get(ofVM(vm), UnseenStop)
		return nil
	})
	return host, there
}

// launch creates what is missing, fences and starts; sent tells whether the host may have begun.
func (s *Server) launch(ctx context.Context, m inventory.VM, pool inventory.ID) (sent bool, err error) {
	if err := s.createVolumes(ctx, m, pool); err != nil {
		return false, err
	}
	if err := s.fence(ctx, m.ID); err != nil {
		return false, err
	}
	spec, err := s.spec(m.ID)
	if err != nil {
		return false, err
	}
	return true, s.send(ctx, m.Host, agentapi.Start{VM: spec})
}

// startFailed brings a VM back to Stopped; a host that may have begun is told to stop it.
func (s *Server) startFailed(ctx context.Context, m inventory.VM, sent bool, cause error) (inventory.VM, error) {
	seen := true
	if sent && !errors.Is(cause, errUndelivered) {
		seen = !errors.Is(cause, ErrSilent) // one that is silent may start it after it was told to stop it
		if err := s.halt(ctx, m, true); err != nil {
			s.log.WarnContext(ctx, "stop after a failed start", "vm", m.ID, "error", err)
			seen = false
		}
	}
	row, err := s.stopped(m, seen)
	return row, errors.Join(cause, err)
}

func (s *Server) halt(ctx context.Context, m inventory.VM, force bool) error {
	spec, err := s.spec(m.ID)
	if err != nil {
		return err
	}
	return s.send(ctx, m.Host, agentapi.Stop{VM: spec, Force: force})
}

// stopped records that a VM is stopped, and whether its host confirmed it.
func (s *Server) stopped(m inventory.VM, seen bool) (out inventory.VM, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if out, err = tx.VMs.Must(m.ID); err != nil {
			return err
		}
		if !seen {
			tx.Details.Set(ofVM(m.ID), UnseenStop, fmt.Sprint(m.Host))
		}
		tx.Details.Delete(ofVM(m.ID), Doubt)
		for _, v := range volumesOf(tx, m.ID) {
			tx.Details.Delete(ofVolume(v.ID), GuestSizePending)
			tx.Details.Delete(ofVolume(v.ID), Doubt)
		}
		out.State, out.Host = inventory.VMStopped, 0
		out = tx.VMs.Put(out)
		return nil
	})
	return out, err
}

// fence detaches the volumes of a VM everywhere if its last stop was not seen (CS-10799, driver-management 9.11).
func (s *Server) fence(ctx context.Context, vm inventory.ID) error {
	own := ofVM(vm)
	var volumes []inventory.Volume
	unseen, host := false, ""
	err := s.inv.View(func(tx *inventory.Tx) error {
		host, unseen = tx.Details.Get(own, UnseenStop)
		volumes = volumesOf(tx, vm)
		return nil
	})
	if err != nil || !unseen || !s.rules.fencesBeforeStart() {
		return err
	}
	s.haltZombie(ctx, vm, host)
	return s.detachAll(ctx, vm, volumes)
}

// detachAll detaches the volumes of a VM everywhere. Then its stop needs no confirmation any more.
func (s *Server) detachAll(ctx context.Context, vm inventory.ID, volumes []inventory.Volume) error {
	for _, v := range volumes {
		if v.Path == "" {
			continue
		}
		if err := s.driver.DetachVolumeFromAllStorageNodes(ctx, v.ID); err != nil {
			return fmt.Errorf("detach volume %d everywhere: %w", v.ID, err)
		}
	}
	return s.update(func(tx *inventory.Tx) error {
		tx.Details.Delete(ofVM(vm), UnseenStop)
		return nil
	})
}

// haltZombie tells the host that did not confirm a stop to stop the VM after all, and whether it did.
func (s *Server) haltZombie(ctx context.Context, vm inventory.ID, host string) bool {
	id, err := strconv.ParseInt(host, 10, 64)
	if err != nil {
		return false
	}
	m, err := s.vm(vm)
	if err != nil {
		return false
	}
	m.Host = inventory.ID(id)
	if err := s.halt(ctx, m, true); err != nil {
		s.log.WarnContext(ctx, "stop a VM where it was left", "vm", vm, "host", id, "error", err)
		return false
	}
	return true
}

// StopVM stops a running VM. Without force a host that does not confirm it leaves the VM Running; with force it is
// Stopped on record all the same.
func (s *Server) StopVM(ctx context.Context, id inventory.ID, force bool) (inventory.VM, error) {
	unlock, err := s.lock(ctx, vmKey(id))
	if err != nil {
		return inventory.VM{}, err
	}
	defer unlock()
	m, err := s.vm(id)
	if err != nil {
		return m, err
	}
	if m.State == inventory.VMStopped {
		return m, nil
	}
	if m.State != inventory.VMRunning {
		return m, &Refused{"stopVirtualMachine", fmt.Sprintf("VM %d", id), "the VM is " + string(m.State)}
	}
	return s.stop(ctx, m, force)
}

func (s *Server) stop(ctx context.Context, m inventory.VM, force bool) (inventory.VM, error) {
	if _, err := s.changeVM(m.ID, func(m *inventory.VM) { m.State = inventory.VMStopping }); err != nil {
		return m, err
	}
	seen := true
	if err := s.halt(ctx, m, force); err != nil {
		gone := !errors.Is(err, ErrSilent) && s.gone(ctx, m.Host, m) // whatever the host says, it may have stopped
		if !force && !gone {
			back, undo := s.changeVM(m.ID, func(m *inventory.VM) { m.State = inventory.VMRunning })
			if errors.Is(err, ErrSilent) {
				undo = errors.Join(undo, s.setDoubt(ofVM(m.ID), doubt{"stop", m.ID, m.Host}))
			}
			return back, errors.Join(fmt.Errorf("stop VM %d: %w", m.ID, err), undo)
		}
		seen = gone
		s.log.WarnContext(ctx, "the host did not confirm the stop", "vm", m.ID, "gone", gone, "error", err)
	}
	var volumes []inventory.Volume
	err := s.inv.View(func(tx *inventory.Tx) error {
		volumes = volumesOf(tx, m.ID)
		return nil
	})
	if err != nil {
		return m, err
	}
	for _, v := range volumes {
		if v.Path == "" {
			continue
		}
		if err := s.driver.RevokeAccess(ctx, v.ID); err != nil {
			s.log.WarnContext(ctx, "revoke access", "volume", v.ID, "error", err)
		}
	}
	return s.stopped(m, seen)
}

// FailOver restarts a running VM elsewhere after its host has gone (HA): its volumes are detached everywhere before
// it starts on another host, chosen by core when 0.
func (s *Server) FailOver(ctx context.Context, id, to inventory.ID) (inventory.VM, error) {
	unlock, err := s.lock(ctx, vmKey(id))
	if err != nil {
		return inventory.VM{}, err
	}
	defer unlock()
	m, err := s.vm(id)
	if err != nil {
		return m, err
	}
	h, err := row(s, func(tx *inventory.Tx) *inventory.Table[inventory.Host] { return tx.Hosts }, m.Host)
	if m.State != inventory.VMRunning || err != nil || h.State == inventory.HostUp {
		return m, &Refused{"restart by HA", fmt.Sprintf("VM %d", id), "the VM is not running on a host that is down"}
	}
	if m, err = s.stopped(m, false); err != nil {
		return m, err
	}
	return s.start(ctx, m, to, 0)
}

// DestroyVM stops a VM by force if need be and destroys it. With expunge its root disk is deleted, and its data disks
// are detached and go on to live; without it [Server.CollectGarbage] does that later. A failure can be repeated.
func (s *Server) DestroyVM(ctx context.Context, id inventory.ID, expunge bool) (inventory.VM, error) {
	unlock, err := s.lock(ctx, vmKey(id))
	if err != nil {
		return inventory.VM{}, err
	}
	defer unlock()
	m, err := s.vm(id)
	if err != nil {
		return m, err
	}
	switch m.State {
	case inventory.VMRunning:
		if m, err = s.stop(ctx, m, true); err != nil {
			return m, err
		}
	case inventory.VMStopped, inventory.VMError, inventory.VMDestroyed, inventory.VMExpunging:
	default:
		return m, &Refused{"destroyVirtualMachine", fmt.Sprintf("VM %d", id), "the VM is " + string(m.State)}
	}
	if m, err = s.changeVM(id, func(m *inventory.VM) { m.State = inventory.VMDestroyed }); err != nil || !expunge {
		return m, err
	}
	return s.expungeVM(ctx, m)
}

// expungeVM removes a destroyed VM. What could not be removed keeps it in state Expunging.
func (s *Server) expungeVM(ctx context.Context, m inventory.VM) (inventory.VM, error) {
	m, err := s.changeVM(m.ID, func(m *inventory.VM) { m.State = inventory.VMExpunging })
	if err != nil {
		return m, err
	}
	if err := errors.Join(s.fence(ctx, m.ID), s.dropVMSnapshots(ctx, m.ID)); err != nil {
		return m, fmt.Errorf("expunge VM %d: %w", m.ID, err)
	}
	var volumes []inventory.Volume
	err = s.inv.View(func(tx *inventory.Tx) error {
		volumes = volumesOf(tx, m.ID)
		return nil
	})
	if err != nil {
		return m, err
	}
	var errs []error
	for _, v := range volumes {
		if v.Kind == inventory.Root || v.State == inventory.VolumeDestroy || v.State == inventory.VolumeAllocated {
			_, err = s.expunge(ctx, v)
		} else {
			_, err = s.release(ctx, v)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return m, fmt.Errorf("expunge VM %d: %w", m.ID, err)
	}
	err = s.update(func(tx *inventory.Tx) error {
		tx.VMs.Delete(m.ID)
		tx.Details.Clear(ofVM(m.ID))
		tx.Details.Clear(inventory.Owner{Kind: inventory.Tag, ID: m.ID})
		return nil
	})
	return m, err
}
