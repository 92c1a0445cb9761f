package blocks

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	tib = int64(1) << 40
)

func newImage(t *testing.T, size int64) *Image {
	t.Helper()
	im, err := NewStore().New(size)
	require.NoError(t, err)
	return im
}

func write(t *testing.T, im *Image, off int64, p []byte) {
	t.Helper()
	n, err := im.WriteAt(p, off)
	require.NoError(t, err)
	require.Len(t, p, n)
}

func read(t *testing.T, im *Image, off, n int64) []byte {
	t.Helper()
	p := bytes.Repeat([]byte{0xee}, int(n))
	_, err := im.ReadAt(p, off)
	require.NoError(t, err)
	return p
}

func snapshot(t *testing.T, im *Image) *Image {
	t.Helper()
	s, err := im.Snapshot()
	require.NoError(t, err)
	return s
}

func clone(t *testing.T, s *Image, size int64) *Image {
	t.Helper()
	c, err := s.Clone(size)
	require.NoError(t, err)
	return c
}

func fill(b byte, n int64) []byte { return bytes.Repeat([]byte{b}, int(n)) }

func TestWritesAreReadBackAtEveryScaleOfOffset(t *testing.T) {
	t.Parallel()
	im := newImage(t, 1<<55)
	offsets := []int64{0, 511, 4095, 256*kib - 1, 16*mib - 1, 1<<30 - 1, 1<<36 - 1, tib - 1, 1<<42 - 1, 1<<55 - 3}
	for i, off := range offsets {
		write(t, im, off, []byte{byte(i), 0xaa, byte(i)})
	}
	for i, off := range offsets {
		assert.Equal(t, []byte{byte(i), 0xaa, byte(i)}, read(t, im, off, 3), "offset %d", off)
	}
	assert.Equal(t, fill(0, 64), read(t, im, 123*tib, 64), "never written")
}

func TestUnwrittenDataReadsAsTheParentsAndBeyondItAsZeros(t *testing.T) {
	t.Parallel()
	im := newImage(t, 10*kib)
	write(t, im, 0, fill(1, 10*kib))
	c := clone(t, snapshot(t, im), 20*kib)
	assert.Equal(t, append(fill(1, 10*kib), fill(0, 10*kib)...), read(t, c, 0, 20*kib))
}

func TestSnapshotsAndClonesAreIndependentOfLaterWrites(t *testing.T) {
	t.Parallel()
	im := newImage(t, mib)
	write(t, im, 0, fill(1, mib))
	s := snapshot(t, im)
	c := clone(t, s, mib)
	write(t, im, 100, fill(2, 5000))
	write(t, c, 300*kib, fill(3, 5000))
	assert.Equal(t, fill(1, mib), read(t, s, 0, mib))
	assert.Equal(t, fill(2, 5000), read(t, im, 100, 5000))
	assert.Equal(t, fill(1, 5000), read(t, im, 300*kib, 5000))
	assert.Equal(t, fill(3, 5000), read(t, c, 300*kib, 5000))
	assert.Equal(t, fill(1, 5000), read(t, c, 100, 5000))
}

func TestACloneCanBeSmallerAndDoesNotRememberTheTail(t *testing.T) {
	t.Parallel()
	im := newImage(t, 20*kib)
	write(t, im, 0, fill(1, 20*kib))
	c := clone(t, snapshot(t, im), 5*kib)
	require.NoError(t, c.Resize(20*kib))
	assert.Equal(t, append(fill(1, 5*kib), fill(0, 15*kib)...), read(t, c, 0, 20*kib))
}

func TestShrinkingDiscardsTheTail(t *testing.T) {
	t.Parallel()
	im := newImage(t, mib)
	write(t, im, 0, fill(1, mib))
	require.NoError(t, im.Resize(300*kib+512))
	assert.Equal(t, 304*kib-3584, im.Used())
	require.NoError(t, im.Resize(mib))
	assert.Equal(t, append(fill(1, 300*kib+512), fill(0, 724*kib-512)...), read(t, im, 0, mib))
}

