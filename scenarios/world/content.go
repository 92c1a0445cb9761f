package world

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/driver/inventory"
)

// disk is what a guest or a borrower reads and writes.
type disk interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
}

// Write writes into a volume: through the guest on its host when its VM is running, else through a temporary
// attachment.
func (w *World) Write(ctx context.Context, volume inventory.ID, off int64, p []byte) error {
	return w.with(ctx, volume, func(d disk) error {
		_, err := d.WriteAt(p, off)
		return err
	})
}

// Read reads n bytes of a volume, in the same way as Write.
func (w *World) Read(ctx context.Context, volume inventory.ID, off int64, n int) ([]byte, error) {
	p := make([]byte, n)
	err := w.with(ctx, volume, func(d disk) error {
		_, err := d.ReadAt(p, off)
		return err
	})
	return p, err
}

// ReadObject reads n bytes of a StorPool object through a temporary attachment.
func (w *World) ReadObject(ctx context.Context, gid string, snapshot bool, off int64, n int) ([]byte, error) {
	p := make([]byte, n)
	err := w.borrow(ctx, gid, snapshot, func(d disk) error {
		_, err := d.ReadAt(p, off)
		return err
	})
	return p, err
}

func (w *World) with(ctx context.Context, volume inventory.ID, f func(disk) error) error {
	var v inventory.Volume
	var m inventory.VM
	err := w.Inventory.View(func(tx *inventory.Tx) (err error) {
		v, err = tx.Volumes.Must(volume)
		m, _ = tx.VMs.Get(v.VM)
		return err
	})
	if err != nil {
		return err
	}
	if m.State == inventory.VMRunning {
		d, err := w.guestDisk(m, v)
		if err != nil {
			return fmt.Errorf("volume %d in VM %d: %w", v.ID, m.ID, err)
		}
		return f(d)
	}
	return w.borrow(ctx, GlobalID(v.Path), false, f)
}

// guestDisk is the disk of a running VM as its guest sees it.
func (w *World) guestDisk(m inventory.VM, v inventory.Volume) (*agentsim.GuestDisk, error) {
	var h inventory.Host
	err := w.Inventory.View(func(tx *inventory.Tx) (err error) {
		h, err = tx.Hosts.Must(m.Host)
		return err
	})
	if err != nil {
		return nil, err
	}
	host, err := w.Fleet.Host(h.UUID)
	if err != nil {
		return nil, err
	}
	g, err := host.Guest(m.Instance)
	if err != nil {
		return nil, err
	}
	return g.Disk(v.Path)
}

// GuestSize is the size in bytes of a volume as the guest of its running VM sees it.
func (w *World) GuestSize(volume inventory.ID) (size int64, err error) {
	err = w.with(context.Background(), volume, func(d disk) error {
		g, ok := d.(*agentsim.GuestDisk)
		if !ok {
			return fmt.Errorf("volume %d is in no running VM", volume)
		}
		size = g.Size()
		return nil
	})
	return size, err
}

func (w *World) borrow(ctx context.Context, gid string, snapshot bool, f func(disk) error) (err error) {
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
