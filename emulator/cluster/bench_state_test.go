//go:build unix

package cluster_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// BenchmarkB8StateLoad: load of the saved state of 100k volumes, checks included, against json.Unmarshal of the same
// bytes into the same types. Ratio: our time over theirs.
func BenchmarkB8StateLoad(b *testing.B) {
	c := large(b)
	createMany(b, c, 0, many, nameless)
	var text bytes.Buffer
	require.NoError(b, c.Save(&text))
	ours := func() {
		f, err := cluster.Load(bytes.NewReader(text.Bytes()), clock.Real{})
		require.NoError(b, err)
		require.Equal(b, many, f.Clusters()[0].Volumes().Len())
	}
	theirs := func() { require.NoError(b, cluster.UnmarshalState(text.Bytes())) }
	ours()
	theirs()
	for b.Loop() {
		ratios := make([]float64, rounds)
		for i := range ratios {
			ratios[i] = stopwatch(ours) / stopwatch(theirs)
		}
		report(b, ratios)
	}
}
