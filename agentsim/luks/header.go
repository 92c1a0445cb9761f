package luks

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Sizes of the format, in bytes.
const (
	// SectorSize is the unit of offsets in a header and of encryption.
	SectorSize = 512
	// HeaderSize is the length of the header proper; key material and payload follow.
	HeaderSize = 592
	// Slots is the number of key slots that every header has.
	Slots = 8

	saltSize   = 32
	digestSize = 20
	slotSize   = 48
	slotsAt    = 208
)

const (
	version1     = 1
	slotActive   = 0x00AC71F3
	slotInactive = 0x0000DEAD

	cipherAES = "aes"
	modeXTS   = "xts-plain64"
)

// Header is what a LUKS1 header says. Nothing in it is secret.
type Header struct {
	Cipher        string // "aes"
	Mode          string // "xts-plain64"
	Hash          string // "sha256"; of key derivation, splitter and digest
	PayloadOffset int64  // bytes
	KeyBytes      int    // of the volume key; 64 is a "512-bit key"
	UUID          string
	Iterations    uint32 // of the digest of the volume key
	Slots         [Slots]Slot

	digest [digestSize]byte
	salt   [saltSize]byte
}

// Slot is one of the places where the volume key lies under a passphrase.
type Slot struct {
	Active     bool
	Iterations uint32
	Stripes    uint32 // pieces into which the volume key is split
	Offset     int64  // bytes; where the key material begins

	salt [saltSize]byte
}

func magic() []byte { return []byte{'L', 'U', 'K', 'S', 0xba, 0xbe} }

// ReadHeader reads and checks the header of a device of size bytes, without a passphrase. Limits that o leaves at zero
// have their defaults. Every reason from [ErrNotLUKS] to [ErrNoKeySlot] is possible.
func ReadHeader(r io.ReaderAt, size int64, o Options) (Header, error) {
	b := make([]byte, min(max(size, 0), HeaderSize))
	if err := readFull(r, b, 0); err != nil {
		return Header{}, &Error{Op: opOpen, Reason: err, Detail: "reading the header"}
	}
	h, err := parse(b)
	if err != nil {
		return Header{}, err
	}
	return h, h.check(size, o.Limits.orDefault())
}

// parse takes a header apart. It judges what cannot be represented; check judges the rest.
func parse(b []byte) (Header, error) {
	var h Header
	if !bytes.HasPrefix(b, magic()) {
		return h, &Error{Op: opOpen, Reason: ErrNotLUKS}
	}
	if len(b) < HeaderSize {
		return h, fail(opOpen, ErrTruncated, "header of %d bytes", len(b))
	}
	if v := binary.BigEndian.Uint16(b[6:]); v != version1 {
		return h, fail(opOpen, ErrVersion, "version %d", v)
	}
	h.Cipher, h.Mode, h.Hash = text(b[8:40]), text(b[40:72]), text(b[72:104])
	h.PayloadOffset = int64(binary.BigEndian.Uint32(b[104:])) * SectorSize
	h.KeyBytes = int(binary.BigEndian.Uint32(b[108:]))
	copy(h.digest[:], b[112:132])
	copy(h.salt[:], b[132:164])
	h.Iterations = binary.BigEndian.Uint32(b[164:])
	h.UUID = text(b[168:slotsAt])
	for i := range h.Slots {
		s, at := &h.Slots[i], b[slotsAt+i*slotSize:]
		switch state := binary.BigEndian.Uint32(at); state {
		case slotActive:
			s.Active = true
		case slotInactive:
		default:
			return h, fail(opOpen, ErrCorrupt, "state %#x of key slot %d", state, i)
		}
		s.Iterations = binary.BigEndian.Uint32(at[4:])
		copy(s.salt[:], at[8:40])
		s.Offset = int64(binary.BigEndian.Uint32(at[40:])) * SectorSize
		s.Stripes = binary.BigEndian.Uint32(at[44:])
	}
	return h, nil
}

