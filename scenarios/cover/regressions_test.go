package cover

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryRegressionIsNumberedAndSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	for _, r := range Regressions() {
		assert.Regexp(t, reRegression, r.Tag())
		assert.NotEmpty(t, r.What, r.ID)
		assert.Regexp(t, `^upstream-history \d\.\d$`, r.Source, r.ID)
		assert.NotEmpty(t, headings(r.Source), r.Source)
		for _, text := range []string{r.What, r.Reason, r.Beyond} {
			assert.NotContains(t, text, "\n", r.ID)
			assert.NotContains(t, text, "|", "%s: it is a cell of a table", r.ID)
		}
		kind, _, _ := strings.Cut(r.ID, "-")
		count[kind]++
	}
	assert.Equal(t, map[string]int{"CS": 49, "SP": 42, "KV": 37, "ENC": 13}, count, "those of the history of upstream")
}

func TestTheTestsThatShowRegressionsAreThere(t *testing.T) {
	t.Parallel()
	for _, r := range Regressions() {
		for _, shown := range r.Shown {
			raw, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(shown.File)))
			require.NoError(t, err, r.ID)
			assert.Regexp(t, `(?m)^func `+regexp.QuoteMeta(shown.Func)+`\(`, string(raw), "%s: %s", r.ID, shown)
		}
	}
}

func TestARegressionIsFoundInWhateverCase(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"CS-6661a", "cs-6661A", "@CS-6661a"} {
		r, ok := Regressed(id)
		assert.True(t, ok, id)
		assert.Equal(t, "CS-6661a", r.ID)
	}
	_, ok := Regressed("CS-6661")
	assert.False(t, ok)
}

func TestAHistoryThatIsNotWholeIsWrong(t *testing.T) {
	t.Parallel()
	shown := []Test{{"a_test.go", "TestA"}}
	regressions := []Regression{
		{ID: "CS-1", What: "shown"},
		{ID: "CS-2", What: "forgotten"},
		{ID: "CS-3", What: "shown after all", Reason: "nobody can"},
		{ID: "CS-4", What: "with tests only", Shown: shown},
		{ID: "CS-5", What: "cannot be", Reason: "nobody can"},
		{ID: "CS-6", What: "a part of nothing", Reason: "nobody can", Beyond: "the rest"},
		{ID: "CS-1", What: "again"},
		{ID: "SP-1", What: "with tests only", Shown: shown},
		{ID: "SP-2", What: "in part", Beyond: "the rest"},
	}
	h := newHistory(regressions, []Scenario{
		{Title: "one", Tags: []string{"@row-01", "@CS-1", "@CS-1", "@D-1", "@SUS-9", "@SP-2"}},
		{Title: "two", Tags: []string{"@CS-3", "@KV-Q1"}},
		{Title: "three", Tags: []string{"@KV-Q1"}},
	})
	assert.Equal(t, []string{
		"CS-2: no scenario has its tag, and there is no reason",
		`CS-3: has a scenario, "two", although nobody can`,
		"CS-4: no scenario has its tag, and there is no reason",
		"CS-6: nothing of it is shown, so that no part can be missing",
		"CS-1: listed twice",
		"@KV-Q1: no regression has this number",
	}, h.Check())
	assert.Len(t, h.Showing["CS-1"], 1, "a tag that comes twice counts once")
	scenarios, tests, reasons := newHistory(regressions[4:], []Scenario{{Tags: []string{"@SP-2", "@CS-1"}}}).Sum()
	assert.Equal(t, []int{2, 1, 2}, []int{scenarios, tests, reasons})
}

func TestThePageHasALineForEachRegression(t *testing.T) {
	t.Parallel()
	page := RegressionPage(NewHistory([]Scenario{
		{Title: "A first one", Tags: []string{"@CS-5433"}},
		{Title: "A | second one", Tags: []string{"@CS-5433"}},
		{Title: "A quiet one", Tags: []string{"@SP-14"}},
	}))
	for _, r := range Regressions() {
		assert.Equal(t, 1, strings.Count(page, "\n| "+r.ID+" |"), r.ID)
	}
	assert.Contains(t, page, `| CS-5433 | the deletion of a volume dropped the records of snapshots that lived on | A first one; A \| second one |`)
	assert.Contains(t, page, "| CS-10503 | a VM is deployed from a volume or a snapshot | none: VMs of the harness come from")
	assert.Contains(t, page, "`TestAVolumeIsFoundWhileAnotherSubClusterIsCutOff` in emulator/moves_test.go")
	assert.Regexp(t, `\| SP-14 \|[^|]*\| A quiet one; not shown: the answers of list calls`, page)
	assert.Contains(t, page, "## Other integrations: Proxmox\n")
	assert.True(t, strings.HasSuffix(page, "\n"))
	assert.NotContains(t, page, "\n\n\n")
}
