package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBenchmarkLinesAreRead(t *testing.T) {
	t.Parallel()
	got := parse(strings.Join([]string{
		"goos: linux",
		"BenchmarkB1Read-2   \t1\t123 ns/op\t 0.9100 ratio\t 0.050 spread",
		"BenchmarkB4List/FirstByte \t1\t 5 ns/op\t 0.0200 ratio\t 17.0 MB\t 0.1 spread\t 12 allocs/op",
		"BenchmarkB9Other-2 \t1\t 5 ns/op",
		"PASS",
	}, "\n"))
	assert.Equal(t, []result{
		{name: "B1Read", ratio: 0.91, spread: 0.05},
		{name: "B4List/FirstByte", ratio: 0.02, spread: 0.1, other: "  17.0 MB"},
	}, got)
}

func TestAMissedGateAndABenchmarkThatDidNotRunFail(t *testing.T) {
	t.Parallel()
	want := []gate{{bench: "A", min: 1}, {bench: "B", max: 2}}
	var out strings.Builder
	assert.NoError(t, judge(&out, []result{{name: "A", ratio: 1}, {name: "B", ratio: 2}, {name: "C", ratio: 9}}, want, true))
	assert.Contains(t, out.String(), "2 of 2 gates met")
	assert.ErrorContains(t, judge(&out, []result{{name: "A", ratio: 0.9}, {name: "B", ratio: 2}}, want, true), "A is 0.9, wanted >= 1")
	assert.ErrorContains(t, judge(&out, []result{{name: "A", ratio: 1}, {name: "B", ratio: 2.1}}, want, true), "B is 2.1, wanted <= 2")
	assert.ErrorContains(t, judge(&out, []result{{name: "A", ratio: 1}}, want, true), "B did not run")
	assert.NoError(t, judge(&out, []result{{name: "A", ratio: 0.9}}, want, false), "without --check nothing fails")
}

func TestGatesHaveOneBoundEach(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, g := range gates() {
		assert.NotEqual(t, g.min > 0, g.max > 0, g.bench)
		assert.NotEmpty(t, g.about, g.bench)
		assert.False(t, seen[g.bench], g.bench)
		seen[g.bench] = true
	}
}

func TestGeneratedPartsAreReplacedAndUnknownOnesRefused(t *testing.T) {
	t.Parallel()
	page := "a\n<!-- generated: operations -->\nold\n<!-- end -->\nb\n"
	fresh, err := generate([]byte(page))
	assert.NoError(t, err)
	assert.Contains(t, string(fresh), "`VolumeCreate`")
	assert.NotContains(t, string(fresh), "old")
	again, err := generate(fresh)
	assert.NoError(t, err)
	assert.Equal(t, string(fresh), string(again))
	_, err = generate([]byte("<!-- generated: nonsense -->\n<!-- end -->"))
	assert.ErrorContains(t, err, "nonsense")
}
