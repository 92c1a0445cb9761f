package scenarios

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/scenarios/report"
)

func TestWrongOptionsAreRefusedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"a row that is not in the matrix": {Rows: []string{"30"}},
		"a row that is no number":         {Rows: []string{"nine"}},
		"a tag that no scenario has":      {Tags: "@row-9"},
		"tags that cannot be read":        {Tags: "@fault and @crash"},
		"an empty tag":                    {Tags: "@fault &&"},
		"a defect that is not known":      {Driver: "D-999"},
		"a target that is not there":      {Target: "live"},
		"a shard that is none":            {Shard: "3/2"},
	} {
		_, err := Run(t.Context(), o)
		require.ErrorIs(t, err, ErrUsage, name)
	}
}

func TestRowsAndTagsSelectAndTheRestIsSkippedWithTheReason(t *testing.T) {
	t.Parallel()
	p, err := newPlan(Options{Rows: []string{"4", "09"}, Tags: "~@fault && ~@crash"})
	require.NoError(t, err)
	require.NotZero(t, p.selected)
	run := 0
	for _, s := range p.scenarios {
		inRow := slices.Contains(s.Tags, "@row-04") || slices.Contains(s.Tags, "@row-09")
		out := slices.Contains(s.Tags, "@fault") || slices.Contains(s.Tags, "@crash")
		if inRow && !out {
			run++
			assert.Empty(t, s.Result, s.Title)
			continue
		}
		assert.Equal(t, report.Skipped, s.Result, s.Title)
		assert.Equal(t, `not selected by --rows 4,09 --tags "~@fault && ~@crash"`, s.Reason)
	}
	assert.Equal(t, p.selected, run)
}

func TestEveryScenarioSaysWhereItBegins(t *testing.T) {
	t.Parallel()
	all, err := load("")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 60)
	for _, s := range all {
		raw, err := os.ReadFile(filepath.Join("..", "features", s.File))
		require.NoError(t, err)
		line := strings.Split(string(raw), "\n")[s.Line-1]
		assert.Regexp(t, `^\s*Scenario( Outline)?: `, line, s.Title)
	}
}

func TestEveryFaultScenarioSaysThatItNeedsFaultInjection(t *testing.T) {
	t.Parallel()
	all, err := load("")
	require.NoError(t, err)
	for _, s := range all {
		assert.Equal(t, slices.Contains(s.Tags, "@fault"), slices.Contains(s.Tags, "@needs-fault-injection"), s.Title)
	}
}

func TestEachDefectIsSelectedByItsNumberAlone(t *testing.T) {
	t.Parallel()
	var infos []quirk.Info
	for _, d := range Defects() {
		infos = append(infos, d.Info)
	}
	for _, d := range Defects() {
		if d.Inexpressible != "" {
			continue
		}
		set, err := quirk.Parse(d.ID, infos)
		require.NoError(t, err, d.ID)
		for _, other := range infos {
			assert.Equal(t, other.ID == d.ID, set.Has(other.ID), "%s selects %s", d.ID, other.ID)
		}
	}
}

func TestDefectsAreFoundByEachOfTheirNumbers(t *testing.T) {
	t.Parallel()
	found, err := FindDefects("SUS-4")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "D-17", found[0].ID)
	found, err = FindDefects("D-16")
	require.NoError(t, err)
	assert.Greater(t, len(found), 2)
	for _, word := range []string{"", "upstream", "correct", "D-999"} {
		_, err := FindDefects(word)
		require.ErrorIs(t, err, ErrUsage, word)
	}
}

func TestARunThatIsStoppedReportsWhatDidNotRun(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	out := t.TempDir()
	r, err := Run(ctx, Options{Rows: []string{"3"}, Out: out})
	require.NoError(t, err)
	assert.True(t, r.Interrupted)
	assert.Empty(t, r.With(report.Passed))
	assert.Empty(t, r.With(report.Failed))
	assert.Equal(t, report.Skipped, r.Rows[2].Result)
	assert.FileExists(t, filepath.Join(out, "results.json"))
}

func TestARunIsTheSameForTheSameSeed(t *testing.T) {
	o := Options{Seed: 7, Rows: []string{"10"}, Tags: "~@fault"}
	one, err := Run(t.Context(), o)
	require.NoError(t, err)
	two, err := Run(t.Context(), o)
	require.NoError(t, err)
	for i := range one.Scenarios {
		one.Scenarios[i].Seconds, two.Scenarios[i].Seconds = 0, 0
	}
	assert.Equal(t, one, two)
}

