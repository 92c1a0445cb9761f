package luks

import (
	"context"
	"crypto/rand"
	"io"

	"github.com/google/uuid"
)

// Where the payload begins, in bytes (agent 12).
const (
	// CryptsetupOffset is what cryptsetup luksFormat chooses: data volumes. It is also the room that a StorPool volume
	// has beyond its CloudStack size.
	CryptsetupOffset int64 = 4096 * SectorSize
	// QemuOffset is what qemu-img chooses: root volumes.
	QemuOffset int64 = 4040 * SectorSize
)

// Iterations of PBKDF2.
const (
	// DefaultIterations is what a new container has unless told otherwise; opening takes a quarter of a second.
	DefaultIterations = 600_000
	// MinIterations is the least that a new container may have, and what scenarios use.
	MinIterations = 1000
)

const (
	opFormat = "format LUKS"

	stripes   = 4000
	keyBytes  = 64
	slotAlign = 4096
)

// Params are the choices for a new container. The zero value is what cryptsetup makes. The cipher is always
// aes-xts-plain64 with a 512-bit key and sha256 (agent 12).
type Params struct {
	PayloadOffset int64     // bytes, whole sectors, not below QemuOffset; 0 means CryptsetupOffset
	Iterations    int       // of the key slot; 0 means DefaultIterations
	Random        io.Reader // keys, salts and UUID come from it, always in the same order; nil means crypto/rand
	Cache         *Cache    // remembers what was derived; nil for none
}

// Target is what a container lies on: a file or a device. If it has a Sync method, Flush calls it.
type Target interface {
	io.ReaderAt
	io.WriterAt
}

// Format makes a container with one key slot on a target of size bytes and opens it. Everything before the payload is
// overwritten; the payload is not touched and so reads as noise until written. The first write removes the header that was
// there and the last one makes the new one, so that a target on which formatting broke off does not open.
// Errors: [ErrTooSmall], [ErrBadArgument], and those of target and random source.
func Format(ctx context.Context, t Target, size int64, passphrase []byte, p Params) (*Container, error) {
	return format(ctx, t, size, passphrase, p, design{hash: "sha256", keyBytes: keyBytes, stripes: stripes})
}

// design is what Params leaves fixed.
type design struct {
	hash     string
	keyBytes int
	stripes  int
}

func format(ctx context.Context, t Target, size int64, passphrase []byte, p Params, d design) (*Container, error) {
	p, err := p.orDefault(size, passphrase)
	if err != nil {
		return nil, err
	}
	volumeKey := make([]byte, d.keyBytes)
	defer Wipe(volumeKey)
	if _, err := io.ReadFull(p.Random, volumeKey); err != nil {
		return nil, &Error{Op: opFormat, Reason: err, Detail: "reading random bytes"}
	}
	h, err := newHeader(p, d, volumeKey)
	if err != nil {
		return nil, err
	}
	material, err := h.lock(0, volumeKey, passphrase, p)
	if err != nil {
		return nil, err
	}
	if h.UUID, err = newUUID(p.Random); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, &Error{Op: opFormat, Reason: err}
	}
	if err := write(t, &h, material); err != nil {
		return nil, err
	}
	c, err := newContainer(t, t, size, h, 0, volumeKey)
	if err != nil {
		return nil, err
	}
	return c, c.Flush()
}

func (p Params) orDefault(size int64, passphrase []byte) (Params, error) {
	if p.PayloadOffset == 0 {
		p.PayloadOffset = CryptsetupOffset
	}
	if p.Iterations == 0 {
		p.Iterations = DefaultIterations
	}
	if p.Random == nil {
		p.Random = rand.Reader
	}
	switch {
	case len(passphrase) == 0:
		return p, fail(opFormat, ErrBadArgument, "empty passphrase")
	case p.PayloadOffset%SectorSize != 0 || p.PayloadOffset < QemuOffset || p.PayloadOffset/SectorSize > 1<<32-1:
		return p, fail(opFormat, ErrBadArgument, "payload offset %d", p.PayloadOffset)
	case p.Iterations < MinIterations || int64(p.Iterations) > 1<<32-1:
		return p, fail(opFormat, ErrBadArgument, "%d iterations", p.Iterations)
	case size < p.PayloadOffset+SectorSize:
		return p, fail(opFormat, ErrTooSmall, "%d bytes, header takes %d", size, p.PayloadOffset)
	}
	return p, nil
}

