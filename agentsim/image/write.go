package image

import "encoding/binary"

func createQcow2(f File, size int64, opts Options) (Image, error) {
	return createQcow2With(f, size, opts, func(*qcow2) error { return nil })
}

// createQcow2With makes an image; more is done before its header is written.
func createQcow2With(f File, size int64, opts Options, more func(*qcow2) error) (Image, error) {
	h, err := newHeader(size, opts)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	cluster := int64(1) << h.clusterBits
	refs := &refcounts{cluster: cluster, dirty: map[int]bool{}}
	refs.allocRun(1) // header
	refs.table, refs.tableN = refs.allocRun(1), 1
	q := &qcow2{
		r: f, f: f, h: h, cluster: cluster, l1: make([]uint64, h.l1Entries), l1Dirty: true,
		tables: map[int64]*table{}, refs: refs,
	}
	q.h.refOffset, q.h.refClusters = uint64(refs.table), 1
	q.h.l1Offset = uint64(refs.allocRun(max(1, (int64(h.l1Entries)*8+cluster-1)/cluster)))
	if err := more(q); err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(q.h.encode()[:q.h.bytes()], 0); err != nil {
		return nil, err
	}
	return q, q.Flush()
}

func newHeader(size int64, opts Options) (header, error) {
	const op = "create qcow2"
	h := header{version: 3, clusterBits: defaultBits, size: uint64(size), refOrder: refcountOrder}
	if opts.Version != 0 {
		h.version = uint32(opts.Version)
	}
	if opts.ClusterSize != 0 {
		for h.clusterBits = 0; int64(1)<<h.clusterBits < opts.ClusterSize; {
			h.clusterBits++
		}
	}
	switch {
	case h.version != 2 && h.version != 3:
		return h, fail(op, ErrVersion, "%d", opts.Version)
	case h.clusterBits < minBits || h.clusterBits > maxBits || opts.ClusterSize&(opts.ClusterSize-1) != 0:
		return h, fail(op, ErrBadArgument, "cluster size %d", opts.ClusterSize)
	case size < 0 || size%sector != 0:
		return h, fail(op, ErrBadArgument, "virtual size %d is not a multiple of %d", size, sector)
	}
	n, ok := l1EntriesFor(h.size, h.clusterBits)
	if !ok {
		return h, fail(op, ErrTooLarge, "virtual size %d with clusters of %d", size, int64(1)<<h.clusterBits)
	}
	h.l1Entries = uint32(n)
	return h, nil
}

