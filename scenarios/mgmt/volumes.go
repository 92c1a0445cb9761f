package mgmt

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// account owns everything here, as CloudStack's first admin account does.
const account = "2"

// VolumeSpec asks for a data volume.
type VolumeSpec struct {
	Name     string
	Zone     inventory.ID
	Offering inventory.ID // disk offering
	Size     int64        // bytes; for an offering of custom size
}

// CreateVolume records a data volume. StorPool hears of it at the first attach.
func (s *Server) CreateVolume(_ context.Context, spec VolumeSpec) (v inventory.Volume, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if _, err := tx.Zones.Must(spec.Zone); err != nil {
			return err
		}
		v, err = s.allocate(tx, spec)
		return err
	})
	return v, err
}

// allocate records a data volume.
func (s *Server) allocate(tx *inventory.Tx, spec VolumeSpec) (inventory.Volume, error) {
	o, err := tx.DiskOfferings.Must(spec.Offering)
	if err != nil {
		return inventory.Volume{}, err
	}
	size := o.Size
	if size == 0 {
		size = spec.Size
	}
	refuse := func(reason string) (inventory.Volume, error) {
		return inventory.Volume{}, &Refused{"createVolume", fmt.Sprintf("volume %q", spec.Name), reason}
	}
	switch {
	case o.ComputeOnly:
		return refuse("the offering is the disk part of a compute offering")
	case size <= 0:
		return refuse("the offering is of custom size, and no size is given")
	}
	v := inventory.Volume{
		UUID: s.newID(), Name: spec.Name, Kind: inventory.Data, Zone: spec.Zone, Size: size,
		State: inventory.VolumeAllocated, Offering: o.ID, MaxIOPS: o.MaxIOPS, Account: account,
	}
	if err := s.seal(tx, o, &v); err != nil {
		return v, err
	}
	return tx.Volumes.Put(v), nil
}

// choosePool is the pool wanted, else the first one of the zone that is up.
func choosePool(tx *inventory.Tx, zone, wanted inventory.ID) (inventory.Pool, error) {
	up := func(p inventory.Pool) bool { return p.Zone == zone && p.State == inventory.PoolUp }
	if wanted != 0 {
		p, err := tx.Pools.Must(wanted)
		if err == nil && !up(p) {
			err = fmt.Errorf("pool %d is %s, or of another zone", p.ID, p.State)
		}
		return p, err
	}
	if p, ok := tx.Pools.Find(up); ok {
		return p, nil
	}
	return inventory.Pool{}, fmt.Errorf("no pool of zone %d is up", zone)
}

// createOnPool creates an allocated volume on a pool of its zone (pool 0: chosen) by create, which asks the driver.
// Failed, the volume is Allocated again.
func (s *Server) createOnPool(ctx context.Context, v inventory.Volume, pool inventory.ID,
	create func(context.Context, driver.Object) (driver.Result, error),
) (inventory.Volume, error) {
	var p inventory.Pool
	err := s.update(func(tx *inventory.Tx) (err error) {
		if p, err = choosePool(tx, v.Zone, pool); err != nil {
			return err
		}
		return tx.Volumes.Change(v.ID, func(v *inventory.Volume) {
			v.State, v.Pool, v.Format = inventory.VolumeCreating, p.ID, "QCOW2"
		})
	})
	if err != nil {
		return v, err
	}
	r, err := create(ctx, driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: p.ID})
	if err != nil {
		back, undo := s.changeVolume(v.ID, func(v *inventory.Volume) {
			v.State, v.Pool, v.Path, v.PoolType, v.EncryptFormat = inventory.VolumeAllocated, 0, "", "", ""
		})
		return back, errors.Join(fmt.Errorf("create volume %d: %w", v.ID, err), undo)
	}
	return s.changeVolume(v.ID, func(v *inventory.Volume) {
		v.State = inventory.VolumeReady
		if r.Path != "" {
			v.Path = r.Path
		}
		if r.Size > 0 {
			v.Size = r.Size
		}
		if r.EncryptFormat != "" {
			v.EncryptFormat = r.EncryptFormat
		}
	})
}

