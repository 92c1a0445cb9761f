package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/live"
	"github.com/spsim/spsim/scenarios/report"
)

// standIn is an emulator that stands for a cluster with a volume of somebody else, and the flags that lead to it.
func standIn(t *testing.T) (s *emulator.Server, flags []string) {
	t.Helper()
	s = emulator.Start(t)
	size := int64(1 << 20)
	_, err := s.Cluster().VolumeCreate(cluster.VolumeSpec{Name: "theirs", Size: &size, Template: "hdd"})
	require.NoError(t, err)
	s.WriteContent(t, "theirs", 0, []byte("untouched"))
	_, err = s.Cluster().VolumeSnapshot("theirs", cluster.SnapshotSpec{Name: "theirs-too"})
	require.NoError(t, err)
	return s, []string{"--api", strings.TrimPrefix(s.URL(), "http://"), "--token", s.Token()}
}

func conformed(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, said bytes.Buffer
	root := newRootCommand()
	root.SetOut(&out)
	root.SetErr(&said)
	root.SetArgs(append([]string{"conform", "--seed", "7"}, args...))
	err = root.ExecuteContext(t.Context())
	return out.String(), said.String(), err
}

func TestTheSuiteRunsAgainstAServerAndLeavesItAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags  []string
		admin  bool
		passed bool
	}{
		"an emulator with its devices":   {[]string{"--target", "emulator"}, true, true},
		"a cluster without devices":      {[]string{"--target", "live", "--template", "ssd", "--second-template", "hdd", "--clients", "5,2,3"}, false, false},
		"a cluster with devices, by URL": {[]string{"--target", "live", "--template", "hdd"}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, flags := standIn(t)
			flags = append(flags, c.flags...)
			if c.admin {
				flags = append(flags, "--admin", s.AdminURL())
			}
			dir := t.TempDir()
			stdout, stderr, err := conformed(t, append(flags, "--rows", "25", "--out", dir)...)
			require.NoError(t, err, stdout+stderr)
			assert.Contains(t, stderr, "nothing of the run is left")
			assert.Contains(t, stderr, "it has 1 volumes and 1 snapshots, which stay untouched")
			r, err := report.Read(dir)
			require.NoError(t, err)
			assert.Empty(t, r.With(report.Failed))
			require.Len(t, r.Endings, 1)
			assert.Equal(t, []int{1, 1}, []int{r.Endings[0].Volumes, r.Endings[0].Snapshots}, "what was there before")
			assert.Empty(t, r.Endings[0].Wrong)
			if c.passed {
				assert.Greater(t, len(r.With(report.Passed)), 15)
				assert.Empty(t, r.With(report.CannotTell))
			} else {
				assert.Empty(t, r.With(report.Passed), "without devices nobody can tell")
				assert.Greater(t, len(r.With(report.CannotTell)), 15)
			}
			s.AssertNoLeaks(t, "theirs", "theirs-too")
			assert.Equal(t, "untouched", string(s.ReadContent(t, "theirs", 0, 9)))
			assert.NoFileExists(t, filepath.Join(dir, "journal.jsonl"))
		})
	}
}

// meddler does something when the first scenario has ended.
type meddler struct {
	report.Progress
	once sync.Once
	do   func()
}

func (m *meddler) Ended(report.Scenario) { m.once.Do(m.do) }

func TestAForeignObjectThatIsGoneAfterTheRunIsInTheReport(t *testing.T) {
	t.Parallel()
	s, flags := standIn(t)
	dir := t.TempDir()
	_, err := scenarios.Run(t.Context(), scenarios.Options{
		Seed: 7, Rows: []string{"25"}, Target: scenarios.Emulator, Out: dir,
		Live:     live.Config{API: flags[1], Token: flags[3], Admin: s.AdminURL(), Journal: filepath.Join(dir, "journal.jsonl")},
		Progress: &meddler{Progress: report.Quiet(), do: func() { assert.NoError(t, s.Cluster().SnapshotDelete("theirs-too")) }},
	})
	require.ErrorIs(t, err, scenarios.ErrTarget)
	r, err := report.Read(dir)
	require.NoError(t, err)
	require.Len(t, r.Endings, 1)
	require.Len(t, r.Endings[0].Wrong, 2, "the snapshot, and the volume that had it as its parent")
	assert.Regexp(t, `(?s)is gone; no call of this run has named it.*was .*theirs-too`, r.Endings[0].Wrong[1])
	assert.Equal(t, report.Failed, r.Worst())
	_, stderr, code := call(t.Context(), "report", "merge", dir)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "not as it was")
}

