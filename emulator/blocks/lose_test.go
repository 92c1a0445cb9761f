package blocks

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// broken returns a snapshot of four pages that has lost all but the first, with a clone and a volume above it that was
// written in part.
func broken(t *testing.T) (s *Store, snap, clone, source *Image) {
	t.Helper()
	s = NewStore()
	source, err := s.New(64 * kib)
	require.NoError(t, err)
	write(t, source, 0, fill(7, 16*kib))
	require.NoError(t, source.Freeze())
	snap, err = source.Clone(64 * kib)
	require.NoError(t, err)
	require.NoError(t, snap.Rebase(nil))
	require.NoError(t, snap.Freeze())
	clone, err = snap.Clone(64 * kib)
	require.NoError(t, err)
	write(t, clone, 8*kib, fill(9, 4*kib))
	snap.Lose(1)
	return s, snap, clone, source
}

func TestWhatIsLostFailsInTheImageAndItsDescendantsOnly(t *testing.T) {
	t.Parallel()
	_, snap, clone, source := broken(t)
	page := make([]byte, PageSize)
	for _, c := range []struct {
		what string
		of   *Image
		off  int64
		want error
	}{
		{"the first page is kept", snap, 0, nil},
		{"the second is lost", snap, 4 * kib, ErrLost},
		{"holes are", snap, 32 * kib, nil},
		{"the clone keeps the first", clone, 0, nil},
		{"it loses the second", clone, 4 * kib, ErrLost},
		{"it has written the third", clone, 8 * kib, nil},
		{"the source keeps all", source, 4 * kib, nil},
	} {
		_, err := c.of.ReadAt(page, c.off)
		assert.ErrorIs(t, err, c.want, c.what)
	}
	assert.True(t, snap.Lost())
	assert.True(t, clone.Lost())
	assert.False(t, source.Lost())
}

func TestALostPageComesBackWhenItIsWrittenAsAWhole(t *testing.T) {
	t.Parallel()
	_, _, clone, _ := broken(t)
	_, err := clone.WriteAt([]byte("part"), 5*kib)
	require.ErrorIs(t, err, ErrLost)
	_, err = clone.WriteAt(fill(1, 6*kib), 4*kib)
	require.NoError(t, err, "its end is within the third page, which is there")
	require.ErrorIs(t, clone.Discard(13*kib, kib), ErrLost)
	require.NoError(t, clone.Discard(12*kib, 4*kib))
	all := make([]byte, 64*kib)
	_, err = clone.ReadAt(all, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(all[4*kib:10*kib], fill(1, 6*kib)))
	assert.False(t, clone.Lost())
}

func TestSnapshotsOfABrokenImageAreBroken(t *testing.T) {
	t.Parallel()
	_, _, clone, _ := broken(t)
	snap, err := clone.Snapshot()
	require.NoError(t, err)
	require.NoError(t, clone.Resize(13*kib), "the cut is within a lost page")
	for _, im := range []*Image{snap, clone} {
		_, err = im.ReadAt(make([]byte, kib), 12*kib)
		assert.ErrorIs(t, err, ErrLost)
	}
	before := clone.Stored()
	snap.Lose(100)
	assert.Equal(t, before, clone.Stored(), "nothing is behind what is kept")
}

func TestWhatIsLostIsLostAfterALoad(t *testing.T) {
	t.Parallel()
	s, snap, clone, _ := broken(t)
	saved, roots := pack(s, []*Image{snap, clone})
	u, err := NewStore().Unpack(saved)
	require.NoError(t, err)
	loaded, err := u.Image(roots[1], 64*kib, false)
	require.NoError(t, err)
	assert.True(t, loaded.Lost())
	_, err = loaded.ReadAt(make([]byte, 1), 4*kib)
	assert.ErrorIs(t, err, ErrLost)
	_, err = loaded.ReadAt(make([]byte, 1), 0)
	assert.NoError(t, err)
}
