package image

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

const sector = 512

// compressedAt splits the L2 entry of a compressed cluster: where its bytes begin and how many there are at most.
func (q *qcow2) compressedAt(e uint64) (off, n int64) {
	x := 62 - (q.h.clusterBits - 8)
	off = int64(e & (1<<x - 1))
	sectors := int64(e&(entryCompressed-1)) >> x
	return off, (sectors+1)*sector - off%sector
}

// inflate gives the contents of a compressed cluster; a slice of the image that the next call may change.
func (q *qcow2) inflate(e uint64) ([]byte, error) {
	if q.inflated.data != nil && q.inflated.entry == e {
		return q.inflated.data, nil
	}
	off, n := q.compressedAt(e)
	if off >= q.length {
		return nil, fail("read", ErrTruncated, "compressed cluster at %d in a file of %d", off, q.length)
	}
	raw := make([]byte, min(n, q.length-off))
	if err := readPadded(q.r, raw, off); err != nil {
		return nil, err
	}
	z := flate.NewReader(bytes.NewReader(raw))
	data := make([]byte, q.cluster)
	if _, err := io.ReadFull(z, data); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fail("read", ErrCorrupt, "compressed cluster at %d: %v", off, err)
	}
	q.inflated.entry, q.inflated.data = e, data
	return data, z.Close()
}
