package interleave

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/stage"
)

func driverResize() operation {
	return operation{"resize", func(ctx context.Context, a at) error {
		_, err := a.on.Driver.Resize(ctx, a.Volume, driver.ResizeRequest{Size: (1 + a.n()) * stage.MiB, ShrinkOK: true})
		return err
	}}
}

func driverRevert() operation {
	return operation{"revert", func(ctx context.Context, a at) error {
		_, err := a.on.Driver.RevertSnapshot(ctx, a.Snapshot, a.Volume)
		return err
	}}
}

// driverOffering records the limit of the offering as core does, after the driver has set it.
func driverOffering() operation {
	return operation{"offering", func(ctx context.Context, a at) error {
		limit := int64(2000)
		if _, err := a.on.Driver.Resize(ctx, a.Volume, driver.ResizeRequest{Offering: a.Faster, MaxIOPS: &limit}); err != nil {
			return err
		}
		return a.Inventory.Update(func(tx *inventory.Tx) error {
			return tx.Volumes.Change(a.Volume, func(v *inventory.Volume) { v.Offering = a.Faster })
		})
	}}
}

func driverDelete() operation {
	return operation{"delete", func(ctx context.Context, a at) error {
		o := driver.Object{Kind: driver.VolumeObject, ID: a.Volume, Role: inventory.Primary, Store: a.Pool.ID}
		if err := a.on.Driver.DeleteAsync(ctx, o); err != nil {
			return err
		}
		return a.Inventory.Update(func(tx *inventory.Tx) error {
			return tx.Volumes.Change(a.Volume, func(v *inventory.Volume) { v.State = inventory.VolumeExpunged })
		})
	}}
}

func driverDeleteSnapshot() operation {
	return operation{"delete snapshot", func(ctx context.Context, a at) error { return a.on.Driver.DeleteSnapshot(ctx, a.Snapshot, 0) }}
}

// driverSnapshot writes the rows that core writes around the driver's part.
func driverSnapshot() operation {
	return operation{"snapshot", func(ctx context.Context, a at) error {
		var sn inventory.Snapshot
		var ref inventory.SnapshotRef
		err := a.Inventory.Update(func(tx *inventory.Tx) error {
			v, err := tx.Volumes.Must(a.Volume)
			sn = tx.Snapshots.Put(inventory.Snapshot{
				UUID: fmt.Sprintf("00000000-0000-0000-0000-%012d", a.n()), Name: fmt.Sprint("snapshot-", a.n()), Volume: v.ID, Zone: v.Zone,
				Size: v.Size, State: inventory.SnapshotCreating, Offering: v.Offering, Type: "MANUAL", Location: "PRIMARY", Account: v.Account,
			})
			ref = tx.SnapshotRefs.Put(inventory.SnapshotRef{
				Snapshot: sn.ID, Volume: v.ID, Role: inventory.Primary, Store: v.Pool, Size: v.Size, State: inventory.RefCreating,
			})
			return err
		})
		if err != nil {
			return err
		}
		r, err := a.on.Driver.TakeSnapshot(ctx, sn.ID)
		return errors.Join(err, a.Inventory.Update(func(tx *inventory.Tx) error {
			if err != nil {
				tx.SnapshotRefs.Delete(ref.ID)
				return tx.Snapshots.Change(sn.ID, func(s *inventory.Snapshot) { s.State = inventory.SnapshotError })
			}
			return errors.Join(
				tx.SnapshotRefs.Change(ref.ID, func(x *inventory.SnapshotRef) { x.State, x.Path, x.Size = inventory.RefReady, r.Path, r.Size }),
				tx.Snapshots.Change(sn.ID, func(s *inventory.Snapshot) { s.State, s.Size = inventory.SnapshotBackedUp, r.Size }))
		}))
	}}
}
