package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/report"
)

// part runs the scenarios "a", "b" and "c"; those that are not among ran are another shard's.
func part(t *testing.T, shard string, ran map[string]error) report.Report {
	t.Helper()
	var plan []report.Scenario
	for _, title := range []string{"a", "b", "c"} {
		s := report.Scenario{Title: title, Feature: "F", File: "f.feature", Line: 3, Tags: []string{"@row-09"}}
		if _, mine := ran[title]; !mine {
			s.Result, s.Reason = report.Skipped, report.OtherShard(shard)
		}
		plan = append(plan, s)
	}
	rec := report.NewRecorder(plan, nil)
	rec.Keep()
	for title, err := range ran {
		rec.Begin(title)
		rec.Calls(title, []report.Call{{Caller: "management", Call: "POST VolumeCreate", Request: `{"size":512}`}})
		rec.Step(title, "a step", err)
		rec.Changed(title, report.Change{Before: []string{"x"}, After: []string{"<y>"}})
		rec.End(title, nil)
	}
	return rec.Report(7, "embedded", "correct", false)
}

func TestShardsMakeOneReport(t *testing.T) {
	t.Parallel()
	one := part(t, "1/2", map[string]error{"a": nil, "c": assert.AnError})
	two := part(t, "2/2", map[string]error{"b": nil})
	dir := t.TempDir()
	require.NoError(t, one.WriteFiles(filepath.Join(dir, "1")))
	require.NoError(t, two.WriteFiles(filepath.Join(dir, "2")))
	back := make([]report.Report, 2)
	for i, name := range []string{"1", "2"} {
		var err error
		back[i], err = report.Read(filepath.Join(dir, name))
		require.NoError(t, err)
	}
	whole, err := report.Merge(back...)
	require.NoError(t, err)
	assert.Zero(t, whole.Missing())
	var got []report.Result
	for _, s := range whole.Scenarios {
		got = append(got, s.Result)
		assert.Equal(t, 3, s.Line)
	}
	assert.Equal(t, []report.Result{report.Passed, report.Passed, report.Failed}, got)
	assert.Equal(t, 3, whole.Rows[8].Scenarios)
	assert.Equal(t, 1, whole.Rows[8].Failed)
	var details bytes.Buffer
	require.NoError(t, whole.Details(&details))
	assert.Contains(t, details.String(), `"title":"b","steps":[{"text":"a step"`)

	half, err := report.Merge(back[0])
	require.NoError(t, err)
	assert.Equal(t, 1, half.Missing())
}

func TestReportsOfOtherRunsAreNotMerged(t *testing.T) {
	t.Parallel()
	one := part(t, "1/2", map[string]error{"a": nil})
	other := one
	other.Seed = 8
	_, err := report.Merge(one, other)
	require.ErrorIs(t, err, report.ErrMerge)
	other = one
	other.Scenarios = one.Scenarios[:2]
	_, err = report.Merge(one, other)
	require.ErrorIs(t, err, report.ErrMerge)
	_, err = report.Merge()
	require.ErrorIs(t, err, report.ErrMerge)
	_, err = report.Read(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestThePageShowsStepsCallsAndChangesAndEscapesThem(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	r := part(t, "1/1", map[string]error{"a": nil, "b": assert.AnError, "c": nil})
	require.NoError(t, r.HTML(&page))
	text := page.String()
	assert.Contains(t, text, `data-row="@row-09"`)
	assert.Contains(t, text, `POST VolumeCreate`)
	assert.Contains(t, text, `\u003cy\u003e`)
	assert.NotContains(t, text, `"<y>"`)
	assert.NotContains(t, text, `https://`, "the page needs no network")
	assert.NotContains(t, text, `http://`)
}

func TestStepsAreKeptInOrderWithTheirCallsAndNothingAfterAFailure(t *testing.T) {
	t.Parallel()
	rec := report.NewRecorder([]report.Scenario{{Title: "a"}}, nil)
	rec.Keep()
	rec.Begin("a")
	rec.Step("a", "first", nil)
	rec.Calls("a", []report.Call{{Call: "POST X", Answer: string(make([]byte, 10000))}})
	rec.Step("a", "second", assert.AnError)
	rec.End("a", assert.AnError)
	rec.Step("a", "third", assert.AnError)
	var details bytes.Buffer
	require.NoError(t, rec.Report(1, "t", "d", false).Details(&details))
	text := details.String()
	assert.Contains(t, text, `{"text":"first","result":"passed"},{"text":"second","result":"failed"`)
	assert.Contains(t, text, `and 5904 bytes more`)
	assert.Contains(t, text, `{"text":"third","result":"skipped"}`)
	assert.NotContains(t, text, "at the end")
}
