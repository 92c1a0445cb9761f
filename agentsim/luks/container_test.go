package luks

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spsim/spsim/agentsim/image"
)

func TestAContainerIsAsGoodAsASliceOfBytes(t *testing.T) {
	t.Parallel()
	const size = 80 * kib
	cache := NewCache(1)
	first, fresh := formatted(t, size, Params{Iterations: MinIterations, Random: seeded(1), Cache: cache})
	require.NoError(t, first.Zero(0, size))
	rapid.Check(t, func(t *rapid.T) {
		d, model := &disk{b: bytes.Clone(fresh.b)}, make([]byte, size)
		c, err := Open(t.Context(), d, d.size(), passphrase(), Options{Cache: cache})
		require.NoError(t, err)
		span := func() (off, n int) {
			off = rapid.IntRange(0, size).Draw(t, "off")
			if rapid.Bool().Draw(t, "aligned") {
				off -= off % SectorSize
			}
			n = rapid.IntRange(0, min(size-off, rapid.SampledFrom([]int{700, 2 * kib, size}).Draw(t, "most"))).Draw(t, "n")
			return off, n
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				off, n := span()
				p := pattern(rapid.Byte().Draw(t, "seed"), n)
				kept := bytes.Clone(p)
				m, err := c.WriteAt(p, int64(off))
				require.NoError(t, err)
				require.Equal(t, n, m)
				require.Equal(t, kept, p, "the caller's bytes are not changed")
				copy(model[off:], p)
			},
			"zero": func(t *rapid.T) {
				off, n := span()
				require.NoError(t, c.Zero(int64(off), int64(n)))
				clear(model[off : off+n])
			},
			"read": func(t *rapid.T) {
				off, n := span()
				p := make([]byte, n)
				m, err := c.ReadAt(p, int64(off))
				if off < size {
					require.NoError(t, err)
				}
				require.Equal(t, n, m)
				require.Equal(t, model[off:off+n], p)
			},
			"reopen": func(t *rapid.T) {
				c, err = Open(t.Context(), d, d.size(), passphrase(), Options{Cache: cache})
				require.NoError(t, err)
			},
		})
		all := make([]byte, size)
		_, err = c.ReadAt(all, 0)
		require.NoError(t, err)
		require.Equal(t, model, all)
		require.Equal(t, fresh.b[:CryptsetupOffset], d.b[:CryptsetupOffset], "the header is never touched")
	})
}

func TestReadingKeepsTheRulesOfReaderAt(t *testing.T) {
	t.Parallel()
	c, _ := formatted(t, 8*kib, cheap())
	data := pattern(1, 8*kib)
	_, err := c.WriteAt(data, 0)
	require.NoError(t, err)
	require.NoError(t, iotest.TestReader(io.NewSectionReader(c, 0, c.Size()), data))
	p := make([]byte, 1000)
	n, err := c.ReadAt(p, c.Size()-100)
	assert.Equal(t, 100, n)
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, data[len(data)-100:], p[:n])
	n, err = c.ReadAt(p, c.Size())
	assert.Zero(t, n)
	assert.Equal(t, io.EOF, err)
	_, err = c.ReadAt(p, -1)
	assert.ErrorIs(t, err, ErrBadArgument)
}

func TestNothingIsWrittenBeyondTheEnd(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, 8*kib, cheap())
	before := bytes.Clone(d.b)
	for _, c := range []func() error{
		func() error { return second(c.WriteAt(make([]byte, 1), c.Size())) },
		func() error { return second(c.WriteAt(make([]byte, 9*kib), 0)) },
		func() error { return second(c.WriteAt(make([]byte, 512), -512)) },
		func() error { return c.Zero(-1, 1) },
		func() error { return c.Zero(0, -1) },
		func() error { return c.Zero(0, c.Size()+1) },
		func() error { return c.Zero(1, 1<<63-1) },
	} {
		assert.ErrorIs(t, c(), ErrBadArgument)
	}
	assert.Equal(t, before, d.b)
}

func TestAReaderCannotWrite(t *testing.T) {
	t.Parallel()
	w, d := formatted(t, 8*kib, cheap())
	_, err := w.WriteAt(pattern(1, 8*kib), 0)
	require.NoError(t, err)
	c, err := OpenReader(t.Context(), d, d.size(), passphrase(), Options{})
	require.NoError(t, err)
	assert.Equal(t, pattern(1, 8*kib), contents(t, c))
	_, err = c.WriteAt(make([]byte, 512), 0)
	assert.ErrorIs(t, err, ErrReadOnly)
	assert.ErrorIs(t, c.Zero(0, 512), ErrReadOnly)
	assert.NoError(t, c.Flush())
}

