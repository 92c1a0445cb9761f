package image

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	magic         = 0x514649fb // "QFI\xfb"
	headerV2      = 72
	headerV3      = 104
	maxL1Bytes    = 32 << 20 // as qemu: no image needs more
	minBits       = 9
	maxBits       = 21
	defaultBits   = 16
	refcountOrder = 4 // 16 bits a cluster, the only width of version 2

	featDirty       = 1 << 0
	featCorrupt     = 1 << 1
	featDataFile    = 1 << 2
	featCompression = 1 << 3
	featExtendedL2  = 1 << 4

	offRefcountTable = 48 // position of refcount_table_offset; its length follows
	offIncompatible  = 72
	offAutoclear     = 88
)

// header is the part of a qcow2 header that matters here. Offsets and sizes are in bytes.
type header struct {
	version       uint32
	backingOffset uint64
	clusterBits   uint32
	size          uint64
	crypt         uint32
	l1Entries     uint32
	l1Offset      uint64
	refOffset     uint64
	refClusters   uint32
	snapshots     uint32
	incompatible  uint64
	autoclear     uint64
	refOrder      uint32
	headerLength  uint32
	compression   byte
}

// readHeader reads and judges the header of a file of the given length, which must be encrypted in the given way. It allocates nothing that a header asks for.
func readHeader(r io.ReaderAt, length int64, crypt uint32) (h header, err error) {
	const op = "open qcow2"
	buf := make([]byte, headerV3+8)
	n, err := r.ReadAt(buf[:min(int64(len(buf)), max(length, 0))], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return h, err
	}
	if n < headerV2 {
		return h, fail(op, ErrNotQcow2, "%d bytes", n)
	}
	be := binary.BigEndian
	if m := be.Uint32(buf); m != magic {
		return h, fail(op, ErrNotQcow2, "magic %#x", m)
	}
	h = header{
		version: be.Uint32(buf[4:]), backingOffset: be.Uint64(buf[8:]), clusterBits: be.Uint32(buf[20:]),
		size: be.Uint64(buf[24:]), crypt: be.Uint32(buf[32:]), l1Entries: be.Uint32(buf[36:]),
		l1Offset: be.Uint64(buf[40:]), refOffset: be.Uint64(buf[48:]), refClusters: be.Uint32(buf[56:]),
		snapshots: be.Uint32(buf[60:]), refOrder: refcountOrder, headerLength: headerV2,
	}
	switch {
	case h.version == 2:
	case h.version != 3:
		return h, fail(op, ErrVersion, "%d", h.version)
	case n < headerV3:
		return h, fail(op, ErrTruncated, "%d bytes of header", n)
	default:
		h.incompatible, h.autoclear = be.Uint64(buf[offIncompatible:]), be.Uint64(buf[offAutoclear:])
		h.refOrder, h.headerLength = be.Uint32(buf[96:]), be.Uint32(buf[100:])
		if h.headerLength > headerV3 && n > headerV3 {
			h.compression = buf[headerV3]
		}
	}
	return h, h.check(length, crypt)
}

func (h *header) check(length int64, crypt uint32) error {
	const op = "open qcow2"
	if err := h.needsNothingElse(op, crypt); err != nil {
		return err
	}
	if h.clusterBits < minBits || h.clusterBits > maxBits {
		return fail(op, ErrCorrupt, "cluster bits %d", h.clusterBits)
	}
	if h.version == 3 && h.headerLength < headerV3 {
		return fail(op, ErrCorrupt, "header length %d", h.headerLength)
	}
	if h.refOrder > 6 {
		return fail(op, ErrCorrupt, "refcount order %d", h.refOrder)
	}
	return h.checkTables(op, length)
}

