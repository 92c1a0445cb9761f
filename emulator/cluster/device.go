package cluster

import (
	"cmp"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/spsim/spsim/emulator/blocks"
)

// Device is an attached volume or snapshot as its host sees it. Every access checks that it still is
// attached, with the rights that it needs.
type Device struct {
	binding *binding
	closed  atomic.Bool
}

// Device opens what a client has attached, if only through an export of another cluster. While it is open a detach needs
// force (storpool-api 7.4). Errors: those of the reference; [ErrDetached] when the client has not attached it;
// [ErrClientDead].
func (c *Cluster) Device(id int, ref Ref) (*Device, error) {
	c.rlock()
	defer c.mu.RUnlock()
	n := c.anywhere(ref)
	if n == nil {
		return nil, missing("Volume", string(ref))
	}
	b := n.binding(seat{c, id})
	if b == nil {
		return nil, fmt.Errorf("open '%s' at client %d: %w", n.shown(), id, ErrDetached)
	}
	if b.host.dead.Load() {
		return nil, fmt.Errorf("open '%s' at client %d: %w", n.shown(), id, ErrClientDead)
	}
	b.open.Add(1)
	return &Device{binding: b}, nil
}

// access runs f while the attachment is held in place.
func (d *Device) access(what string, need Rights, s span, f func(b *binding) error) error {
	b := d.binding
	b.io.RLock()
	defer b.io.RUnlock()
	err := d.check(need)
	if o := b.node.home().outage.Load(); err == nil && o != nil {
		err = o.hits(b.node.obj.Load(), s)
	}
	if err == nil {
		err = f(b)
	}
	if err != nil {
		return fmt.Errorf("%s '%s' at client %d: %w", what, b.node.shown(), b.client, err)
	}
	return nil
}

func (d *Device) check(need Rights) error {
	switch {
	case d.closed.Load():
		return ErrClosed
	case d.binding.host.dead.Load():
		return ErrClientDead
	case d.binding.rights == "":
		return ErrDetached
	case need == ReadWrite && d.binding.rights != ReadWrite:
		return ErrReadOnly
	}
	return nil
}

// ReadAt reads as [io.ReaderAt] says. Errors: [ErrDetached], [ErrClosed], and under a [Condition]
// [ErrClientDead], [ErrUnavailable].
func (d *Device) ReadAt(p []byte, off int64) (n int, err error) {
	var end error // io.EOF must reach the reader as it is
	err = d.access("read", ReadOnly, span{off: off, n: int64(len(p))}, func(b *binding) error {
		n, end = b.node.image.ReadAt(p, off)
		return nil
	})
	return n, cmp.Or(err, end)
}

// WriteAt writes all of p or, with an error, nothing. Errors: [ErrDetached], [ErrReadOnly], [ErrClosed], those
// of the contents, and under a [Condition] [ErrClientDead], [ErrUnavailable], [ErrNoSpace].
func (d *Device) WriteAt(p []byte, off int64) (n int, err error) {
	err = d.access("write", ReadWrite, span{off: off, n: int64(len(p)), fills: true}, func(b *binding) (err error) {
		n, err = b.node.image.WriteAt(p, off)
		return err
	})
	return n, err
}

// Discard makes a range read as zeros and gives its room back. Errors as of [Device.WriteAt].
func (d *Device) Discard(off, n int64) error {
	return d.access("discard", ReadWrite, span{off: off, n: n}, func(b *binding) error {
		return b.node.image.Discard(off, n)
	})
}

// Zero makes a range read as zeros. Errors as of [Device.WriteAt].
func (d *Device) Zero(off, n int64) error {
	return d.access("zero", ReadWrite, span{off: off, n: n}, func(b *binding) error { return b.node.image.Zero(off, n) })
}

// Size returns the present size in bytes. Errors: [ErrDetached], [ErrClosed].
func (d *Device) Size() (size int64, err error) {
	err = d.access("size of", ReadOnly, span{}, func(b *binding) error {
		size = b.node.image.Size()
		return nil
	})
	return size, err
}

// Close gives the device back; closing again changes nothing.
func (d *Device) Close() error {
	if d.closed.CompareAndSwap(false, true) {
		d.binding.open.Add(-1)
	}
	return nil
}

// ReadContent fills p with what a volume or snapshot holds at off, without an attachment: for tests.
func (c *Cluster) ReadContent(ref Ref, off int64, p []byte) error {
	image, err := c.imageOf(ref)
	if err != nil {
		return err
	}
	if _, err := image.ReadAt(p, off); err != nil {
		return fmt.Errorf("read contents of '%s': %w", ref, err)
	}
	return nil
}

// WriteContent writes p into a volume at off, without an attachment: for tests.
func (c *Cluster) WriteContent(ref Ref, off int64, p []byte) error {
	image, err := c.imageOf(ref)
	if err != nil {
		return err
	}
	if _, err := image.WriteAt(p, off); err != nil {
		return fmt.Errorf("write contents of '%s': %w", ref, err)
	}
	return nil
}

// Extents yields the ranges from offset from on where a volume or snapshot holds data; all else is zeros.
func (c *Cluster) Extents(ref Ref, from int64) (iter.Seq[blocks.Extent], error) {
	image, err := c.imageOf(ref)
	if err != nil {
		return nil, err
	}
	return image.Extents(from), nil
}

// Version changes with every change of the contents or the size of a volume; a snapshot's stays.
func (c *Cluster) Version(ref Ref) (uint64, error) {
	image, err := c.imageOf(ref)
	if err != nil {
		return 0, err
	}
	return image.Version(), nil
}

func (c *Cluster) imageOf(ref Ref) (*blocks.Image, error) {
	c.rlock()
	defer c.mu.RUnlock()
	n := c.anywhere(ref)
	if n == nil {
		return nil, missing("Volume", string(ref))
	}
	return n.image, nil
}
