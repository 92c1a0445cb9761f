package image

import "io"

// Format names how contents are laid out in a file. It is always stated, never guessed.
type Format string

// The formats of this package.
const (
	Raw   Format = "raw"
	Qcow2 Format = "qcow2"
)

// File is what an image is stored in; *os.File is one.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
}

// Reader is the contents of a disk, readable by several goroutines.
type Reader interface {
	io.ReaderAt
	// Size is the virtual size in bytes: what a guest would see.
	Size() int64
	// NextData finds the first range at or after off that may hold something other than zeros. At the end both
	// are Size().
	NextData(off int64) (from, to int64, err error)
}

// Image is the contents of a disk that can also be changed.
type Image interface {
	Reader
	io.WriterAt
	// Zero makes a range read as zeros and gives its space back where the format can.
	Zero(off, n int64) error
	// Flush writes all tables and makes everything durable. An image that was written is complete only after it.
	Flush() error
}

// Options of a new qcow2 image. Raw images have none.
type Options struct {
	Version     int   // 2 or 3; 0 means 3
	ClusterSize int64 // bytes, a power of two from 512 to 2 MiB; 0 means 64 KiB
}

// Create makes an empty image of the given virtual size (bytes) in f and drops what f held.
func Create(f File, format Format, size int64, opts Options) (Image, error) {
	switch format {
	case Raw:
		return createRaw(f, size)
	case Qcow2:
		return createQcow2(f, size, opts)
	default:
		return nil, fail("create", ErrBadArgument, "format %q", format)
	}
}

// Open opens an image of the stated format for reading and writing. Length is the length of f in bytes.
func Open(f File, length int64, format Format) (Image, error) {
	switch format {
	case Raw:
		return &rawImage{rw: f, file: f, size: length}, nil
	case Qcow2:
		return openQcow2(f, f, length)
	default:
		return nil, fail("open", ErrBadArgument, "format %q", format)
	}
}

// OpenReader opens an image of the stated format for reading. Length is the number of bytes in r.
func OpenReader(r io.ReaderAt, length int64, format Format) (Reader, error) {
	switch format {
	case Raw:
		return &rawImage{rw: readOnly{r}, size: length}, nil
	case Qcow2:
		return openQcow2(r, nil, length)
	default:
		return nil, fail("open", ErrBadArgument, "format %q", format)
	}
}

// span checks that a request lies inside the image.
func span(op string, off int64, n, size int64) error {
	if off < 0 || n < 0 || off > size || n > size-off {
		return fail(op, ErrBadArgument, "%d bytes at %d of %d", n, off, size)
	}
	return nil
}

// clip shortens a read at the end of the image as io.ReaderAt asks.
func clip(p []byte, off, size int64) ([]byte, error) {
	if off < 0 {
		return nil, fail("read", ErrBadArgument, "offset %d", off)
	}
	if off >= size {
		return nil, io.EOF
	}
	if int64(len(p)) > size-off {
		return p[:size-off], io.EOF
	}
	return p, nil
}
