package image

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	cryptLUKS      = 2          // crypt_method
	extensionCrypt = 0x0537be77 // where the LUKS header is
	maxExtensions  = 64

	// Beyond is the size of the device of a container that is spread over an image: larger than any file.
	Beyond int64 = 1 << 60
)

// Clusters are the clusters of an encrypted image in plain, at their offsets in the file.
type Clusters interface {
	io.ReaderAt
	io.WriterAt
}

// Unlock opens the encryption of an image.
type Unlock func(Enclosed) (Clusters, error)

// OpenEncrypted opens a qcow2 image whose clusters are encrypted with LUKS, for reading and writing. The LUKS header is
// inside the image. Errors: those of [Open] and of unlock; [ErrFeature] for another kind of encryption, and
// [ErrNotEncrypted] for none.
func OpenEncrypted(f File, length int64, unlock Unlock) (Image, error) {
	return openEncrypted(f, f, length, unlock)
}

// OpenEncryptedReader is [OpenEncrypted] for reading only.
func OpenEncryptedReader(r io.ReaderAt, length int64, unlock Unlock) (Reader, error) {
	return openEncrypted(r, nil, length, unlock)
}

func openEncrypted(r io.ReaderAt, f File, length int64, unlock Unlock) (*qcow2, error) {
	q, err := openQcow2As(r, f, length, cryptLUKS)
	if err != nil {
		return nil, err
	}
	e := Enclosed{r: r, w: f}
	if e.header, e.length, err = findCrypt(r, q.h, length); err != nil {
		return nil, err
	}
	q.data, err = unlock(e)
	return q, err
}

// findCrypt finds the LUKS header among the extensions of an image.
func findCrypt(r io.ReaderAt, h header, length int64) (off, n int64, err error) {
	const op = "open qcow2"
	be := binary.BigEndian
	at := int64(h.headerLength)
	for range maxExtensions {
		var b [8]byte
		if err := readFull(r, b[:], at); err != nil {
			return 0, 0, err
		}
		kind, size := be.Uint32(b[:]), int64(be.Uint32(b[4:]))
		if kind == 0 {
			break
		}
		if kind != extensionCrypt {
			if at += 8 + (size+7)/8*8; at > 1<<h.clusterBits {
				break
			}
			continue
		}
		var where [16]byte
		if size != int64(len(where)) {
			return 0, 0, fail(op, ErrCorrupt, "encryption extension of %d bytes", size)
		}
		if err := readFull(r, where[:], at+8); err != nil {
			return 0, 0, err
		}
		o, l := be.Uint64(where[:]), be.Uint64(where[8:])
		if o%(1<<h.clusterBits) != 0 || !within(o, l, length) {
			return 0, 0, fail(op, ErrTruncated, "LUKS header of %d bytes at %d in a file of %d", l, o, length)
		}
		return int64(o), int64(l), nil
	}
	return 0, 0, fail(op, ErrCorrupt, "encrypted, and no header extension says where the key is")
}

// CreateEncrypted makes an empty qcow2 image with room for a LUKS header of so many bytes, which lock writes.
func CreateEncrypted(f File, size int64, opts Options, header int64, lock Unlock) (Image, error) {
	if opts.Version == 2 {
		return nil, fail("create qcow2", ErrBadArgument, "LUKS needs version 3")
	}
	return createQcow2With(f, size, opts, func(q *qcow2) (err error) {
		off := q.refs.allocRun((header + q.cluster - 1) / q.cluster)
		if q.data, err = lock(Enclosed{r: f, w: f, header: off, length: header}); err != nil {
			return err
		}
		q.h.crypt = cryptLUKS
		buf := make([]byte, 24+8) // and the end of extensions
		be := binary.BigEndian
		be.PutUint32(buf, extensionCrypt)
		be.PutUint32(buf[4:], 16)
		be.PutUint64(buf[8:], uint64(off))
		be.PutUint64(buf[16:], uint64(header))
		_, err = f.WriteAt(buf, headerV3)
		return err
	})
}

// Enclosed is the place of a LUKS container in an image.
type Enclosed struct {
	r      io.ReaderAt
	w      io.WriterAt
	header int64
	length int64
}

// Header is the LUKS header.
func (e Enclosed) Header() *io.SectionReader { return io.NewSectionReader(e.r, e.header, e.length) }

// Device shows the image as the device of a container whose payload begins at an offset: the header is the one inside
// the image, and the sector numbers of the payload are those of the file. Its size is [Beyond].
func (e Enclosed) Device(payload int64) (Clusters, error) {
	if payload > e.length {
		return nil, fail("open qcow2", ErrCorrupt, "LUKS header of %d bytes in %d", payload, e.length)
	}
	return &space{e, payload}, nil
}

type space struct {
	Enclosed
	payload int64
}

// at translates an offset of the container, and tells how much may follow.
func (s *space) at(off int64, n int) (int64, int) {
	if off >= s.payload {
		return off - s.payload, n
	}
	return s.header + off, int(min(int64(n), s.payload-off))
}

func (s *space) ReadAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		at, n := s.at(off+int64(done), len(p)-done)
		k, err := s.r.ReadAt(p[done:done+n], at)
		if k < n && !errors.Is(err, io.EOF) {
			return done + k, err
		}
		clear(p[done+k : done+n]) // the last cluster of a file may be cut short
		done += n
	}
	return len(p), nil
}

func (s *space) WriteAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		at, n := s.at(off+int64(done), len(p)-done)
		k, err := s.w.WriteAt(p[done:done+n], at)
		if err != nil {
			return done + k, err
		}
		done += n
	}
	return len(p), nil
}
