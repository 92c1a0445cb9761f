package driver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
)

// told is the answer of several clusters; an empty text is a cluster that fails.
func told(clusters ...string) string {
	out := make([]string, len(clusters))
	for i, data := range clusters {
		if out[i] = `{"response":{"data":[` + data + `]}}`; data == "" {
			out[i] = `{"clusterId":"x","error":{"name":"busy","descr":"down"}}`
		}
	}
	return `{"data":{"clusters":[` + strings.Join(out, ",") + `]}}`
}

// tell makes StorPool answer a list of all clusters with this text.
func (b *bench) tell(text string) {
	b.sp.Fault = func(name string, _ int) *fakeFault {
		if name == "AllClusters" {
			return &fakeFault{Body: text}
		}
		return nil
	}
	b.sp.made()
}

func space(name string, used, size int64) string {
	return fmt.Sprintf(`{"name":%q,"spaceUsed":%d,"size":%d}`, name, used, size)
}

func templateRoom(name string, capacity, free int64) string {
	return fmt.Sprintf(`{"name":%q,"stored":{"capacity":%d,"free":%d}}`, name, capacity, free)
}

func TestAVolumeIsFullUntilItsSpaceIsKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool := b.pool()
	b.change(func(tx *inventory.Tx) {
		tx.Volumes.Put(inventory.Volume{Pool: pool, Path: devPath("a.b.1"), Size: 100, State: inventory.VolumeReady})
		tx.Volumes.Put(inventory.Volume{Pool: pool, Path: devPath("a.b.2"), Size: 100, State: inventory.VolumeExpunged})
	})
	stats := func(id string) any {
		f, ok := b.GetVolumeStats(pool, devPath(id))
		if !ok {
			return "unknown"
		}
		return f
	}
	assert.Equal(t, Figures{100, 100}, stats("a.b.1"))
	assert.Equal(t, "unknown", stats("a.b.2"))
	b.tell(told(space("~a.b.1", 7, 100) + "," + space("*a.b.3", 1, 1) + "," + space("a.b.4@1", 1, 1)))
	require.NoError(t, b.CollectVolumeStats(t.Context()))
	assert.Equal(t, []fakeCall{{"AllClusters/VolumesSpace", ""}}, b.sp.made())
	assert.Equal(t, Figures{7, 100}, stats("a.b.1"))
	assert.Equal(t, "unknown", stats("a.b.3"))
	_, ok := b.GetVolumeStats(pool, "")
	assert.False(t, ok)
	_, ok = b.GetVolumeStats(99, devPath("a.b.1"))
	assert.False(t, ok)
}

func TestLastGoodFiguresOutliveAFailure(t *testing.T) {
	t.Parallel()
	for quirks, kept := range map[string]bool{"": true, "D-30a": false} {
		b := newBench(t, quirks)
		pool := b.pool()
		b.tell(told(space("~a.b.1", 7, 100), space("~a.b.2", 8, 100)))
		require.NoError(t, b.CollectVolumeStats(t.Context()))
		b.tell(told("", space("~a.b.2", 9, 100)))
		err := b.CollectVolumeStats(t.Context())
		assert.Equal(t, kept, err != nil, "a failed cluster is told: %v", err)
		_, ok := b.GetVolumeStats(pool, devPath("a.b.1"))
		assert.Equal(t, kept, ok, quirks)
		fresh, _ := b.GetVolumeStats(pool, devPath("a.b.2"))
		assert.Equal(t, Figures{9, 100}, fresh)
		b.tell(`{"error":{"name":"busy","descr":"x"}}`)
		require.Error(t, b.CollectVolumeStats(t.Context()))
		_, ok = b.GetVolumeStats(pool, devPath("a.b.2"))
		assert.Equal(t, kept, ok, quirks)
	}
}

func TestThePoolsCapacityFollowsItsTemplateOverAllClusters(t *testing.T) {
	t.Parallel()
	for quirks, want := range map[string]Figures{"": {90, 300}, "D-30c": {5, 10}} {
		b := newBench(t, quirks)
		pool := b.pool()
		_, ok, err := b.GetStorageStats(t.Context(), pool)
		require.NoError(t, err)
		assert.False(t, ok)
		b.tell(told(templateRoom("hdd", 100, 60)+","+templateRoom("ssd", 1, 1), templateRoom("hdd", 200, 150)))
		require.NoError(t, b.CollectStorageStats(t.Context()))
		got, ok, err := b.GetStorageStats(t.Context(), pool)
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, Figures{90, 300}, got)
		assert.EqualValues(t, 300, b.row(pool).Capacity)
		b.tell(told(templateRoom("hdd", 10, 5), ""))
		assert.Equal(t, quirks == "", b.CollectStorageStats(t.Context()) != nil)
		got, _, err = b.GetStorageStats(t.Context(), pool)
		require.NoError(t, err)
		assert.Equal(t, want, got, "half a sum is none")
	}
}

func TestEachEndpointSpeaksForItself(t *testing.T) {
	t.Parallel()
	for quirks, calls := range map[string]int{"": 2, "SUS-22": 1} {
		b := newBench(t, quirks)
		b.sp.Cluster = ""
		b.pool()
		for _, url := range []string{"storpool://42@10.0.0.2:81/hdd", "storpool://42@10.0.0.2:81/ssd"} {
			_, err := b.Initialize(t.Context(), PoolRequest{Name: "q", Zone: 1, URL: url, Capacity: 1})
			require.NoError(t, err)
		}
		b.tell(told(templateRoom("hdd", 100, 60)))
		require.NoError(t, b.CollectStorageStats(t.Context()))
		assert.Len(t, b.sp.made(), calls, quirks)
	}
}

func TestNothingIsCollectedWithAPeriodOfZero(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.pool()
	assert.True(t, b.CanProvideVolumeStats())
	assert.True(t, b.CanProvideStorageStats())
	b.change(func(tx *inventory.Tx) {
		tx.Details.Set(inventory.Global(), SettingVolumesStats, "0")
		tx.Details.Set(inventory.Global(), SettingStorageStats, "0")
	})
	assert.False(t, b.CanProvideVolumeStats())
	assert.False(t, b.CanProvideStorageStats())
	require.NoError(t, b.CollectVolumeStats(t.Context()))
	require.NoError(t, b.CollectStorageStats(t.Context()))
	assert.Empty(t, b.sp.made())
}