// encode is the reverse of parse.
func (h *Header) encode() []byte {
	b := make([]byte, HeaderSize)
	copy(b, magic())
	binary.BigEndian.PutUint16(b[6:], version1)
	copy(b[8:40], h.Cipher)
	copy(b[40:72], h.Mode)
	copy(b[72:104], h.Hash)
	binary.BigEndian.PutUint32(b[104:], uint32(h.PayloadOffset/SectorSize))
	binary.BigEndian.PutUint32(b[108:], uint32(h.KeyBytes))
	copy(b[112:132], h.digest[:])
	copy(b[132:164], h.salt[:])
	binary.BigEndian.PutUint32(b[164:], h.Iterations)
	copy(b[168:slotsAt], h.UUID)
	for i, s := range h.Slots {
		at, state := b[slotsAt+i*slotSize:], uint32(slotInactive)
		if s.Active {
			state = slotActive
		}
		binary.BigEndian.PutUint32(at, state)
		binary.BigEndian.PutUint32(at[4:], s.Iterations)
		copy(at[8:40], s.salt[:])
		binary.BigEndian.PutUint32(at[40:], uint32(s.Offset/SectorSize))
		binary.BigEndian.PutUint32(at[44:], s.Stripes)
	}
	return b
}

// check judges a header against the device that it was read from and against the limits. It passes before anything
// is allocated or derived for the header.
func (h *Header) check(size int64, l Limits) error {
	_, known := hashNamed(h.Hash)
	switch {
	case h.Cipher != cipherAES || h.Mode != modeXTS:
		return fail(opOpen, ErrUnsupported, "cipher %q, mode %q", h.Cipher, h.Mode)
	case !known:
		return fail(opOpen, ErrUnsupported, "hash %q", h.Hash)
	case h.KeyBytes != 32 && h.KeyBytes != 64:
		return fail(opOpen, ErrUnsupported, "volume key of %d bytes", h.KeyBytes)
	case h.PayloadOffset == 0:
		return fail(opOpen, ErrUnsupported, "header apart from its payload")
	case h.PayloadOffset > size:
		return fail(opOpen, ErrTruncated, "payload at %d of %d bytes", h.PayloadOffset, size)
	case h.Iterations == 0:
		return fail(opOpen, ErrCorrupt, "digest without iterations")
	}
	for i := range h.Slots {
		if err := h.checkSlot(i, l); err != nil {
			return err
		}
	}
	return h.checkCost(l)
}

// checkSlot judges the place of one slot, used or not, as both tools do.
func (h *Header) checkSlot(i int, l Limits) error {
	s := h.Slots[i]
	switch {
	case s.Active && s.Iterations == 0:
		return fail(opOpen, ErrCorrupt, "key slot %d without iterations", i)
	case s.Stripes == 0:
		return fail(opOpen, ErrCorrupt, "key slot %d without stripes", i)
	case int64(s.Stripes) > int64(l.Stripes):
		return fail(opOpen, ErrLimit, "%d stripes in key slot %d, limit %d", s.Stripes, i, l.Stripes)
	case s.Offset < HeaderSize:
		return fail(opOpen, ErrCorrupt, "key slot %d inside the header, at %d", i, s.Offset)
	case h.slotEnd(i) > h.PayloadOffset:
		return fail(opOpen, ErrCorrupt, "key slot %d reaches into the payload, to %d", i, h.slotEnd(i))
	}
	for j := range i {
		if s.Offset < h.slotEnd(j) && h.Slots[j].Offset < h.slotEnd(i) {
			return fail(opOpen, ErrCorrupt, "key slots %d and %d overlap", j, i)
		}
	}
	return nil
}

func (h *Header) slotEnd(i int) int64 {
	return h.Slots[i].Offset + int64(h.KeyBytes)*int64(h.Slots[i].Stripes)
}

// checkCost bounds the iterations of an attempt with a passphrase that fits no slot.
func (h *Header) checkCost(l Limits) error {
	var active, cost int64
	for _, s := range h.Slots {
		if s.Active {
			active++
			cost += int64(s.Iterations) + int64(h.Iterations)
		}
	}
	if active == 0 {
		return &Error{Op: opOpen, Reason: ErrNoKeySlot}
	}
	if cost > l.Iterations {
		return fail(opOpen, ErrLimit, "%d iterations, limit %d", cost, l.Iterations)
	}
	return nil
}

// text is a string that ends at its first zero byte.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
