package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/scenarios/sweep"
)

func newSweepCommand() *cobra.Command {
	var o sweep.Options
	c := &cobra.Command{
		Use:   "sweep",
		Short: "Make every step of every operation go wrong, one at a time",
		Long: `Plays each operation once and notes the StorPool calls, the agents' steps and the driver's steps in it. Then makes
each call and each agent step go wrong in each way, one at a time and in a fresh world each: the operation must succeed,
or fail and change nothing, and must then succeed without the fault. Kills the management server at each driver step as
well: the next one must bring everything to rest. Prints one line per operation and each broken promise.

Exit codes: 0 when all promises were kept, 1 when not, 2 for wrong flags, 130 when stopped.`,
		Example: `  spsim sweep
  spsim sweep --operations attach,resize
  spsim sweep --operations attach --case 'agent Attach/plug #1 hung'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSweep(cmd, o) },
	}
	f := c.Flags()
	f.StringSliceVar(&o.Operations, "operations", nil, "sweep these only, by name")
	f.StringVar(&o.Case, "case", "", "play only the cases whose text contains this")
	f.Int64Var(&o.Seed, "seed", 1, "ids and contents, and what is in a sample")
	f.StringVar(&o.Driver, "driver", "", "put defects in, by number, D-11,A-7")
	f.IntVar(&o.Sample, "sample", 0, "play one case in so many; all when 0")
	f.IntVar(&o.Jobs, "jobs", 0, "cases at a time; the number of CPUs when 0")
	return strict(c)
}

func runSweep(cmd *cobra.Command, o sweep.Options) error {
	spendMemory()
	out := cmd.OutOrStdout()
	cases, broken := 0, 0
	o.Each = func(x sweep.Result) {
		cases += x.Cases
		broken += len(x.Violations)
		sweepLine(out, x, o)
	}
	r, err := sweep.Run(cmd.Context(), o)
	switch {
	case cmd.Context().Err() != nil:
		return &exitError{exitInterrupted, err}
	case errors.Is(err, sweep.ErrUsage):
		return &exitError{exitUsage, err}
	case err != nil:
		return err
	}
	for _, e := range r.Unused {
		fmt.Fprintf(out, "UNUSED EXCEPTION %s %s %s %s: %s\n", e.Operation, e.Step, e.Way, e.Problem, e.Reason)
	}
	fmt.Fprintf(out, "%d operations, %d cases, %d broken promises\n", len(r.Results), cases, broken)
	if !r.OK() {
		return &exitError{exitFailed, errors.New("the sweep fails")}
	}
	return nil
}

// sweepLine prints what an operation consists of, and each broken promise with how to see it again.
func sweepLine(w io.Writer, x sweep.Result, o sweep.Options) {
	fmt.Fprintf(w, "%-29s %3d calls and %3d agent steps x 5 ways, %2d crashes: %4d cases, %d excepted, %d broken\n",
		x.Operation, x.Calls, x.AgentSteps, x.DriverSteps, x.Cases, len(x.Excepted), len(x.Violations))
	driver := ""
	if o.Driver != "" {
		driver = fmt.Sprintf(" --driver '%s'", o.Driver)
	}
	for _, v := range x.Violations {
		_, what, _ := strings.Cut(v.Case.String(), ": ")
		fmt.Fprintf(w, "  BROKEN: %s\n    replay: spsim sweep --seed %d%s --operations '%s' --case '%s'\n",
			strings.ReplaceAll(v.String(), "\n", "\n    "), o.Seed, driver, v.Operation, what)
	}
}
