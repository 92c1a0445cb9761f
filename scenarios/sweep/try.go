package sweep

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/stage"
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

	calls []place // of StorPool, by the reconciliation after a crash
	then  place   // the one of them that goes wrong as well, in the way how; none when how is empty
	how   Way
}

func (t *trial) note(p Problem, err error) {
	if err == nil {
		return
	}
	text := err.Error()
	if t.how != "" {
		text = fmt.Sprintf("after %s #%d of the reconciliation, %s: %s", t.then.step, t.then.nth, t.how, text)
	}
	t.found = append(t.found, Violation{Case: t.Case, Problem: p, Text: text})
}

// try plays a case in a world of its own. A crash is played again for each call of the reconciliation that follows it, which
// then goes wrong as well.
func try(op Operation, c Case, o world.Options) []Violation {
	t := &trial{Case: c, op: op}
	if c.Way != Crash {
		t.note(Astray, op.play(o, t.fault))
		return t.found
	}
	t.playCrash(o)
	for _, call := range t.calls {
		for _, how := range []Way{Refused, Hung} {
			again := &trial{Case: c, op: op, then: call, how: how}
			again.playCrash(o)
			t.found = append(t.found, again.found...)
		}
	}
	return t.found
}

// playCrash stops the driver at the step.
func (t *trial) playCrash(o world.Options) {
	left := -1
	o.AtStep = func(_ context.Context, action, step string) error {
		if left--; left == 0 && action+"/"+step == t.Step {
			return errors.New("killed")
		}
		return nil
	}
	t.note(Astray, t.op.play(o, func(ctx context.Context, s *stage.Stage) error {
		left = t.Nth
		return t.crash(ctx, s)
	}))
}

// fault makes the step go wrong, judges, and does the operation again if it has failed.
func (t *trial) fault(ctx context.Context, s *stage.Stage) error {
	before, err := s.Look(ctx)
	if err != nil {
		return err
	}
	if err := t.arm(s); err != nil {
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
	now, err := s.Look(ctx)
	if err != nil {
		return err
	}
	changes := now.Changes(before)
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

// arm makes the call or step go wrong.
func (c Case) arm(s *stage.Stage) error {
	r := fault.Rule{Call: c.Step, Nth: c.Nth, Effect: c.Way.effect()}
	if c.At != "" {
		return s.ArmAt(c.At, r)
	}
	return s.Arm(r)
}

// crash expects the management server dead, starts another and does the operation again unless it is done.
func (t *trial) crash(ctx context.Context, s *stage.Stage) error {
	_ = t.op.act(ctx, s) // what a dead server answers nobody hears
	if !s.Crashed() {
		return errors.New("the step did not happen again")
	}
	if err := t.restart(ctx, s); err != nil {
		return err
	}
	t.note(Broken, s.Check(ctx))
	t.note(Broken, s.Unsettled())
	if t.op.done(ctx, s) != nil {
		t.again(ctx, s)
	}
	return nil
}

// restart starts another management server; one whose reconciliation is disturbed is killed, and one more is started.
func (t *trial) restart(ctx context.Context, s *stage.Stage) error {
	if t.how != "" {
		disturbed := Case{Step: t.then.step, Nth: t.then.nth, Way: t.how, At: t.then.at}
		if err := disturbed.arm(s); err != nil {
			return err
		}
		_ = s.Restart(ctx) // the next one has to bring everything to rest
		if len(s.Unfired()) > 0 {
			return fmt.Errorf("the reconciliation did not call %s again", t.then.step)
		}
		s.Disarm()
	}
	told := len(s.Journal())
	if err := s.Restart(ctx); err != nil {
		t.note(Broken, fmt.Errorf("restart: %w", err))
	}
	t.calls = calls(s.Journal()[told:], t.op.far)
	return nil
}

// again does the operation without a fault, and then lets core tidy up.
func (t *trial) again(ctx context.Context, s *stage.Stage) {
	if err := t.op.act(ctx, s); err != nil {
		t.note(Retry, err)
		return
	}
	t.note(Broken, s.Check(ctx))
	t.note(Effect, t.op.done(ctx, s))
	t.note(Retry, s.Mgmt.CollectGarbage(ctx))
	t.note(Broken, s.Check(ctx))
}
