package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// safetyRow is a safety snapshot on record.
type safetyRow struct {
	row  inventory.Snapshot
	gid  string
	pool inventory.ID
}

// SyncDelayedDeletes brings the records of safety snapshots that StorPool has expired to their end: snapshot, store
// record and detail (driver-management 13.1). Only a complete listing of all clusters of a pool counts; a pool without
// one changes nothing and is part of the error.
func (d *Driver) SyncDelayedDeletes(ctx context.Context) error {
	zones, byZone, err := d.safetyRows()
	if err != nil {
		return err
	}
	var errs []error
	for _, zone := range zones {
		rows := byZone[zone]
		if len(rows) == 0 {
			if d.rules.emptyZoneEnds() {
				break
			}
			continue
		}
		for pool, own := range byPool(rows) {
			if err := d.syncPool(ctx, pool, own); err != nil {
				errs = append(errs, fmt.Errorf("look for expired snapshots of pool %d: %w", pool, err))
			}
		}
	}
	return errors.Join(errs...)
}

// safetyRows lists the zones, and the safety snapshots on record in each.
func (d *Driver) safetyRows() (zones []inventory.ID, byZone map[inventory.ID][]safetyRow, err error) {
	byZone = map[inventory.ID][]safetyRow{}
	err = d.inv.View(func(tx *inventory.Tx) error {
		for _, z := range tx.Zones.All(nil) {
			zones = append(zones, z.ID)
		}
		for _, found := range tx.Details.Named(inventory.OfSnapshot, func(name string) bool { return name == detailDelayDelete }) {
			s, ok := tx.Snapshots.Get(found.Owner.ID)
			if !ok {
				continue
			}
			r := safetyRow{row: s, gid: strings.TrimPrefix(found.Value, "~")}
			if ref, ok := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool { return r.Snapshot == s.ID }); ok {
				r.pool = ref.Store
			}
			byZone[s.Zone] = append(byZone[s.Zone], r)
		}
		return nil
	})
	return zones, byZone, err
}

func byPool(rows []safetyRow) map[inventory.ID][]safetyRow {
	out := map[inventory.ID][]safetyRow{}
	for _, r := range rows {
		out[r.pool] = append(out[r.pool], r)
	}
	return out
}

func (d *Driver) syncPool(ctx context.Context, pool inventory.ID, rows []safetyRow) error {
	c, err := d.connect(ctx, pool)
	if err != nil {
		return err
	}
	clusters, err := c.AllSnapshots(ctx)
	if err != nil {
		return err
	}
	there, err := d.rules.present(clusters)
	if err != nil {
		return err
	}
	return d.inv.Update(func(tx *inventory.Tx) error {
		for _, r := range rows {
			if there[r.gid] {
				continue
			}
			if s, ok := tx.Snapshots.Get(r.row.ID); ok {
				s.State = inventory.SnapshotDestroyed
				tx.Snapshots.Put(s)
			}
			tx.Details.Delete(inventory.Owner{Kind: inventory.OfSnapshot, ID: r.row.ID}, detailDelayDelete)
			d.rules.closeSafetyRef(tx, r.row.ID)
		}
		return nil
	})
}

// present lists the global ids of the snapshots of all clusters, or returns the error of one that did not answer (D-16).
func present(clusters []spapi.ByCluster[spapi.Snapshot]) (map[string]bool, error) {
	out := map[string]bool{}
	for _, cluster := range clusters {
		if cluster.Err != nil {
			return nil, fmt.Errorf("cluster %s: %w", cluster.ClusterID, cluster.Err)
		}
		for _, s := range cluster.Data {
			if !s.Gone() {
				out[s.GlobalID] = true
			}
		}
	}
	return out, nil
}

// closeSafetyRef removes the store record of a safety snapshot that is gone (D-16).
func closeSafetyRef(tx *inventory.Tx, snapshot inventory.ID) {
	for _, ref := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Snapshot == snapshot }) {
		tx.SnapshotRefs.Delete(ref.ID)
	}
}
