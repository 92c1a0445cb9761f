package agentsim

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/spsim/spsim/agentsim/image"
)

// copyUnit is how much of a disk is copied while its guest waits, in bytes.
const copyUnit = 1 << 20

// all gives the disks in the order of plugging.
func (g *Guest) all() []*GuestDisk {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.disks)
}

// moveTo exchanges the devices of all disks and makes the guest run on another host. The disks must be those that the
// guest has, or nothing is done.
func (g *Guest) moveTo(h *Host, disks []passage) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return fmt.Errorf("%w: %s", ErrNoGuest, g.name)
	}
	same := slices.EqualFunc(g.disks, disks, func(d *GuestDisk, p passage) bool { return d == p.disk })
	if !same {
		return fmt.Errorf("the disks of %s have changed during the migration", g.name)
	}
	for _, p := range disks {
		p.disk.exchange(p)
	}
	g.host = h
	return nil
}

// exchange puts another device under a disk; the guest notices nothing.
func (d *GuestDisk) exchange(p passage) {
	d.flow.Lock()
	defer d.flow.Unlock()
	_ = d.device.Close() // every write has been answered
	d.device, d.mirror = p.device, nil
	d.mu.Lock()
	defer d.mu.Unlock()
	d.path, d.pool = p.path, p.pool
}

// mirrorTo lets the guest write to another device besides; nil ends that.
func (d *GuestDisk) mirrorTo(device Device) error {
	d.flow.Lock()
	defer d.flow.Unlock()
	if err := d.here(); err != nil {
		return err
	}
	d.mirror = device
	return nil
}

// here is an error once the guest does not have the disk any more.
func (d *GuestDisk) here() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return fmt.Errorf("%w: %s is unplugged", ErrNoDisk, d.path)
	}
	return nil
}

// copyChunk makes one range from off on the same on the mirror, and gives where the next one begins, which is off at
// the end, with the number of bytes moved.
func (d *GuestDisk) copyChunk(off int64) (next, moved int64, err error) {
	d.flow.Lock()
	defer d.flow.Unlock()
	if err := d.here(); err != nil {
		return off, 0, err
	}
	size, err := d.device.Size()
	if err != nil {
		return off, 0, err
	}
	src := image.Device(d.device, size)
	from, to, err := src.NextData(off)
	switch {
	case err != nil || off >= size:
		return off, 0, err
	case from > off:
		return from, 0, d.mirror.Discard(off, from-off)
	}
	p := make([]byte, min(copyUnit, to-off))
	if _, err := src.ReadAt(p, off); err != nil {
		return off, 0, err
	}
	next, moved = off+int64(len(p)), int64(len(p))
	if len(bytes.TrimLeft(p, "\x00")) == 0 {
		return next, moved, d.mirror.Discard(off, moved)
	}
	_, err = d.mirror.WriteAt(p, off)
	return next, moved, err
}