// newHeader lays out a header with the digest of its volume key and without active slots.
func newHeader(p Params, d design, volumeKey []byte) (Header, error) {
	h := Header{
		Cipher: cipherAES, Mode: modeXTS, Hash: d.hash, KeyBytes: d.keyBytes, PayloadOffset: p.PayloadOffset,
		Iterations: uint32(max(p.Iterations/8, MinIterations)), // the tools' share for the digest
	}
	at := int64(slotAlign)
	for i := range h.Slots {
		h.Slots[i] = Slot{Offset: at, Stripes: uint32(d.stripes)}
		at = (h.slotEnd(i) + slotAlign - 1) / slotAlign * slotAlign
	}
	if _, err := io.ReadFull(p.Random, h.salt[:]); err != nil {
		return h, &Error{Op: opFormat, Reason: err, Detail: "reading random bytes"}
	}
	digest, err := h.deriver(p.Cache).key(volumeKey, h.salt[:], h.Iterations, digestSize)
	if err != nil {
		return h, &Error{Op: opFormat, Reason: err, Detail: "deriving the digest"}
	}
	copy(h.digest[:], digest)
	return h, nil
}

func (h *Header) deriver(c *Cache) deriver {
	f, _ := hashNamed(h.Hash)
	return deriver{name: h.Hash, hash: f, cache: c}
}

// lock activates a slot and gives the key material that belongs at its offset.
func (h *Header) lock(i int, volumeKey, passphrase []byte, p Params) ([]byte, error) {
	s, d := &h.Slots[i], h.deriver(p.Cache)
	if _, err := io.ReadFull(p.Random, s.salt[:]); err != nil {
		return nil, &Error{Op: opFormat, Reason: err, Detail: "reading random bytes"}
	}
	s.Active, s.Iterations = true, uint32(p.Iterations)
	key, err := d.key(passphrase, s.salt[:], s.Iterations, h.KeyBytes)
	if err != nil {
		return nil, &Error{Op: opFormat, Reason: err, Detail: "deriving the slot's key"}
	}
	defer Wipe(key)
	material, err := split(volumeKey, int(s.Stripes), d.hash, p.Random)
	if err != nil {
		return nil, &Error{Op: opFormat, Reason: err, Detail: "reading random bytes"}
	}
	c, err := newSectors(key)
	if err != nil {
		return nil, &Error{Op: opFormat, Reason: err}
	}
	c.encrypt(material, material, 0)
	return material, nil
}

func newUUID(random io.Reader) (string, error) {
	id, err := uuid.NewRandomFromReader(random)
	if err != nil {
		return "", &Error{Op: opFormat, Reason: err, Detail: "reading random bytes"}
	}
	return id.String(), nil
}

// write clears the room before the payload, from the front, so that whatever header was there is gone first; then come the
// material of slot 0 and, last, the header.
func write(t Target, h *Header, material []byte) error {
	zeros := make([]byte, min(h.PayloadOffset, 256<<10))
	for at := int64(0); at < h.PayloadOffset; at += int64(len(zeros)) {
		if err := writeFull(t, zeros[:min(int64(len(zeros)), h.PayloadOffset-at)], at); err != nil {
			return &Error{Op: opFormat, Reason: err, Detail: "clearing the header"}
		}
	}
	if err := writeFull(t, material, h.Slots[0].Offset); err != nil {
		return &Error{Op: opFormat, Reason: err, Detail: "writing key material"}
	}
	first := make([]byte, (HeaderSize+SectorSize-1)/SectorSize*SectorSize) // devices take whole sectors
	copy(first, h.encode())
	if err := writeFull(t, first, 0); err != nil {
		return &Error{Op: opFormat, Reason: err, Detail: "writing the header"}
	}
	return nil
}
