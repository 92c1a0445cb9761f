package image

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

const (
	entryOffset     = 0x00fffffffffffe00 // bits 9 to 55 of a table entry
	entryCopied     = 1 << 63
	entryCompressed = 1 << 62
	entryZero       = 1 << 0 // version 3, L2 only
	maxTables       = 64     // L2 tables kept in memory
	maxTableBytes   = 8 << 20
)

// qcow2 is an open image. One lock guards everything but the bytes of the file.
type qcow2 struct {
	r       io.ReaderAt
	f       File         // nil: only readable
	data    readWriterAt // the clusters of an encrypted image, at their offsets in the file; nil when it is plain
	h       header
	length  int64 // of the file in bytes; grows with allocations
	cluster int64 // bytes

	mu       sync.Mutex
	l1       []uint64
	l1Dirty  bool
	tables   map[int64]*table // by offset in the file
	tick     uint64
	inflated struct { // the compressed cluster read last
		entry uint64
		data  []byte
	}
	refs *refcounts // nil until the first write
}

// table is an L2 table in memory.
type table struct {
	raw   []byte
	dirty bool
	used  uint64
}

func openQcow2(r io.ReaderAt, f File, length int64) (*qcow2, error) {
	return openQcow2As(r, f, length, 0)
}

// openQcow2As opens an image that is encrypted in the given way, without its key.
func openQcow2As(r io.ReaderAt, f File, length int64, crypt uint32) (*qcow2, error) {
	h, err := readHeader(r, length, crypt)
	if err != nil {
		return nil, err
	}
	q := &qcow2{
		r: r, f: f, h: h, length: length, cluster: 1 << h.clusterBits,
		l1: make([]uint64, h.l1Entries), tables: map[int64]*table{},
	}
	raw := make([]byte, len(q.l1)*8)
	if err := readFull(r, raw, int64(h.l1Offset)); err != nil {
		return nil, err
	}
	for i := range q.l1 {
		q.l1[i] = binary.BigEndian.Uint64(raw[i*8:])
	}
	return q, nil
}

func (q *qcow2) Size() int64 { return int64(q.h.size) }

// place says where the contents of one cluster are.
type place struct {
	kind  placeKind
	off   int64  // of the data in the file
	entry uint64 // L2 entry as stored
}

type placeKind int

const (
	hole placeKind = iota // reads as zeros
	plain
	compressed
)

// lookup finds the cluster that holds virtual offset off. The lock is held.
func (q *qcow2) lookup(off int64) (place, error) {
	t, err := q.tableFor(off)
	if err != nil || t == nil {
		return place{}, err
	}
	return q.decode(binary.BigEndian.Uint64(t.raw[q.l2Index(off)*8:]))
}

func (q *qcow2) decode(e uint64) (place, error) {
	switch {
	case e&entryCompressed != 0 && q.data != nil:
		return place{}, fail("read", ErrFeature, "compressed cluster in an encrypted image")
	case e&entryCompressed != 0:
		return place{kind: compressed, entry: e}, nil
	case q.h.version == 3 && e&entryZero != 0, e&entryOffset == 0:
		return place{entry: e}, nil
	}
	off := int64(e & entryOffset)
	if off%q.cluster != 0 {
		return place{}, fail("read", ErrCorrupt, "L2 entry %#x is not on a cluster boundary", e)
	}
	if off >= q.length {
		return place{}, fail("read", ErrTruncated, "cluster at %d in a file of %d", off, q.length)
	}
	return place{kind: plain, off: off, entry: e}, nil
}

func (q *qcow2) l2Index(off int64) int64 { return off / q.cluster % (q.cluster / 8) }

func (q *qcow2) l1Index(off int64) int64 { return off / q.cluster / (q.cluster / 8) }

