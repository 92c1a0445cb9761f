package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/report"
)

// The exit codes of the commands that run scenarios.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

const exitCodes = `Exit codes: 0 when nothing failed, 1 when a scenario failed or the suite could not run, 2 for wrong flags,
130 when the run was stopped (Ctrl-C); the report is written all the same.`

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// ExitCode is the code that the process ends with.
func (e *exitError) ExitCode() int { return e.code }

// usage gives errors about flags their exit code.
func usage(err error) error {
	if errors.Is(err, scenarios.ErrUsage) {
		return &exitError{exitUsage, err}
	}
	return err
}

// strict gives wrong flags their exit code.
func strict(c *cobra.Command) *cobra.Command {
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	return c
}

const conformText = `Runs the scenarios of the plugin's action matrix in process: emulator, driver, agents and secondary
storage on a virtual clock. Prints the matrix with a result for each of its rows. A row that no scenario
covers is pending, never passed.

With --target emulator --api HOST:PORT they run against spsim serve, with --target live against a StorPool cluster.
There every object gets the tag spsim-run, and nothing without it is touched; everything is removed at the end, also after
Ctrl-C, and after a kill with --cleanup and the journal. What was there before is compared with what is there afterwards.
Volumes have bytes where --admin shows the devices of an emulator, or with --tools host those of this machine, which has to
be a client of the cluster. Without devices everything but the bytes is judged, and no scenario says passed: it cannot tell.

With --property scenarios are made up: any sequence of actions, with faults and deaths of the management server between
them, in the words of the feature files. One that breaks a promise is made shorter and printed. The same --seed makes up
the same scenarios.

` + exitCodes

func newConformCommand() *cobra.Command {
	var o scenarios.Options
	var t targetFlags
	var p propertyFlags
	c := &cobra.Command{
		Use:   "conform",
		Short: "Run the plugin's action matrix and report each row",
		Long:  conformText,
		Example: `  spsim conform --out out/conformance
  spsim conform --rows 9,10 --seed 7
  spsim conform --tags '@fault && ~@row-15'
  spsim conform --seed 7 --shard 2/4 --out out/part-2
  spsim conform --driver D-11
  spsim conform --property --seed 42 --cases 500
  spsim conform --target emulator --api 127.0.0.1:8081 --admin http://127.0.0.1:8082
  spsim conform --target live --api 10.0.0.1:81 --token 123 --template spsim --dry-run
  spsim conform --cleanup out/conformance/journal.jsonl --token 123`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.Seed = freshSeed()
			}
			if t.cleanup != "" {
				return t.clean(cmd)
			}
			if p.property {
				return p.search(cmd, o)
			}
			if err := t.into(&o); err != nil {
				return err
			}
			if t.dryRun {
				return usage(scenarios.DryRun(cmd.Context(), o, cmd.OutOrStdout()))
			}
			return conform(cmd, o)
		},
	}
	f := c.Flags()
	f.Int64Var(&o.Seed, "seed", 0, "order, ids and contents; a fresh one, printed at the end, when not given")
	f.StringVar(&o.Tags, "tags", "", "run the scenarios with these tags: @a, ~@a for without, commas for or, && for and")
	f.StringSliceVar(&o.Rows, "rows", nil, "run these rows of the matrix, by number")
	f.StringVar(&o.Shard, "shard", "", "run part I of N, as I/N; give all parts the same --seed and merge them with spsim report merge")
	f.StringVar(&o.Driver, "driver", "correct", "correct, upstream (all known defects) or defects by number, D-11,A-7")
	f.StringVar(&o.Target, "target", scenarios.Embedded, "what to run against: embedded, emulator or live")
	f.StringVar(&o.Out, "out", "", "folder for report.html, matrix.md, junit.xml, results.json and details.json")
	f.IntVar(&o.Concurrency, "jobs", 0, "scenarios at a time; the number of CPUs when 0")
	f.BoolVar(&o.FailFast, "fail-fast", false, "begin no scenario once one has failed; the report says so of the others")
	t.add(f)
	p.add(f)
	return strict(c)
}

func conform(cmd *cobra.Command, o scenarios.Options) error {
	spendMemory()
	ctx := cmd.Context() // ends with Ctrl-C
	o.Progress, o.Say = progress(cmd.ErrOrStderr()), cmd.ErrOrStderr()
	r, err := scenarios.Run(ctx, o)
	if err != nil && !errors.Is(err, scenarios.ErrTarget) {
		return usage(err)
	}
	if bad := r.Console(cmd.OutOrStdout()); bad != nil {
		return errors.Join(err, bad)
	}
	if err != nil {
		return err
	}
	return verdict(ctx, r)
}

func verdict(ctx context.Context, r report.Report) error {
	switch failed := len(r.With(report.Failed)); {
	case r.Interrupted && ctx.Err() == nil: // a merged report
		return &exitError{exitInterrupted, errors.New("a part of the run was stopped")}
	case r.Interrupted:
		return &exitError{exitInterrupted, fmt.Errorf("stopped: %w", context.Cause(ctx))}
	case !r.AsItWas(): // a merged report; that of a run is an error of its own
		return &exitError{exitFailed, errors.New("a target is not as it was before the run: its report says what is wrong")}
	case failed > 0:
		return &exitError{exitFailed, fmt.Errorf("%d scenarios failed", failed)}
	}
	return nil
}

// progress is a bar on a terminal and plain lines elsewhere.
func progress(w io.Writer) report.Progress {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return report.Bar(w)
	}
	return report.Lines(w)
}

// freshSeed is a number short enough to type.
func freshSeed() int64 {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000_000))
	if err != nil {
		return 1 // the seed is printed; any will do
	}
	return n.Int64() + 1
}
