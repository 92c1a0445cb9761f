package driver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionDelete = "deleteAsync"

// Details of snapshots and volumes that the driver keeps (driver-management 6).
const (
	detailPool        = "spStoragePoolId"
	detailDelayDelete = "SP_DELAY_DELETE"
	detailRecovered   = "SP_RECOVERED_SNAPSHOT"
	detailLegacy      = "StorPool" // of a volume: its legacy path while it still has that name
)

// DeleteAsync deletes a volume or a snapshot on primary storage; a missing object is success (driver-management 9.4).
// With storpool.delete.after.interval a volume leaves a snapshot that StorPool removes by itself. Other kinds are
// refused with [ErrRefused].
func (d *Driver) DeleteAsync(ctx context.Context, o Object) error {
	switch {
	case o.Kind == VolumeObject && o.Role == inventory.Primary:
		return d.deleteVolume(ctx, o)
	case o.Kind == SnapshotObject:
		return d.deleteSnapshotObject(ctx, o)
	default:
		return fmt.Errorf("delete %s: %w", o, ErrRefused)
	}
}

func (d *Driver) deleteVolume(ctx context.Context, o Object) (err error) {
	unlock, err := d.lock(ctx, inventory.OfVolume, o.ID)
	if err != nil {
		return err
	}
	defer unlock()
	v, after, err := d.doomed(o)
	if err != nil {
		return fmt.Errorf("delete %s: %w", o, err)
	}
	c, err := d.connect(ctx, o.Store)
	if err != nil {
		return err
	}
	op, resumed, err := d.resume(actionDelete, inventory.Intent{Pool: o.Store, Kind: inventory.OfVolume, Object: o.ID})
	if err != nil {
		return err
	}
	defer op.end(ctx, &err)
	if after > 0 && !v.Encrypted() && !resumed {
		if err = op.keepSafe(ctx, c, v, after); err != nil {
			return err
		}
		d.rules.safetyTaken(op)
	}
	return op.removeVolume(ctx, c, v)
}

// doomed reads the row of a volume to be deleted and how long its safety snapshot lives.
func (d *Driver) doomed(o Object) (v inventory.Volume, after time.Duration, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		v, err = tx.Volumes.Must(o.ID)
		after = d.seconds(tx, SettingDeleteAfter, inventory.Owner{Kind: inventory.OfPool, ID: o.Store})
		return err
	})
	return v, after, err
}

// deleteName is the volume's name on StorPool: that of its path, or its UUID as in the days before global ids.
func deleteName(v inventory.Volume) string {
	if name := apiName(v.Path, true); name != "" {
		return name
	}
	return v.UUID
}

// removeVolume deletes a volume that nobody may need any more and closes its accounts.
func (o *op) removeVolume(ctx context.Context, c *conn, v inventory.Volume) error {
	found := true
	err := o.commit(ctx, func(ctx context.Context) error {
		err := c.VolumeDelete(ctx, deleteName(v), spapi.VolumeDelete{OnAttached: spapi.DetachForce})
		if errors.Is(err, spapi.ErrNotFound) {
			found, err = false, nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete volume %d: %w", v.ID, err)
	}
	return o.record(ctx, c, "record deletion", o.d.rules.freed(v, found), func(tx *inventory.Tx) error {
		tx.Details.Delete(inventory.Owner{Kind: inventory.OfVolume, ID: v.ID}, detailLegacy)
		return tx.Volumes.Change(v.ID, func(r *inventory.Volume) { r.Path = "" })
	})
}

// freed is what the deletion of a volume changes in its pool's used bytes: what its creation added, whoever deleted it on
// StorPool. A volume without a path is not counted.
func freed(v inventory.Volume, _ bool) int64 {
	if apiName(v.Path, true) == "" {
		return 0
	}
	return -spSize(v.Size, v.Encrypted())
}

// deleteSnapshotObject deletes the snapshot of one store record, for callers other than the snapshot strategy.
func (d *Driver) deleteSnapshotObject(ctx context.Context, o Object) (err error) {
	unlock, err := d.lock(ctx, inventory.OfSnapshot, o.ID)
	if err != nil {
		return err
	}
	defer unlock()
	var ref inventory.SnapshotRef
	err = d.inv.View(func(tx *inventory.Tx) error {
		found := false
		if ref, found = refOf(tx, o); !found {
			return fmt.Errorf("delete %s: %w", o, inventory.ErrNotFound)
		}
		return UnusedSnapshot(tx, o.ID)
	})
	if err != nil {
		return err
	}
	c, err := d.connect(ctx, o.Store)
	if err != nil {
		return err
	}
	if err := d.rules.deleteObject(ctx, c, apiName(ref.Path, true)); err != nil {
		return fmt.Errorf("delete %s: %w", o, err)
	}
	return nil
}

// deleteObject deletes a snapshot; one that is missing is deleted, one without a name is refused (D-24).
func deleteObject(ctx context.Context, c *conn, name string) error {
	return missingIsFine(deleteSnapshot(ctx, c, name))
}