func TestRevertTakesTheContentsAndOnRequestTheSize(t *testing.T) {
	t.Parallel()
	im := newImage(t, 20*kib)
	write(t, im, 0, fill(1, 20*kib))
	s := snapshot(t, im)
	write(t, im, 0, fill(2, 20*kib))
	require.NoError(t, im.Resize(8*kib))

	require.NoError(t, im.Revert(s, false))
	assert.Equal(t, 8*kib, im.Size())
	assert.Equal(t, fill(1, 8*kib), read(t, im, 0, 8*kib))
	require.NoError(t, im.Resize(20*kib))
	assert.Equal(t, fill(0, 12*kib), read(t, im, 8*kib, 12*kib), "the tail was cut off")

	require.NoError(t, im.Resize(40*kib))
	require.NoError(t, im.Revert(s, true))
	assert.Equal(t, 20*kib, im.Size())
	assert.Equal(t, fill(1, 20*kib), read(t, im, 0, 20*kib))
	write(t, im, 0, fill(3, 20*kib))
	assert.Equal(t, fill(1, 20*kib), read(t, s, 0, 20*kib), "the snapshot stays")
}

func TestSpaceIsOwnInheritedAndFreed(t *testing.T) {
	t.Parallel()
	im := newImage(t, mib)
	write(t, im, 0, fill(1, 512*kib))
	s1 := snapshot(t, im)
	write(t, im, 256*kib, fill(2, 512*kib))
	s2 := snapshot(t, im)
	require.NoError(t, im.Discard(0, 4*kib))

	assert.Equal(t, []int64{512 * kib, 512 * kib, 0}, []int64{s1.Stored(), s2.Stored(), im.Stored()})
	assert.Equal(t, []int64{512 * kib, 768 * kib, 764 * kib}, []int64{s1.Used(), s2.Used(), im.Used()})
	assert.Equal(t, 256*kib, s1.Freed(), "half of it is overwritten in the child")
	assert.Equal(t, int64(0), s2.Freed())

	c := clone(t, s1, mib)
	assert.Equal(t, int64(0), s1.Freed(), "the clone shows all of it")
	require.NoError(t, c.Discard(256*kib, 256*kib))
	assert.Equal(t, 256*kib, s1.Freed(), "the clone shows as little as the other child")
	c.Delete()

	s1.Delete()
	assert.Equal(t, 768*kib, s2.Stored(), "what it shows of the deleted parent is its own now")
	s2.Delete()
	assert.Equal(t, 764*kib, im.Stored())
}

func TestSpaceIsInPagesButNeverMoreThanTheSize(t *testing.T) {
	t.Parallel()
	im := newImage(t, 5*kib)
	write(t, im, 0, []byte{1})
	assert.Equal(t, 4*kib, im.Stored())
	write(t, im, 5*kib-1, []byte{1})
	assert.Equal(t, []int64{5 * kib, 5 * kib}, []int64{im.Stored(), im.Used()})
	s := snapshot(t, im)
	im.Delete()
	assert.Equal(t, 5*kib, s.Freed())
}

func TestDiscardsOfSectorsGiveAPageBackOnceItIsAllZeros(t *testing.T) {
	t.Parallel()
	im := newImage(t, 8*kib)
	write(t, im, 0, fill(7, 8*kib))
	for off := int64(0); off < 4*kib; off += 512 {
		assert.Equal(t, 8*kib, im.Used())
		require.NoError(t, im.Zero(off, 512))
	}
	assert.Equal(t, 4*kib, im.Used())
	assert.Equal(t, append(fill(0, 4*kib), fill(7, 4*kib)...), read(t, im, 0, 8*kib))
}

func TestAPageCanBeWrittenAgainAfterItsDiscard(t *testing.T) {
	t.Parallel()
	im := newImage(t, 12*kib)
	write(t, im, 0, fill(1, 12*kib))
	require.NoError(t, im.Discard(4*kib, 4*kib))
	write(t, im, 5*kib, fill(2, kib))
	assert.Equal(t, slices.Concat(fill(1, 4*kib), fill(0, kib), fill(2, kib), fill(0, 2*kib), fill(1, 4*kib)), read(t, im, 0, 12*kib))
	assert.Equal(t, 12*kib, im.Stored())
}

func TestDiscardingEverythingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	im := newImage(t, tib-512)
	write(t, im, 0, []byte{1})
	write(t, im, 1<<35, []byte{1})
	require.NoError(t, im.Discard(512, 1<<35+kib))
	require.NoError(t, im.Discard(0, 512))
	assert.Nil(t, im.tree.root)
}

