package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// CopySnapshot copies a snapshot to a pool of another zone, by the plugin's strategy. The data may still be on its way when
// it returns. A failure leaves the snapshot where it was.
func (s *Server) CopySnapshot(ctx context.Context, snapshot, pool inventory.ID) (inventory.Snapshot, error) {
	sn, err := s.snapshot(snapshot)
	if err != nil {
		return sn, err
	}
	_, unlock, err := s.lockVolume(ctx, sn.Volume)
	if err != nil {
		return sn, err
	}
	defer unlock()
	var from, to inventory.SnapshotRef
	claimed := s.driver.CanHandleSnapshot(snapshot, 0, driver.SnapshotCopy)
	err = s.update(func(tx *inventory.Tx) error {
		if sn, err = tx.Snapshots.Must(snapshot); err != nil {
			return err
		}
		p, err := tx.Pools.Must(pool)
		if err != nil {
			return err
		}
		var reason string
		if from, reason = copyRefusal(tx, sn, p, claimed); reason != "" {
			return &Refused{"copySnapshot", fmt.Sprintf("snapshot %d", snapshot), reason}
		}
		to = tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: sn.ID, Volume: sn.Volume, Role: inventory.Primary, Store: pool, Size: sn.Size, State: inventory.RefCopying,
		})
		return nil
	})
	if err != nil {
		return sn, err
	}
	r, err := s.driver.CopySnapshot(ctx,
		driver.Object{Kind: driver.SnapshotObject, ID: sn.ID, Role: inventory.Primary, Store: from.Store},
		driver.Object{Kind: driver.SnapshotObject, ID: sn.ID, Role: inventory.Primary, Store: pool})
	if err != nil {
		return sn, errors.Join(fmt.Errorf("copy snapshot %d to pool %d: %w", sn.ID, pool, err), s.update(func(tx *inventory.Tx) error {
			tx.SnapshotRefs.Delete(to.ID)
			return nil
		}))
	}
	return sn, s.update(func(tx *inventory.Tx) error {
		return tx.SnapshotRefs.Change(to.ID, func(ref *inventory.SnapshotRef) { ref.State, ref.Path = inventory.RefReady, r.Path })
	})
}

// copyRefusal finds the record to copy, or core's reason to refuse.
func copyRefusal(tx *inventory.Tx, sn inventory.Snapshot, to inventory.Pool, claimed bool) (from inventory.SnapshotRef, reason string) {
	there := false
	for _, r := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool {
		return r.Snapshot == sn.ID && r.Role == inventory.Primary && r.State == inventory.RefReady
	}) {
		p, _ := tx.Pools.Get(r.Store)
		there = there || p.Zone == to.Zone
		if from.ID == 0 {
			from = r
		}
	}
	switch {
	case sn.State != inventory.SnapshotBackedUp:
		return from, "the snapshot is " + string(sn.State)
	case to.State != inventory.PoolUp:
		return from, "the pool is " + string(to.State)
	case there:
		return from, "the zone has the snapshot"
	case from.ID == 0:
		return from, "no pool has the snapshot"
	case !claimed:
		return from, "no strategy copies it"
	}
	return from, ""
}
