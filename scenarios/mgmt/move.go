package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// MoveSpec asks for the migration of a volume.
type MoveSpec struct {
	Volume, Pool inventory.ID
	Live         bool         // also while its VM runs
	Offering     inventory.ID // the disk offering that it gets on the way; 0 keeps its own
}

// MigrateVolume takes a volume to another pool of its zone. While its VM runs the volume stays what it is and only its
// placement changes (Live must be set, and the VM must have no snapshots: E11); else it is copied, and the row that is
// returned takes its identity while the old one is destroyed.
func (s *Server) MigrateVolume(ctx context.Context, spec MoveSpec) (inventory.Volume, error) {
	v, unlock, err := s.lockVolume(ctx, spec.Volume)
	if err != nil {
		return v, err
	}
	defer unlock()
	running, err := s.movable(v, spec)
	if err != nil {
		return v, err
	}
	src := driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: v.Pool}
	if running {
		return s.moveLive(ctx, v, src, spec.Pool)
	}
	return s.moveOffline(ctx, v, src, spec)
}

// movable makes core's checks and tells whether the volume's VM runs.
func (s *Server) movable(v inventory.Volume, spec MoveSpec) (running bool, err error) {
	err = s.inv.View(func(tx *inventory.Tx) error {
		to, err := tx.Pools.Must(spec.Pool)
		if err != nil {
			return err
		}
		m, attached := tx.VMs.Get(v.VM)
		running = attached && m.State == inventory.VMRunning
		if reason := moveRefusal(tx, v, m, to, spec); reason != "" {
			return &Refused{"migrateVolume", fmt.Sprintf("volume %d", v.ID), reason}
		}
		return nil
	})
	return running, err
}

// moveRefusal is core's reason to refuse a move, or empty (driver-strategies 10.2, E5 and E11).
func moveRefusal(tx *inventory.Tx, v inventory.Volume, m inventory.VM, to inventory.Pool, spec MoveSpec) string {
	from, _ := tx.Pools.Get(v.Pool)
	ours := from.Provider == inventory.StorPool && to.Provider == inventory.StorPool
	strangers := from.Provider != inventory.StorPool && to.Provider != inventory.StorPool
	_, snapshotted := tx.VMSnapshots.Find(func(x inventory.VMSnapshot) bool { return x.VM == m.ID && m.ID != 0 })
	running := m.State == inventory.VMRunning
	switch {
	case v.State != inventory.VolumeReady:
		return "the volume is " + string(v.State)
	case v.Pool == to.ID:
		return "the volume is on that pool"
	case to.State != inventory.PoolUp || to.Zone != v.Zone:
		return fmt.Sprintf("the pool is %s, or of another zone", to.State)
	case v.Encrypted() && !ours:
		return "the volume is encrypted, and not both pools are StorPool's"
	case m.ID != 0 && !running && m.State != inventory.VMStopped:
		return "the VM is " + string(m.State)
	case running && !ours:
		return "the VM is running, and not both pools are StorPool's"
	case strangers:
		return "neither pool is StorPool's"
	case running && !spec.Live:
		return "the VM is running, and no live migration is asked for"
	case running && spec.Offering != 0:
		return "the VM is running, and another offering is asked for"
	case snapshotted:
		return "the VM has snapshots"
	}
	return ""
}

// moveLive has the driver change the placement of a volume in use.
func (s *Server) moveLive(ctx context.Context, v inventory.Volume, src driver.Object, pool inventory.ID) (inventory.Volume, error) {
	if err := s.setVolumeState(v.ID, inventory.VolumeMigrating); err != nil {
		return v, err
	}
	dst := src
	dst.Store = pool
	_, err := s.driver.CopyAsync(ctx, src, dst)
	v, undo := s.changeVolume(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeReady })
	if err != nil {
		err = fmt.Errorf("migrate volume %d to pool %d: %w", v.ID, pool, err)
	}
	return v, errors.Join(err, undo)
}

