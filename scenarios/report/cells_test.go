package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/report"
)

// parted is a report of four scenarios with six cells in two rows.
func parted(t *testing.T) report.Report {
	t.Helper()
	r := part(t, "1/1", map[string]error{"a": nil, "b": errors.New("bytes differ")})
	r.Cells = []report.Cell{
		{Row: "03", Name: "03 ROOT plain", Dimensions: []string{"ROOT", "plain"}, Reason: "the row is about <DATA> only"},
		{Row: "03", Name: "03 ROOT encrypted", Dimensions: []string{"ROOT", "encrypted"}, Reason: "the row is about <DATA> only"},
		{Row: "09", Name: "09 further", Dimensions: []string{"further"}, Scenarios: []string{"c"}},
		{Row: "09", Name: "09 ROOT plain", Dimensions: []string{"ROOT", "plain"}, Scenarios: []string{"a"}},
		{Row: "09", Name: "09 ROOT encrypted", Dimensions: []string{"ROOT", "encrypted"}, Scenarios: []string{"b", "a"}},
		{Row: "09", Name: "09 DATA plain", Dimensions: []string{"DATA", "plain"}},
	}
	return r
}

func TestACellIsAsGoodAsItsWorstScenario(t *testing.T) {
	t.Parallel()
	r := parted(t)
	var got []report.Result
	for _, c := range r.Cells {
		got = append(got, r.Of(c))
	}
	assert.Equal(t, []report.Result{"", "", report.Skipped, report.Passed, report.Failed, report.Pending}, got)
}

func TestThePageShowsTheCellsWithColourSignAndReason(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, parted(t).HTML(&b))
	text := b.String()
	cells := regexp.MustCompile(`<a class="cell ([a-z-]+)" id="(c\d\d-\d+)" href="#(c\d\d-\d+)" aria-label="([^"]*)" title="([^"]*)">(.)</a>`).
		FindAllStringSubmatch(text, -1)
	require.Len(t, cells, 6)
	var got []string
	for _, c := range cells {
		assert.Equal(t, c[2], c[3], "a cell leads to itself")
		assert.True(t, strings.HasPrefix(c[5], c[4]), "the hover text begins with what is read aloud")
		got = append(got, strings.Join([]string{c[1], c[2], c[6], c[4]}, "|"))
	}
	assert.Equal(t, []string{
		"empty|c03-0|·|03 ROOT plain: no scenario: the row is about &lt;DATA&gt; only",
		"empty|c03-1|·|03 ROOT encrypted: no scenario: the row is about &lt;DATA&gt; only",
		"passed|c09-0|✓|09 ROOT plain: 1 passed",
		"failed|c09-1|✗|09 ROOT encrypted: 1 failed, 1 passed",
		"missing|c09-2|!|09 DATA plain: missing: there is neither a scenario nor a reason to have none",
		"skipped|c09-3|–|09 further: 1 skipped",
	}, got)
	assert.Contains(t, text, "1 failed, 1 passed\n✓ a\n✗ b\"", "the hover text lists the scenarios")
	assert.Contains(t, text, `const places = {"c09-0":[0],"c09-1":[0,1],"c09-3":[2]}`)
	assert.Contains(t, text, `colspan="2" rowspan="1" class="e0"><span>ROOT</span>`)
	assert.Contains(t, text, `colspan="1" rowspan="1" class="e0 v"><span>DATA</span>`)
	assert.Contains(t, text, `colspan="1" rowspan="2" class="e0 v"><span>further</span>`)
}

func TestOnlyTheFirstFailedScenariosAreOpen(t *testing.T) {
	t.Parallel()
	var plan []report.Scenario
	for i := range 50 {
		plan = append(plan, report.Scenario{Title: strings.Repeat("x", i+1), Result: report.Failed})
	}
	var b bytes.Buffer
	require.NoError(t, report.NewRecorder(plan, nil).Report(1, "embedded", "correct", false).HTML(&b))
	assert.Equal(t, 20, strings.Count(b.String(), " open>"))
}

func TestCellsAndEndingsAreInTheResultsAndSurviveAMerge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := parted(t), part(t, "2/2", map[string]error{"c": nil})
	one.Endings = []report.Ending{{Run: "run1", Volumes: 2, Snapshots: 1, RemovedVolumes: 3, Wrong: []string{}}}
	two.Cells = one.Cells
	two.Endings = []report.Ending{{Run: "run2", Volumes: 2, Snapshots: 1, Wrong: []string{"~a.b is gone\n  was {}"}}}
	parts := make([]report.Report, 2)
	for i, r := range []report.Report{one, two} {
		require.NoError(t, r.WriteFiles(filepath.Join(dir, r.Endings[0].Run)))
		var err error
		parts[i], err = report.Read(filepath.Join(dir, r.Endings[0].Run))
		require.NoError(t, err)
		assert.Equal(t, r.Cells, parts[i].Cells)
	}
	whole, err := report.Merge(parts...)
	require.NoError(t, err)
	assert.Len(t, whole.Endings, 2)
	assert.Equal(t, report.Passed, whole.Of(whole.Cells[2]), "the other shard has it")
	var b bytes.Buffer
	require.NoError(t, whole.JSON(&b))
	var doc struct {
		Cells []struct {
			Name, Result, Reason string
			Scenarios            []string
		}
		Endings []struct {
			Run   string
			Wrong []string
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	assert.Equal(t, "failed", doc.Cells[4].Result)
	assert.Equal(t, []string{"b", "a"}, doc.Cells[4].Scenarios)
	assert.Empty(t, doc.Cells[0].Result)
	assert.NotEmpty(t, doc.Cells[0].Reason)
	assert.Equal(t, "run2", doc.Endings[1].Run)
	assert.Len(t, doc.Endings[1].Wrong, 1)
}

func TestATargetThatIsNotAsItWasIsAFailureEverywhere(t *testing.T) {
	t.Parallel()
	r := part(t, "1/1", map[string]error{"a": nil, "b": nil, "c": nil})
	require.Equal(t, report.Passed, r.Worst())
	r.Endings = []report.Ending{{Run: "run1", Volumes: 2, Snapshots: 1, Wrong: []string{}}}
	assert.True(t, r.AsItWas())
	assert.Equal(t, report.Passed, r.Worst())
	r.Endings[0].Wrong = []string{"~a.b is <gone>\n  was {}"}
	assert.False(t, r.AsItWas())
	assert.Equal(t, report.Failed, r.Worst())
	assert.Contains(t, r.Summary(), "THE TARGET IS NOT AS IT WAS")
	for name, c := range map[string]struct {
		write func(*bytes.Buffer) error
		want  string
	}{
		"the page": {func(b *bytes.Buffer) error { return r.HTML(b) }, "<div class=\"reason\">~a.b is &lt;gone&gt;\n  was {}</div>"},
		"Markdown": {func(b *bytes.Buffer) error { return r.Markdown(b) }, "- ~a.b is <gone><br>  was {}"},
		"JUnit":    {func(b *bytes.Buffer) error { return r.JUnit(b) }, `<testsuite name="The target" tests="1" failures="1"`},
	} {
		var b bytes.Buffer
		require.NoError(t, c.write(&b))
		assert.Contains(t, b.String(), c.want, name)
	}
}