func TestADefectIsSeenOnlyByScenariosThatSaySo(t *testing.T) {
	p, err := Prove(t.Context(), ProveOptions{Seed: 1, Defects: []string{"D-17"}, Tags: "@row-09 && ~@fault"})
	require.NoError(t, err)
	require.Len(t, p.Findings, 1)
	assert.Empty(t, p.Clean)
	assert.NotEmpty(t, p.Findings[0].Seen)
	assert.Empty(t, p.Findings[0].Stray)
	assert.True(t, p.OK())
	assert.Nil(t, p.Upstream, "a choice of defects says nothing about all of them")
}

func TestADefectThatCannotBePutInIsNoProof(t *testing.T) {
	t.Parallel()
	_, err := Prove(t.Context(), ProveOptions{Defects: []string{"D-36b"}})
	require.ErrorIs(t, err, ErrUsage)
}

func TestAProofFailsOnStraysAndOnWhatNobodySees(t *testing.T) {
	t.Parallel()
	d := Defect{Info: quirk.Info{ID: "D-17", Also: []string{"SUS-4"}}}
	r := report.Report{Scenarios: []report.Scenario{
		{Title: "a", File: "f", Line: 3, Tags: []string{"@SUS-4"}, Result: report.Failed},
		{Title: "b", File: "f", Line: 9, Tags: []string{"@D-17"}, Result: report.Passed},
		{Title: "c", File: "f", Line: 9, Tags: []string{"@D-17"}, Result: report.Passed},
		{Title: "d", File: "f", Line: 3, Tags: []string{"@SUS-4"}, Result: report.Passed},
		{Title: "e", File: "f", Line: 20, Result: report.Failed},
	}}
	f := finding(r, d)
	assert.Equal(t, "a", f.Seen[0].Title)
	require.Len(t, f.Stray, 1)
	assert.Equal(t, "e", f.Stray[0].Title)
	require.Len(t, f.Blind, 1, "an outline is blind if none of its examples sees the defect")
	assert.Equal(t, "b", f.Blind[0].Title)
	assert.False(t, f.OK())
	f.Stray = nil
	assert.True(t, f.OK())
	f.Seen = nil
	assert.False(t, f.OK())
	assert.False(t, Proof{Clean: r.Scenarios[:1]}.OK())
	assert.False(t, Proof{Upstream: &Finding{Stray: r.Scenarios[:1]}}.OK())
}

func TestMissingTagsAreWrittenAboveTheScenario(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "x.feature")
	before := "Feature: X\n\n  @fault\n  @D-17\n  Scenario: a\n    Given b\n\n  Scenario: c\n    Given d\n"
	require.NoError(t, os.WriteFile(file, []byte(before), 0o600))
	a, c := report.Scenario{File: "x.feature", Line: 5}, report.Scenario{File: "x.feature", Line: 8}
	p := Proof{Findings: []Finding{
		{Defect: Defect{Info: quirk.Info{ID: "D-1"}}, Stray: []report.Scenario{a, a, c}},
		{Defect: Defect{Info: quirk.Info{ID: "D-2"}}, Stray: []report.Scenario{c}},
	}}
	n, err := p.Tag(dir)
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "Feature: X\n\n  @fault\n  @D-17 @D-1\n  Scenario: a\n    Given b\n\n  @D-1 @D-2\n  Scenario: c\n    Given d\n", string(after))
	_, err = p.Tag(filepath.Join(dir, "nowhere"))
	assert.ErrorContains(t, err, "tag scenarios")
}

func TestShardsPartTheSelectionAndLeaveNothingOut(t *testing.T) {
	t.Parallel()
	ran := map[string]int{}
	total := 0
	for _, shard := range []string{"1/3", "2/3", "3/3"} {
		p, err := newPlan(Options{Rows: []string{"9"}, Shard: shard})
		require.NoError(t, err)
		total += p.selected
		for _, s := range p.scenarios {
			if s.Result == "" {
				ran[s.Title]++
			}
		}
	}
	whole, err := newPlan(Options{Rows: []string{"9"}})
	require.NoError(t, err)
	assert.Equal(t, whole.selected, total)
	assert.Len(t, ran, whole.selected)
	for title, times := range ran {
		assert.Equal(t, 1, times, title)
	}
}

func TestTheTagOfADefectStandsForItsParts(t *testing.T) {
	t.Parallel()
	all := []report.Scenario{{Tags: []string{"@D-1a", "@D-1b", "@D-2", "@x"}}}
	for filter, want := range map[string]string{
		"":             "",
		"@x":           "@x",
		"@D-1":         "@D-1a,@D-1b",
		"~@D-1":        "~@D-1a && ~@D-1b",
		"~@D-1,@x":     "~@D-1a,@x && ~@D-1b,@x",
		"@D-1 && ~@x":  "@D-1a,@D-1b && ~@x",
		"@D-1a,~@D-2":  "@D-1a,~@D-2",
		"@D-3":         "@D-3",
		"D-1 && ~D-1a": "@D-1a,@D-1b && ~D-1a",
	} {
		assert.Equal(t, want, spread(filter, all), filter)
	}
}
