package luks

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

var errDevice = errors.New("device is gone")

// disk is a device in memory that can fail and remembers how often it was written.
type disk struct {
	mu     sync.Mutex
	b      []byte
	writes int
	failAt int // the number of the write that fails, from 1
	gone   bool
	badAt  int64 // reads that begin here fail; 0 for none
	synced int
	yields bool // lets others run after each read
}

func newDisk(size int64) *disk { return &disk{b: make([]byte, size)} }

func (d *disk) size() int64 { return int64(len(d.b)) }

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	if d.yields {
		defer runtime.Gosched()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone || off == d.badAt && off > 0 {
		return 0, errDevice
	}
	if off >= int64(len(d.b)) {
		return 0, io.EOF
	}
	n := copy(p, d.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.gone || d.writes == d.failAt {
		return 0, errDevice
	}
	return copy(d.b[off:], p), nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced++
	return nil
}

// seeded gives the same bytes for the same number.
func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func pattern(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = seeded(seed).Read(b)
	return b
}

func passphrase() []byte {
	return []byte("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0")
}

func cheap() Params { return Params{Iterations: MinIterations, Random: seeded(1)} }

// formatted is a container of so many bytes of payload, and the device below.
func formatted(tb testing.TB, payload int64, p Params) (*Container, *disk) {
	tb.Helper()
	if p.PayloadOffset == 0 {
		p.PayloadOffset = CryptsetupOffset
	}
	d := newDisk(p.PayloadOffset + payload)
	c, err := Format(context.Background(), d, d.size(), passphrase(), p)
	require.NoError(tb, err)
	return c, d
}

func reopen(tb testing.TB, d *disk, o Options) *Container {
	tb.Helper()
	c, err := Open(context.Background(), d, d.size(), passphrase(), o)
	require.NoError(tb, err)
	return c
}

func contents(tb testing.TB, c *Container) []byte {
	tb.Helper()
	b := make([]byte, c.Size())
	_, err := c.ReadAt(b, 0)
	require.NoError(tb, err)
	return b
}
