package image

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// memory is a file in memory.
type memory struct{ data []byte }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, off)
}

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end > int64(len(m.data)) {
		m.data = append(m.data, make([]byte, end-int64(len(m.data)))...)
	}
	return copy(m.data[off:], p), nil
}

func (m *memory) Truncate(size int64) error {
	if size < int64(len(m.data)) {
		m.data = m.data[:size]
		return nil
	}
	m.data = append(m.data, make([]byte, size-int64(len(m.data)))...)
	return nil
}

func (m *memory) Sync() error { return nil }

func written(tb testing.TB, opts Options) *memory {
	tb.Helper()
	m := &memory{}
	im, err := Create(m, Qcow2, 256<<10, opts)
	require.NoError(tb, err)
	_, err = im.WriteAt(pattern(1, 100), 0)
	require.NoError(tb, err)
	require.NoError(tb, im.Flush())
	return m
}

func TestHostileHeadersAreRefused(t *testing.T) {
	t.Parallel()
	be := binary.BigEndian
	u32 := func(at int, v uint32) func([]byte) { return func(b []byte) { be.PutUint32(b[at:], v) } }
	u64 := func(at int, v uint64) func([]byte) { return func(b []byte) { be.PutUint64(b[at:], v) } }
	for name, c := range map[string]struct {
		change func([]byte)
		want   error
	}{
		"magic":                  {u32(0, 0x51464900), ErrNotQcow2},
		"version 1":              {u32(4, 1), ErrVersion},
		"version 4":              {u32(4, 4), ErrVersion},
		"backing file":           {u64(8, 4096), ErrBackingFile},
		"cluster bits 8":         {u32(20, 8), ErrCorrupt},
		"cluster bits 22":        {u32(20, 22), ErrCorrupt},
		"cluster bits 4 billion": {u32(20, 0xffffffff), ErrCorrupt},
		"size without an L1":     {u64(24, 1<<40), ErrCorrupt},
		"size beyond the limit":  {u64(24, 1<<58), ErrTooLarge},
		"size negative":          {u64(24, 1<<63), ErrTooLarge},
		"encrypted with AES":     {u32(32, 1), ErrEncrypted},
		"L1 of 32 GiB":           {u32(36, 0xffffffff), ErrTooLarge},
		"L1 larger than file":    {u32(36, 1<<21), ErrTruncated},
		"L1 past the file":       {u64(40, 1<<62), ErrTruncated},
		"L1 off the boundary":    {u64(40, 12345), ErrCorrupt},
		"refcounts past file":    {u64(48, 1<<40), ErrTruncated},
		"refcount table huge":    {u32(56, 0xffffffff), ErrTruncated},
		"unknown feature":        {u64(72, 1<<40), ErrFeature},
		"external data":          {u64(72, featDataFile), ErrDataFile},
		"refcount order 7":       {u32(96, 7), ErrCorrupt},
		"short header":           {u32(100, 80), ErrCorrupt},
		"compression":            {func(b []byte) { be.PutUint32(b[100:], 112); b[104] = 1 }, ErrFeature},
	} {
		m := written(t, Options{})
		c.change(m.data)
		_, err := OpenReader(m, int64(len(m.data)), Qcow2)
		require.ErrorIs(t, err, c.want, name)
		var typed *Error
		require.ErrorAs(t, err, &typed, name)
	}
	m := written(t, Options{})
	for _, n := range []int{0, 71, 72, 103} {
		_, err := OpenReader(bytes.NewReader(m.data[:n]), int64(n), Qcow2)
		require.Error(t, err)
	}
}

func TestTablesThatLeadOutsideTheFileAreErrors(t *testing.T) {
	t.Parallel()
	l1 := func(m *memory) int64 { return int64(binary.BigEndian.Uint64(m.data[40:])) }
	l2 := func(m *memory) int64 { return int64(binary.BigEndian.Uint64(m.data[l1(m):]) & entryOffset) }
	for name, c := range map[string]struct {
		change func(*memory)
		want   error
	}{
		"L2 past the end":   {func(m *memory) { binary.BigEndian.PutUint64(m.data[l1(m):], 1<<40) }, ErrTruncated},
		"L2 off boundary":   {func(m *memory) { binary.BigEndian.PutUint64(m.data[l1(m):], 512) }, ErrCorrupt},
		"data past the end": {func(m *memory) { binary.BigEndian.PutUint64(m.data[l2(m):], 1<<40) }, ErrTruncated},
		"data off boundary": {func(m *memory) { binary.BigEndian.PutUint64(m.data[l2(m):], 512) }, ErrCorrupt},
		"compressed past the end": {
			func(m *memory) { binary.BigEndian.PutUint64(m.data[l2(m):], entryCompressed|1<<40) },
			ErrTruncated,
		},
		"compressed rubbish": {
			func(m *memory) { binary.BigEndian.PutUint64(m.data[l2(m):], entryCompressed|uint64(l1(m)+8)) },
			ErrCorrupt,
		},
		"cut short": {func(m *memory) { m.data = m.data[:l2(m)+100] }, ErrTruncated},
	} {
		m := written(t, Options{})
		c.change(m)
		r, err := OpenReader(m, int64(len(m.data)), Qcow2)
		if err == nil {
			_, err = r.ReadAt(make([]byte, 10), 0)
		}
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestImagesThatCannotBeWrittenSafelyAreReadOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at   int
		v    uint64
		want error
	}{
		"dirty":     {72, featDirty, ErrCorrupt},
		"corrupt":   {72, featCorrupt, ErrCorrupt},
		"snapshots": {60, 1 << 32, ErrFeature},
		"refcounts": {96, 5<<32 | headerV3, ErrFeature},
	} {
		m := written(t, Options{})
		binary.BigEndian.PutUint64(m.data[c.at:], c.v)
		im, err := Open(m, int64(len(m.data)), Qcow2)
		require.NoError(t, err, name)
		p := make([]byte, 100)
		_, err = im.ReadAt(p, 0)
		require.NoError(t, err, name)
		assert.Equal(t, pattern(1, 100), p, name)
		before := bytes.Clone(m.data)
		_, err = im.WriteAt(p, 5000)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorIs(t, im.Zero(0, 512), c.want, name)
		require.NoError(t, im.Flush(), name)
		assert.Equal(t, before, m.data, name)
	}
	m := written(t, Options{})
	for _, format := range []Format{Raw, Qcow2} {
		r, err := OpenReader(m, int64(len(m.data)), format)
		require.NoError(t, err)
		_, err = r.(io.WriterAt).WriteAt([]byte{1}, 0)
		require.ErrorIs(t, err, ErrReadOnly)
	}
}