// tableFor gives the L2 table of a virtual offset, nil when there is none. The lock is held.
func (q *qcow2) tableFor(off int64) (*table, error) {
	e := q.l1[q.l1Index(off)]
	at := int64(e & entryOffset)
	if at == 0 {
		return nil, nil // the whole range is a hole
	}
	if t := q.tables[at]; t != nil {
		return q.touch(t), nil
	}
	if at%q.cluster != 0 {
		return nil, fail("read", ErrCorrupt, "L1 entry %#x is not on a cluster boundary", e)
	}
	if !within(uint64(at), uint64(q.cluster), q.length) {
		return nil, fail("read", ErrTruncated, "L2 table at %d in a file of %d", at, q.length)
	}
	t := &table{raw: make([]byte, q.cluster)}
	if err := readFull(q.r, t.raw, at); err != nil {
		return nil, err
	}
	return t, q.keep(at, t)
}

func (q *qcow2) touch(t *table) *table {
	q.tick++
	t.used = q.tick
	return t
}

// keep puts a table into the cache and writes the one that leaves it.
func (q *qcow2) keep(at int64, t *table) error {
	if room := min(maxTables, max(2, maxTableBytes/int(q.cluster))); len(q.tables) >= room {
		var oldest int64
		for off, o := range q.tables {
			if oldest == 0 || o.used < q.tables[oldest].used {
				oldest = off
			}
		}
		if err := q.writeTable(oldest, q.tables[oldest]); err != nil {
			return err
		}
		delete(q.tables, oldest)
	}
	q.tables[at] = q.touch(t)
	return nil
}

func (q *qcow2) ReadAt(p []byte, off int64) (int, error) {
	p, end := clip(p, off, q.Size())
	q.mu.Lock()
	defer q.mu.Unlock()
	done := 0
	for done < len(p) {
		at := off + int64(done)
		in := at % q.cluster
		part := p[done:min(len(p), done+int(q.cluster-in))]
		if err := q.readPart(part, at, in); err != nil {
			return done, err
		}
		done += len(part)
	}
	return done, end
}

// readPart reads from within one cluster.
func (q *qcow2) readPart(p []byte, at, in int64) error {
	c, err := q.lookup(at)
	if err != nil {
		return err
	}
	switch c.kind {
	case plain:
		return readPadded(q.clusters(), p, c.off+in)
	case compressed:
		data, err := q.inflate(c.entry)
		if err != nil {
			return err
		}
		copy(p, data[in:])
	case hole:
		clear(p)
	}
	return nil
}

// clusters is where contents are read.
func (q *qcow2) clusters() io.ReaderAt {
	if q.data != nil {
		return q.data
	}
	return q.r
}

// put writes contents at an offset of the file.
func (q *qcow2) put(p []byte, off int64) error {
	var err error
	if q.data != nil {
		_, err = q.data.WriteAt(p, off)
	} else {
		_, err = q.f.WriteAt(p, off)
	}
	return err
}

func (q *qcow2) NextData(off int64) (from, to int64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from = max(off, 0)
	for from < q.Size() {
		next, c, err := q.step(from)
		if err != nil {
			return 0, 0, err
		}
		if c.kind != hole {
			break
		}
		from = next
	}
	for to = from; to < q.Size(); {
		next, c, err := q.step(to)
		if err != nil {
			return 0, 0, err
		}
		if c.kind == hole {
			break
		}
		to = next
	}
	return min(from, q.Size()), min(to, q.Size()), nil
}

// step gives the place of off and where the next one begins: the next cluster, or past the reach of a missing table.
func (q *qcow2) step(off int64) (int64, place, error) {
	if q.l1[q.l1Index(off)]&entryOffset == 0 {
		return (q.l1Index(off) + 1) * q.cluster * (q.cluster / 8), place{}, nil
	}
	c, err := q.lookup(off)
	return (off/q.cluster + 1) * q.cluster, c, err
}

func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fail("read", ErrTruncated, "%d of %d bytes at %d", n, len(p), off)
	}
	return err
}

// readPadded reads zeros past the end of the file: its last cluster may be cut short.
func readPadded(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	clear(p[n:])
	return nil
}
