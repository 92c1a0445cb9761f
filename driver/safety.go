package driver

import (
	"context"
	"errors"
	"time"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// keepSafe takes the snapshot from which a deleted volume can be restored until StorPool removes it, and gives it the
// records of a snapshot (driver-management 9.4). A volume that is not there leaves nothing to keep.
func (o *op) keepSafe(ctx context.Context, c *conn, v inventory.Volume, after time.Duration) error {
	gid, err := o.createSnapshot(ctx, "safety snapshot", c, deleteName(v), spapi.VolumeSnapshot{
		DeleteAfter: int64(after / time.Second), Tags: siteDelayDelete.tags(tagFacts{}),
	})
	if errors.Is(err, spapi.ErrNotFound) {
		return nil
	}
	if err != nil {
		return o.d.rules.safetyFailed(err)
	}
	var row inventory.Snapshot
	return act(ctx, o, "record safety snapshot", func(context.Context) error {
		return o.d.inv.Update(func(tx *inventory.Tx) error {
			row = o.d.recordSafety(tx, c, v, gid)
			return nil
		})
	}, func(context.Context) error {
		return o.d.inv.Update(func(tx *inventory.Tx) error {
			dropSnapshotRows(tx, row.ID)
			return nil
		})
	})
}

// recordSafety writes the rows of a safety snapshot.
func (d *Driver) recordSafety(tx *inventory.Tx, c *conn, v inventory.Volume, gid string) inventory.Snapshot {
	row := tx.Snapshots.Put(inventory.Snapshot{
		UUID: d.newID(), Name: gid, Volume: v.ID, Zone: v.Zone, Size: v.Size, State: inventory.SnapshotBackedUp,
		Offering: v.Offering, MaxIOPS: v.MaxIOPS, Type: "RECURRING", Location: "PRIMARY", Account: v.Account,
	})
	tx.SnapshotRefs.Put(inventory.SnapshotRef{
		Snapshot: row.ID, Volume: v.ID, Role: inventory.Primary, Store: d.rules.safetyStore(c.pool),
		Path: devPath(gid), Size: v.Size, PhysicalSize: v.Size, State: inventory.RefReady,
	})
	tx.Details.Set(inventory.Owner{Kind: inventory.OfSnapshot, ID: row.ID}, detailDelayDelete, "~"+gid)
	return row
}

// dropSnapshotRows removes a snapshot with its records and details.
func dropSnapshotRows(tx *inventory.Tx, snapshot inventory.ID) {
	for _, ref := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Snapshot == snapshot }) {
		tx.SnapshotRefs.Delete(ref.ID)
	}
	tx.Details.Clear(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot})
	tx.Snapshots.Delete(snapshot)
}