func TestAClosedContainerNeitherReadsNorWrites(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, 8*kib, cheap())
	require.NoError(t, c.Close())
	_, err := c.ReadAt(make([]byte, 1), 0)
	assert.ErrorIs(t, err, ErrClosed)
	_, err = c.WriteAt(make([]byte, 512), 0)
	assert.ErrorIs(t, err, ErrClosed)
	reopen(t, d, Options{})
}

func TestAContainerFollowsTheSizeOfItsDevice(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, 8*kib, cheap())
	_, err := c.WriteAt(pattern(1, 8*kib), 0)
	require.NoError(t, err)
	d.b = append(d.b, make([]byte, 8*kib+SectorSize-1)...)
	require.NoError(t, c.Resize(d.size()))
	assert.Equal(t, int64(16*kib), c.Size(), "whole sectors")
	_, err = c.WriteAt(pattern(2, 8*kib), 8*kib)
	require.NoError(t, err)
	assert.Equal(t, append(pattern(1, 8*kib), pattern(2, 8*kib)...), contents(t, reopen(t, d, Options{})))

	require.NoError(t, c.Resize(CryptsetupOffset+4*kib))
	assert.Equal(t, pattern(1, 4*kib), contents(t, c))
	assert.ErrorIs(t, c.Resize(CryptsetupOffset-1), ErrTooSmall)
	assert.Equal(t, int64(4*kib), c.Size())
}

func TestADeviceThatShrankUnderTheContainerIsAnUnexpectedEnd(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, 8*kib, cheap())
	d.b = d.b[:CryptsetupOffset+kib]
	n, err := c.ReadAt(make([]byte, 2*kib), 0)
	assert.Zero(t, n)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestWritesToPartsOfOneSectorDoNotLoseEachOther(t *testing.T) {
	t.Parallel()
	const size, part = 4 * kib, 64
	c, d := formatted(t, size, cheap())
	d.yields = true
	want := pattern(1, size)
	var wg sync.WaitGroup
	for off := 0; off < size; off += part {
		wg.Go(func() {
			_, err := c.WriteAt(want[off:off+part], int64(off))
			assert.NoError(t, err)
			_, err = c.ReadAt(make([]byte, part), int64(off))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, want, contents(t, reopen(t, d, Options{})))
}

func TestAWholeSectorIsNotLostToAPartOfIt(t *testing.T) {
	t.Parallel()
	const size, first = 64 * kib, 10
	c, d := formatted(t, size, cheap())
	d.yields = true
	want := pattern(1, size)
	var wg sync.WaitGroup
	for off := 0; off < size; off += SectorSize {
		wg.Go(func() {
			_, err := c.WriteAt(make([]byte, first), int64(off))
			assert.NoError(t, err)
		})
		wg.Go(func() {
			_, err := c.WriteAt(want[off:off+SectorSize], int64(off))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	got := contents(t, c)
	for off := 0; off < size; off += SectorSize {
		assert.Equal(t, want[off+first:off+SectorSize], got[off+first:off+SectorSize])
	}
}

func TestAnImageIsConvertedIntoAContainer(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "template"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	template, err := image.Create(f, image.Raw, mib, image.Options{})
	require.NoError(t, err)
	_, err = template.WriteAt(pattern(1, 100*kib), 300*kib)
	require.NoError(t, err)

	c, d := formatted(t, mib+8*kib, cheap())
	var target image.Image = c
	_, err = image.Convert(t.Context(), target, template, nil)
	require.NoError(t, err)
	want := make([]byte, mib)
	copy(want[300*kib:], pattern(1, 100*kib))
	assert.Equal(t, want, contents(t, reopen(t, d, Options{}))[:mib])
	from, to, err := c.NextData(5)
	require.NoError(t, err)
	assert.Equal(t, []int64{5, c.Size()}, []int64{from, to}, "a container has no holes")
	from, to, err = c.NextData(c.Size() + 1)
	require.NoError(t, err)
	assert.Equal(t, []int64{c.Size(), c.Size()}, []int64{from, to})
}
