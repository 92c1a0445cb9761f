package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call runs a command line in process and returns what it printed and its exit code.
func call(ctx context.Context, args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	root := newRootCommand()
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var coded interface{ ExitCode() int }
	switch {
	case err == nil:
	case errors.As(err, &coded):
		code = coded.ExitCode()
	default:
		code = 1
	}
	if err != nil {
		errs.WriteString(err.Error())
	}
	return out.String(), errs.String(), code
}

func TestConformPrintsTheMatrixAndWritesTheReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	out, _, code := call(t.Context(), "conform", "--rows", "10", "--tags", "~@fault", "--seed", "3", "--out", dir)
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "10  Create volume from snapshot")
	assert.Contains(t, out, "seed 3")
	for _, name := range []string{"matrix.md", "results.json", "junit.xml"} {
		assert.FileExists(t, filepath.Join(dir, name))
	}
}

func TestConformWithADefectFailsAndSaysWhichScenariosSeeIt(t *testing.T) {
	out, stderr, code := call(t.Context(), "conform", "--rows", "9", "--tags", "@D-17", "--driver", "D-17")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, out, "FAILED The switch")
	assert.Contains(t, stderr, "scenarios failed")
}

func TestWrongFlagsAreClearErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"conform", "--rows", "77"}, "the matrix has rows 1 to 29"},
		{[]string{"conform", "--tags", "@nonsense"}, "no scenario has the tag @nonsense"},
		{[]string{"conform", "--driver", "D-999"}, `no quirk "D-999"`},
		{[]string{"conform", "--target", "moon"}, `no target "moon"`},
		{[]string{"conform", "--sed", "1"}, "unknown flag: --sed"},
		{[]string{"prove", "--defects", "D-999"}, `no defect "D-999"`},
		{[]string{"explain", "D-999"}, "spsim quirks"},
	} {
		_, stderr, code := call(t.Context(), c.args...)
		assert.Equal(t, exitUsage, code, c.args)
		assert.Contains(t, stderr, c.says, c.args)
	}
}

func TestARunThatIsStoppedWritesAnHonestReport(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	dir := t.TempDir()
	out, _, code := call(ctx, "conform", "--rows", "3", "--out", dir)
	assert.Equal(t, exitInterrupted, code)
	assert.Contains(t, out, "INTERRUPTED")
	b, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err)
	assert.NotContains(t, string(b), `"passed"`+`,`)
}

func TestFailFastBeginsNothingAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	args := []string{"conform", "--tags", "@D-10d", "--driver", "D-10d", "--seed", "1", "--jobs", "1", "--fail-fast", "--out", dir}
	out, _, code := call(t.Context(), args...)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, out, ", 1 failed;")
	assert.Contains(t, out, "FAILED ")
	b, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err, "the report is written all the same")
	assert.Contains(t, string(b), "did not run to its end")
}

func TestQuirksAreListedWithThoseThatCannotBePutIn(t *testing.T) {
	t.Parallel()
	out, _, code := call(t.Context(), "quirks")
	assert.Equal(t, 0, code)
	assert.Regexp(t, `(?m)^D-11a +SUS-9 SP-53 +B +driver `, out)
	assert.Contains(t, out, "cannot be put in: ")
	out, _, code = call(t.Context(), "quirks", "--markdown")
	assert.Equal(t, 0, code)
	assert.True(t, strings.HasPrefix(out, "| Defect |"))
}

func TestExplainTellsWhatADefectDoesAndWhoSeesIt(t *testing.T) {
	t.Parallel()
	out, _, code := call(t.Context(), "explain", "SUS-4")
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "D-17 (also SUS-4")
	assert.Contains(t, out, "Source: driver-management 3.1, 10.2")
	assert.Contains(t, out, "Scenarios that show it:\n  Take a snapshot of a ROOT or DATA volume: ")
	out, _, code = call(t.Context(), "explain", "D-36b")
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "It cannot be put in: ")
}

func TestTheMatrixListsEveryRow(t *testing.T) {
	t.Parallel()
	out, _, code := call(t.Context(), "matrix", "--markdown")
	assert.Equal(t, 0, code)
	assert.Equal(t, 31, strings.Count(out, "\n"))
	assert.Regexp(t, `\| 03 \| Create DATA volume \| \d+ \|`, out)
	out, _, code = call(t.Context(), "matrix")
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "A new DATA disk reads as zeros")
}

func TestShardsAreMergedIntoOneReport(t *testing.T) {
	dir := t.TempDir()
	parts := []string{filepath.Join(dir, "1"), filepath.Join(dir, "2")}
	for i, part := range parts {
		_, stderr, code := call(t.Context(), "conform", "--rows", "10", "--tags", "~@fault", "--seed", "3",
			"--shard", []string{"1/2", "2/2"}[i], "--out", part)
		require.Zero(t, code, stderr)
	}
	merged := filepath.Join(dir, "merged")
	out, stderr, code := call(t.Context(), "report", "merge", "--out", merged, parts[0], parts[1])
	assert.Zero(t, code, stderr)
	assert.Contains(t, out, "10  Create volume from snapshot")
	assert.NotContains(t, out, "scenarios, 0 passed")
	assert.FileExists(t, filepath.Join(merged, "report.html"))
	_, stderr, code = call(t.Context(), "report", "merge", parts[0])
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "shards are missing")
	_, stderr, code = call(t.Context(), "conform", "--shard", "0/2")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "I/N")
}