func TestADefectIsSeenOnAServerToo(t *testing.T) {
	t.Parallel()
	s, flags := standIn(t)
	dir := t.TempDir()
	_, _, err := conformed(t, append(flags, "--target", "emulator", "--admin", s.AdminURL(), "--rows", "10", "--driver", "D-2", "--out", dir)...)
	require.Error(t, err)
	r, err := report.Read(dir)
	require.NoError(t, err)
	failed := r.With(report.Failed)
	require.NotEmpty(t, failed)
	for _, x := range failed {
		assert.Contains(t, x.Tags, "@D-2", x.Title)
	}
	s.AssertNoLeaks(t, "theirs", "theirs-too")
}

func TestADryRunSaysWhatWouldBeDoneAndDoesNothing(t *testing.T) {
	t.Parallel()
	s, flags := standIn(t)
	before := s.Cluster().Generation()
	stdout, _, err := conformed(t, append(flags, "--target", "live", "--template", "hdd", "--dry-run", "--rows", "3,28")...)
	require.NoError(t, err)
	assert.Equal(t, before, s.Cluster().Generation())
	assert.Contains(t, stdout, "would run   A new DATA disk reads as zeros: ")
	assert.Contains(t, stdout, "VolumeCreate")
	assert.Contains(t, stdout, "would skip ")
	assert.Contains(t, stdout, "needs two StorPool clusters")
	assert.Regexp(t, `\d+ scenarios would run: \d+ VolumeCreate`, stdout)
}

func TestWrongFlagsOfATargetAreRefused(t *testing.T) {
	for _, name := range []string{"SP_API_HTTP_HOST", "SP_API_HTTP_PORT", "SP_AUTH_TOKEN", adminURLVariable} {
		t.Setenv(name, "") // those of a server that runs elsewhere
	}
	for says, args := range map[string][]string{
		"needs --api HOST:PORT and --token":       {"--target", "emulator"},
		"needs --template":                        {"--target", "live", "--api", "127.0.0.1:1", "--token", "x"},
		"the target embedded takes no --api":      {"--api", "127.0.0.1:1"},
		`no target "moon"`:                        {"--target", "moon"},
		`--tools "magic" is not known`:            {"--target", "live", "--api", "127.0.0.1:1", "--token", "x", "--template", "hdd", "--tools", "magic"},
		"no StorPool API answers":                 {"--target", "emulator", "--api", "127.0.0.1:1", "--token", "x"},
		"--cleanup needs --token":                 {"--cleanup", "nothing.jsonl"},
		"read the journal":                        {"--cleanup", "nothing.jsonl", "--token", "x"},
		"give one":                                {"--target", "live", "--api", "127.0.0.1:1", "--token", "x", "--template", "hdd", "--tools", "host", "--admin", "http://127.0.0.1:1"},
		"takes no --api, --token, --template and": {"--dry-run"},
	} {
		t.Run(says, func(t *testing.T) {
			_, _, err := conformed(t, args...)
			require.ErrorContains(t, err, says)
			if says != "read the journal" {
				var coded interface{ ExitCode() int }
				require.ErrorAs(t, err, &coded)
				assert.Equal(t, exitUsage, coded.ExitCode())
			}
		})
	}
}

func TestWhatAScenarioNeedsSelectsIt(t *testing.T) {
	t.Parallel()
	r, err := scenarios.Run(t.Context(), scenarios.Options{Seed: 1, Tags: "@needs-clock"})
	require.NoError(t, err)
	passed := r.With(report.Passed)
	require.NotEmpty(t, passed)
	for _, s := range passed {
		assert.Contains(t, s.Tags, "@needs-clock")
	}
	r, err = scenarios.Run(t.Context(), scenarios.Options{Seed: 1, Tags: "~@needs-two-hosts && @row-16"})
	require.NoError(t, err)
	for _, s := range r.With(report.Passed) {
		assert.NotContains(t, s.Tags, "@needs-two-hosts")
	}
}
