package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

// pattern gives bytes that are the same for the same seed and hold no zero.
func pattern(seed uint64, n int) []byte {
	p := make([]byte, n+8)
	g := rand.NewPCG(seed, 7)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(p[i:], g.Uint64()|0x0101010101010101)
	}
	return p[:n:n]
}

func newFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "image"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func length(t *testing.T, f *os.File) int64 {
	t.Helper()
	st, err := f.Stat()
	require.NoError(t, err)
	return st.Size()
}

func contents(t *testing.T, r Reader) []byte {
	t.Helper()
	p := make([]byte, r.Size())
	_, err := r.ReadAt(p, 0)
	require.NoError(t, err)
	return p
}

func TestWhatIsWrittenIsReadBackAfterReopening(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		format Format
		opts   Options
	}{
		{"raw", Raw, Options{}},
		{"qcow2 version 3", Qcow2, Options{}},
		{"qcow2 version 2", Qcow2, Options{Version: 2}},
		{"qcow2 clusters of 512", Qcow2, Options{ClusterSize: 512}},
		{"qcow2 clusters of 4 KiB", Qcow2, Options{ClusterSize: 4096}},
		{"qcow2 clusters of 2 MiB", Qcow2, Options{ClusterSize: 2 * mib}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFile(t)
			const size = 9*mib + 512
			im, err := Create(f, c.format, size, c.opts)
			require.NoError(t, err)
			want := make([]byte, size)
			for i, w := range []struct{ off, n int }{
				{0, 100}, {65535, 2}, {mib, mib}, {3*mib + 7, 70000}, {size - 513, 513}, {mib + 100, 300},
			} {
				p := pattern(uint64(i), w.n)
				copy(want[w.off:], p)
				_, err := im.WriteAt(p, int64(w.off))
				require.NoError(t, err)
			}
			clear(want[mib+4096 : mib+300000])
			require.NoError(t, im.Zero(mib+4096, 300000-4096))
			require.NoError(t, im.Flush())

			again, err := OpenReader(f, length(t, f), c.format)
			require.NoError(t, err)
			assert.Equal(t, int64(size), again.Size())
			assert.True(t, bytes.Equal(want, contents(t, again)), "contents differ")
		})
	}
}

func TestReadingBehavesAsReaderAtAsks(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Raw, Qcow2} {
		im, err := Create(newFile(t), format, 1024, Options{})
		require.NoError(t, err)
		p := make([]byte, 2000)
		n, err := im.ReadAt(p, 24)
		assert.Equal(t, 1000, n)
		require.ErrorIs(t, err, io.EOF)
		_, err = im.ReadAt(p, 1024)
		require.ErrorIs(t, err, io.EOF)
		_, err = im.ReadAt(p, -1)
		require.ErrorIs(t, err, ErrBadArgument)
		_, err = im.WriteAt(p, 0)
		require.ErrorIs(t, err, ErrBadArgument)
		require.ErrorIs(t, im.Zero(1000, 25), ErrBadArgument)
		n, err = im.ReadAt(p[:1024], 0)
		assert.Equal(t, 1024, n)
		require.NoError(t, err)
	}
}

func TestZerosTakeNoSpace(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	im, err := Create(f, Qcow2, 64*mib, Options{})
	require.NoError(t, err)
	empty := length(t, f)
	_, err = im.WriteAt(make([]byte, 10*mib), 3)
	require.NoError(t, err)
	require.NoError(t, im.Flush())
	assert.Equal(t, empty, length(t, f))

	_, err = im.WriteAt(pattern(1, mib), 0)
	require.NoError(t, err)
	require.NoError(t, im.Flush())
	full := length(t, f)
	assert.Greater(t, full, empty+mib)
	require.NoError(t, im.Zero(0, mib))
	_, err = im.WriteAt(pattern(2, mib), 30*mib)
	require.NoError(t, err)
	require.NoError(t, im.Flush())
	assert.Equal(t, full, length(t, f), "freed clusters are used again")
}

func TestNextDataNamesWhatMayHoldData(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Raw, Qcow2} {
		im, err := Create(newFile(t), format, 1<<40, Options{})
		require.NoError(t, err)
		_, err = im.WriteAt(pattern(1, mib), 700*mib)
		require.NoError(t, err)
		require.NoError(t, im.Flush())
		from, to, err := im.NextData(0)
		require.NoError(t, err)
		assert.Equal(t, [2]int64{700 * mib, 701 * mib}, [2]int64{from, to}, format)
		from, to, err = im.NextData(to)
		require.NoError(t, err)
		assert.Equal(t, [2]int64{1 << 40, 1 << 40}, [2]int64{from, to}, format)
	}
}

func TestNothingIsProbed(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	_, err := Create(f, Qcow2, mib, Options{})
	require.NoError(t, err)
	n := length(t, f)
	r, err := OpenReader(f, n, Raw)
	require.NoError(t, err)
	assert.Equal(t, n, r.Size(), "a qcow2 header on a raw disk is data")
	_, err = OpenReader(f, n, "")
	require.ErrorIs(t, err, ErrBadArgument)
	_, err = Open(f, n, "auto")
	require.ErrorIs(t, err, ErrBadArgument)
	_, err = Create(f, "luks", n, Options{})
	require.ErrorIs(t, err, ErrBadArgument)
}

