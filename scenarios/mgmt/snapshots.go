package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// BackupSetting is core's setting that decides whether snapshots are backed up to secondary storage; true unless set. The
// plugin's own sp.bypass.secondary.storage says the opposite.
const BackupSetting = "snapshot.backup.to.secondary"

// CreateSnapshot takes a snapshot of a volume and, unless the backup is bypassed, copies it to secondary storage. An
// empty name is chosen by core. A snapshot that failed stays on record in state Error.
func (s *Server) CreateSnapshot(ctx context.Context, volume inventory.ID, name string) (inventory.Snapshot, error) {
	return s.createSnapshot(ctx, volume, name, manual)
}

// Why snapshots are taken, as core records it.
const (
	manual    = "MANUAL"
	recurring = "RECURRING"
)

func (s *Server) createSnapshot(ctx context.Context, volume inventory.ID, name, kind string) (inventory.Snapshot, error) {
	v, unlock, err := s.lockVolume(ctx, volume)
	if err != nil {
		return inventory.Snapshot{}, err
	}
	defer unlock()
	if err := s.maySnapshotEncrypted(v); err != nil {
		return inventory.Snapshot{}, err
	}
	sn, ref, err := s.recordSnapshot(v, name, kind)
	if err != nil {
		return sn, err
	}
	r, err := s.driver.TakeSnapshot(ctx, sn.ID)
	if err != nil {
		return s.snapshotFailed(sn, fmt.Errorf("take snapshot %d: %w", sn.ID, err))
	}
	err = s.update(func(tx *inventory.Tx) error {
		if err := tx.SnapshotRefs.Change(ref, func(ref *inventory.SnapshotRef) {
			ref.State, ref.Path = inventory.RefReady, r.Path
			if r.Size > 0 {
				ref.Size = r.Size
			}
			if r.PhysicalSize > 0 {
				ref.PhysicalSize = r.PhysicalSize
			}
		}); err != nil {
			return err
		}
		if err := tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeReady }); err != nil {
			return err
		}
		return tx.Snapshots.Change(sn.ID, func(sn *inventory.Snapshot) { sn.State = inventory.SnapshotPrimary })
	})
	if err != nil {
		return sn, err
	}
	return s.backUp(ctx, sn, v)
}

// recordSnapshot makes core's checks and writes the rows of a snapshot to come.
func (s *Server) recordSnapshot(v inventory.Volume, name, kind string) (sn inventory.Snapshot, ref inventory.ID, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if reason := snapshotRefusal(tx, v); reason != "" {
			return &Refused{"createSnapshot", fmt.Sprintf("volume %d", v.ID), reason}
		}
		sn = tx.Snapshots.Put(inventory.Snapshot{
			UUID: s.newID(), Volume: v.ID, Zone: v.Zone, Size: v.Size, State: inventory.SnapshotCreating,
			Offering: v.Offering, MaxIOPS: v.MaxIOPS, Type: kind, Location: "PRIMARY", Account: account,
		})
		sn.Name = s.snapshotName(tx, v, name, sn.UUID)
		tx.Snapshots.Put(sn)
		ref = tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: sn.ID, Volume: v.ID, Role: inventory.Primary, Store: v.Pool, Size: v.Size, State: inventory.RefCreating,
		}).ID
		return tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeSnapshotting })
	})
	return sn, ref, err
}

// snapshotName is the name given, or VM, volume and time.
func (s *Server) snapshotName(tx *inventory.Tx, v inventory.Volume, name, uuid string) string {
	if name == "" {
		owner := "detached"
		if m, ok := tx.VMs.Get(v.VM); ok {
			owner = m.Name
		}
		name = owner + "_" + v.Name + "_" + s.clock.Now().UTC().Format("20060102150405")
	}
	_, taken := tx.Snapshots.Find(func(o inventory.Snapshot) bool {
		return o.Volume == v.ID && o.Name == name && o.State != inventory.SnapshotDestroyed
	})
	return s.rules.snapshotName(name, uuid, taken)
}

// snapshotRefusal is core's reason to refuse a snapshot, or empty.
func snapshotRefusal(tx *inventory.Tx, v inventory.Volume) string {
	if v.State != inventory.VolumeReady {
		return "the volume is " + string(v.State)
	}
	if m, ok := tx.VMs.Get(v.VM); ok && m.State != inventory.VMRunning && m.State != inventory.VMStopped {
		return "the VM is " + string(m.State)
	}
	return ""
}

// snapshotFailed records a snapshot that could not be taken or backed up: state Error, no store records.
func (s *Server) snapshotFailed(sn inventory.Snapshot, cause error) (inventory.Snapshot, error) {
	err := s.update(func(tx *inventory.Tx) error {
		for _, r := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Snapshot == sn.ID }) {
			tx.SnapshotRefs.Delete(r.ID)
		}
		if v, ok := tx.Volumes.Get(sn.Volume); ok && v.State == inventory.VolumeSnapshotting {
			v.State = inventory.VolumeReady
			tx.Volumes.Put(v)
		}
		sn.State = inventory.SnapshotError
		sn = tx.Snapshots.Put(sn)
		return nil
	})
	return sn, errors.Join(cause, err)
}

