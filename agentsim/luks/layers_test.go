package luks

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nested puts containers of one passphrase into one another around data.
func nested(t *testing.T, layers int, data []byte) []byte {
	t.Helper()
	for range layers {
		c, d := formatted(t, int64(len(data)), Params{Iterations: MinIterations, PayloadOffset: QemuOffset})
		_, err := c.WriteAt(data, 0)
		require.NoError(t, err)
		data = d.b
	}
	return data
}

func TestLayersAreCounted(t *testing.T) {
	t.Parallel()
	plain := pattern(1, 4*kib)
	for layers := range 4 {
		b := nested(t, layers, plain)
		c, n, err := Unwrap(t.Context(), bytes.NewReader(b), int64(len(b)), passphrase(), Options{})
		require.NoError(t, err)
		assert.Equal(t, layers, n)
		if layers == 0 {
			assert.Nil(t, c)
		} else {
			assert.Equal(t, plain, contents(t, c))
		}
		found, err := Detect(bytes.NewReader(b))
		require.NoError(t, err)
		assert.Equal(t, layers > 0, found)
	}
}

func TestALayerThatDoesNotOpenIsReportedWithTheCountSoFar(t *testing.T) {
	t.Parallel()
	inner, innerDisk := formatted(t, 4*kib, cheap())
	require.NoError(t, inner.Close())
	d := newDisk(QemuOffset + innerDisk.size())
	c, err := Format(t.Context(), d, d.size(), []byte("other"), Params{Iterations: MinIterations, PayloadOffset: QemuOffset})
	require.NoError(t, err)
	_, err = c.WriteAt(innerDisk.b, 0)
	require.NoError(t, err)

	n, err := Layers(t.Context(), d, d.size(), []byte("other"), Options{})
	assert.Equal(t, 1, n)
	assert.ErrorIs(t, err, ErrPassphrase)
	n, err = Layers(t.Context(), d, d.size(), passphrase(), Options{})
	assert.Zero(t, n)
	assert.ErrorIs(t, err, ErrPassphrase)
}

func TestAContainerWithoutItsTailIsNoLayer(t *testing.T) {
	t.Parallel()
	n, err := Layers(t.Context(), bytes.NewReader(magic()), 6, passphrase(), Options{})
	assert.Zero(t, n)
	assert.ErrorIs(t, err, ErrTruncated)
	n, err = Layers(t.Context(), bytes.NewReader(magic()[:5]), 5, passphrase(), Options{})
	assert.Zero(t, n)
	assert.NoError(t, err)
}

func TestCountingLayersEnds(t *testing.T) {
	t.Parallel()
	b := nested(t, maxLayers+1, pattern(1, SectorSize))
	n, err := Layers(t.Context(), bytes.NewReader(b), int64(len(b)), passphrase(), Options{})
	assert.Equal(t, maxLayers, n)
	assert.ErrorIs(t, err, ErrLimit)
}
