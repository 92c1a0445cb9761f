package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// disk is what a guest or a borrower reads and writes.
type disk interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
}

// WriteVolume writes into a volume: through the guest on its host when its VM is running, else through a temporary
// attachment.
func (w *World) WriteVolume(ctx context.Context, volume inventory.ID, off int64, p []byte) error {
	return w.with(ctx, volume, func(d disk) error {
		_, err := d.WriteAt(p, off)
		return err
	})
}

// ReadVolume fills p from a volume, in the same way as WriteVolume.
func (w *World) ReadVolume(ctx context.Context, volume inventory.ID, off int64, p []byte) error {
	return w.with(ctx, volume, func(d disk) error {
		_, err := d.ReadAt(p, off)
		return err
	})
}

// GuestRead fills p from a volume as the guest of a running VM reads it.
func (w *World) GuestRead(_ context.Context, vm, volume inventory.ID, off int64, p []byte) error {
	d, err := w.guestDisk(vm, volume)
	if err != nil {
		return err
	}
	_, err = d.ReadAt(p, off)
	return err
}

// GuestSize is the size in bytes of a volume as the guest of a running VM sees it.
func (w *World) GuestSize(_ context.Context, vm, volume inventory.ID) (int64, error) {
	d, err := w.guestDisk(vm, volume)
	if err != nil {
		return 0, err
	}
	return d.Size(), nil
}

// GuestDiscard gives the first n bytes of a volume back as the guest of a running VM does.
func (w *World) GuestDiscard(_ context.Context, vm, volume inventory.ID, n int64) error {
	d, err := w.guestDisk(vm, volume)
	if err != nil {
		return err
	}
	return d.Discard(0, n)
}

// ReadSnapshot fills p from the StorPool snapshot of a snapshot.
func (w *World) ReadSnapshot(ctx context.Context, snapshot inventory.ID, off int64, p []byte) error {
	path := ""
	err := w.Inventory.View(func(tx *inventory.Tx) error {
		s, err := tx.Snapshots.Must(snapshot)
		path, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}, s.UUID)
		return err
	})
	if err != nil {
		return err
	}
	return w.ReadObject(ctx, GlobalID(path), true, off, p)
}

// ReadBackup fills p from the backup of a snapshot on secondary storage.
func (w *World) ReadBackup(ctx context.Context, snapshot inventory.ID, off int64, p []byte) (err error) {
	key := w.keyOfSnapshot(snapshot)
	return w.withBackup(ctx, snapshot, key, func(img image.Reader) error {
		return w.unsealed(ctx, img, img.Size(), key, func(r io.ReaderAt) error {
			_, err := r.ReadAt(p, off)
			return err
		})
	})
}

// withBackup opens the backup of a snapshot on secondary storage.
func (w *World) withBackup(ctx context.Context, snapshot inventory.ID, key []byte, f func(image.Reader) error) (err error) {
	var ref inventory.SnapshotRef
	var st inventory.SecondaryStore
	err = w.Inventory.View(func(tx *inventory.Tx) error {
		var ok bool
		if ref, ok = tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
			return r.Snapshot == snapshot && r.Role == inventory.Image && r.State == inventory.RefReady
		}); !ok {
			return fmt.Errorf("snapshot %d has no backup", snapshot)
		}
		st, err = tx.SecondaryStores.Must(ref.Store)
		return err
	})
	if err != nil {
		return err
	}
	return w.withImage(ctx, st.URL, ref.Path, key, f)
}

