package luks

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted derives a key and counts how often.
func counted(n *int, key string) func() ([]byte, error) {
	return func() ([]byte, error) { *n++; return []byte(key), nil }
}

func TestACacheDerivesEachKeyOnce(t *testing.T) {
	t.Parallel()
	c, n := NewCache(1), 0
	for range 3 {
		key, err := c.get(counted(&n, "ab"), []byte("a"), []byte("b"))
		require.NoError(t, err)
		assert.Equal(t, "ab", string(key))
		Wipe(key) // what is handed out is a copy
	}
	assert.Equal(t, 1, n)
	_, err := c.get(counted(&n, "ab"), []byte("ab"), nil)
	require.NoError(t, err)
	assert.Equal(t, 2, n, "parts are told apart")
}

func TestACacheForgetsTheOldestAndWipesIt(t *testing.T) {
	t.Parallel()
	c, n := NewCache(1), 0
	_, err := c.get(counted(&n, "key"), []byte("0"))
	require.NoError(t, err)
	oldest := c.keys[c.order[0]]
	for i := range entriesPerOpen + 1 {
		_, err := c.get(counted(&n, "key"), fmt.Appendf(nil, "%d", i))
		require.NoError(t, err)
	}
	assert.Len(t, c.keys, entriesPerOpen)
	assert.Equal(t, make([]byte, 3), oldest)
	n = 0
	_, err = c.get(counted(&n, "key"), []byte("1"))
	require.NoError(t, err)
	assert.Zero(t, n)
	_, err = c.get(counted(&n, "key"), []byte("0"))
	require.NoError(t, err)
	assert.Equal(t, 1, n)

	held := c.keys[c.order[0]]
	c.Forget()
	assert.Equal(t, make([]byte, 3), held)
	assert.Empty(t, c.keys)
	assert.Empty(t, c.order)
	(*Cache)(nil).Forget()
}

func TestFailuresAreNotRemembered(t *testing.T) {
	t.Parallel()
	c := NewCache(1)
	_, err := c.get(func() ([]byte, error) { return nil, errDevice }, []byte("a"))
	assert.ErrorIs(t, err, errDevice)
	n := 0
	_, err = c.get(counted(&n, "key"), []byte("a"))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func TestOpeningAgainWithACacheDerivesNothing(t *testing.T) {
	t.Parallel()
	cache := NewCache(4)
	p := cheap()
	p.Cache = cache
	_, d := formatted(t, SectorSize, p)
	assert.Len(t, cache.order, 2, "formatting knows the slot's key and the digest")
	reopen(t, d, Options{Cache: cache})
	assert.Len(t, cache.order, entriesPerOpen)
	reopen(t, d, Options{Cache: cache})
	assert.Len(t, cache.order, entriesPerOpen)

	for range 2 {
		_, err := Open(t.Context(), d, d.size(), []byte("wrong"), Options{Cache: cache})
		assert.ErrorIs(t, err, ErrPassphrase)
	}
	assert.Len(t, cache.order, 2*entriesPerOpen)
	for _, key := range cache.keys {
		assert.False(t, bytes.Contains(key, passphrase()))
	}
}

func TestACacheIsSharedByManyContainers(t *testing.T) {
	t.Parallel()
	cache := NewCache(2)
	var disks []*disk
	for i := range 4 {
		_, d := formatted(t, SectorSize, Params{Iterations: MinIterations, Random: seeded(byte(i)), Cache: cache})
		disks = append(disks, d)
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			d := disks[i%len(disks)]
			_, err := Open(t.Context(), d, d.size(), passphrase(), Options{Cache: cache})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, len(cache.keys), 2*entriesPerOpen)
}
