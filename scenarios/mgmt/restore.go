package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// RestoreSpec asks for a volume made of a snapshot.
type RestoreSpec struct {
	Snapshot inventory.ID
	Name     string
	Offering inventory.ID // 0: that of the snapshot's volume
	Pool     inventory.ID // 0: chosen
	Zone     inventory.ID // 0: that of the snapshot
}

// CreateVolumeFromSnapshot makes a detached data volume of a snapshot. Core hands the driver the snapshot's record on
// primary storage if there is one, else the one on secondary storage.
func (s *Server) CreateVolumeFromSnapshot(ctx context.Context, spec RestoreSpec) (inventory.Volume, error) {
	v, src, err := s.recordRestore(spec)
	if err != nil {
		return v, err
	}
	unlock, err := s.lock(ctx, volumeKey(v.ID))
	if err != nil {
		return v, err
	}
	defer unlock()
	made, err := s.createOnPool(ctx, v, spec.Pool, func(ctx context.Context, dst driver.Object) (driver.Result, error) {
		return s.driver.CopyAsync(ctx, src, dst)
	})
	if err != nil {
		gone, undo := s.changeVolume(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeDestroy })
		return gone, errors.Join(fmt.Errorf("create volume of snapshot %d: %w", spec.Snapshot, err), undo)
	}
	return made, nil
}

func (s *Server) recordRestore(spec RestoreSpec) (v inventory.Volume, src driver.Object, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		sn, err := tx.Snapshots.Must(spec.Snapshot)
		if err != nil {
			return err
		}
		zone := spec.Zone
		if zone == 0 {
			zone = sn.Zone
		}
		ref, ok := recordIn(tx, sn.ID, zone)
		base, _ := tx.Volumes.Get(sn.Volume)
		refuse := func(reason string) error {
			return &Refused{"createVolume", fmt.Sprintf("snapshot %d", sn.ID), reason}
		}
		if sn.State != inventory.SnapshotBackedUp {
			return refuse("the snapshot is " + string(sn.State))
		}
		if !ok {
			return refuse("no store has the snapshot in that zone")
		}
		if base.Encrypted() {
			return refuse("the volume of the snapshot is encrypted")
		}
		src = driver.Object{Kind: driver.SnapshotObject, ID: sn.ID, Role: ref.Role, Store: ref.Store}
		o, iops := sn.Offering, sn.MaxIOPS
		if spec.Offering != 0 {
			row, err := tx.DiskOfferings.Must(spec.Offering)
			if err != nil {
				return err
			}
			if row.Encrypt {
				return refuse("the offering is encrypted, and the snapshot is not")
			}
			o, iops = row.ID, row.MaxIOPS
		}
		v = tx.Volumes.Put(inventory.Volume{
			UUID: s.newID(), Name: spec.Name, Kind: inventory.Data, Zone: zone, Size: sn.Size,
			State: inventory.VolumeAllocated, Offering: o, MaxIOPS: iops, Account: account,
		})
		return nil
	})
	return v, src, err
}

// chooseRecord is the store record of a snapshot that core works with: primary first.
func chooseRecord(tx *inventory.Tx, snapshot inventory.ID) (inventory.SnapshotRef, bool) {
	for _, role := range []inventory.Role{inventory.Primary, inventory.Image} {
		r, ok := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
			return r.Snapshot == snapshot && r.Role == role && r.State == inventory.RefReady
		})
		if ok {
			return r, true
		}
	}
	return inventory.SnapshotRef{}, false
}

// recordIn is chooseRecord among the stores of a zone.
func recordIn(tx *inventory.Tx, snapshot, zone inventory.ID) (inventory.SnapshotRef, bool) {
	for _, role := range []inventory.Role{inventory.Primary, inventory.Image} {
		r, ok := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
			at := inventory.ID(0)
			if role == inventory.Primary {
				p, _ := tx.Pools.Get(r.Store)
				at = p.Zone
			} else {
				st, _ := tx.SecondaryStores.Get(r.Store)
				at = st.Zone
			}
			return r.Snapshot == snapshot && r.Role == role && r.State == inventory.RefReady && at == zone
		})
		if ok {
			return r, true
		}
	}
	return inventory.SnapshotRef{}, false
}