// moveOffline has the driver copy a volume for a row of its own, and exchanges the rows.
func (s *Server) moveOffline(ctx context.Context, v inventory.Volume, src driver.Object, spec MoveSpec) (inventory.Volume, error) {
	copied, to, err := s.recordMove(v, spec)
	if err != nil {
		return v, err
	}
	dst := driver.Object{Kind: driver.VolumeObject, ID: copied.ID, Role: inventory.Primary, Store: spec.Pool}
	left := stray{"pool", to.ID, copied.UUID}
	if to.Provider != inventory.StorPool {
		if err := s.noteStray(v.ID, left); err != nil {
			return v, err
		}
	}
	r, err := s.driver.CopyAsync(ctx, src, dst)
	if err != nil {
		err = fmt.Errorf("migrate volume %d to pool %d: %w", v.ID, spec.Pool, err)
		return v, errors.Join(s.failedStray(v.ID, left, err), s.update(func(tx *inventory.Tx) error {
			tx.Volumes.Delete(copied.ID)
			return tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeReady })
		}))
	}
	if to.Provider != inventory.StorPool { // else the plugin has recorded it
		err = s.update(func(tx *inventory.Tx) error {
			return tx.Volumes.Change(copied.ID, func(v *inventory.Volume) {
				v.Path, v.Size, v.Format, v.PoolType, v.LastPool = r.Path, r.Size, r.Format, to.Type, src.Store
			})
		})
		if err = errors.Join(err, s.keepStray(v.ID, left)); err != nil {
			return v, err
		}
	}
	now, old, err := s.exchange(v.ID, copied.ID)
	if err != nil {
		return v, err
	}
	if _, err := s.expunge(ctx, old); err != nil { // core does not fail the migration: the collector tries again
		s.log.WarnContext(ctx, "delete the source of a migration", "volume", old.ID, "error", err)
	}
	return now, nil
}

// recordMove writes the row that a volume will have on its new pool.
func (s *Server) recordMove(v inventory.Volume, spec MoveSpec) (copied inventory.Volume, to inventory.Pool, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if to, err = tx.Pools.Must(spec.Pool); err != nil {
			return err
		}
		copied = v
		copied.ID, copied.UUID, copied.Path, copied.Pool, copied.PoolType = 0, s.newID(), "", spec.Pool, ""
		copied.VM, copied.HasDevice, copied.DeviceID, copied.State = 0, false, 0, inventory.VolumeCreating
		if spec.Offering != 0 {
			o, err := tx.DiskOfferings.Must(spec.Offering)
			if err != nil {
				return err
			}
			copied.Offering, copied.MaxIOPS = o.ID, o.MaxIOPS
		}
		copied = tx.Volumes.Put(copied)
		return tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeMigrating })
	})
	return copied, to, err
}

// exchange gives the identity of a volume, its VM and its snapshots to the row that was copied; the old one is destroyed.
func (s *Server) exchange(from, to inventory.ID) (now, old inventory.Volume, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if old, err = tx.Volumes.Must(from); err != nil {
			return err
		}
		if now, err = tx.Volumes.Must(to); err != nil {
			return err
		}
		now.UUID, old.UUID = old.UUID, now.UUID
		now.VM, now.HasDevice, now.DeviceID = old.VM, old.HasDevice, old.DeviceID
		old.VM, old.HasDevice, old.DeviceID = 0, false, 0
		now.State, old.State = inventory.VolumeReady, inventory.VolumeDestroy
		now, old = tx.Volumes.Put(now), tx.Volumes.Put(old)
		for _, sn := range tx.Snapshots.All(func(x inventory.Snapshot) bool { return x.Volume == from }) {
			sn.Volume = to
			tx.Snapshots.Put(sn)
		}
		for _, r := range tx.SnapshotRefs.All(func(x inventory.SnapshotRef) bool { return x.Volume == from }) {
			r.Volume = to
			tx.SnapshotRefs.Put(r)
		}
		return nil
	})
	return now, old, err
}
