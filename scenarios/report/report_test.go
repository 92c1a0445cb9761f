package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/report"
)

func TestTheWorstResultDecides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   []report.Result
		want report.Result
	}{
		{"no scenario is pending", nil, report.Pending},
		{"all passed is passed", []report.Result{report.Passed, report.Passed}, report.Passed},
		{"skipped is worse than passed", []report.Result{report.Passed, report.Skipped}, report.Skipped},
		{"cannot-tell is worse than skipped", []report.Result{report.Skipped, report.CannotTell, report.Passed}, report.CannotTell},
		{"pending is worse than cannot-tell", []report.Result{report.CannotTell, report.Pending}, report.Pending},
		{"failed is the worst", []report.Result{report.Pending, report.Failed, report.Passed}, report.Failed},
		{"an unknown result is a failure", []report.Result{"odd"}, report.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, report.Worst(c.in...))
		})
	}
}

func TestAStepsErrorSaysWhatTheResultIs(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]report.Result{
		fmt.Errorf("a: %w", report.ErrCannotTell): report.CannotTell,
		fmt.Errorf("a: %w", report.ErrSkipped):    report.Skipped,
		fmt.Errorf("a: %w", report.ErrPending):    report.Pending,
		errors.New("a"):                           report.Failed,
	} {
		got, reason := report.Judge(err)
		assert.Equal(t, want, got)
		assert.Equal(t, err.Error(), reason)
	}
	got, reason := report.Judge(nil)
	assert.Equal(t, report.Passed, got)
	assert.Empty(t, reason)
}

func TestTheMatrixHas23RowsAndSixFurtherActionsNumberedInOrder(t *testing.T) {
	t.Parallel()
	actions := report.Actions()
	require.Len(t, actions, 29)
	for i, a := range actions {
		assert.Equal(t, i >= 23, a.Further, a.Name)
		assert.Equal(t, fmt.Sprintf("%02d", i+1), a.Row)
		assert.NotEmpty(t, a.Name)
	}
	assert.Equal(t, "@row-09", actions[8].Tag())
}

// sample runs five scenarios that end in each way, and one that does not end.
func sample(t *testing.T) report.Report {
	t.Helper()
	plan := []report.Scenario{
		{Title: "one", Feature: "F", Tags: []string{"@row-03", "@row-04"}},
		{Title: "two", Feature: "F", Tags: []string{"@row-03"}},
		{Title: "three", Feature: "G", Tags: []string{"@row-09"}},
		{Title: "four", Feature: "G", Tags: []string{"@row-10"}},
		{Title: "five", Feature: "G"},
		{Title: "not selected", Feature: "G", Tags: []string{"@row-14"}, Result: report.Skipped, Reason: "not selected"},
	}
	r := report.NewRecorder(plan, nil)
	for _, title := range []string{"one", "two", "three", "four", "five"} {
		r.Begin(title)
	}
	r.Step("one", "a step", nil)
	r.End("one", nil)
	r.Step("two", "a | step", errors.New("bytes <differ>\nat 0"))
	r.Step("two", "a later step", report.ErrSkipped)
	r.End("two", nil)
	r.Step("three", "a step", fmt.Errorf("no hardware: %w", report.ErrSkipped))
	r.End("three", nil)
	r.End("four", fmt.Errorf("the end: %w", report.ErrCannotTell))
	return r.Report(7, "embedded", "correct", true)
}

func TestARowIsAsGoodAsItsWorstScenario(t *testing.T) {
	t.Parallel()
	got := map[string]report.Row{}
	for _, row := range sample(t).Rows {
		got[row.Row] = row
	}
	assert.Equal(t, report.Row{
		Row: "03", Action: "Create DATA volume", Result: report.Failed, Scenarios: 2, Passed: 1, Failed: 1,
	}, got["03"])
	assert.Equal(t, report.Passed, got["04"].Result)
	assert.Equal(t, report.Row{
		Row: "09", Action: "Create ROOT/DATA volume snapshot", Result: report.Skipped, Scenarios: 1, Skipped: 1,
	}, got["09"])
	assert.Equal(t, report.CannotTell, got["10"].Result)
	assert.Equal(t, 1, got["10"].CannotTell)
	assert.Equal(t, report.Skipped, got["14"].Result)
	assert.Equal(t, report.Pending, got["01"].Result)
}

func TestTheFirstBadStepDecidesAndTheReasonNamesIt(t *testing.T) {
	t.Parallel()
	s := sample(t).Scenarios[1]
	assert.Equal(t, report.Failed, s.Result)
	assert.Equal(t, "a | step: bytes <differ>\nat 0", s.Reason)
}

