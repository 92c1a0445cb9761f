package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// CreateVMSnapshot takes a snapshot of all disks of a running or stopped VM at one instant. One that failed stays on
// record in state Error. Memory is refused: no strategy can save it on raw disks (driver-strategies 6.1, E9).
func (s *Server) CreateVMSnapshot(ctx context.Context, vm inventory.ID, memory bool) (inventory.VMSnapshot, error) {
	unlock, err := s.lock(ctx, vmKey(vm))
	if err != nil {
		return inventory.VMSnapshot{}, err
	}
	defer unlock()
	claimed := s.driver.CanHandleVMSnapshot(vm, memory)
	var row inventory.VMSnapshot
	err = s.update(func(tx *inventory.Tx) error {
		m, err := tx.VMs.Must(vm)
		if err != nil {
			return err
		}
		if reason := vmSnapshotRefusal(tx, m, memory, claimed); reason != "" {
			return &Refused{"createVMSnapshot", fmt.Sprintf("VM %d", vm), reason}
		}
		row = tx.VMSnapshots.Put(inventory.VMSnapshot{UUID: s.newID(), VM: vm, State: inventory.VMSnapshotCreating})
		return nil
	})
	if err != nil {
		return row, err
	}
	if err = s.driver.TakeVMSnapshot(ctx, row.ID); err != nil {
		err = errors.Join(err, s.vmSnapshotFailed(row.ID))
	}
	return s.vmSnapshotNow(row, err)
}

// vmSnapshotFailed marks one that the driver did not even begin.
func (s *Server) vmSnapshotFailed(id inventory.ID) error {
	return s.update(func(tx *inventory.Tx) error {
		return tx.VMSnapshots.Change(id, func(row *inventory.VMSnapshot) {
			if row.State == inventory.VMSnapshotCreating {
				row.State = inventory.VMSnapshotError
			}
		})
	})
}

// vmSnapshotRefusal is core's reason to refuse a VM snapshot, or empty.
func vmSnapshotRefusal(tx *inventory.Tx, m inventory.VM, memory, claimed bool) string {
	if m.State != inventory.VMRunning && m.State != inventory.VMStopped {
		return "the VM is " + string(m.State)
	}
	for _, v := range volumesOf(tx, m.ID) {
		if v.State != inventory.VolumeReady {
			return fmt.Sprintf("volume %d is %s", v.ID, v.State)
		}
	}
	if other, ok := busyVMSnapshot(tx, m.ID); ok {
		return fmt.Sprintf("VM snapshot %d is %s", other.ID, other.State)
	}
	switch {
	case memory:
		return "the memory cannot be saved on raw disks"
	case !claimed:
		return "no strategy takes snapshots of VMs with disks elsewhere"
	}
	return ""
}

// busyVMSnapshot is a snapshot of a VM that something is done with.
func busyVMSnapshot(tx *inventory.Tx, vm inventory.ID) (inventory.VMSnapshot, bool) {
	return tx.VMSnapshots.Find(func(o inventory.VMSnapshot) bool {
		return o.VM == vm && (o.State == inventory.VMSnapshotCreating || o.State == inventory.VMSnapshotReverting)
	})
}

// vmSnapshotNow is the row as the driver left it.
func (s *Server) vmSnapshotNow(row inventory.VMSnapshot, cause error) (inventory.VMSnapshot, error) {
	err := s.inv.View(func(tx *inventory.Tx) error {
		if now, ok := tx.VMSnapshots.Get(row.ID); ok {
			row = now
		}
		return nil
	})
	return row, errors.Join(cause, err)
}

// RevertToVMSnapshot takes the disks of a stopped VM back to one of its snapshots. The notice names disks that the VM
// got later: they stay as they are.
func (s *Server) RevertToVMSnapshot(ctx context.Context, id inventory.ID) (notice string, err error) {
	row, unlock, err := s.lockVMSnapshot(ctx, id)
	if err != nil {
		return "", err
	}
	defer unlock()
	reason := ""
	err = s.inv.View(func(tx *inventory.Tx) error {
		m, err := tx.VMs.Must(row.VM)
		if err != nil {
			return err
		}
		reason = vmRevertRefusal(tx, row, m)
		return nil
	})
	if err == nil && reason != "" {
		err = &Refused{"revertToVMSnapshot", fmt.Sprintf("VM snapshot %d", id), reason}
	}
	if err != nil {
		return "", err
	}
	var r driver.Result
	if r, err = s.driver.RevertVMSnapshot(ctx, id); err != nil {
		return "", fmt.Errorf("revert VM %d to VM snapshot %d: %w", row.VM, id, err)
	}
	return r.Notice, nil
}

