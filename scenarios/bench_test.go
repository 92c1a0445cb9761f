package scenarios

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/features"
)

// rounds is how often the suite and the empty suite alternate; the median of the ratios counts.
const rounds = 5

// BenchmarkB10Suite compares the scenarios a second of the whole suite, invariants on, with those of the same feature
// files with steps that do nothing, matched against as many compiled patterns.
func BenchmarkB10Suite(b *testing.B) {
	paths, err := files()
	require.NoError(b, err)
	idle := idlePatterns()
	for b.Loop() {
		suite(b)
		ratios := make([]float64, rounds)
		rates := make([]float64, rounds)
		for i := range ratios {
			theirs := emptySuite(b, paths, idle)
			rates[i] = suite(b)
			ratios[i] = rates[i] / theirs
		}
		slices.Sort(ratios)
		slices.Sort(rates)
		median := ratios[rounds/2]
		b.ReportMetric(median, "ratio")
		b.ReportMetric((ratios[rounds-1]-ratios[0])/median, "spread")
		b.ReportMetric(rates[rounds/2], "scenarios/s")
	}
}

// suite returns the scenarios a second of the whole suite.
func suite(b *testing.B) float64 {
	b.Helper()
	start := time.Now()
	r, err := Run(b.Context(), Options{Seed: 1})
	require.NoError(b, err)
	return float64(len(r.Scenarios)) / time.Since(start).Seconds()
}

// idlePatterns are as many patterns as the steps have; the last one matches everything.
func idlePatterns() []*regexp.Regexp {
	out := make([]*regexp.Regexp, 0, 250)
	for i := range 249 {
		out = append(out, regexp.MustCompile(fmt.Sprintf(`^the step "([^"]+)" number %d of (\d+ \w+)(?:, which (succeeds|fails))?$`, i)))
	}
	return append(out, regexp.MustCompile(`^.*$`))
}

func emptySuite(b *testing.B, paths []string, patterns []*regexp.Regexp) float64 {
	b.Helper()
	all, err := load("")
	require.NoError(b, err)
	start := time.Now()
	godog.TestSuite{
		Name: "empty",
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			for _, p := range patterns {
				sc.Step(p, func() error { return nil })
			}
		},
		Options: &godog.Options{
			FS: features.FS, Paths: paths, Format: "progress", Output: io.Discard, NoColors: true,
			Concurrency: runtime.NumCPU(), DefaultContext: b.Context(),
		},
	}.Run()
	return float64(len(all)) / time.Since(start).Seconds()
}
