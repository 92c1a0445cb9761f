package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// MigrateVolume takes a volume to another pool of its zone. While its VM runs the volume stays what it is and only its
// placement changes (live must be set, and the VM must have no snapshots: E11); else it is copied, and the row that is
// returned takes its identity while the old one is destroyed.
func (s *Server) MigrateVolume(ctx context.Context, volume, pool inventory.ID, live bool) (inventory.Volume, error) {
	v, unlock, err := s.lockVolume(ctx, volume)
	if err != nil {
		return v, err
	}
	defer unlock()
	running, err := s.movable(v, pool, live)
	if err != nil {
		return v, err
	}
	src := driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: v.Pool}
	if running {
		return s.moveLive(ctx, v, src, pool)
	}
	return s.moveOffline(ctx, v, src, pool)
}

// movable makes core's checks and tells whether the volume's VM runs.
func (s *Server) movable(v inventory.Volume, pool inventory.ID, live bool) (running bool, err error) {
	err = s.inv.View(func(tx *inventory.Tx) error {
		to, err := tx.Pools.Must(pool)
		if err != nil {
			return err
		}
		m, attached := tx.VMs.Get(v.VM)
		running = attached && m.State == inventory.VMRunning
		if reason := moveRefusal(tx, v, m, to, live); reason != "" {
			return &Refused{"migrateVolume", fmt.Sprintf("volume %d", v.ID), reason}
		}
		return nil
	})
	return running, err
}

// moveRefusal is core's reason to refuse a move, or empty (driver-strategies 10.2, E5 and E11).
func moveRefusal(tx *inventory.Tx, v inventory.Volume, m inventory.VM, to inventory.Pool, live bool) string {
	from, _ := tx.Pools.Get(v.Pool)
	ours := from.Provider == inventory.StorPool && to.Provider == inventory.StorPool
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
	case running && !live:
		return "the VM is running, and no live migration is asked for"
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
func (s *Server) moveOffline(ctx context.Context, v inventory.Volume, src driver.Object, pool inventory.ID) (inventory.Volume, error) {
	var copied inventory.Volume
	err := s.update(func(tx *inventory.Tx) error {
		copied = v
		copied.ID, copied.UUID, copied.Path, copied.Pool, copied.PoolType = 0, s.newID(), "", pool, ""
		copied.VM, copied.HasDevice, copied.DeviceID, copied.State = 0, false, 0, inventory.VolumeCreating
		copied = tx.Volumes.Put(copied)
		return tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeMigrating })
	})
	if err != nil {
		return v, err
	}
	dst := driver.Object{Kind: driver.VolumeObject, ID: copied.ID, Role: inventory.Primary, Store: pool}
	if _, err := s.driver.CopyAsync(ctx, src, dst); err != nil {
		return v, errors.Join(fmt.Errorf("migrate volume %d to pool %d: %w", v.ID, pool, err), s.update(func(tx *inventory.Tx) error {
			tx.Volumes.Delete(copied.ID)
			return tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeReady })
		}))
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
