package blocks

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// flat is the model of an image: all of its bytes, and for each page an identity that tells who wrote it.
type flat struct {
	im     *Image
	data   []byte
	pages  map[int]int  // page -> identity of its contents
	own    map[int]bool // pages written since the last snapshot
	parent *flat
	frozen bool
}

func (f *flat) copyOf() *flat {
	c := &flat{data: bytes.Clone(f.data), pages: map[int]int{}, own: map[int]bool{}, parent: f}
	for i, id := range f.pages {
		c.pages[i] = id
	}
	return c
}

// stored counts the pages that the parent does not have.
func (f *flat) stored() (pages int) {
	for i, id := range f.pages {
		if f.parent == nil || f.parent.pages[i] != id {
			pages++
		}
	}
	return pages
}

func (f *flat) freed(all []*flat) (pages int) {
	for i, id := range f.pages {
		kept := f.parent != nil && f.parent.pages[i] == id
		for _, c := range all {
			kept = kept || c.parent == f && c.pages[i] == id
		}
		if !kept {
			pages++
		}
	}
	return pages
}

type contents struct {
	store *Store
	all   []*flat
	ids   int
}

func (c *contents) pick(t *rapid.T, frozen bool) *flat {
	var fit []*flat
	for _, f := range c.all {
		if f.frozen == frozen {
			fit = append(fit, f)
		}
	}
	if len(fit) == 0 {
		t.Skip("no such image")
	}
	return rapid.SampledFrom(fit).Draw(t, "image")
}

func (c *contents) touch(f *flat, page int) {
	if f.own[page] {
		return
	}
	c.ids++
	f.pages[page], f.own[page] = c.ids, true
}

func (f *flat) drop(page int) {
	delete(f.pages, page)
	delete(f.own, page)
}

const maxSize = 80 * PageSize // more than one leaf

func sizes() *rapid.Generator[int] {
	return rapid.OneOf(rapid.IntRange(0, maxSize), rapid.Custom(func(t *rapid.T) int {
		return rapid.IntRange(0, 80).Draw(t, "pages") * PageSize
	}))
}

// span draws an offset and a length inside the image.
func span(t *rapid.T, f *flat) (off, n int) {
	off = min(sizes().Draw(t, "off"), len(f.data))
	return off, min(sizes().Draw(t, "len"), len(f.data)-off)
}

func (c *contents) New(t *rapid.T) {
	size := sizes().Draw(t, "size")
	im, err := c.store.New(int64(size))
	require.NoError(t, err)
	c.all = append(c.all, &flat{im: im, data: make([]byte, size), pages: map[int]int{}, own: map[int]bool{}})
}

func (c *contents) Write(t *rapid.T) {
	f := c.pick(t, false)
	off, n := span(t, f)
	p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, n)
	got, err := f.im.WriteAt(p, int64(off))
	require.NoError(t, err)
	require.Equal(t, n, got)
	copy(f.data[off:], p)
	for i := off / PageSize; n > 0 && i <= (off+n-1)/PageSize; i++ {
		c.touch(f, i)
	}
}

func (c *contents) Discard(t *rapid.T) {
	f := c.pick(t, false)
	off, n := span(t, f)
	require.NoError(t, f.im.Discard(int64(off), int64(n)))
	c.discard(f, off, n)
}

func (c *contents) discard(f *flat, off, n int) {
	clear(f.data[off : off+n])
	for i := off / PageSize; n > 0 && i <= (off+n-1)/PageSize; i++ {
		if f.pages[i] == 0 {
			continue
		}
		from, to := i*PageSize, min((i+1)*PageSize, len(f.data))
		if len(bytes.TrimLeft(f.data[from:to], "\x00")) == 0 {
			f.drop(i)
		} else {
			c.touch(f, i)
		}
	}
}

func (c *contents) Resize(t *rapid.T) {
	f := c.pick(t, false)
	size := sizes().Draw(t, "size")
	require.NoError(t, f.im.Resize(int64(size)))
	c.resize(f, size)
}

func (c *contents) resize(f *flat, size int) {
	if size < len(f.data) {
		c.discard(f, size, len(f.data)-size)
		f.data = f.data[:size:size]
		return
	}
	f.data = append(f.data, make([]byte, size-len(f.data))...)
}

func (c *contents) Snapshot(t *rapid.T) {
	f := c.pick(t, false)
	im, err := f.im.Snapshot()
	require.NoError(t, err)
	s := f.copyOf()
	s.im, s.frozen, s.parent = im, true, f.parent
	f.parent, f.own = s, map[int]bool{}
	c.all = append(c.all, s)
}

func (c *contents) Clone(t *rapid.T) {
	s := c.pick(t, true)
	size := sizes().Draw(t, "size")
	im, err := s.im.Clone(int64(size))
	require.NoError(t, err)
	f := s.copyOf()
	f.im = im
	c.resize(f, size)
	c.all = append(c.all, f)
}

func (c *contents) Revert(t *rapid.T) {
	f, s := c.pick(t, false), c.pick(t, true)
	takeSize := rapid.Bool().Draw(t, "takeSize")
	require.NoError(t, f.im.Revert(s.im, takeSize))
	size := len(f.data)
	fresh := s.copyOf()
	f.data, f.pages, f.own, f.parent = fresh.data, fresh.pages, fresh.own, s
	if !takeSize {
		c.resize(f, size)
	}
}

func (c *contents) Freeze(t *rapid.T) {
	f := c.pick(t, false)
	require.NoError(t, f.im.Freeze())
	f.frozen = true
}

func (c *contents) Rebase(t *rapid.T) {
	f := c.pick(t, rapid.Bool().Draw(t, "frozen"))
	ancestors := []*flat{nil}
	for p := f.parent; p != nil; p = p.parent {
		ancestors = append(ancestors, p)
	}
	to := rapid.SampledFrom(ancestors).Draw(t, "to")
	var im *Image
	if to != nil {
		im = to.im
	}
	require.NoError(t, f.im.Rebase(im))
	f.parent = to
}

func (c *contents) Delete(t *rapid.T) {
	f := c.pick(t, rapid.Bool().Draw(t, "frozen"))
	f.im.Delete()
	rest := c.all[:0]
	for _, o := range c.all {
		if o.parent == f {
			o.parent = f.parent
		}
		if o != f {
			rest = append(rest, o)
		}
	}
	c.all = rest
}

func (c *contents) Check(t *rapid.T) {
	for _, f := range c.all {
		require.Equal(t, int64(len(f.data)), f.im.Size())
		got := bytes.Repeat([]byte{0xee}, len(f.data))
		if len(got) > 0 {
			_, err := f.im.ReadAt(got, 0)
			require.NoError(t, err)
		}
		require.True(t, bytes.Equal(f.data, got), "contents differ")
		capped := func(pages int) int64 { return min(int64(pages)*PageSize, int64(len(f.data))) }
		require.Equal(t, capped(len(f.pages)), f.im.Used(), "used")
		require.Equal(t, capped(f.stored()), f.im.Stored(), "stored")
		require.Equal(t, capped(f.freed(c.all)), f.im.Freed(), "freed")
		var extents int64
		for e := range f.im.Extents(0) {
			extents += e.Len
		}
		require.GreaterOrEqual(t, capped(len(f.pages)), extents, "extents")
	}
}

func TestImagesBehaveAsFlatSlices(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &contents{store: NewStore()}
		c.New(t)
		t.Repeat(rapid.StateMachineActions(c))
	})
}