// CreateVolumeOn creates a volume that is only recorded on a pool, which the first attach would choose otherwise.
func (s *Server) CreateVolumeOn(ctx context.Context, volume, pool inventory.ID) (inventory.Volume, error) {
	v, unlock, err := s.lockVolume(ctx, volume)
	if err != nil {
		return v, err
	}
	defer unlock()
	if v.State != inventory.VolumeAllocated {
		return v, &Refused{"createVolume", fmt.Sprintf("volume %d", volume), "the volume is " + string(v.State)}
	}
	return s.createOnPool(ctx, v, pool, s.driver.CreateAsync)
}

// DeleteVolume deletes a volume that is not attached. One whose deletion failed is in state Destroy and can be
// deleted again.
func (s *Server) DeleteVolume(ctx context.Context, id inventory.ID) (inventory.Volume, error) {
	v, unlock, err := s.lockVolume(ctx, id)
	if err != nil {
		return v, err
	}
	defer unlock()
	refuse := func(reason string) (inventory.Volume, error) {
		return v, &Refused{"deleteVolume", fmt.Sprintf("volume %d", id), reason}
	}
	switch v.State {
	case inventory.VolumeAllocated, inventory.VolumeUploaded, inventory.VolumeReady, inventory.VolumeDestroy:
	default:
		return refuse("the volume is " + string(v.State))
	}
	if v.VM != 0 {
		return refuse(fmt.Sprintf("the volume is attached to VM %d", v.VM))
	}
	return s.expunge(ctx, v)
}

// expunge destroys a volume and deletes it on its pool. After a failure it stays in state Destroy.
func (s *Server) expunge(ctx context.Context, v inventory.Volume) (inventory.Volume, error) {
	if err := s.dropCopies(v.ID); err != nil {
		return v, err
	}
	if v.Path == "" || v.Pool == 0 {
		err := s.update(func(tx *inventory.Tx) error { return expunged(tx, &v) })
		return v, err
	}
	if err := s.setVolumeState(v.ID, inventory.VolumeExpunging); err != nil {
		return v, err
	}
	o := driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: v.Pool}
	if err := s.driver.DeleteAsync(ctx, o); err != nil {
		back, undo := s.changeVolume(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeDestroy })
		return back, errors.Join(fmt.Errorf("delete volume %d: %w", v.ID, err), undo)
	}
	err := s.update(func(tx *inventory.Tx) error {
		s.dropPrimaryRecords(tx, v)
		if err := tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.VM, v.HasDevice, v.DeviceID = 0, false, 0 }); err != nil {
			return err
		}
		return expunged(tx, &v)
	})
	return v, err
}

// expunged ends a volume's row, and its passphrase.
func expunged(tx *inventory.Tx, v *inventory.Volume) error {
	if err := tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeExpunged }); err != nil {
		return err
	}
	*v, _ = tx.Volumes.Get(v.ID)
	dropKey(tx, *v)
	return nil
}

// dropPrimaryRecords removes the records that the snapshots of a deleted volume have in its pool, as core does; their
// StorPool snapshots stay (driver-management 6).
func (s *Server) dropPrimaryRecords(tx *inventory.Tx, v inventory.Volume) {
	bySnapshot := map[inventory.ID][]inventory.SnapshotRef{}
	for _, r := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Volume == v.ID }) {
		bySnapshot[r.Snapshot] = append(bySnapshot[r.Snapshot], r)
	}
	for _, records := range bySnapshot {
		for _, r := range records {
			if r.Role == inventory.Primary && !s.rules.keepsPrimaryRecord(r, v.Pool, records) {
				tx.SnapshotRefs.Delete(r.ID)
			}
		}
	}
}

// volumesOf are the volumes of a VM in the order of their device numbers.
func volumesOf(tx *inventory.Tx, vm inventory.ID) []inventory.Volume {
	out := tx.Volumes.All(func(v inventory.Volume) bool { return v.VM == vm && v.State != inventory.VolumeExpunged })
	slices.SortStableFunc(out, func(a, b inventory.Volume) int { return a.DeviceID - b.DeviceID })
	return out
}
