package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/scenarios/interleave"
)

func newInterleaveCommand() *cobra.Command {
	var o interleave.Options
	var schedule, without string
	c := &cobra.Command{
		Use:   "interleave",
		Short: "Run pairs of operations at the same time, in every order of their steps with at most two preemptions",
		Long: `Plays pairs of operations, on one volume or on a snapshot and what is made of it, from two management servers with a
driver each on one inventory. Each StorPool call, step of a host and transaction of the inventory is a point where one
operation may have to make room for the other; all schedules with at most two such points are played, each in a fresh
world. Both operations must end, with success or a clear refusal; everything must be as after one of the two orders in
which they could have followed one another. Prints one line per pair and each broken promise with the order of its steps.

Exit codes: 0 when all promises were kept, 1 when not, 2 for wrong flags, 130 when stopped.`,
		Example: `  spsim interleave
  spsim interleave --pair 'resize+snapshot'
  spsim interleave --pair 'resize+snapshot' --schedule 3,7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Without = interleave.Without(without)
			if schedule != "" {
				s, err := interleave.ParseSchedule(schedule)
				if err != nil {
					return &exitError{exitUsage, err}
				}
				o.Schedule = &s
			}
			return runInterleave(cmd, o)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Pairs, "pair", nil, "play these only, by name")
	f.StringVar(&schedule, "schedule", "", "play this one of the pair only, and print the order of its steps: the points where the running\noperation makes room, 3,7; with 0 in front the second operation begins; none for no such point")
	f.IntVar(&o.Most, "most", 0, "schedules of a pair, evenly spread over all; 1000 when 0")
	f.IntVar(&o.Jobs, "jobs", 0, "schedules at a time; the number of CPUs when 0")
	f.Int64Var(&o.Seed, "seed", 1, "ids and contents")
	f.StringVar(&o.Driver, "driver", "", "put defects in, by number, D-11,A-7")
	f.StringVar(&without, "without", "", "take away what keeps the servers off one another, to see that it is missed: leases or queue")
	return strict(c)
}

func runInterleave(cmd *cobra.Command, o interleave.Options) error {
	spendMemory()
	out := cmd.OutOrStdout()
	played, broken, known, partial := 0, 0, 0, 0
	o.Each = func(x interleave.Result) {
		played += x.Played
		broken += len(x.Violations)
		known += len(x.Known)
		if x.Played < x.Schedules {
			partial++
		}
		interleaveLine(out, x, o)
	}
	r, err := interleave.Run(cmd.Context(), o)
	switch {
	case cmd.Context().Err() != nil:
		return &exitError{exitInterrupted, err}
	case errors.Is(err, interleave.ErrUsage):
		return &exitError{exitUsage, err}
	case err != nil:
		return err
	}
	for _, e := range r.Unused {
		fmt.Fprintf(out, "UNUSED EXCEPTION %s %s: %s\n", e.Pair, e.Problem, e.Reason)
	}
	fmt.Fprintf(out, "%d pairs, %d schedules, %d pairs not in full, %d known, %d broken promises\n", len(r.Results), played, partial, known, broken)
	if !r.OK() {
		return &exitError{exitFailed, errors.New("operations at the same time break promises")}
	}
	return nil
}

// interleaveLine prints how a pair went, and each broken promise with how to see it again.
func interleaveLine(w io.Writer, x interleave.Result, o interleave.Options) {
	count := fmt.Sprintf("%d schedules", x.Played)
	if x.Played < x.Schedules {
		count = fmt.Sprintf("%d of %d schedules", x.Played, x.Schedules)
	}
	fmt.Fprintf(w, "%-44s %24s, %4d with a refusal, %d broken\n", x.Pair, count, x.Refused, len(x.Violations))
	for _, v := range x.Known {
		fmt.Fprintf(w, "  KNOWN, not mended: %s, schedule %s: %s\n", v.Pair, v.Schedule, v.Problem)
	}
	if o.Schedule != nil {
		fmt.Fprintf(w, "  %s\n", strings.Join(x.Order, "\n  "))
	}
	flags := fmt.Sprintf(" --seed %d", o.Seed)
	if o.Driver != "" {
		flags += fmt.Sprintf(" --driver '%s'", o.Driver)
	}
	if o.Without != "" {
		flags += fmt.Sprintf(" --without %s", o.Without)
	}
	for _, v := range x.Violations {
		fmt.Fprintf(w, "  BROKEN: %s\n    replay: spsim interleave%s --pair '%s' --schedule %s\n",
			strings.ReplaceAll(v.String(), "\n", "\n    "), flags, v.Pair, v.Schedule)
	}
}
