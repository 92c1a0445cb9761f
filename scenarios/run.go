package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/features"
	"github.com/spsim/spsim/scenarios/cover"
	"github.com/spsim/spsim/scenarios/live"
	"github.com/spsim/spsim/scenarios/report"
	"github.com/spsim/spsim/scenarios/steps"
	"github.com/spsim/spsim/scenarios/world"
)

// Embedded is the target that runs in this process: emulator, driver and agents on a virtual clock.
const Embedded = "embedded"

// Options say what to run and how. The zero value runs everything against the embedded target.
type Options struct {
	// Seed decides the order, the ids and the contents.
	Seed int64
	// Tags selects scenarios: @a, ~@a, commas for or, && for and.
	Tags string
	// Rows selects rows of the action matrix by number.
	Rows []string
	// Shard is "I/N" to run the I-th of N parts of the selected scenarios; everything when empty.
	Shard string
	// Driver selects upstream defects: correct (or empty), upstream, or ids parted by commas.
	Driver string
	// Target is what to run against: [Embedded] when empty, [Emulator] or [Live].
	Target string
	// Live is where the targets outside of this process are.
	Live live.Config
	// Say receives lines about such a target: what it can do, and how it was left. It may be nil.
	Say io.Writer
	// Out is a folder for report.html, matrix.md, results.json, details.json and junit.xml; nothing is written when empty.
	Out string
	// Progress is told how the run goes on; it may be nil.
	Progress report.Progress
	// Concurrency is the number of scenarios at a time; the number of CPUs when 0.
	Concurrency int
	// FailFast ends the run at the first failed scenario; those that have not begun are skipped.
	FailFast bool

	newTarget func() (world.Target, error) // nil for the embedded one
	keep      bool                         // what was asked, without writing it

	leave func(report.Scenario) bool // leaves selected scenarios out; may be nil

	t *testing.T // each scenario is a subtest of it; nil outside of go test
}

// Run runs the selected scenarios and returns the report. The error says why the suite could not run ([ErrUsage] for
// wrong options) or could not write its report; a failed scenario is no error. When ctx ends, the scenarios that have
// not begun are skipped and the report says so.
func Run(ctx context.Context, o Options) (report.Report, error) {
	if o.Target == "" {
		o.Target = Embedded
	}
	if o.Driver == "" {
		o.Driver = "correct"
	}
	if err := steps.CheckDriver(o.Driver); err != nil {
		return report.Report{}, fmt.Errorf("%w: driver: %w", ErrUsage, err)
	}
	p, err := newPlan(o)
	if err != nil {
		return report.Report{}, err
	}
	on := play
	if o.Target != Embedded {
		on = outside
	}
	out, err := on(ctx, o, p)
	if err != nil && !errors.Is(err, ErrTarget) {
		return report.Report{}, err
	}
	if o.Out != "" {
		all, bad := spoken()
		if bad != nil {
			return out, errors.Join(err, bad)
		}
		out.Cells = cover.ReportCells(all)
		if bad := out.WriteFiles(o.Out); bad != nil {
			return out, errors.Join(err, fmt.Errorf("write the report: %w", bad))
		}
	}
	return out, err
}

// play lets godog run the plan. Results come from its hooks: they see a wrapped skip, its exit code does not.
func play(ctx context.Context, o Options, p *plan) (report.Report, error) {
	first := newBrake(o)
	rec := report.NewRecorder(p.scenarios, first)
	var watch *report.Recorder // steps tell what they ask only when somebody will read it
	if o.Out != "" || o.keep {
		rec.Keep()
		watch = rec
	}
	if p.selected > 0 {
		paths, err := shuffled(o.Seed)
		if err != nil {
			return report.Report{}, err
		}
		n := o.Concurrency
		if n == 0 {
			n = runtime.NumCPU()
		}
		order := o.Seed
		if order <= 0 {
			order = 1 - order // godog reads 0 as no order and -1 as one of its own
		}
		godog.TestSuite{
			Name: "spsim",
			ScenarioInitializer: func(sc *godog.ScenarioContext) {
				register(ctx, sc, o, p, rec, watch, first)
			},
			Options: &godog.Options{
				FS: features.FS, Paths: paths, Tags: p.filter, Format: "progress", Output: io.Discard, NoColors: true,
				Strict: true, Concurrency: n, Randomize: order, DefaultContext: ctx, TestingT: o.t,
			},
		}.Run()
	}
	return rec.Report(o.Seed, o.Target, o.Driver, ctx.Err() != nil), nil
}

// register gives a scenario its steps and lets the recorder see how each ends. The steps' own hooks come first, so
// that the recorder sees what they found.
func register(run context.Context, sc *godog.ScenarioContext, o Options, p *plan, rec, watch *report.Recorder, first *brake) {
	title := ""
	sc.Before(func(ctx context.Context, s *godog.Scenario) (context.Context, error) {
		title = s.Name
		if run.Err() != nil {
			return ctx, steps.Skip("the run was stopped before it began")
		}
		if first.pulled.Load() {
			return ctx, steps.Skip("another scenario failed before it began")
		}
		if p.elsewhere[title] {
			return ctx, steps.Skip("it is not run here")
		}
		rec.Begin(title)
		return ctx, nil
	})
	steps.Register(sc, steps.Options{Seed: o.Seed, Driver: o.Driver, Target: o.newTarget, Recorder: watch})
	sc.StepContext().After(func(ctx context.Context, s *godog.Step, _ godog.StepResultStatus, err error) (context.Context, error) {
		rec.Step(title, s.Text, judged(run, err))
		return ctx, nil
	})
	sc.After(func(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
		rec.End(title, judged(run, err))
		return ctx, nil
	})
}

// judged puts the report's words in the place of godog's. What broke because the run was stopped is no failure.
func judged(run context.Context, err error) error {
	switch {
	case errors.Is(err, context.Canceled) && run.Err() != nil:
		return fmt.Errorf("%w: the run was stopped", report.ErrSkipped)
	case errors.Is(err, godog.ErrUndefined):
		return fmt.Errorf("%w: no such step", err)
	case errors.Is(err, godog.ErrPending):
		return fmt.Errorf("%w: %w", report.ErrPending, err)
	}
	return err
}
