package mgmt

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// GuestSizePending is the detail of a volume whose guest could not be told of its new size: it sees that after the next
// start.
const GuestSizePending = "guest.size.pending"

// ResizeSpec asks for a new size, limit or offering. Zero members ask for no change.
type ResizeSpec struct {
	Volume   inventory.ID
	Size     int64        // bytes; an offering with a size of its own decides it
	MaxIOPS  *int64       // 0 is no limit; an offering decides it unless given
	Offering inventory.ID // disk offering
	ShrinkOK bool
}

// ResizeVolume changes the size of a volume, live when its VM is running. One that is only recorded changes on record.
func (s *Server) ResizeVolume(ctx context.Context, spec ResizeSpec) (inventory.Volume, error) {
	v, unlock, err := s.lockVolume(ctx, spec.Volume)
	if err != nil {
		return v, err
	}
	defer unlock()
	return s.resize(ctx, v, spec)
}

// ChangeOffering gives a volume another disk offering: by a resize when size or limit differ (size 0 keeps the present
// one if the offering has none), else by telling the storage of the new tier and template (driver-management 9.10).
func (s *Server) ChangeOffering(ctx context.Context, volume, offering inventory.ID, size int64) (inventory.Volume, error) {
	v, unlock, err := s.lockVolume(ctx, volume)
	if err != nil {
		return v, err
	}
	defer unlock()
	o, err := row(s, func(tx *inventory.Tx) *inventory.Table[inventory.DiskOffering] { return tx.DiskOfferings }, offering)
	if err != nil {
		return v, err
	}
	if o.Size != 0 {
		size = o.Size
	}
	if v.State == inventory.VolumeAllocated || size != 0 && size != v.Size || o.MaxIOPS != v.MaxIOPS {
		return s.resize(ctx, v, ResizeSpec{Volume: volume, Size: size, Offering: offering, ShrinkOK: true})
	}
	if reason := cmp.Or(mixedOffering(v, o), s.resizeRefusal(v)); reason != "" {
		return v, &Refused{"changeOfferingForVolume", fmt.Sprintf("volume %d", v.ID), reason}
	}
	if err := s.driver.UpdateStorageWithTheNewDiskOffering(ctx, v.ID, offering); err != nil {
		return v, fmt.Errorf("change offering of volume %d: %w", v.ID, err)
	}
	return s.changeVolume(v.ID, func(v *inventory.Volume) { v.Offering = offering })
}

// resizeRefusal is core's reason to refuse any change of a volume's size or offering, or empty.
func (s *Server) resizeRefusal(v inventory.Volume) string {
	if v.State != inventory.VolumeReady && v.State != inventory.VolumeAllocated {
		return "the volume is " + string(v.State)
	}
	if m, err := s.vm(v.VM); err == nil && m.State != inventory.VMRunning && m.State != inventory.VMStopped {
		return "the VM is " + string(m.State)
	}
	return ""
}

func (s *Server) resize(ctx context.Context, v inventory.Volume, spec ResizeSpec) (inventory.Volume, error) {
	r, err := s.resizeRequest(v, spec)
	if err != nil {
		return v, err
	}
	if v.State == inventory.VolumeAllocated {
		return s.changeVolume(v.ID, func(v *inventory.Volume) { set(v, r) })
	}
	tells := len(r.Hosts) > 0 && r.Size != v.Size
	if err := s.beginResize(v.ID, tells); err != nil {
		return v, err
	}
	out, err := s.driver.Resize(ctx, v.ID, r)
	return s.endResize(v.ID, r, tells, out, err)
}

// beginResize notes that a guest is to be told of a new size: if this server dies meanwhile, it may never be.
func (s *Server) beginResize(volume inventory.ID, tells bool) error {
	return s.update(func(tx *inventory.Tx) error {
		if tells {
			tx.Details.Set(ofVolume(volume), GuestSizePending, "being resized")
		}
		return tx.Volumes.Change(volume, func(v *inventory.Volume) { v.State = inventory.VolumeResizing })
	})
}

func (s *Server) endResize(volume inventory.ID, r driver.ResizeRequest, told bool, out driver.Result, failed error,
) (v inventory.Volume, err error) {
	if failed != nil {
		failed = fmt.Errorf("resize volume %d: %w", volume, failed)
	}
	err = s.update(func(tx *inventory.Tx) error {
		own := ofVolume(volume)
		if told {
			tx.Details.Delete(own, GuestSizePending)
		}
		if out.Notice != "" {
			tx.Details.Set(own, GuestSizePending, out.Notice)
		}
		if err := tx.Volumes.Change(volume, func(v *inventory.Volume) {
			if v.State = inventory.VolumeReady; failed != nil {
				return
			}
			if set(v, r); out.Size > 0 {
				v.Size = out.Size
			}
		}); err != nil {
			return err
		}
		v, _ = tx.Volumes.Get(volume)
		return nil
	})
	return v, errors.Join(failed, err)
}

// set stores what a successful resize has changed.
func set(v *inventory.Volume, r driver.ResizeRequest) {
	v.Size = r.Size
	if r.MaxIOPS != nil {
		v.MaxIOPS = *r.MaxIOPS
	}
	if r.Offering != 0 {
		v.Offering = r.Offering
	}
}

// resizeRequest makes core's checks and the driver's request.
func (s *Server) resizeRequest(v inventory.Volume, spec ResizeSpec) (driver.ResizeRequest, error) {
	r := driver.ResizeRequest{Size: spec.Size, MaxIOPS: spec.MaxIOPS, Offering: spec.Offering, ShrinkOK: spec.ShrinkOK}
	refuse := func(reason string) (driver.ResizeRequest, error) {
		return r, &Refused{"resizeVolume", fmt.Sprintf("volume %d", v.ID), reason}
	}
	if reason := s.resizeRefusal(v); reason != "" {
		return refuse(reason)
	}
	if spec.Offering != 0 {
		o, err := row(s, func(tx *inventory.Tx) *inventory.Table[inventory.DiskOffering] { return tx.DiskOfferings }, spec.Offering)
		if err != nil {
			return r, err
		}
		if reason := mixedOffering(v, o); reason != "" {
			return refuse(reason)
		}
		if o.Size != 0 {
			r.Size = o.Size
		}
		if r.MaxIOPS == nil {
			r.MaxIOPS = &o.MaxIOPS
		}
	}
	if r.Size == 0 {
		r.Size = v.Size
	}
	if r.Size < v.Size && !spec.ShrinkOK {
		return refuse("a shrink needs consent")
	}
	if m, err := s.vm(v.VM); err == nil && m.State == inventory.VMRunning {
		r.Instance, r.Hosts = m.Instance, []inventory.ID{m.Host}
	}
	return r, nil
}