func TestAnImageThatWasNotFlushedIsMarkedDirty(t *testing.T) {
	t.Parallel()
	m := written(t, Options{})
	dirty := func() bool { return binary.BigEndian.Uint64(m.data[72:])&featDirty != 0 }
	require.False(t, dirty())
	im, err := Open(m, int64(len(m.data)), Qcow2)
	require.NoError(t, err)
	_, err = im.WriteAt([]byte{1}, 0)
	require.NoError(t, err)
	assert.True(t, dirty())
	require.NoError(t, im.Flush())
	assert.False(t, dirty())
}

func TestNewImagesCheckTheirOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size int64
		opts Options
		want error
	}{
		"version 1":      {512, Options{Version: 1}, ErrVersion},
		"small clusters": {512, Options{ClusterSize: 256}, ErrBadArgument},
		"large clusters": {512, Options{ClusterSize: 4 * mib}, ErrBadArgument},
		"odd clusters":   {512, Options{ClusterSize: 5000}, ErrBadArgument},
		"odd size":       {513, Options{}, ErrBadArgument},
		"negative size":  {-512, Options{}, ErrBadArgument},
		"too large":      {1 << 40, Options{ClusterSize: 512}, ErrTooLarge},
	} {
		_, err := Create(&memory{}, Qcow2, c.size, c.opts)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := Create(&memory{}, Raw, -1, Options{})
	require.ErrorIs(t, err, ErrBadArgument)
	im, err := Create(&memory{}, Qcow2, 0, Options{})
	require.NoError(t, err)
	assert.Zero(t, im.Size())
}

func TestAQcow2ImageBehavesLikeASliceOfBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 200).Draw(t, "sectors") * sector
		opts := Options{
			Version: rapid.IntRange(2, 3).Draw(t, "version"), ClusterSize: 512 << rapid.IntRange(0, 4).Draw(t, "bits"),
		}
		m, model := &memory{}, make([]byte, size)
		im, err := Create(m, Qcow2, int64(size), opts)
		require.NoError(t, err)
		part := func(t *rapid.T) (int, int) {
			off := rapid.IntRange(0, size).Draw(t, "off")
			return off, rapid.IntRange(0, min(size-off, 9000)).Draw(t, "n")
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				off, n := part(t)
				p := bytes.Repeat([]byte{rapid.SampledFrom([]byte{0, 1, 255}).Draw(t, "byte")}, n)
				copy(model[off:], p)
				_, err := im.WriteAt(p, int64(off))
				require.NoError(t, err)
			},
			"zero": func(t *rapid.T) {
				off, n := part(t)
				clear(model[off : off+n])
				require.NoError(t, im.Zero(int64(off), int64(n)))
			},
			"reopen": func(t *rapid.T) {
				require.NoError(t, im.Flush())
				im, err = Open(m, int64(len(m.data)), Qcow2)
				require.NoError(t, err)
			},
			"": func(t *rapid.T) {
				p := make([]byte, size)
				_, err := im.ReadAt(p, 0)
				if size > 0 {
					require.NoError(t, err)
				}
				require.True(t, bytes.Equal(model, p))
			},
		})
	})
}

func FuzzOpenQcow2(f *testing.F) {
	f.Add(written(f, Options{ClusterSize: 512}).data)
	f.Add(written(f, Options{Version: 2, ClusterSize: 1024}).data)
	f.Add(written(f, Options{ClusterSize: 4096}).data[:headerV3])
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &memory{data: bytes.Clone(data)}
		im, err := Open(m, int64(len(data)), Qcow2)
		if err != nil {
			return
		}
		p := make([]byte, 3000)
		for _, off := range []int64{0, 511, im.Size() / 2, im.Size() - 3000} {
			_, _ = im.ReadAt(p, max(off, 0))
		}
		_, _, _ = im.NextData(im.Size() - 1<<30)
		if _, err := im.WriteAt(p[:min(int64(len(p)), im.Size())], 0); err == nil {
			_ = im.Flush()
		}
		if len(m.data) > len(data)+(64<<20) {
			t.Fatalf("a file of %d bytes grew to %d", len(data), len(m.data))
		}
	})
}
