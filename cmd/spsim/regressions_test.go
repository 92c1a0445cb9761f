package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExplainTellsWhatUsersSufferedFromAndWhatShowsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id         string
		want, none []string
	}{
		"with scenarios": {"enc-3", []string{
			"ENC-3\n\n  the backup of an encrypted volume was encrypted a second time\n\nSource: upstream-history 5.7\n",
			"Run what shows it with: spsim conform --tags @ENC-3\nScenarios that show it:\n  Snapshots of encrypted volumes: A backup that is allowed",
		}, []string{"The defect", "Tests that", "Not shown", "No scenario"}},
		"with tests only": {"SP-4", []string{"Tests that show it:\n  emulator/moves_test.go TestA"}, []string{"Scenarios that", "No scenario"}},
		"in part":         {"sp-14", []string{"Scenarios that show it:\n", "Not shown: the answers of list calls"}, []string{"No scenario"}},
		"not at all":      {"CS-8445", []string{"No scenario shows it: the harness has no import"}, []string{"Scenarios that", "Tests that"}},
		"also a defect": {"Cs-5433", []string{
			"CS-5433\n\n  the deletion of a volume dropped", "The defect that brings it back:\n\nCS-5433, severity B", "spsim conform --driver CS-5433",
		}, nil},
		"also a defect of another number": {"SP-53", []string{"SP-53\n\n  the tag uuid", "D-11a (also SUS-9, SP-53)"}, nil},
		"a part of a defect":              {"d-10A", []string{"D-10a (also"}, []string{"D-10b"}},
		"all parts of a defect":           {"@d-10", []string{"D-10a (also", "D-10e (also"}, nil},
		"a defect and nothing else":       {"sus-4", []string{"D-17 (also SUS-4"}, []string{"upstream-history", "The defect that"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, stderr, code := call(t.Context(), "explain", c.id)
			assert.Zero(t, code, stderr)
			for _, text := range c.want {
				assert.Contains(t, out, text)
			}
			for _, text := range c.none {
				assert.NotContains(t, out, text)
			}
		})
	}
	_, stderr, code := call(t.Context(), "explain", "CS-1")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "`spsim quirks --regressions`")
}

func TestWhatUsersSufferedFromIsListed(t *testing.T) {
	t.Parallel()
	out, stderr, code := call(t.Context(), "quirks", "--regressions")
	assert.Zero(t, code, stderr)
	assert.Regexp(t, `(?m)^SP-12 +2 +- +the attach of a volume`, out)
	assert.Regexp(t, `(?m)^SP-4 +- +1 +one sub-cluster`, out)
	assert.Regexp(t, `(?m)^CS-10503 +- +- .*\(no scenario shows it: VMs of the harness`, out)
	assert.Regexp(t, `(?m)^SP-14 +6 +- .*\(not shown: the answers of list calls`, out)
	assert.Regexp(t, `\n\d+ regressions: \d+ with scenarios, \d+ with tests only, \d+ with a reason for neither\n$`, out)
	page, _, code := call(t.Context(), "quirks", "--regressions", "--markdown")
	assert.Zero(t, code)
	assert.True(t, strings.HasPrefix(page, "# What users"))
	assert.Contains(t, page, "\n| SP-12 | the attach of a volume that was only recorded crashed | A DATA disk")
}