func (q *qcow2) WriteAt(p []byte, off int64) (int, error) {
	if err := span("write", off, int64(len(p)), q.Size()); err != nil {
		return 0, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.writable(); err != nil {
		return 0, err
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		in := at % q.cluster
		part := p[done:min(len(p), done+int(q.cluster-in))]
		if err := q.writePart(part, at, in); err != nil {
			return done, err
		}
		done += len(part)
	}
	return done, nil
}

// Zero frees whole clusters and writes zeros into parts of clusters that hold data.
func (q *qcow2) Zero(off, n int64) error {
	if err := span("zero", off, n, q.Size()); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.writable(); err != nil {
		return err
	}
	zeros := make([]byte, q.cluster)
	for end := off + n; off < end; {
		next, c, err := q.step(off)
		if err != nil {
			return err
		}
		if c.kind != hole {
			in := off % q.cluster
			if err := q.writePart(zeros[:min(q.cluster-in, end-off)], off, in); err != nil {
				return err
			}
		}
		off = next
	}
	return nil
}

// writable makes ready for the first write: refcounts in memory, the image marked dirty on disk.
func (q *qcow2) writable() error {
	const op = "write qcow2"
	switch {
	case q.f == nil:
		return &Error{Op: op, Reason: ErrReadOnly}
	case q.h.incompatible&featCorrupt != 0:
		return fail(op, ErrCorrupt, "marked so by its last user")
	case q.refs != nil && q.h.incompatible&featDirty != 0:
		return nil
	case q.refs == nil && q.h.incompatible&featDirty != 0:
		return fail(op, ErrCorrupt, "not closed properly, its refcounts cannot be trusted")
	case q.h.snapshots != 0:
		return fail(op, ErrFeature, "%d internal snapshots", q.h.snapshots)
	case q.h.refOrder != refcountOrder:
		return fail(op, ErrFeature, "refcounts of %d bits", 1<<q.h.refOrder)
	}
	if q.refs == nil {
		refs, err := loadRefcounts(q.r, q.h, q.length)
		if err != nil {
			return err
		}
		q.refs = refs
	}
	q.h.autoclear = 0
	return q.mark(q.h.incompatible | featDirty)
}

// mark writes the feature bits of a version 3 header; version 2 has none.
func (q *qcow2) mark(incompatible uint64) error {
	if q.h.version < 3 {
		return nil
	}
	q.h.incompatible = incompatible
	buf := make([]byte, 24)
	binary.BigEndian.PutUint64(buf, incompatible)
	if _, err := q.f.WriteAt(buf[:8], offIncompatible); err != nil {
		return err
	}
	binary.BigEndian.PutUint64(buf, q.h.autoclear)
	_, err := q.f.WriteAt(buf[:8], offAutoclear)
	return err
}

// writePart writes within one cluster. Zeros take no space: a hole stays one, and a cluster that is overwritten with
// nothing but zeros becomes one.
func (q *qcow2) writePart(p []byte, at, in int64) error {
	c, err := q.lookup(at)
	if err != nil {
		return err
	}
	zeros := allZero(p)
	whole := int64(len(p)) == min(q.cluster, q.Size()-at+in)
	switch {
	case zeros && c.kind == hole:
		return nil
	case zeros && whole:
		return q.replace(at, c, 0)
	case c.kind == plain:
		return q.put(p, c.off+in)
	}
	full := make([]byte, q.cluster)
	if c.kind == compressed {
		old, err := q.inflate(c.entry)
		if err != nil {
			return err
		}
		copy(full, old)
	}
	copy(full[in:], p)
	fresh := q.refs.alloc()
	if err := q.put(full, fresh); err != nil {
		return err
	}
	q.length = max(q.length, fresh+q.cluster)
	return q.replace(at, c, uint64(fresh)|entryCopied)
}

// replace puts a new entry into the L2 table and lets go of what the old one named.
func (q *qcow2) replace(at int64, old place, entry uint64) error {
	t, err := q.tableToWrite(at)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint64(t.raw[q.l2Index(at)*8:], entry)
	t.dirty = true
	switch {
	case old.kind == compressed:
		off, n := q.compressedAt(old.entry)
		q.inflated.data = nil
		return q.refs.release(off, n)
	case old.entry&entryOffset != 0:
		return q.refs.release(int64(old.entry&entryOffset), q.cluster)
	}
	return nil
}

// tableToWrite gives the L2 table of a virtual offset and makes one where there is none.
func (q *qcow2) tableToWrite(at int64) (*table, error) {
	t, err := q.tableFor(at)
	if err != nil || t != nil {
		return t, err
	}
	fresh := q.refs.alloc()
	t = &table{raw: make([]byte, q.cluster), dirty: true}
	q.length = max(q.length, fresh+q.cluster)
	q.l1[q.l1Index(at)] = uint64(fresh) | entryCopied
	q.l1Dirty = true
	return t, q.keep(fresh, t)
}

func (q *qcow2) writeTable(at int64, t *table) error {
	if !t.dirty {
		return nil
	}
	t.dirty = false
	_, err := q.f.WriteAt(t.raw, at)
	return err
}

// Flush writes L2 tables, L1, refcounts and header in this order, each durable before what refers to it.
func (q *qcow2) Flush() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.f == nil || q.refs == nil {
		return nil
	}
	for at, t := range q.tables {
		if err := q.writeTable(at, t); err != nil {
			return err
		}
	}
	if err := q.f.Sync(); err != nil {
		return err
	}
	if err := q.saveL1(); err != nil {
		return err
	}
	if err := q.saveRefcounts(); err != nil {
		return err
	}
	if err := q.f.Sync(); err != nil {
		return err
	}
	if err := q.mark(q.h.incompatible &^ featDirty); err != nil {
		return err
	}
	return q.f.Sync()
}

func (q *qcow2) saveL1() error {
	if !q.l1Dirty {
		return nil
	}
	raw := make([]byte, len(q.l1)*8)
	for i, e := range q.l1 {
		binary.BigEndian.PutUint64(raw[i*8:], e)
	}
	if _, err := q.f.WriteAt(raw, int64(q.h.l1Offset)); err != nil {
		return err
	}
	q.l1Dirty = false
	return nil
}

func (q *qcow2) saveRefcounts() error {
	moved, err := q.refs.settle()
	if err != nil {
		return err
	}
	if end := q.refs.end(); end > q.length {
		if err := q.f.Truncate(end); err != nil {
			return err
		}
		q.length = end
	}
	if err := q.refs.save(q.f); err != nil || !moved {
		return err
	}
	q.h.refOffset, q.h.refClusters = uint64(q.refs.table), uint32(q.refs.tableN)
	buf := make([]byte, 12)
	binary.BigEndian.PutUint64(buf, q.h.refOffset)
	binary.BigEndian.PutUint32(buf[8:], q.h.refClusters)
	_, err = q.f.WriteAt(buf, offRefcountTable)
	return err
}
