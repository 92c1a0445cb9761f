package interleave

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// Problem is how a pair broke its promise.
type Problem string

// The problems.
const (
	// Stuck: the two wait for one another.
	Stuck Problem = "stuck"
	// Unclear: one was refused without a reason that tells what is in its way.
	Unclear Problem = "unclear refusal"
	// Different: the end is not as after one of the two orders of what succeeded.
	Different Problem = "as after no order"
	// Broken: an invariant does not hold, or a lease is left.
	Broken Problem = "invariant"
	// Retry: what was refused does not end as it should when it is done again.
	Retry Problem = "cannot be repeated"
	// Astray: the schedule could not be played.
	Astray Problem = "not played"
)

// Violation is a broken promise of a schedule.
type Violation struct {
	Pair     string
	Schedule Schedule
	Problem  Problem
	Text     string
	Changes  []string // what is not as it should be: "- should be" and "+ is"
	Order    []string // what was done, step by step
}

func (v Violation) String() string {
	lines := []string{fmt.Sprintf("%s, schedule %s: %s: %s", v.Pair, v.Schedule, v.Problem, v.Text)}
	lines = append(lines, v.Changes...)
	return strings.Join(append(lines, v.Order...), "\n")
}

// order is one way for the operations to follow one another, with its end.
type order struct {
	name string
	errs [2]error
	done [2]bool // which were done and succeeded
	end  state
}

// reference is how a pair may end.
type reference struct {
	orders []order
	known  map[string]bool // ids from before
}

// refer does the operations one after the other, and each alone.
func (u setup) refer(p Pair) (r reference, err error) {
	for _, sides := range [][]side{nil, {first}, {second}, {first, second}, {second, first}} {
		o := order{}
		names := make([]string, 0, 2)
		err := u.play(p, Schedule{}, r.known, func(ctx context.Context, x *scene) (err error) {
			for _, s := range sides {
				names = append(names, p.ops[s].name)
				o.errs[s] = x.do(ctx, p, s)
				o.done[s] = o.errs[s] == nil
			}
			r.known = x.known
			o.end, err = x.rest(ctx)
			return err
		})
		if o.name = strings.Join(names, ", then "); err != nil {
			return r, fmt.Errorf("%s: %s: %w", p.Name(), o.name, err)
		}
		if len(sides) == 1 && o.errs[sides[0]] != nil {
			return r, fmt.Errorf("%s: %s alone: %w", p.Name(), o.name, o.errs[sides[0]])
		}
		r.orders = append(r.orders, o)
	}
	return r, nil
}

// judge compares the end with the orders in which the same operations succeed; nil when it is as after one of them.
func (r reference) judge(done [2]bool, end state) (changes []string, err error) {
	best := -1
	for i, o := range r.orders {
		if o.done != done {
			continue
		}
		now := end.changes(o.end)
		if len(now) == 0 {
			return nil, nil
		}
		if best < 0 || len(now) < len(changes) {
			best, changes = i, now
		}
	}
	if best < 0 {
		return nil, errors.New("both succeeded, which they do in no order")
	}
	name := r.orders[best].name
	if name == "" {
		name = "neither"
	}
	return changes, fmt.Errorf("nearest is the end after %s", name)
}

// clear tells whether an error says what is in the way of an operation, or is the one that it has in one of the orders.
func (r reference) clear(s side, err error) bool {
	var core *mgmt.Refused
	if errors.As(err, &core) {
		return true
	}
	for _, known := range []error{driver.ErrRefused, driver.ErrExported, driver.ErrNotOnStorPool, inventory.ErrNotFound} {
		if errors.Is(err, known) {
			return true
		}
	}
	for _, o := range r.orders {
		if o.errs[s] != nil && shape(o.errs[s]) == shape(err) {
			return true
		}
	}
	return false
}

// shape is an error without the ids in it.
func shape(err error) string {
	return idPattern().ReplaceAllString(stampPattern().ReplaceAllString(err.Error(), "<time>"), "<id>")
}

// outcome is what became of a schedule.
type outcome struct {
	free    []bool
	refused int
	order   []string
	found   []Violation
}

// trial is a schedule as it is played.
type trial struct {
	pair Pair
	ref  reference
	plan Schedule
	out  outcome
}

func (t *trial) note(p Problem, err error, changes ...string) {
	if err != nil {
		t.out.found = append(t.out.found, Violation{t.pair.Name(), t.plan, p, err.Error(), changes, nil})
	}
}

// try plays a schedule in a world of its own and judges it.
func (u setup) try(p Pair, ref reference, plan Schedule) outcome {
	t := &trial{pair: p, ref: ref, plan: plan}
	t.note(Astray, u.play(p, plan, ref.known, t.play))
	for i := range t.out.found {
		t.out.found[i].Order = t.out.order
	}
	return t.out
}

func (t *trial) play(ctx context.Context, x *scene) error {
	errs, err := x.together(ctx, t.pair)
	t.out.free, t.out.order = x.turns.free, t.words(x.turns.moments, errs)
	if len(t.plan.At) > 0 && t.plan.At[len(t.plan.At)-1] > len(x.turns.free) {
		return fmt.Errorf("there are %d points only", len(x.turns.free))
	}
	t.note(Stuck, err)
	end, err := x.rest(ctx)
	t.note(Broken, err)
	if end == nil {
		return nil
	}
	done := [2]bool{errs[first] == nil, errs[second] == nil}
	changes, err := t.ref.judge(done, end)
	t.note(Different, err, changes...)
	for s, err := range errs {
		if err == nil {
			continue
		}
		t.out.refused++
		if !t.ref.clear(side(s), err) {
			t.note(Unclear, err)
		}
	}
	if len(t.out.found) > 0 {
		return nil // what comes of it is no news
	}
	for s, err := range errs {
		if err != nil {
			end, done = t.again(ctx, x, side(s), end, done)
		}
	}
	return nil
}

// again does an operation once more that was refused.
func (t *trial) again(ctx context.Context, x *scene, s side, before state, done [2]bool) (state, [2]bool) {
	failed := x.do(ctx, t.pair, s)
	end, err := x.rest(ctx)
	t.note(Broken, err)
	if failed != nil {
		if !t.ref.clear(s, failed) {
			t.note(Retry, failed)
		}
		if changes := end.changes(before); len(changes) > 0 {
			t.note(Retry, fmt.Errorf("it failed with %w, and changed something", failed), changes...)
		}
		return end, done
	}
	done[s] = true
	changes, err := t.ref.judge(done, end)
	t.note(Retry, err, changes...)
	return end, done
}

// words tells what was done in which order; what one operation did without a break is counted on.
func (t *trial) words(moments []moment, errs [2]error) (out []string) {
	last := house
	for _, m := range moments {
		if m.side != last {
			out = append(out, fmt.Sprintf("%s (%d):", t.pair.ops[m.side].name, m.side+1))
			last = m.side
		}
		out = append(out, "  "+m.what)
	}
	for s, err := range errs {
		if err != nil {
			out = append(out, fmt.Sprintf("%s (%d) was refused: %v", t.pair.ops[s].name, s+1, err))
		} else {
			out = append(out, fmt.Sprintf("%s (%d) succeeded", t.pair.ops[s].name, s+1))
		}
	}
	return out
}
