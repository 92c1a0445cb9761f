package steps

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios/report"
)

// play runs the lines of a scenario and returns the first error of a step or of the end.
func play(t *testing.T, driver string, lines ...string) (first error) {
	t.Helper()
	text := "Feature: F\n  Scenario: S\n    Given a zone with 2 hosts and the StorPool pool \"primary\"\n    " +
		strings.Join(lines, "\n    ") + "\n"
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	godog.TestSuite{
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			Register(sc, Options{Seed: 1, Driver: driver})
			sc.StepContext().After(func(ctx context.Context, _ *godog.Step, _ godog.StepResultStatus, err error) (context.Context, error) {
				keep(err)
				return ctx, nil
			})
			sc.After(func(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
				keep(err)
				return ctx, nil
			})
		},
		Options: &godog.Options{
			FeatureContents: []godog.Feature{{Name: "f.feature", Contents: []byte(text)}},
			Format:          "progress", Output: io.Discard, Strict: true,
		},
	}.Run()
	return first
}

// The lines that every scenario of these tests has: a VM with a pattern on its disk, read back.
func proven(more ...string) []string {
	return append([]string{
		`Given the running VM "web"`, `And the pattern "a" is written to "web-root"`, `Then "web-root" holds the pattern "a"`,
	}, more...)
}

func TestJudgesOfAScenario(t *testing.T) { //nolint:paralleltest // two godog suites in one process run one after the other
	for _, c := range []struct {
		name   string
		driver string
		lines  []string
		says   string // empty: it passes
	}{
		{name: "a good scenario passes", lines: proven()},
		{name: "what was asked", lines: proven(`Then StorPool was never asked anything`), says: "asked"},
		{name: "what was asked, by name", lines: proven(`Then StorPool was never asked "POST VolumeCreate"`), says: "management asked POST VolumeCreate"},
		{name: "what was not asked, by name", lines: proven(`Then StorPool was never asked "POST VolumeFreeze"`)},
		{name: "what was logged", lines: proven(`Then no log line says "initialize"`), says: "a log line says it: initialize"},
		{name: "what was not logged", lines: proven(`Then no log line says "never heard of"`)},
		{
			name: "a discard of what has to stay", lines: proven(`When the guest "web" discards the first 4 KiB of "web-root"`),
			says: "differs from the pattern",
		},
		{name: "a scenario that compares nothing fails", lines: []string{`Given the running VM "web"`}, says: "compared no bytes"},
		{name: "a disk that holds something else fails", lines: proven(`Then "web-root" holds the pattern "b"`), says: `the pattern "a", whole or in part`},
		{name: "a disk that is not empty fails", lines: proven(`Then "web-root" is empty`), says: "holds the pattern"},
		{
			name: "a fault that does not happen fails", lines: proven(`And the call "POST VolumeRevert" will be refused`),
			says: "did not happen",
		},
		{
			name:  "a fault that is taken back before it happened fails",
			lines: proven(`And the call "POST VolumeRevert" will be refused`, `When the fault is over`), says: "did not happen",
		},
		{name: "a fault that cannot happen is refused", lines: proven(`And the call "POST VolumeRevret" will be refused`), says: "VolumeRevret"},
		{name: "a crash that does not happen fails", lines: proven(`And the management server will die at the step "x" of "y"`), says: "did not die"},
		{name: "an action that should fail and succeeds fails", lines: proven(`When the VM "web" is stopped, which fails`), says: "it succeeded"},
		{name: "an action that fails fails", lines: proven(`When the disk "web-root" is deleted`), says: "refused"},
		{
			name:  "an action that fails where it should be refused fails",
			lines: proven(`And the call "agent Stop/shutdown" will be refused`, `When the VM "web" is stopped, which is refused`),
			says:  "it should have been refused",
		},
		{name: "a refusal passes", lines: proven(`When the disk "web-root" is deleted, which is refused`)},
		{
			name:  "a change where there should be none fails",
			lines: proven(`When the VM "web" is stopped`, `Then StorPool and the inventory are as before`), says: "something changed",
		},
		{name: "a name that is not known fails", lines: proven(`When the VM "wbe" is stopped`), says: `knows no VM "wbe"`},
		{
			name: "every line of a table that differs is named", says: "cs is volume, not snapshot",
			lines: proven("Then the StorPool volume of \"web-root\" has\n      | size | 1 GiB |\n      | cs | snapshot |"),
		},
		{name: "an invariant that breaks fails", driver: "D-11a", lines: proven(`And the DATA disk "data" of 1 GiB is created`, `When the disk "data" is attached to "web"`), says: "invariants broken"},
	} {
		t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // as above
			err := play(t, c.driver, c.lines...)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestWhatATargetDoesNotShowIsNeitherPassedNorFailed(t *testing.T) {
	t.Parallel()
	result, reason := report.Judge(cannotTell("no eyes"))
	assert.Equal(t, report.CannotTell, result)
	assert.Contains(t, reason, "no eyes")
	require.ErrorIs(t, cannotTell("no eyes"), godog.ErrSkip)
	result, _ = report.Judge(Skip("no second cluster"))
	assert.Equal(t, report.Skipped, result)
	require.ErrorIs(t, Skip("no second cluster"), godog.ErrSkip)
}

func TestARefusalThatChangesSomethingFails(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	story := NewStory(Options{Seed: 1}, "a refusal")
	defer func() { require.NoError(t, story.End(ctx, errors.New("over"))) }()
	require.NoError(t, story.Play(ctx, `a zone with 2 hosts and the StorPool pool "primary"`))
	require.NoError(t, story.Play(ctx, `the DATA disk "disk" of 1 GiB is created`))
	s := story.s
	changes := map[string]func() error{
		"nothing": func() error { return nil },
		"object": func() error {
			e, err := s.emulator()
			require.NoError(t, err)
			size := int64(1 << 20)
			_, err = e.Cluster().VolumeCreate(cluster.VolumeSpec{Size: &size})
			return err
		},
		"volume": func() error {
			return s.inv().Update(func(tx *inventory.Tx) error {
				return tx.Volumes.Change(s.disks["disk"], func(v *inventory.Volume) { v.Size++ })
			})
		},
		"file": func() error {
			return os.WriteFile(filepath.Join(s.w.Folder(), filepath.FromSlash(strings.TrimPrefix(s.w.Store.URL, "nfs://")), "left"), nil, 0o600)
		},
	}
	for what, change := range changes {
		_ = story.Judge(ctx) // what the last one has left is not to be seen
		err := s.act(ctx, "is refused", func(context.Context) error {
			require.NoError(t, change(), what)
			return driver.ErrRefused
		})
		if what == "nothing" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "something changed", what)
		assert.ErrorContains(t, err, what)
	}
}