// withImage opens a qcow2 file of a secondary storage, with the key if its clusters are encrypted.
func (w *World) withImage(ctx context.Context, url, path string, key []byte, use func(image.Reader) error) (err error) {
	d, err := w.storage.Open(url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	f, length, err := d.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	img, err := image.OpenReader(f, length, image.Qcow2)
	if errors.Is(err, image.ErrEncrypted) && key != nil {
		img, err = luks.OpenQcow2Reader(ctx, f, length, key, w.vault.open)
	}
	if err != nil {
		return err
	}
	return use(img)
}

// ReadObject fills p from a StorPool object through a temporary attachment. What belongs to an encrypted volume is
// opened with its passphrase.
func (w *World) ReadObject(ctx context.Context, gid string, snapshot bool, off int64, p []byte) error {
	return w.lend(ctx, gid, snapshot, func(d disk) error {
		_, err := d.ReadAt(p, off)
		return err
	})
}

func (w *World) with(ctx context.Context, volume inventory.ID, f func(disk) error) error {
	var v inventory.Volume
	var m inventory.VM
	var p inventory.Pool
	url := ""
	err := w.Inventory.View(func(tx *inventory.Tx) (err error) {
		v, err = tx.Volumes.Must(volume)
		m, _ = tx.VMs.Get(v.VM)
		p, _ = tx.Pools.Get(v.Pool)
		if r, ok := tx.VolumeStores.Find(func(r inventory.VolumeStore) bool { return r.Volume == v.ID }); ok {
			st, _ := tx.SecondaryStores.Get(r.Store)
			url = st.URL
		}
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case v.State == inventory.VolumeUploaded:
		return w.edit(ctx, url, v, f)
	case p.Provider == mgmt.DefaultPrimary && m.State != inventory.VMRunning:
		return w.edit(ctx, mgmt.PoolURL(p), v, f)
	}
	if m.State == inventory.VMRunning {
		d, err := w.guestDisk(m.ID, v.ID)
		if err != nil {
			return err
		}
		return f(d)
	}
	return w.lend(ctx, GlobalID(v.Path), false, f)
}

// edit opens the qcow2 file of a volume that nobody uses.
func (w *World) edit(ctx context.Context, url string, v inventory.Volume, f func(disk) error) (err error) {
	d, err := w.storage.Open(url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	file, length, err := d.OpenWrite(v.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var img image.Image
	if key := w.keyOfVolume(v); key != nil {
		img, err = luks.OpenQcow2(ctx, file, length, key, w.vault.open)
	} else {
		img, err = image.Open(file, length, image.Qcow2)
	}
	if err != nil {
		return err
	}
	return errors.Join(f(img), img.Flush())
}

// ReadCopy fills p from the copy of a volume on secondary storage.
func (w *World) ReadCopy(ctx context.Context, volume inventory.ID, off int64, p []byte) error {
	var ref inventory.VolumeStore
	var st inventory.SecondaryStore
	err := w.Inventory.View(func(tx *inventory.Tx) (err error) {
		var ok bool
		if ref, ok = tx.VolumeStores.Find(func(r inventory.VolumeStore) bool { return r.Volume == volume }); !ok {
			return fmt.Errorf("secondary storage has no copy of volume %d", volume)
		}
		st, err = tx.SecondaryStores.Must(ref.Store)
		return err
	})
	if err != nil {
		return err
	}
	return w.withImage(ctx, st.URL, ref.Path, nil, func(img image.Reader) error {
		_, err := img.ReadAt(p, off)
		return err
	})
}

// guestDisk is a disk of a running VM as its guest sees it.
func (w *World) guestDisk(vm, volume inventory.ID) (*agentsim.GuestDisk, error) {
	var h inventory.Host
	var m inventory.VM
	var v inventory.Volume
	err := w.Inventory.View(func(tx *inventory.Tx) (err error) {
		if v, err = tx.Volumes.Must(volume); err != nil {
			return err
		}
		if m, err = tx.VMs.Must(vm); err != nil {
			return err
		}
		h, err = tx.Hosts.Must(m.Host)
		return err
	})
	if err != nil {
		return nil, err
	}
	d, err := w.diskOn(h.UUID, m.Instance, v.Path)
	if err != nil {
		return nil, fmt.Errorf("volume %d in VM %d: %w", volume, vm, err)
	}
	return d, nil
}

func (w *World) diskOn(host, instance, path string) (*agentsim.GuestDisk, error) {
	h, err := w.Fleet.Host(host)
	if err != nil {
		return nil, err
	}
	g, err := h.Guest(instance)
	if err != nil {
		return nil, err
	}
	return g.Disk(path)
}

func (w *World) borrow(ctx context.Context, gid string, snapshot bool, f func(agentsim.Device) error) (err error) {
	if gid == "" {
		return errors.New("the object is not on StorPool")
	}
	d, err := w.Target.Borrow(ctx, gid, snapshot)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return f(d)
}

// GlobalID is the global id in a device path, empty when the path is none.
func GlobalID(path string) string {
	gid, ok := strings.CutPrefix(path, "/dev/storpool-byid/")
	if !ok {
		return ""
	}
	return gid
}

// Lose deletes an object on StorPool behind everybody's back. Invariants do not expect it from then on.
func (w *World) Lose(ctx context.Context, gid string, snapshot bool) error {
	w.Excuse(gid, "deleted behind CloudStack's back")
	return w.Target.Remove(ctx, gid, snapshot)
}

// Excuse takes a StorPool object out of the invariants.
func (w *World) Excuse(gid, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.excused[gid] = reason
}
