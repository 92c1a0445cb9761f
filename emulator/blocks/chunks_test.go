package blocks

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChunksTellWhereOwnDataIs(t *testing.T) {
	t.Parallel()
	const size = 3*ChunkSize + 100
	im, err := NewStore().New(size)
	require.NoError(t, err)
	assert.Empty(t, im.Chunks())
	write := func(im *Image, off, n int64) {
		_, err := im.WriteAt(make([]byte, n), off)
		require.NoError(t, err)
	}
	write(im, ChunkSize-4096, 8192)
	write(im, 3*ChunkSize, 100)
	want := []Chunk{{Index: 0, Bytes: 4096}, {Index: 1, Bytes: 4096}, {Index: 3, Bytes: 4096}}
	assert.Equal(t, want, im.Chunks())
	im.Chunks()[0].Bytes = 0
	assert.Equal(t, want, im.Chunks(), "the caller has a copy")

	snap, err := im.Snapshot()
	require.NoError(t, err)
	assert.Equal(t, want, snap.Chunks())
	assert.Empty(t, im.Chunks(), "all of it is the parent's")
	write(im, ChunkSize, 1)
	assert.Equal(t, []Chunk{{Index: 1, Bytes: 4096}}, im.Chunks())
	assert.Equal(t, im.Stored(), im.Chunks()[0].Bytes)

	small, err := NewStore().New(512)
	require.NoError(t, err)
	write(small, 0, 512)
	assert.Equal(t, []Chunk{{Index: 0, Bytes: 512}}, small.Chunks())
}
