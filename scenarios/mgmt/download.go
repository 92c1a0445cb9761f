package mgmt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// ExtractVolume has a volume copied to secondary storage, to be downloaded from there (E4: not an encrypted one). Its VM
// must be stopped. A copy that is there already is the answer.
func (s *Server) ExtractVolume(ctx context.Context, volume inventory.ID) (ref inventory.VolumeStore, err error) {
	v, unlock, err := s.lockVolume(ctx, volume)
	if err != nil {
		return ref, err
	}
	defer unlock()
	m, _ := s.vm(v.VM) // none when it is detached
	if reason := readRefusal(v, m); reason != "" {
		return ref, &Refused{"extractVolume", fmt.Sprintf("volume %d", volume), reason}
	}
	there := false
	err = s.update(func(tx *inventory.Tx) error {
		if ref, there = tx.VolumeStores.Find(func(r inventory.VolumeStore) bool { return r.Volume == v.ID }); there {
			return nil
		}
		st, ok := tx.SecondaryStores.Find(func(st inventory.SecondaryStore) bool { return st.Zone == v.Zone })
		if !ok {
			return fmt.Errorf("zone %d has no secondary storage", v.Zone)
		}
		ref = tx.VolumeStores.Put(inventory.VolumeStore{Volume: v.ID, Store: st.ID, State: inventory.RefCreating})
		return nil
	})
	if err != nil || there {
		return ref, err
	}
	left := stray{"image", ref.Store, path.Join(secondary.VolumeDir(account, fmt.Sprint(v.ID)), v.UUID)}
	if err := s.noteStray(v.ID, left); err != nil {
		return ref, err
	}
	r, err := s.driver.CopyAsync(ctx,
		driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: v.Pool},
		driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Image, Store: ref.Store})
	if err != nil {
		err = fmt.Errorf("download volume %d: %w", v.ID, err)
		return ref, errors.Join(s.failedStray(v.ID, left, err), s.update(func(tx *inventory.Tx) error {
			tx.VolumeStores.Delete(ref.ID)
			return nil
		}))
	}
	ref.Path, ref.Size, ref.State = r.Path, r.Size, inventory.RefReady
	if ref.PhysicalSize, err = s.images.size(ref.Store, r.Path); err != nil {
		return ref, err
	}
	err = s.update(func(tx *inventory.Tx) error {
		tx.VolumeStores.Put(ref)
		return nil
	})
	return ref, errors.Join(err, s.keepStray(v.ID, left))
}

// readRefusal is core's reason to refuse a download or a template of a volume, or empty.
func readRefusal(v inventory.Volume, m inventory.VM) string {
	switch {
	case v.State != inventory.VolumeReady:
		return "the volume is " + string(v.State)
	case v.Encrypted():
		return "the volume is encrypted"
	case v.VM != 0 && m.State != inventory.VMStopped:
		return "the VM is " + string(m.State)
	}
	return ""
}

// EndDownload removes the copy of a volume that was made to be downloaded, as core does when its URL has expired.
func (s *Server) EndDownload(ctx context.Context, volume inventory.ID) error {
	v, unlock, err := s.lockVolume(ctx, volume)
	if err != nil {
		return err
	}
	defer unlock()
	if v.State == inventory.VolumeUploaded {
		return &Refused{"end the download", fmt.Sprintf("volume %d", volume), "the volume is nowhere else"}
	}
	return s.dropCopies(v.ID)
}

// dropCopies removes what secondary storage has of a volume.
func (s *Server) dropCopies(volume inventory.ID) error {
	var refs []inventory.VolumeStore
	err := s.inv.View(func(tx *inventory.Tx) error {
		refs = tx.VolumeStores.All(func(r inventory.VolumeStore) bool { return r.Volume == volume })
		return nil
	})
	for _, r := range refs {
		if r.Path != "" {
			if err := s.images.remove(r.Store, r.Path); err != nil {
				return err
			}
		}
		err = errors.Join(err, s.update(func(tx *inventory.Tx) error {
			tx.VolumeStores.Delete(r.ID)
			return nil
		}))
	}
	return err
}

// UploadSpec asks for a volume whose contents a user uploads.
type UploadSpec struct {
	Name     string
	Zone     inventory.ID
	Offering inventory.ID
	Size     int64 // virtual size in bytes
	// Write fills the qcow2 image; nil leaves it empty.
	Write func(io.WriterAt) error
}

// UploadVolume puts an image onto secondary storage as a data volume. The first attach takes it to primary storage.
func (s *Server) UploadVolume(spec UploadSpec) (v inventory.Volume, err error) {
	var ref inventory.VolumeStore
	err = s.update(func(tx *inventory.Tx) error {
		o, err := tx.DiskOfferings.Must(spec.Offering)
		if err != nil {
			return err
		}
		st, ok := tx.SecondaryStores.Find(func(st inventory.SecondaryStore) bool { return st.Zone == spec.Zone })
		if !ok {
			return fmt.Errorf("zone %d has no secondary storage", spec.Zone)
		}
		v = tx.Volumes.Put(inventory.Volume{
			UUID: s.newID(), Name: spec.Name, Kind: inventory.Data, Zone: spec.Zone, Size: spec.Size, Format: string(agentapi.QCOW2),
			State: inventory.VolumeCreating, Offering: o.ID, MaxIOPS: o.MaxIOPS, Account: account,
		})
		ref = inventory.VolumeStore{Volume: v.ID, Store: st.ID, Size: spec.Size, State: inventory.RefReady}
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("upload volume %q: %w", spec.Name, err)
	}
	ref.Path = path.Join(secondary.VolumeDir(account, fmt.Sprint(v.ID)), v.UUID+".qcow2")
	err = s.images.in(ref.Store, func(d *secondary.Dir) error {
		image := TemplateSpec{Format: agentapi.QCOW2, Size: spec.Size, Write: spec.Write}
		if err := writeImage(d, ref.Path, image); err != nil {
			return err
		}
		ref.PhysicalSize, err = d.Size(ref.Path)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("upload volume %q: %w", spec.Name, err)
	}
	err = s.update(func(tx *inventory.Tx) error {
		tx.VolumeStores.Put(ref)
		v.Path, v.State = ref.Path, inventory.VolumeUploaded
		v = tx.Volumes.Put(v)
		return nil
	})
	return v, err
}

// bringIn takes an uploaded volume to primary storage; the image goes then.
func (s *Server) bringIn(ctx context.Context, v inventory.Volume) (inventory.Volume, error) {
	var ref inventory.VolumeStore
	var p inventory.Pool
	err := s.update(func(tx *inventory.Tx) (err error) {
		ref, _ = tx.VolumeStores.Find(func(r inventory.VolumeStore) bool { return r.Volume == v.ID })
		if p, err = choosePool(tx, v.Zone, 0); err != nil {
			return err
		}
		return tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeMigrating })
	})
	if err != nil {
		return v, err
	}
	_, err = s.driver.CopyAsync(ctx,
		driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Image, Store: ref.Store},
		driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: p.ID})
	if err != nil {
		return v, errors.Join(fmt.Errorf("take volume %d to pool %d: %w", v.ID, p.ID, err), s.setVolumeState(v.ID, inventory.VolumeUploaded))
	}
	if v, err = s.changeVolume(v.ID, func(v *inventory.Volume) { v.State = inventory.VolumeReady }); err != nil {
		return v, err
	}
	return v, s.dropCopies(v.ID)
}
