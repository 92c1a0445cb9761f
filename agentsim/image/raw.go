package image

import (
	"bytes"
	"io"
	"os"
)

type readWriterAt interface {
	io.ReaderAt
	io.WriterAt
}

// readOnly lets a reader stand where contents may be written; writes fail.
type readOnly struct{ io.ReaderAt }

func (readOnly) WriteAt([]byte, int64) (int, error) {
	return 0, &Error{Op: "write", Reason: ErrReadOnly}
}

// rawImage is contents without any layout: a raw file or a device.
type rawImage struct {
	rw      readWriterAt
	file    File                     // nil for devices and readers
	discard func(off, n int64) error // nil: zeros are written
	data    Extents                  // nil: everything may be data
	size    int64
}

func createRaw(f File, size int64) (Image, error) {
	if size < 0 {
		return nil, fail("create raw", ErrBadArgument, "size %d", size)
	}
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	return &rawImage{rw: f, file: f, size: size}, nil
}

// Block is a block device: it can forget a range, which then reads as zeros.
type Block interface {
	io.ReaderAt
	io.WriterAt
	Discard(off, n int64) error
}

// Extents is what a block device or file may offer besides: where its data is (see [Reader.NextData]).
type Extents interface {
	NextData(off int64) (from, to int64, err error)
}

// Device makes an image of a block device of size bytes. If b also implements [Extents], holes are not read.
func Device(b Block, size int64) Image {
	r := &rawImage{rw: b, discard: b.Discard, size: size}
	if e, ok := b.(Extents); ok {
		r.data = e
	}
	return r
}

func (r *rawImage) Size() int64 { return r.size }

func (r *rawImage) ReadAt(p []byte, off int64) (int, error) {
	q, end := clip(p, off, r.size)
	if len(q) == 0 {
		return 0, end
	}
	n, err := r.rw.ReadAt(q, off)
	if n == len(q) {
		return n, end
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *rawImage) WriteAt(p []byte, off int64) (int, error) {
	if err := span("write", off, int64(len(p)), r.size); err != nil {
		return 0, err
	}
	return r.rw.WriteAt(p, off)
}

func (r *rawImage) Zero(off, n int64) error {
	if err := span("zero", off, n, r.size); err != nil {
		return err
	}
	if r.discard != nil {
		return r.discard(off, n)
	}
	return r.zeroData(off, off+n)
}

// zeroData writes zeros where the file has data and leaves its holes alone.
func (r *rawImage) zeroData(off, end int64) error {
	zeros := make([]byte, min(end-off, 1<<20))
	for off < end {
		from, to, err := r.NextData(off)
		if err != nil {
			return err
		}
		if from >= end {
			return nil
		}
		for off, to = from, min(to, end); off < to; off += int64(len(zeros)) {
			if _, err := r.rw.WriteAt(zeros[:min(int64(len(zeros)), to-off)], off); err != nil {
				return err
			}
		}
		off = to
	}
	return nil
}

func (r *rawImage) NextData(off int64) (from, to int64, err error) {
	switch {
	case off >= r.size:
		return r.size, r.size, nil
	case r.data != nil:
		from, to, err = r.data.NextData(off)
		return min(from, r.size), min(to, r.size), err
	default:
		if f, ok := r.backing().(*os.File); ok {
			return fileData(f, off, r.size)
		}
		return off, r.size, nil
	}
}

// backing is the thing under the image, without the wrapper that refuses writes.
func (r *rawImage) backing() any {
	if ro, ok := r.rw.(readOnly); ok {
		return ro.ReaderAt
	}
	return r.rw
}

func (r *rawImage) Flush() error {
	if r.file != nil {
		return r.file.Sync()
	}
	if s, ok := r.rw.(interface{ Sync() error }); ok {
		return s.Sync()
	}
	return nil
}

// allZero compares the buffer with itself shifted by one byte, which runs at memory speed.
func allZero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && bytes.Equal(p[1:], p[:len(p)-1])
}