func vmRevertRefusal(tx *inventory.Tx, row inventory.VMSnapshot, m inventory.VM) string {
	if row.State != inventory.VMSnapshotReady {
		return "the VM snapshot is " + row.State
	}
	if m.State != inventory.VMStopped {
		return "the VM is " + string(m.State)
	}
	for _, v := range volumesOf(tx, m.ID) {
		if v.State != inventory.VolumeReady && v.State != inventory.VolumeAllocated {
			return fmt.Sprintf("volume %d is %s", v.ID, v.State)
		}
	}
	if other, ok := busyVMSnapshot(tx, m.ID); ok {
		return fmt.Sprintf("VM snapshot %d is %s", other.ID, other.State)
	}
	return ""
}

// DeleteVMSnapshot deletes a VM snapshot. A failure can be repeated.
func (s *Server) DeleteVMSnapshot(ctx context.Context, id inventory.ID) error {
	row, unlock, err := s.lockVMSnapshot(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	switch row.State {
	case inventory.VMSnapshotReady, inventory.VMSnapshotError, inventory.VMSnapshotExpunging:
	default:
		return &Refused{"deleteVMSnapshot", fmt.Sprintf("VM snapshot %d", id), "the VM snapshot is " + row.State}
	}
	return s.driver.DeleteVMSnapshot(ctx, id)
}

// lockVMSnapshot takes the queue of a VM snapshot's VM and returns the row as it then is.
func (s *Server) lockVMSnapshot(ctx context.Context, id inventory.ID) (inventory.VMSnapshot, func(), error) {
	table := func(tx *inventory.Tx) *inventory.Table[inventory.VMSnapshot] { return tx.VMSnapshots }
	before, err := row(s, table, id)
	if err != nil {
		return before, nil, err
	}
	unlock, err := s.lock(ctx, vmKey(before.VM))
	if err != nil {
		return before, nil, err
	}
	now, err := row(s, table, id)
	if err != nil {
		unlock()
		return now, nil, err
	}
	return now, unlock, nil
}

// dropVMSnapshots deletes the snapshots of a VM that is being expunged, whose queue the caller holds.
func (s *Server) dropVMSnapshots(ctx context.Context, vm inventory.ID) error {
	var errs []error
	for _, row := range s.vmSnapshots(func(x inventory.VMSnapshot) bool { return x.VM == vm }) {
		errs = append(errs, s.driver.DeleteVMSnapshot(ctx, row.ID))
	}
	return errors.Join(errs...)
}

func (s *Server) vmSnapshots(keep func(inventory.VMSnapshot) bool) (out []inventory.VMSnapshot) {
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		out = tx.VMSnapshots.All(keep)
		return nil
	})
	return out
}

// recoverVMSnapshots ends what the driver did not begin or has taken back, and deletes those again whose deletion had
// begun.
func (s *Server) recoverVMSnapshots(ctx context.Context) error {
	var doomed []inventory.VMSnapshot
	errs := []error{s.update(func(tx *inventory.Tx) error {
		for _, row := range tx.VMSnapshots.All(nil) {
			switch row.State {
			case inventory.VMSnapshotAllocated, inventory.VMSnapshotCreating:
				row.State = inventory.VMSnapshotError
			case inventory.VMSnapshotReverting:
				row.State = inventory.VMSnapshotReady
			case inventory.VMSnapshotExpunging:
				doomed = append(doomed, row)
				continue
			default:
				continue
			}
			tx.VMSnapshots.Put(row)
		}
		return nil
	})}
	for _, row := range doomed {
		errs = append(errs, s.driver.DeleteVMSnapshot(ctx, row.ID))
	}
	return errors.Join(errs...)
}
