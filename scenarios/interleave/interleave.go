package interleave

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// ErrUsage is wrapped by the error about options that make no sense.
var ErrUsage = errors.New("wrong use of interleave")

// Without is what the two management servers do not share although they should, to see that it is missed.
type Without string

// What can be taken away.
const (
	// Leases: each driver takes the other's leases for its own.
	Leases Without = "leases"
	// Queue: each management server has a queue of jobs of its own.
	Queue Without = "queue"
)

// Options say what to play.
type Options struct {
	// Pairs limits it to these, by name; all when empty.
	Pairs []string
	// Schedule plays this one only, unless nil.
	Schedule *Schedule
	// Most is how many schedules of a pair are played: all with one preemption, then as many with two, evenly spread.
	// 1000 when 0.
	Most int
	// Jobs is the number of schedules at a time; the number of CPUs when 0.
	Jobs int
	// Seed decides ids and contents; 1 when 0.
	Seed int64
	// Driver puts known defects in, as world.Options has it; none when empty.
	Driver string
	// Without takes something away that keeps the two off one another; nothing when empty.
	Without Without
	// Each, when set, is called after each pair, in their order.
	Each func(Result)
}

// Result is the outcome of a pair.
type Result struct {
	Pair string
	// Schedules there are, Played of them.
	Schedules, Played int
	// Refused counts the schedules in which an operation was refused.
	Refused int
	// Known are the violations that a finding covers which is not mended yet.
	Known      []Violation
	Violations []Violation
	// Order is what was done in the last schedule, step by step.
	Order []string
}

// Report is the outcome of all.
type Report struct {
	Results []Result
	// Unused are the exceptions that covered nothing; they are looked for when everything was played.
	Unused []Exception
}

// OK tells whether every promise was kept and every exception used.
func (r Report) OK() bool {
	return len(r.Unused) == 0 && !slices.ContainsFunc(r.Results, func(x Result) bool { return len(x.Violations) > 0 })
}

// Run plays pairs. An error says why it could not be done.
func Run(ctx context.Context, o Options) (r Report, err error) {
	pairs, err := chosen(o.Pairs)
	if err != nil {
		return r, err
	}
	o.Most, o.Jobs, o.Seed = cmp.Or(o.Most, 1000), cmp.Or(o.Jobs, runtime.GOMAXPROCS(0)), cmp.Or(o.Seed, 1)
	switch {
	case o.Without != "" && o.Without != Leases && o.Without != Queue:
		return r, fmt.Errorf("%w: %q cannot be taken away: there are %s and %s", ErrUsage, o.Without, Leases, Queue)
	case o.Schedule != nil && len(pairs) != 1:
		return r, fmt.Errorf("%w: a schedule is one of one pair", ErrUsage)
	}
	used := map[int]bool{}
	for _, p := range pairs {
		x, err := o.explore(ctx, p, used)
		if err != nil {
			return r, err
		}
		r.Results = append(r.Results, x)
		if o.Each != nil {
			o.Each(x)
		}
	}
	if len(o.Pairs) == 0 && o.Driver == "" && o.Without == "" {
		for i, e := range Exceptions() {
			if !used[i] {
				r.Unused = append(r.Unused, e)
			}
		}
	}
	return r, nil
}

func chosen(names []string) ([]Pair, error) {
	all := Pairs()
	if len(names) == 0 {
		return all, nil
	}
	var out []Pair
	for _, name := range names {
		i := slices.IndexFunc(all, func(p Pair) bool { return p.Name() == strings.TrimSpace(name) })
		if i < 0 {
			known := make([]string, len(all))
			for i, p := range all {
				known[i] = p.Name()
			}
			return nil, fmt.Errorf("%w: no pair %q: there are %s", ErrUsage, name, strings.Join(known, ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// explore plays the schedules of a pair, those with fewer preemptions first.
func (o Options) explore(ctx context.Context, p Pair, used map[int]bool) (Result, error) {
	x := Result{Pair: p.Name()}
	u := setup{o.Seed, o.Driver, o.Without}
	ref, err := u.refer(p) //nolint:contextcheck // a world has a clock of its own
	if err != nil {
		return x, err
	}
	level := []Schedule{{}, {SecondFirst: true}}
	if o.Schedule != nil {
		level = []Schedule{*o.Schedule}
	}
	for len(level) > 0 {
		x.Schedules += len(level)
		level = spread(level, o.Most-x.Played)
		var next []Schedule
		for i, out := range o.playAll(ctx, u, p, ref, level) {
			x.Played++
			x.Order = out.order
			if out.refused > 0 {
				x.Refused++
			}
			x.sort(out.found, used)
			if o.Schedule == nil {
				next = append(next, level[i].further(out.free)...)
			}
		}
		if err := ctx.Err(); err != nil {
			return x, fmt.Errorf("stopped in %s: %w", p.Name(), context.Cause(ctx))
		}
		level = next
	}
	return x, nil
}

// sort puts violations where they belong.
func (x *Result) sort(found []Violation, used map[int]bool) {
	all := Exceptions()
	for _, v := range found {
		if i := slices.IndexFunc(all, func(e Exception) bool { return e.Covers(v) }); i >= 0 {
			used[i] = true
			x.Known = append(x.Known, v)
			continue
		}
		x.Violations = append(x.Violations, v)
	}
}

// spread chooses so many schedules, evenly.
func spread(all []Schedule, most int) []Schedule {
	if len(all) <= most {
		return all
	}
	out := make([]Schedule, 0, max(most, 0))
	for i := range most {
		out = append(out, all[i*len(all)/most])
	}
	return out
}

// playAll plays schedules, several at a time, and returns what became of them in their order.
func (o Options) playAll(ctx context.Context, u setup, p Pair, ref reference, plans []Schedule) []outcome {
	out := make([]outcome, len(plans))
	next := make(chan int)
	var wg sync.WaitGroup
	for range o.Jobs {
		wg.Go(func() { //nolint:contextcheck // a schedule is short and has a world of its own
			for i := range next {
				out[i] = u.try(p, ref, plans[i])
			}
		})
	}
	for i := range plans {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}
