package sweep

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/world"
)

// Problem is how an operation broke its promise.
type Problem string

// The problems.
const (
	// Changed: it failed, and something is not as it was.
	Changed Problem = "changed"
	// Forward: it failed, and was done nevertheless once everything had come to rest.
	Forward Problem = "finished forward"
	// Retry: it does not succeed without the fault either.
	Retry Problem = "cannot be repeated"
	// Broken: an invariant does not hold.
	Broken Problem = "invariant"
	// Effect: it succeeded, without the whole effect.
	Effect Problem = "no effect"
	// Astray: the case could not be played as it was recorded.
	Astray Problem = "not as recorded"
)

// Violation is a broken promise in a case.
type Violation struct {
	Case
	Problem Problem
	Text    string
	Changes []string // what is not as it was, for Changed: "- was" and "+ is"
}

func (v Violation) String() string {
	return strings.Join(append([]string{fmt.Sprintf("%s: %s: %s", v.Case, v.Problem, v.Text)}, v.Changes...), "\n")
}

// trial is a case as it is played.
type trial struct {
	Case
	op    Operation
	found []Violation
}

func (t *trial) note(p Problem, err error) {
	if err != nil {
		t.found = append(t.found, Violation{Case: t.Case, Problem: p, Text: err.Error()})
	}
}

// try plays a case in a world of its own.
func try(op Operation, c Case, o world.Options) []Violation {
	t := &trial{Case: c, op: op}
	f := t.fault
	if c.Way == Crash {
		left := -1
		o.AtStep = func(_ context.Context, action, step string) error {
			if left--; left == 0 && action+"/"+step == c.Step {
				return errors.New("killed")
			}
			return nil
		}
		f = func(ctx context.Context, s *stage) error {
			left = c.Nth
			return t.crash(ctx, s)
		}
	}
	t.note(Astray, play(op, o, f))
	return t.found
}

// fault makes the step go wrong, judges, and does the operation again if it has failed.
func (t *trial) fault(ctx context.Context, s *stage) error {
	before, err := look(ctx, s)
	if err != nil {
		return err
	}
	if err := t.arm(s, fault.Rule{Call: t.Step, Nth: t.Nth, Effect: t.Way.effect()}); err != nil {
		return err
	}
	failed := t.op.act(ctx, s)
	if len(s.Unfired()) > 0 {
		return errors.New("the step did not happen again")
	}
	s.Disarm()
	t.note(Broken, s.Check(ctx))
	t.note(Broken, s.Unsettled())
	if failed == nil {
		t.note(Effect, t.op.done(ctx, s))
		return nil
	}
	now, err := look(ctx, s)
	if err != nil {
		return err
	}
	changes := now.changes(before)
	if len(changes) > 0 && t.op.done(ctx, s) == nil {
		t.note(Forward, fmt.Errorf("it failed with %w, and was done", failed))
		return nil
	}
	if len(changes) > 0 {
		t.found = append(t.found, Violation{t.Case, Changed, fmt.Sprintf("it failed with %v", failed), changes})
	}
	t.again(ctx, s)
	return nil
}

func (t *trial) arm(s *stage, r fault.Rule) error {
	if t.At != "" {
		return s.ArmAt(t.At, r)
	}
	return s.Arm(r)
}

// crash expects the management server dead, starts another and does the operation again unless it is done.
func (t *trial) crash(ctx context.Context, s *stage) error {
	_ = t.op.act(ctx, s) // what a dead server answers nobody hears
	if !s.Crashed() {
		return errors.New("the step did not happen again")
	}
	if err := s.Restart(ctx); err != nil {
		t.note(Broken, fmt.Errorf("restart: %w", err))
	}
	t.note(Broken, s.Check(ctx))
	t.note(Broken, s.Unsettled())
	if t.op.done(ctx, s) != nil {
		t.again(ctx, s)
	}
	return nil
}

// again does the operation without a fault, and then lets core tidy up.
func (t *trial) again(ctx context.Context, s *stage) {
	if err := t.op.act(ctx, s); err != nil {
		t.note(Retry, err)
		return
	}
	t.note(Broken, s.Check(ctx))
	t.note(Effect, t.op.done(ctx, s))
	t.note(Retry, s.Mgmt.CollectGarbage(ctx))
	t.note(Broken, s.Check(ctx))
}

// look takes down the facts of a world at rest.
func look(ctx context.Context, s *stage) (facts, error) {
	o, err := s.Observe(ctx)
	if err != nil {
		return nil, err
	}
	return factsOf(ctx, o)
}