// needsNothingElse refuses images that are not complete by themselves.
func (h *header) needsNothingElse(op string, crypt uint32) error {
	known := uint64(featDirty | featCorrupt | featCompression)
	switch {
	case h.backingOffset != 0:
		return fail(op, ErrBackingFile, "name at %d", h.backingOffset)
	case h.crypt == 0 && crypt != 0:
		return &Error{Op: op, Reason: ErrNotEncrypted}
	case h.crypt != 0 && crypt == 0:
		return fail(op, ErrEncrypted, "method %d", h.crypt)
	case h.crypt != crypt:
		return fail(op, ErrFeature, "encryption method %d", h.crypt)
	case h.incompatible&featDataFile != 0:
		return fail(op, ErrDataFile, "incompatible features %#x", h.incompatible)
	case h.incompatible&featExtendedL2 != 0:
		return fail(op, ErrFeature, "extended L2 entries")
	case h.incompatible&^known != 0:
		return fail(op, ErrFeature, "bits %#x", h.incompatible&^known)
	case h.compression != 0:
		return fail(op, ErrFeature, "compression type %d", h.compression)
	}
	return nil
}

// checkTables compares what the header asks for with the size limits and the length of the file.
func (h *header) checkTables(op string, length int64) error {
	cluster := uint64(1) << h.clusterBits
	l1Bytes := uint64(h.l1Entries) * 8
	refBytes := uint64(h.refClusters) << h.clusterBits
	need, ok := l1EntriesFor(h.size, h.clusterBits)
	switch {
	case !ok || l1Bytes > maxL1Bytes:
		return fail(op, ErrTooLarge, "virtual size %d, L1 of %d entries, clusters of %d", h.size, h.l1Entries, cluster)
	case uint64(h.l1Entries) < need:
		return fail(op, ErrCorrupt, "L1 has %d entries, the virtual size needs %d", h.l1Entries, need)
	case h.l1Offset%cluster != 0 || h.refOffset%cluster != 0:
		return fail(op, ErrCorrupt, "tables are not on cluster boundaries")
	case !within(h.l1Offset, l1Bytes, length):
		return fail(op, ErrTruncated, "L1 of %d bytes at %d in a file of %d", l1Bytes, h.l1Offset, length)
	case !within(h.refOffset, refBytes, length):
		return fail(op, ErrTruncated, "refcount table of %d bytes at %d in a file of %d", refBytes, h.refOffset, length)
	}
	return nil
}

// l1EntriesFor is the number of L1 entries that a virtual size needs; false when the limits forbid that size.
func l1EntriesFor(size uint64, clusterBits uint32) (uint64, bool) {
	shift := 2*clusterBits - 3 // one L1 entry covers cluster/8 clusters
	if size > 1<<62 {
		return 0, false
	}
	n := (size + 1<<shift - 1) >> shift
	return n, n*8 <= maxL1Bytes
}

func within(off, n uint64, length int64) bool {
	return length >= 0 && off <= uint64(length) && n <= uint64(length)-off
}

// bytes is the length of an encoded header.
func (h *header) bytes() int {
	if h.version == 2 {
		return headerV2
	}
	return headerV3
}

// encode gives the bytes of the header in its first cluster, without extensions.
func (h *header) encode() []byte {
	buf := make([]byte, headerV3+8)
	be := binary.BigEndian
	be.PutUint32(buf, magic)
	be.PutUint32(buf[4:], h.version)
	be.PutUint32(buf[20:], h.clusterBits)
	be.PutUint64(buf[24:], h.size)
	be.PutUint32(buf[32:], h.crypt)
	be.PutUint32(buf[36:], h.l1Entries)
	be.PutUint64(buf[40:], h.l1Offset)
	be.PutUint64(buf[48:], h.refOffset)
	be.PutUint32(buf[56:], h.refClusters)
	if h.version == 3 {
		be.PutUint64(buf[offIncompatible:], h.incompatible)
		be.PutUint32(buf[96:], h.refOrder)
		be.PutUint32(buf[100:], headerV3)
	}
	return buf
}