// disk is a block device in memory.
type disk struct {
	data      []byte
	discarded int64
	fail      error
}

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d.data).ReadAt(p, off)
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	if d.fail != nil {
		return 0, d.fail
	}
	return copy(d.data[off:], p), nil
}

func (d *disk) Discard(off, n int64) error {
	clear(d.data[off : off+n])
	d.discarded += n
	return nil
}

func TestConvertMakesTheTargetEqualAndKeepsHoles(t *testing.T) {
	t.Parallel()
	src := &disk{data: make([]byte, 8*mib)}
	copy(src.data[mib:], pattern(1, 2*mib+5))
	copy(src.data[7*mib:], pattern(2, mib))
	f := newFile(t)
	q, err := Create(f, Qcow2, int64(len(src.data)), Options{})
	require.NoError(t, err)
	var hooked int64
	moved, err := Convert(context.Background(), q, Device(src, int64(len(src.data))),
		func(_ context.Context, n int64) error { hooked += n; return nil })
	require.NoError(t, err)
	assert.Equal(t, int64(3*mib+grain), moved.Written)
	assert.Equal(t, moved.Read, hooked)
	assert.Less(t, length(t, f), int64(4*mib))

	dst := &disk{data: pattern(3, 9*mib)}
	tail := bytes.Clone(dst.data[8*mib:])
	r, err := OpenReader(f, length(t, f), Qcow2)
	require.NoError(t, err)
	moved, err = Convert(context.Background(), Device(dst, int64(len(dst.data))), r, nil)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(src.data, dst.data[:8*mib]), "old contents of the target shine through")
	assert.Equal(t, tail, dst.data[8*mib:], "the tail of a larger device is left alone")
	assert.Equal(t, dst.discarded, moved.Zeroed)
	assert.Equal(t, int64(3*mib+grain), moved.Read, "holes are not read")
}

func TestConvertRefusesASmallerTargetAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	src := Device(&disk{data: pattern(1, 4*mib)}, 4*mib)
	small := &disk{data: make([]byte, 4*mib-512)}
	_, err := Convert(context.Background(), Device(small, int64(len(small.data))), src, nil)
	require.ErrorIs(t, err, ErrTooSmall)
	assert.True(t, allZero(small.data))

	broken := errors.New("broken")
	_, err = Convert(context.Background(), Device(&disk{data: make([]byte, 4*mib), fail: broken}, 4*mib), src, nil)
	require.ErrorIs(t, err, broken)

	dst := &disk{data: make([]byte, 4*mib)}
	moved, err := Convert(context.Background(), Device(dst, 4*mib), src,
		func(context.Context, int64) error { return broken })
	require.ErrorIs(t, err, broken)
	assert.Equal(t, int64(mib), moved.Written)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Convert(ctx, Device(dst, 4*mib), src, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// sparse is a device that knows where its data is.
type sparse struct {
	disk
	from, to int64
	read     int
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	s.read += len(p)
	return s.disk.ReadAt(p, off)
}

func (s *sparse) NextData(off int64) (from, to int64, err error) {
	if off >= s.to {
		return int64(len(s.data)), int64(len(s.data)), nil
	}
	return max(off, s.from), s.to, nil
}

func TestHolesOfADeviceAreNotRead(t *testing.T) {
	t.Parallel()
	src := &sparse{disk: disk{data: make([]byte, 64*mib)}, from: 8 * mib, to: 9 * mib}
	copy(src.data[8*mib:], pattern(1, mib))
	dst := &disk{data: make([]byte, 64*mib)}
	_, err := Convert(context.Background(), Device(dst, 64*mib), Device(src, 64*mib), nil)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(src.data, dst.data))
	assert.Equal(t, mib, src.read)
}

// failing is a file of which one range cannot be read.
type failing struct {
	*memory
	from, to int64
	err      error
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if off < f.to && off+int64(len(p)) > f.from {
		return 0, f.err
	}
	return f.memory.ReadAt(p, off)
}

func TestWhatCannotBeReadIsAnErrorAndNotZeros(t *testing.T) {
	t.Parallel()
	m := written(t, Options{})
	broken := errors.New("broken")
	for at := int64(0); at < int64(len(m.data)); at += 64 << 10 {
		f := &failing{memory: m, from: at, to: at + 64<<10, err: broken}
		im, err := Open(f, int64(len(m.data)), Qcow2)
		if err == nil {
			p := make([]byte, 100)
			if _, err = im.ReadAt(p, 0); err == nil {
				assert.Equal(t, pattern(1, 100), p)
				_, err = im.WriteAt(p, 128<<10)
			}
		}
		require.ErrorIs(t, err, broken, "cluster at %d", at)
	}
}
