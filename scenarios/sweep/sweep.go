package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spsim/spsim/scenarios/world"
)

// ErrUsage is wrapped by the error about options that make no sense.
var ErrUsage = errors.New("wrong use of the sweep")

// Options say what to sweep.
type Options struct {
	// Operations limits the sweep to these, by name; all when empty.
	Operations []string
	// Case limits it to the cases whose text (Case.String) contains this.
	Case string
	// Seed decides ids and contents, and what is in a sample.
	Seed int64
	// Sample plays one case in so many; all when 0.
	Sample int
	// Jobs is the number of cases at a time; the number of CPUs when 0.
	Jobs int
	// Driver puts known defects in, as world.Options has it; none when empty.
	Driver string
	// Each, when set, is called after each operation, in their order.
	Each func(Result)
}

// Result is the outcome of an operation.
type Result struct {
	Operation string
	// Calls, AgentSteps and DriverSteps count what was recorded.
	Calls, AgentSteps, DriverSteps int
	// Cases were played.
	Cases int
	// Excepted are the violations that an exception covers.
	Excepted   []Violation
	Violations []Violation
}

// Report is the outcome of a sweep.
type Report struct {
	Results []Result
	// Unused are the exceptions that covered nothing; they are looked for when everything was played.
	Unused []Exception
}

// OK tells whether every promise was kept and every exception used.
func (r Report) OK() bool {
	return len(r.Unused) == 0 && !slices.ContainsFunc(r.Results, func(x Result) bool { return len(x.Violations) > 0 })
}

// Run sweeps. An error says why it could not be done.
func Run(ctx context.Context, o Options) (Report, error) {
	ops, err := chosen(o.Operations)
	if err != nil {
		return Report{}, err
	}
	r := Report{}
	used := map[int]bool{}
	cases := 0
	for _, op := range ops {
		x, err := o.sweep(ctx, op, used)
		if err != nil {
			return r, err
		}
		cases += x.Cases
		r.Results = append(r.Results, x)
		if o.Each != nil {
			o.Each(x)
		}
	}
	if cases == 0 && o.Case != "" {
		return r, fmt.Errorf("%w: no case contains %q", ErrUsage, o.Case)
	}
	if len(o.Operations) == 0 && o.Case == "" && o.Sample <= 1 {
		for i, e := range Exceptions() {
			if !used[i] && !e.Sometimes {
				r.Unused = append(r.Unused, e)
			}
		}
	}
	return r, nil
}

func chosen(names []string) ([]Operation, error) {
	all := Operations()
	if len(names) == 0 {
		return all, nil
	}
	var out []Operation
	for _, name := range names {
		i := slices.IndexFunc(all, func(op Operation) bool { return op.Name == strings.TrimSpace(name) })
		if i < 0 {
			known := make([]string, len(all))
			for i, op := range all {
				known[i] = op.Name
			}
			return nil, fmt.Errorf("%w: no operation %q: there are %s", ErrUsage, name, strings.Join(known, ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// sweep records an operation and plays its cases; it notes which exceptions were used.
func (o Options) sweep(ctx context.Context, op Operation, used map[int]bool) (Result, error) {
	x := Result{Operation: op.Name}
	places, err := record(op, world.Options{Seed: o.Seed, Driver: o.Driver}) //nolint:contextcheck // a world has a clock of its own
	if err != nil {
		return x, fmt.Errorf("record %s: %w", op.Name, err)
	}
	var cases []Case
	for _, p := range places {
		switch p.kind {
		case ofStorPool:
			x.Calls++
		case ofAgent:
			x.AgentSteps++
		case ofDriver:
			x.DriverSteps++
		}
		for _, w := range p.ways() {
			if c := (Case{op.Name, p.step, p.nth, w, p.at}); o.wants(c) {
				cases = append(cases, c)
			}
		}
	}
	x.Cases = len(cases)
	found := o.playAll(ctx, op, cases)
	if err := ctx.Err(); err != nil {
		return x, fmt.Errorf("stopped in %s: %w", op.Name, context.Cause(ctx))
	}
	all := Exceptions()
	for _, v := range found {
		if i := slices.IndexFunc(all, func(e Exception) bool { return e.Covers(v) }); i >= 0 {
			used[i] = true
			x.Excepted = append(x.Excepted, v)
			continue
		}
		x.Violations = append(x.Violations, v)
	}
	return x, nil
}

// wants tells whether a case is to be played.
func (o Options) wants(c Case) bool {
	if !strings.Contains(c.String(), o.Case) {
		return false
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", o.Seed, c) // a hash accepts everything
	return h.Sum64()%uint64(max(o.Sample, 1)) == 0
}

// playAll plays cases, several at a time, and returns what was found in their order.
func (o Options) playAll(ctx context.Context, op Operation, cases []Case) []Violation {
	found := make([][]Violation, len(cases))
	next := make(chan int)
	var wg sync.WaitGroup
	for range cmp.Or(o.Jobs, runtime.GOMAXPROCS(0)) {
		wg.Go(func() { //nolint:contextcheck // a case is short and has a world of its own
			for i := range next {
				found[i] = try(op, cases[i], world.Options{Seed: o.Seed, Driver: o.Driver})
			}
		})
	}
	for i := range cases {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return slices.Concat(found...)
}
