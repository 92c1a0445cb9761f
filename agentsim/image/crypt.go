package image

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/spsim/spsim/agentsim/luks"
)

const (
	cryptLUKS      = 2          // crypt_method
	extensionCrypt = 0x0537be77 // where the LUKS header is
	maxExtensions  = 64
	// beyond is the size of the space of a LUKS container that is spread over an image: larger than any file.
	beyond = 1 << 60
)

// OpenEncrypted opens a qcow2 image whose clusters are encrypted with LUKS, for reading and writing. The LUKS header is
// inside the image. Errors: those of [Open] and of luks.Open; [ErrFeature] for another kind of encryption, and
// [ErrNotEncrypted] for none.
func OpenEncrypted(ctx context.Context, f File, length int64, passphrase []byte, o luks.Options) (Image, error) {
	return openEncrypted(ctx, f, f, length, passphrase, o)
}

// OpenEncryptedReader is [OpenEncrypted] for reading only.
func OpenEncryptedReader(ctx context.Context, r io.ReaderAt, length int64, passphrase []byte, o luks.Options) (Reader, error) {
	return openEncrypted(ctx, r, nil, length, passphrase, o)
}

func openEncrypted(ctx context.Context, r io.ReaderAt, f File, length int64, passphrase []byte, o luks.Options) (*qcow2, error) {
	q, err := openQcow2As(r, f, length, cryptLUKS)
	if err != nil {
		return nil, err
	}
	s := &space{r: r, w: f, length: length}
	if s.header, s.headerLength, err = findCrypt(r, q.h, length); err != nil {
		return nil, err
	}
	h, err := luks.ReadHeader(io.NewSectionReader(r, s.header, s.headerLength), beyond, o)
	if err != nil {
		return nil, err
	}
	if s.payload = h.PayloadOffset; s.payload > s.headerLength {
		return nil, fail("open qcow2", ErrCorrupt, "LUKS header of %d bytes in %d", s.payload, s.headerLength)
	}
	if f == nil {
		q.data, err = luks.OpenReader(ctx, s, beyond, passphrase, o)
	} else {
		q.data, err = luks.Open(ctx, s, beyond, passphrase, o)
	}
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

// CreateEncrypted makes an empty qcow2 image whose clusters are encrypted with a new LUKS container (agent 12).
func CreateEncrypted(
	ctx context.Context, f File, size int64, passphrase []byte, opts Options, p luks.Params,
) (Image, error) {
	if opts.Version == 2 {
		return nil, fail("create qcow2", ErrBadArgument, "LUKS needs version 3")
	}
	p.PayloadOffset = luks.QemuOffset
	made, err := createQcow2With(f, size, opts, func(q *qcow2) error {
		off := q.refs.allocRun((p.PayloadOffset + q.cluster - 1) / q.cluster)
		s := &space{r: f, w: f, header: off, headerLength: p.PayloadOffset, payload: p.PayloadOffset}
		var err error
		if q.data, err = luks.Format(ctx, s, beyond, passphrase, p); err != nil {
			return err
		}
		q.h.crypt = cryptLUKS
		buf := make([]byte, 24+8) // and the end of extensions
		be := binary.BigEndian
		be.PutUint32(buf, extensionCrypt)
		be.PutUint32(buf[4:], 16)
		be.PutUint64(buf[8:], uint64(off))
		be.PutUint64(buf[16:], uint64(p.PayloadOffset))
		_, err = f.WriteAt(buf, headerV3)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// space lets a LUKS container see an image as a device: its header lies somewhere in the file, and the sector numbers
// of its payload are those of the file.
type space struct {
	r            io.ReaderAt
	w            io.WriterAt
	header       int64
	headerLength int64
	payload      int64
	length       int64
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