func TestAScenarioThatDidNotEndIsNeverPassed(t *testing.T) {
	t.Parallel()
	r := sample(t)
	five := r.Scenarios[4]
	assert.Equal(t, report.Skipped, five.Result)
	assert.NotEmpty(t, five.Reason)
	assert.Equal(t, report.Failed, r.Worst())
	assert.Contains(t, r.Summary(), "INTERRUPTED")
}

func TestResultsJSONHasTheAgreedForm(t *testing.T) {
	t.Parallel()
	r := sample(t)
	r.Scenarios = r.Scenarios[4:5]
	r.Scenarios[0].Seconds = 0.01
	r.Rows = r.Rows[8:9]
	var b bytes.Buffer
	require.NoError(t, r.JSON(&b))
	assert.JSONEq(t, `{
		"rows":[{"row":"09","action":"Create ROOT/DATA volume snapshot","result":"skipped","scenarios":1,
			"passed":0,"failed":0,"skipped":1,"cannotTell":0}],
		"scenarios":[{"title":"five","feature":"G","file":"","line":0,"tags":[],"result":"skipped",
			"reason":"did not run to its end: the run was stopped","seconds":0.01}],
		"seed":7,"target":"embedded","driver":"correct","interrupted":true}`, b.String())
}

func TestJUnitCountsEachKindAndEscapes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, sample(t).JUnit(&b))
	var doc struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Cases    []struct {
				Failure *struct {
					Text string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(b.Bytes(), &doc))
	require.Len(t, doc.Suites, 2)
	assert.Equal(t, []int{2, 1, 0}, []int{doc.Suites[0].Tests, doc.Suites[0].Failures, doc.Suites[0].Skipped})
	assert.Equal(t, []int{4, 0, 4}, []int{doc.Suites[1].Tests, doc.Suites[1].Failures, doc.Suites[1].Skipped})
	require.NotNil(t, doc.Suites[0].Cases[1].Failure)
	assert.Contains(t, doc.Suites[0].Cases[1].Failure.Text, "bytes <differ>")
}

func TestMarkdownShowsEveryRowAndEveryReason(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, sample(t).Markdown(&b))
	text := b.String()
	assert.Contains(t, text, "| 03 | Create DATA volume | failed | 2 | 1 | 1 | 0 | 0 |")
	assert.Contains(t, text, "| 23 | Delete VM vc-policy tag | pending | 0 | 0 | 0 | 0 | 0 |")
	assert.Contains(t, text, "| 29 | Statistics | pending | 0 | 0 | 0 | 0 | 0 |")
	assert.Contains(t, text, `| two | @row-03 | a \| step: bytes <differ><br>at 0 |`)
	assert.Contains(t, text, "## Cannot-tell")
	assert.NotContains(t, text, "## Passed")
}

func TestTheConsoleEndsWithTheSummary(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	r := sample(t)
	require.NoError(t, r.Console(&b))
	text := strings.TrimSpace(b.String())
	assert.True(t, strings.HasSuffix(text, r.Summary()))
	assert.Contains(t, text, "FAILED two")
	assert.Regexp(t, `(?m)^06 +Migrate VM +pending +none yet$`, text)
}

func TestWriteFilesLeavesItsFilesAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out", "conformance")
	r := sample(t)
	require.NoError(t, r.WriteFiles(dir))
	require.NoError(t, r.WriteFiles(dir), "a second run replaces the first")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	assert.Equal(t, []string{"details.json", "junit.xml", "matrix.md", "report.html", "results.json"}, names)
	b, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err)
	assert.True(t, json.Valid(b))
}

func TestAFolderThatCannotBeMadeIsAClearError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	assert.ErrorContains(t, sample(t).WriteFiles(filepath.Join(file, "out")), "make the report's folder")
}

func TestProgressInLinesNamesWhatIsNotPassed(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := report.Lines(&b)
	p.Start(20)
	for i := range 20 {
		s := report.Scenario{Title: fmt.Sprint("s", i), Result: report.Passed}
		if i == 3 {
			s.Result, s.Reason = report.Failed, "why\nmore"
		}
		p.Ended(s)
	}
	p.Done()
	assert.Contains(t, b.String(), "failed: s3: why\n")
	assert.Contains(t, b.String(), "20 of 20 scenarios")
	assert.Equal(t, 12, strings.Count(b.String(), "\n"))
}

func TestABarShowsFailures(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := report.Bar(&b)
	p.Start(2)
	p.Ended(report.Scenario{Title: "a", Result: report.Passed})
	p.Ended(report.Scenario{Title: "b", Result: report.Failed, Reason: "why"})
	p.Done()
	assert.Contains(t, b.String(), "failed: b: why\n")
}
