package story_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/story"
)

// rounds is how often both sides alternate; the median of the ratios counts.
const rounds = 5

// BenchmarkB11Stories compares the actions a second of made-up scenarios, with driver, emulator, agents, model and the
// invariants after each, with those of the same machine on the model alone.
func BenchmarkB11Stories(b *testing.B) {
	for b.Loop() {
		actions(b, false, 10)
		ratios, rates := make([]float64, rounds), make([]float64, rounds)
		for i := range ratios {
			alone := actions(b, true, 400)
			rates[i] = actions(b, false, 40)
			ratios[i] = rates[i] / alone
		}
		slices.Sort(ratios)
		slices.Sort(rates)
		median := ratios[rounds/2]
		b.ReportMetric(median, "ratio")
		b.ReportMetric((ratios[rounds-1]-ratios[0])/median, "spread")
		b.ReportMetric(rates[rounds/2], "actions/s")
	}
}

// actions returns the actions a second of some stories.
func actions(b *testing.B, alone bool, cases int) float64 {
	b.Helper()
	var n atomic.Int64
	start := time.Now()
	found, err := story.Search(story.Plan{Options: story.Options{Alone: alone, Actions: &n}, Seed: 1, Cases: cases, Steps: 30})
	require.NoError(b, err)
	require.Nil(b, found)
	return float64(n.Load()) / time.Since(start).Seconds()
}
