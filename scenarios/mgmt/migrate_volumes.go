package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// MigrateVMWithVolumes moves a running VM to another host with all its volumes, each to the pool given for it, else to the
// one where it is. The rows that are returned have taken the identity of the old ones, which are destroyed. A failure
// leaves VM and volumes where they were.
func (s *Server) MigrateVMWithVolumes(ctx context.Context, vm, host inventory.ID, pools map[inventory.ID]inventory.ID) ([]driver.Moved, error) {
	unlock, err := s.lock(ctx, vmKey(vm))
	if err != nil {
		return nil, err
	}
	defer unlock()
	m, to, err := s.migratable(vm, host)
	if err != nil {
		return nil, err
	}
	job := driver.Migration{VM: vm, From: m.Host, To: to.ID}
	refuse := func(reason string) ([]driver.Moved, error) {
		return nil, &Refused{"migrateVirtualMachineWithVolume", fmt.Sprintf("VM %d", vm), reason}
	}
	reason := ""
	err = s.inv.View(func(tx *inventory.Tx) error {
		job.Moves, reason = moves(tx, m, pools)
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case reason != "":
		return refuse(reason)
	case !s.driver.CanMigrate(job):
		return refuse("no strategy moves its volumes there: not all go to StorPool")
	}
	if _, err := s.changeVM(vm, func(m *inventory.VM) { m.State = inventory.VMMigrating }); err != nil {
		return nil, err
	}
	moved, err := s.driver.MigrateVM(ctx, job)
	if err != nil {
		err = fmt.Errorf("migrate VM %d to host %d with its volumes: %w", vm, to.ID, err)
		if errors.Is(err, driver.ErrInDoubt) { // the plugin finds out where it runs
			return nil, err
		}
		_, undo := s.changeVM(vm, func(m *inventory.VM) { m.State = inventory.VMRunning })
		return nil, errors.Join(err, undo)
	}
	_, err = s.changeVM(vm, func(row *inventory.VM) { row.State, row.LastHost, row.Host = inventory.VMRunning, to.ID, to.ID })
	if err != nil {
		return moved, err
	}
	for _, pair := range moved {
		old, err := s.volume(pair.Old)
		if err == nil {
			_, err = s.expunge(ctx, old)
		}
		if err != nil { // core does not fail the migration: the collector tries again
			s.log.WarnContext(ctx, "delete the source of a migration", "volume", pair.Old, "error", err)
		}
	}
	return moved, nil
}

// moves pairs the volumes of a VM with their pools, or gives core's reason to refuse that.
func moves(tx *inventory.Tx, m inventory.VM, pools map[inventory.ID]inventory.ID) (out []driver.Move, reason string) {
	if _, snapshotted := tx.VMSnapshots.Find(func(x inventory.VMSnapshot) bool { return x.VM == m.ID }); snapshotted {
		return nil, "the VM has snapshots"
	}
	for _, v := range volumesOf(tx, m.ID) {
		pool, given := pools[v.ID]
		if !given {
			pool = v.Pool
		}
		if p, ok := tx.Pools.Get(pool); !ok || p.State != inventory.PoolUp || p.Zone != m.Zone {
			return nil, fmt.Sprintf("pool %d is not up, or of another zone", pool)
		}
		out = append(out, driver.Move{Volume: v.ID, Pool: pool})
	}
	return out, ""
}

// PluginCopies has the plugin copy a volume to another pool without core's checks of its VM, as a race in core would. The
// copy, if there is one, is destroyed again.
func (s *Server) PluginCopies(ctx context.Context, volume, pool inventory.ID) error {
	v, err := s.volume(volume)
	if err != nil {
		return err
	}
	copied, _, err := s.recordMove(v, MoveSpec{Volume: volume, Pool: pool})
	if err != nil {
		return err
	}
	src := driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: v.Pool}
	dst := driver.Object{Kind: driver.VolumeObject, ID: copied.ID, Role: inventory.Primary, Store: pool}
	_, err = s.driver.CopyAsync(ctx, src, dst)
	if back := s.setVolumeState(v.ID, v.State); back != nil {
		return errors.Join(err, back)
	}
	if err != nil {
		return errors.Join(err, s.update(func(tx *inventory.Tx) error {
			tx.Volumes.Delete(copied.ID)
			return nil
		}))
	}
	if copied, err = s.volume(copied.ID); err != nil {
		return err
	}
	_, err = s.expunge(ctx, copied)
	return err
}