// backUp copies a taken snapshot to secondary storage, or marks it backed up when that is bypassed.
func (s *Server) backUp(ctx context.Context, sn inventory.Snapshot, v inventory.Volume) (inventory.Snapshot, error) {
	bypass, err := s.driver.Bypass(v.Pool)
	if err != nil {
		return s.snapshotFailed(sn, err)
	}
	if bypass {
		return s.changeSnapshot(sn.ID, func(sn *inventory.Snapshot) { sn.State = inventory.SnapshotBackedUp })
	}
	ref, err := s.recordBackup(sn, v)
	if err != nil {
		return s.snapshotFailed(sn, err)
	}
	r, err := s.driver.CopyAsync(ctx,
		driver.Object{Kind: driver.SnapshotObject, ID: sn.ID, Role: inventory.Primary, Store: v.Pool},
		driver.Object{Kind: driver.SnapshotObject, ID: sn.ID, Role: inventory.Image, Store: ref.Store})
	if err != nil {
		var silent *driver.AgentError
		if errors.As(err, &silent) && silent.Silent {
			err = errors.Join(err, s.doubtBackup(ref, sn.Name))
		}
		return s.snapshotFailed(sn, fmt.Errorf("back up snapshot %d: %w", sn.ID, err))
	}
	err = s.update(func(tx *inventory.Tx) error {
		sn.State = inventory.SnapshotBackedUp
		ref.State, ref.Path, ref.PhysicalSize = inventory.RefReady, r.Path, r.PhysicalSize
		tx.SnapshotRefs.Put(ref)
		sn.Location = "SECONDARY"
		sn = tx.Snapshots.Put(sn)
		return nil
	})
	return sn, err
}

func (s *Server) recordBackup(sn inventory.Snapshot, v inventory.Volume) (ref inventory.SnapshotRef, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		st, ok := tx.SecondaryStores.Find(func(st inventory.SecondaryStore) bool { return st.Zone == v.Zone })
		if !ok {
			return fmt.Errorf("zone %d has no secondary storage", v.Zone)
		}
		ref = tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: sn.ID, Volume: v.ID, Role: inventory.Image, Store: st.ID, Size: sn.Size, State: inventory.RefCreating,
			Path: secondary.SnapshotDir(account, fmt.Sprint(v.ID)),
		})
		return tx.Snapshots.Change(sn.ID, func(sn *inventory.Snapshot) { sn.State = inventory.SnapshotBackingUp })
	})
	return ref, err
}

// RevertSnapshot brings a volume back to one of its snapshots. Its VM must be stopped. The size on record follows
// the volume.
func (s *Server) RevertSnapshot(ctx context.Context, snapshot inventory.ID) (inventory.Volume, error) {
	sn, err := s.snapshot(snapshot)
	if err != nil {
		return inventory.Volume{}, err
	}
	v, unlock, err := s.lockVolume(ctx, sn.Volume)
	if err != nil {
		return v, err
	}
	defer unlock()
	if reason := s.revertRefusal(sn.ID, v); reason != "" {
		return v, &Refused{"revertSnapshot", fmt.Sprintf("snapshot %d", sn.ID), reason}
	}
	if err := s.setVolumeState(v.ID, inventory.VolumeReverting); err != nil {
		return v, err
	}
	r, err := s.driver.RevertSnapshot(ctx, sn.ID, v.ID)
	if errors.Is(err, driver.ErrUnfinished) { // the plugin finishes it
		return v, fmt.Errorf("revert volume %d to snapshot %d: %w", v.ID, sn.ID, err)
	}
	v, undo := s.changeVolume(v.ID, func(v *inventory.Volume) {
		v.State = inventory.VolumeReady
		switch {
		case err != nil:
		case r.Size > 0:
			v.Size = r.Size
		default:
			v.Size = sn.Size
		}
	})
	if err != nil {
		return v, errors.Join(fmt.Errorf("revert volume %d to snapshot %d: %w", v.ID, sn.ID, err), undo)
	}
	return v, undo
}

// revertRefusal is core's reason to refuse a revert, or empty (driver-strategies 2).
func (s *Server) revertRefusal(snapshot inventory.ID, v inventory.Volume) (reason string) {
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		sn, _ := tx.Snapshots.Get(snapshot)
		m, attached := tx.VMs.Get(v.VM)
		ready := func(r inventory.SnapshotRef) bool {
			return r.Snapshot == snapshot && r.State == inventory.RefReady && zoneOf(tx, r) == v.Zone
		}
		_, ok := tx.SnapshotRefs.Find(ready)
		switch {
		case sn.State != inventory.SnapshotBackedUp:
			reason = "the snapshot is " + string(sn.State)
		case v.State != inventory.VolumeReady:
			reason = "the volume is " + string(v.State)
		case attached && m.State != inventory.VMStopped:
			reason = "the VM is " + string(m.State)
		case v.Format != "QCOW2":
			reason = "the format of the volume is " + v.Format
		case !ok:
			reason = "no store of the volume's zone has the snapshot"
		}
		return nil
	})
	return reason
}

// zoneOf is the zone of the store of a snapshot record.
func zoneOf(tx *inventory.Tx, r inventory.SnapshotRef) inventory.ID {
	if r.Role == inventory.Image {
		st, _ := tx.SecondaryStores.Get(r.Store)
		return st.Zone
	}
	p, _ := tx.Pools.Get(r.Store)
	return p.Zone
}
