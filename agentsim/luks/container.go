package luks

import (
	"io"
	"sync"
	"sync/atomic"
)

// chunk is how much is encrypted at a time, in bytes.
const chunk = 64 << 10

// Container is the plaintext of an open LUKS container, from its offset 0 on. Safe for concurrent use; of two writes that
// overlap either may win in each sector, as on a disk.
type Container struct {
	r      io.ReaderAt
	w      io.WriterAt // nil: read only
	header Header
	slot   int
	size   atomic.Int64 // of the payload
	cipher atomic.Pointer[sectors]

	// Writes of whole sectors share it; one that has to keep a part of a sector holds it alone.
	parts   sync.RWMutex
	buffers sync.Pool
}

func newContainer(r io.ReaderAt, w io.WriterAt, size int64, h Header, slot int, key []byte) (*Container, error) {
	s, err := newSectors(key)
	if err != nil {
		return nil, &Error{Op: opOpen, Reason: err}
	}
	c := &Container{r: r, w: w, header: h, slot: slot}
	c.buffers.New = func() any { b := make([]byte, chunk); return &b }
	c.cipher.Store(&s)
	return c, c.Resize(size)
}

// Header is the header with which the container was opened.
func (c *Container) Header() Header { return c.header }

// KeySlot is the number of the slot that the passphrase fits.
func (c *Container) KeySlot() int { return c.slot }

// PayloadOffset is where the ciphertext of offset 0 lies on the device, in bytes.
func (c *Container) PayloadOffset() int64 { return c.header.PayloadOffset }

// Size is what a guest sees, in bytes: the device without the room before the payload, in whole sectors.
func (c *Container) Size() int64 { return c.size.Load() }

// Resize follows a change of the device's size, in bytes. Nothing is read or written (agent 11, A-11).
func (c *Container) Resize(device int64) error {
	if device < c.header.PayloadOffset {
		return fail("resize LUKS", ErrTooSmall, "%d bytes, header takes %d", device, c.header.PayloadOffset)
	}
	c.size.Store((device - c.header.PayloadOffset) / SectorSize * SectorSize)
	return nil
}

// Close forgets the key; reads and writes that come later fail with [ErrClosed]. The device stays open.
func (c *Container) Close() error {
	c.cipher.Store(nil)
	return nil
}

// Flush makes what was written durable, if the target can.
func (c *Container) Flush() error {
	if s, ok := c.w.(interface{ Sync() error }); ok {
		return s.Sync()
	}
	return nil
}

// NextData finds the first range at or after off that may hold something other than zeros: all the rest, since holes below a
// container do not read as zeros.
func (c *Container) NextData(off int64) (from, to int64, err error) {
	return min(off, c.Size()), c.Size(), nil
}

// Zero makes a range read as zeros. It writes their ciphertext and gives no space back.
func (c *Container) Zero(off, n int64) error {
	if err := c.span("zero", off, n); err != nil {
		return err
	}
	zeros := make([]byte, min(n, chunk))
	for end := off + n; off < end; off += int64(len(zeros)) {
		if _, err := c.WriteAt(zeros[:min(int64(len(zeros)), end-off)], off); err != nil {
			return err
		}
	}
	return nil
}

// ReadAt reads plaintext at any offset, as [io.ReaderAt] says. What was never written is noise.
func (c *Container) ReadAt(p []byte, off int64) (int, error) {
	s := c.cipher.Load()
	switch size := c.Size(); {
	case s == nil:
		return 0, &Error{Op: "read", Reason: ErrClosed}
	case off < 0:
		return 0, fail("read", ErrBadArgument, "offset %d", off)
	case off >= size:
		return 0, io.EOF
	case int64(len(p)) > size-off:
		n, err := c.read(s, p[:size-off], off)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	return c.read(s, p, off)
}

func (c *Container) read(s *sectors, p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		skip, rest := int((off+int64(n))%SectorSize), p[n:]
		sector := (off + int64(n)) / SectorSize
		if skip == 0 && len(rest) >= SectorSize {
			whole := rest[:len(rest)/SectorSize*SectorSize]
			if err := c.load(s, whole, sector); err != nil {
				return n, err
			}
			n += len(whole)
			continue
		}
		var one [SectorSize]byte
		if err := c.load(s, one[:], sector); err != nil {
			return n, err
		}
		n += copy(rest, one[skip:])
	}
	return len(p), nil
}

// WriteAt writes plaintext at any offset. Nothing is written when it would pass the end ([ErrBadArgument]).
func (c *Container) WriteAt(p []byte, off int64) (int, error) {
	s := c.cipher.Load()
	switch {
	case s == nil:
		return 0, &Error{Op: "write", Reason: ErrClosed}
	case c.w == nil:
		return 0, &Error{Op: "write", Reason: ErrReadOnly}
	}
	if err := c.span("write", off, int64(len(p))); err != nil {
		return 0, err
	}
	if off%SectorSize == 0 && len(p)%SectorSize == 0 {
		c.parts.RLock()
		defer c.parts.RUnlock()
	} else {
		c.parts.Lock()
		defer c.parts.Unlock()
	}
	buffer := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(buffer)
	for n := 0; n < len(p); {
		k, err := c.writeSome(s, *buffer, p[n:], off+int64(n))
		if err != nil {
			return n, err
		}
		n += k
	}
	return len(p), nil
}

// writeSome writes a part of one sector, or as many whole ones as the buffer holds.
func (c *Container) writeSome(s *sectors, buffer, p []byte, off int64) (int, error) {
	skip, sector := int(off%SectorSize), off/SectorSize
	if skip == 0 && len(p) >= SectorSize {
		n := min(len(p)/SectorSize*SectorSize, len(buffer))
		return n, c.store(s, buffer[:n], p[:n], sector)
	}
	var one [SectorSize]byte
	if err := c.load(s, one[:], sector); err != nil {
		return 0, err
	}
	n := copy(one[skip:], p)
	return n, c.store(s, buffer[:SectorSize], one[:], sector)
}

func (c *Container) load(s *sectors, p []byte, sector int64) error {
	at := c.header.PayloadOffset + sector*SectorSize
	if err := readFull(c.r, p, at); err != nil {
		return fail("read", err, "%d bytes at %d of the device", len(p), at)
	}
	s.decrypt(p, p, sector)
	return nil
}

func (c *Container) store(s *sectors, buffer, p []byte, sector int64) error {
	at := c.header.PayloadOffset + sector*SectorSize
	s.encrypt(buffer, p, sector)
	if err := writeFull(c.w, buffer, at); err != nil {
		return fail("write", err, "%d bytes at %d of the device", len(p), at)
	}
	return nil
}

// span checks that a request lies inside the container.
func (c *Container) span(op string, off, n int64) error {
	if size := c.Size(); off < 0 || n < 0 || off > size || n > size-off {
		return fail(op, ErrBadArgument, "%d bytes at %d of %d", n, off, size)
	}
	return nil
}

// readFull reads all of p; a device that ends before is an unexpected end.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func writeFull(w io.WriterAt, p []byte, off int64) error {
	n, err := w.WriteAt(p, off)
	if err == nil && n < len(p) {
		return io.ErrShortWrite
	}
	return err
}
