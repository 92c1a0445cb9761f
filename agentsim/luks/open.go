package luks

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
)

const opOpen = "open LUKS"

// Options of opening a container.
type Options struct {
	Limits Limits
	Cache  *Cache // remembers what was derived; nil for none
}

// Limits bounds what opening may cost when the header comes from somebody else. A field left at zero has its default.
type Limits struct {
	// Iterations of PBKDF2 that the worst attempt may take: those of all active slots, and of the digest once for each.
	// The default, 32 million, is some ten seconds.
	Iterations int64
	// Stripes in a key slot; memory for the key material is stripes times the key's size. The default is 4,000, the
	// number that every tool uses.
	Stripes int
}

func (l Limits) orDefault() Limits {
	if l.Iterations == 0 {
		l.Iterations = 32 << 20
	}
	if l.Stripes == 0 {
		l.Stripes = stripes
	}
	return l
}

// Open opens a container on a target of size bytes. Active key slots are tried in order; what an attempt may cost is
// bounded by the options, and the context is looked at between slots.
// Errors: [ErrPassphrase], those of [ReadHeader], and the target's own.
func Open(ctx context.Context, t Target, size int64, passphrase []byte, o Options) (*Container, error) {
	return open(ctx, t, t, size, passphrase, o)
}

// OpenReader is [Open] without the right to write: writing fails with [ErrReadOnly].
func OpenReader(ctx context.Context, r io.ReaderAt, size int64, passphrase []byte, o Options) (*Container, error) {
	return open(ctx, r, nil, size, passphrase, o)
}

func open(ctx context.Context, r io.ReaderAt, w io.WriterAt, size int64, passphrase []byte, o Options) (*Container, error) {
	h, err := ReadHeader(r, size, o)
	if err != nil {
		return nil, err
	}
	for i := range h.Slots {
		if !h.Slots[i].Active {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, &Error{Op: opOpen, Reason: err}
		}
		key, err := h.try(r, i, passphrase, o.Cache)
		if errors.Is(err, ErrPassphrase) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer Wipe(key)
		return newContainer(r, w, size, h, i, key)
	}
	return nil, &Error{Op: opOpen, Reason: ErrPassphrase}
}

// try gives the volume key if the passphrase fits slot i, ErrPassphrase if not.
func (h *Header) try(r io.ReaderAt, i int, passphrase []byte, cache *Cache) ([]byte, error) {
	s, d := h.Slots[i], h.deriver(cache)
	material := make([]byte, h.slotEnd(i)-s.Offset)
	if err := readFull(r, material, s.Offset); err != nil {
		return nil, fail(opOpen, err, "reading key slot %d", i)
	}
	slotKey, err := d.key(passphrase, s.salt[:], s.Iterations, h.KeyBytes)
	if err != nil {
		return nil, fail(opOpen, err, "deriving the key of slot %d", i)
	}
	defer Wipe(slotKey)
	volumeKey, err := d.unlock(material, slotKey)
	if err != nil {
		return nil, fail(opOpen, err, "unlocking slot %d", i)
	}
	digest, err := d.key(volumeKey, h.salt[:], h.Iterations, digestSize)
	if err != nil {
		return nil, &Error{Op: opOpen, Reason: err, Detail: "deriving the digest"}
	}
	if subtle.ConstantTimeCompare(digest, h.digest[:]) != 1 {
		Wipe(volumeKey)
		return nil, ErrPassphrase
	}
	return volumeKey, nil
}