func TestSpaceIsComparedWithATallerAndWithALowerParent(t *testing.T) {
	t.Parallel()
	im := newImage(t, tib)
	write(t, im, 0, fill(1, 8*kib))
	low := snapshot(t, im)
	write(t, im, 1<<39, fill(2, 4*kib))
	assert.Equal(t, 4*kib, im.Stored(), "grown beyond its parent")
	snapshot(t, im)
	require.NoError(t, im.Discard(0, tib))
	write(t, im, 4*kib, fill(3, 4*kib))
	assert.Equal(t, 4*kib, im.Stored(), "written anew, lower than its parent")
	c := clone(t, low, tib)
	require.NoError(t, c.Discard(0, 4*kib))
	write(t, c, 1<<39, fill(2, 4*kib))
	assert.Equal(t, 4*kib, c.Stored())
	assert.Equal(t, int64(0), low.Freed(), "its other child shows all of it")
}

func TestExtentsAreTheRangesWithData(t *testing.T) {
	t.Parallel()
	im := newImage(t, tib+512)
	var want []Extent
	for i := range int64(3000) { // more than one batch
		off := i * 8 * kib
		write(t, im, off, []byte{1})
		want = append(want, Extent{Off: off, Len: 4 * kib})
	}
	write(t, im, 100*mib-1, []byte{1, 1})
	write(t, im, tib+511, []byte{1})
	want = append(want, Extent{Off: 100*mib - 4*kib, Len: 8 * kib}, Extent{Off: tib, Len: 512})

	assert.Equal(t, want, slices.Collect(im.Extents(0)))
	assert.Equal(t, want[2998:], slices.Collect(im.Extents(want[2998].Off)))
	for e := range im.Extents(0) {
		assert.Equal(t, want[0], e)
		break
	}
}

func TestAGroupIsFrozenAtOneMoment(t *testing.T) {
	t.Parallel()
	store := NewStore()
	a, err := store.New(4 * kib)
	require.NoError(t, err)
	b, err := store.New(4 * kib)
	require.NoError(t, err)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // b follows a, so no moment shows b ahead of a
		defer close(done)
		for i := byte(1); ; i = i%200 + 1 {
			for _, im := range []*Image{a, b} {
				_, werr := im.WriteAt([]byte{i}, 0)
				assert.NoError(t, werr)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for range 200 {
		snaps, serr := store.SnapshotAll(b, a)
		require.NoError(t, serr)
		va, vb := read(t, snaps[1], 0, 1)[0], read(t, snaps[0], 0, 1)[0]
		assert.True(t, va == vb || va == vb%200+1, "a has %d and b %d", va, vb)
	}
	close(stop)
	<-done
}

func TestAccessIsSafeForManyAtOnceAndAWriteIsSeenWhole(t *testing.T) {
	t.Parallel()
	im := newImage(t, 4*mib)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 100 {
				off := int64((g*7 + i) % 60 * 10000)
				_, err := im.WriteAt(fill(byte(g+1), 10000), off)
				assert.NoError(t, err)
				assert.NoError(t, im.Discard(off+2*mib, 5000))
			}
		})
		all.Go(func() {
			for i := range 60 {
				p := make([]byte, 10000)
				_, err := im.ReadAt(p, int64(i*10000))
				assert.NoError(t, err)
				assert.Equal(t, fill(p[0], 10000), p)
				if i%10 == g {
					s, serr := im.Snapshot()
					assert.NoError(t, serr)
					assert.LessOrEqual(t, s.Stored(), s.Used())
					assert.GreaterOrEqual(t, s.Freed(), int64(0))
					_ = im.Stored()
					if i%20 == g {
						s.Delete()
					}
				}
			}
		})
	}
	all.Wait()
}

func TestMisuseIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	store := NewStore()
	im, err := store.New(4 * kib)
	require.NoError(t, err)
	write(t, im, 0, fill(1, 4*kib))
	snap := snapshot(t, im)
	other, err := store.New(kib)
	require.NoError(t, err)
	gone, err := store.New(kib)
	require.NoError(t, err)
	gone.Delete()
	gone.Delete()
	ones := []byte{2, 2}

	_, writeBeyond := im.WriteAt(ones, 4*kib-1)
	_, writeBefore := im.WriteAt(ones, -1)
	_, readBefore := im.ReadAt(ones, -1)
	_, writeFrozen := snap.WriteAt(ones, 0)
	_, readGone := gone.ReadAt(ones, 0)
	_, cloneOpen := im.Clone(kib)
	_, cloneNegative := snap.Clone(-1)
	_, newNegative := store.New(-1)
	_, snapFrozen := snap.Snapshot()
	_, twice := store.SnapshotAll(im, other, im)
	_, oneFrozen := store.SnapshotAll(im, snap)
	cases := []struct {
		what      string
		got, want error
	}{
		{"write beyond the end", writeBeyond, ErrOutOfRange},
		{"write before the start", writeBefore, ErrOutOfRange},
		{"read before the start", readBefore, ErrOutOfRange},
		{"discard beyond the end", im.Discard(0, 4*kib+1), ErrOutOfRange},
		{"discard that overflows", im.Discard(kib, 1<<63-1), ErrOutOfRange},
		{"negative discard", im.Discard(0, -1), ErrOutOfRange},
		{"negative size", im.Resize(-1), ErrOutOfRange},
		{"new with negative size", newNegative, ErrOutOfRange},
		{"clone with negative size", cloneNegative, ErrOutOfRange},
		{"write to a snapshot", writeFrozen, ErrFrozen},
		{"discard of a snapshot", snap.Discard(0, 1), ErrFrozen},
		{"resize of a snapshot", snap.Resize(1), ErrFrozen},
		{"revert of a snapshot", snap.Revert(snap, false), ErrFrozen},
		{"freeze of a snapshot", snap.Freeze(), ErrFrozen},
		{"snapshot of a snapshot", snapFrozen, ErrFrozen},
		{"snapshot of a group with one", oneFrozen, ErrFrozen},
		{"clone of a volume", cloneOpen, ErrNotFrozen},
		{"revert to a volume", im.Revert(other, false), ErrNotFrozen},
		{"revert to itself", im.Revert(im, false), ErrNotFrozen},
		{"revert to a deleted one", im.Revert(gone, false), ErrDeleted},
		{"read of a deleted one", readGone, ErrDeleted},
		{"resize of a deleted one", gone.Resize(1), ErrDeleted},
		{"rebase to a stranger", im.Rebase(other), ErrNotAncestor},
		{"group with one twice", twice, ErrTwice},
	}
	for _, c := range cases {
		assert.ErrorIs(t, c.got, c.want, c.what)
	}
	assert.Equal(t, fill(1, 4*kib), read(t, im, 0, 4*kib))
	assert.Equal(t, int64(0), im.Stored(), "nothing was snapped or written meanwhile")
	assert.EqualError(t, writeBeyond, "write of 2 bytes at 4095: out of range: the image has 4096 bytes")
}

func TestReadsEndAtTheEnd(t *testing.T) {
	t.Parallel()
	im := newImage(t, 1000)
	write(t, im, 990, fill(5, 10))
	got, err := io.ReadAll(io.NewSectionReader(im, 0, 1<<40))
	require.NoError(t, err)
	assert.Equal(t, append(fill(0, 990), fill(5, 10)...), got)
}

func TestAFrozenImageCanBeAParent(t *testing.T) {
	t.Parallel()
	im := newImage(t, 4*kib)
	write(t, im, 0, fill(1, 4*kib))
	require.NoError(t, im.Freeze())
	assert.Equal(t, fill(1, 4*kib), read(t, clone(t, im, 4*kib), 0, 4*kib))
}

func TestRebaseKeepsTheContentsAndMovesTheAccount(t *testing.T) {
	t.Parallel()
	im := newImage(t, 64*kib)
	write(t, im, 0, fill(1, 8*kib))
	s1 := snapshot(t, im)
	write(t, im, 8*kib, fill(2, 8*kib))
	s2 := snapshot(t, im)
	write(t, im, 16*kib, fill(3, 8*kib))
	require.NoError(t, im.Rebase(s1))
	assert.Equal(t, 16*kib, im.Stored())
	assert.Equal(t, 8*kib, s2.Freed(), "no child needs it any more")
	require.NoError(t, im.Rebase(nil))
	assert.Equal(t, 24*kib, im.Stored())
	s2.Delete()
	s1.Delete()
	want := append(append(fill(1, 8*kib), fill(2, 8*kib)...), fill(3, 8*kib)...)
	assert.Equal(t, want, read(t, im, 0, 24*kib))
}
