package blocks

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pack returns what the images hold, with the root of each, -1 for none.
func pack(s *Store, images []*Image) (Contents, []int) {
	p, roots := NewPacker(), make([]int, len(images))
	for i, still := range s.Stills(images) {
		if roots[i] = -1; !still.Empty() {
			roots[i] = p.Add(still)
		}
	}
	return p.Contents, roots
}

// SaveAndLoad goes on with images made of the saved contents; the model does not notice.
func (c *contents) SaveAndLoad(t *rapid.T) {
	images := make([]*Image, len(c.all))
	for i, f := range c.all {
		images[i] = f.im
	}
	saved, roots := pack(c.store, images)
	c.store = NewStore()
	u, err := c.store.Unpack(saved)
	require.NoError(t, err)
	for i, f := range c.all {
		images[i], err = u.Image(roots[i], int64(len(f.data)), f.frozen)
		require.NoError(t, err)
		f.im = images[i]
	}
	for _, f := range c.all {
		if f.parent != nil {
			require.NoError(t, u.Adopt(f.parent.im, f.im))
		}
	}
	again, rootsAgain := pack(c.store, images)
	require.Equal(t, saved, again)
	require.Equal(t, roots, rootsAgain)
}

func TestWhatIsWrittenAfterAStillDoesNotShowInIt(t *testing.T) {
	t.Parallel()
	store := NewStore()
	im, err := store.New(64 * kib)
	require.NoError(t, err)
	write(t, im, 0, fill(1, 8*kib))
	stills := store.Stills([]*Image{im})
	write(t, im, 0, fill(2, 4*kib))
	require.NoError(t, im.Discard(4*kib, 4*kib))
	p := NewPacker()
	u, err := NewStore().Unpack(func() Contents { p.Add(stills[0]); return p.Contents }())
	require.NoError(t, err)
	loaded, err := u.Image(0, 64*kib, false)
	require.NoError(t, err)
	assert.Equal(t, fill(1, 8*kib), read(t, loaded, 0, 8*kib))
	assert.Equal(t, fill(2, 4*kib), read(t, im, 0, 4*kib))
}

func TestAChainIsSavedOnceForWhatItShares(t *testing.T) {
	t.Parallel()
	im := newImage(t, 1024*kib)
	write(t, im, 0, fill(1, 1024*kib))
	images := []*Image{im}
	for range 100 {
		images = append(images, snapshot(t, im))
	}
	saved, _ := pack(im.store, images)
	assert.Len(t, saved.Pages, 256)
	assert.Len(t, saved.Nodes, 5)
}

func TestContentsThatNoImageCanHaveAreRefused(t *testing.T) {
	t.Parallel()
	one := [][]byte{{1}}
	leaf := SavedNode{Pages: []int{0, 0}}
	high := []SavedNode{leaf}
	for i := range 12 {
		high = append(high, SavedNode{Nodes: []int{0, i}})
	}
	cases := []struct {
		what string
		c    Contents
		want string
	}{
		{"a page that is too long", Contents{Pages: [][]byte{make([]byte, PageSize+1)}}, "page 0 has 4097 bytes"},
		{"a node without anything", Contents{Nodes: []SavedNode{{}}}, "node 0: neither leaf nor inner node"},
		{"a node of both kinds", Contents{one, []SavedNode{{Pages: []int{0, 0}, Nodes: []int{0, 0}}}}, "node 0: both leaf and inner node"},
		{"a slot alone", Contents{one, []SavedNode{{Pages: []int{0}}}}, "node 0: a slot without number"},
		{"a slot beyond", Contents{one, []SavedNode{{Pages: []int{64, 0}}}}, "node 0: bad slot 64"},
		{"a slot twice", Contents{one, []SavedNode{{Pages: []int{3, 0, 3, 0}}}}, "node 0: bad slot 3"},
		{"an unknown page", Contents{one, []SavedNode{{Pages: []int{0, 1}}}}, "node 0: unknown number 1"},
		{"a node below itself", Contents{one, []SavedNode{{Nodes: []int{0, 0}}}}, "node 0: unknown number 0"},
		{"kids of two heights", Contents{one, []SavedNode{leaf, {Nodes: []int{0, 0}}, {Nodes: []int{0, 0, 1, 1}}}}, "node 2: kids of different heights"},
		{"a tree that is too high", Contents{one, high}, "node 10: the tree is too high"},
	}
	for _, c := range cases {
		_, err := NewStore().Unpack(c.c)
		require.ErrorIs(t, err, ErrContents, c.what)
		assert.EqualError(t, err, "bad saved contents: "+c.want, c.what)
	}
}

func TestRootsThatDoNotFitTheImageAreRefused(t *testing.T) {
	t.Parallel()
	u, err := NewStore().Unpack(Contents{[][]byte{{1}}, []SavedNode{{Pages: []int{2, 0}}, {Nodes: []int{1, 0}}}})
	require.NoError(t, err)
	_, err = u.Image(2, 4*kib, false)
	require.ErrorIs(t, err, ErrContents)
	_, err = u.Image(0, 8*kib, false)
	require.ErrorIs(t, err, ErrContents, "page 2 begins where the image ends")
	_, err = u.Image(1, 66*4*kib, false)
	require.ErrorIs(t, err, ErrContents, "page 66 as well")
	im, err := u.Image(1, 66*4*kib+1, false)
	require.NoError(t, err)
	assert.Equal(t, []byte{1, 0}, append(read(t, im, 66*4*kib, 1), read(t, im, 0, 1)...))
	require.ErrorIs(t, u.Adopt(im, im), ErrNotFrozen)
}
