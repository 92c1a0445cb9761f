package steps

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spsim/spsim/scenarios/world"
)

var (
	reCrash   = expression(`^the management server will die at the step "([^"]+)" of "([^"]+)"$`)
	reRecover = expression(`^the management server comes back` + outcome)
	reWatcher = expression(`^another management server reconciles every minute$`)
	reTook    = expression(`^it took at least (\d+ \w+)$`)
	reWait    = expression(`^(\d+ \w+) pass(?:es)?$`)
)

func (s *scene) crashSteps(sc registrar) {
	sc.Step(reCrash(), s.crashAt)
	sc.Step(reRecover(), s.comeBack)
	sc.Step(reWatcher(), s.addWatcher)
	sc.Step(reTook(), s.took)
	sc.Step(reWait(), s.wait)
}

// addWatcher starts a management server that reconciles during each action from now on.
func (s *scene) addWatcher() (err error) {
	s.watcher, err = s.w.AddServer(world.ServerSpec{Name: "another management", Seed: 2})
	return err
}

// watched performs an action while another management server, where there is one, reconciles.
func (s *scene) watched(ctx context.Context, do func(context.Context) error) error {
	if s.watcher.Driver == nil {
		return do(ctx)
	}
	var mu sync.Mutex
	var failed error
	stop := s.w.Clock.Every(time.Minute, func() {
		err := s.watcher.Driver.Reconcile(ctx)
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, err)
	})
	defer stop()
	err := do(ctx)
	mu.Lock()
	defer mu.Unlock()
	if failed != nil {
		err = errors.Join(err, fmt.Errorf("another management server: %w", failed))
	}
	return err
}

// took wants the last action to have lasted.
func (s *scene) took(least string) error {
	d, err := duration(least)
	if err != nil {
		return err
	}
	if s.spent < d {
		return fmt.Errorf("it took %s", s.spent)
	}
	return nil
}

// crashAt stops the driver at a step of an operation as a kill would. Until it comes back the invariants rest.
func (s *scene) crashAt(step, operation string) error {
	s.w.CrashAt(operation, step)
	s.crash = true
	return nil
}

// comeBack starts a new driver on what is on record and lets it reconcile. What fails there is tried again whenever the
// world comes to rest.
func (s *scene) comeBack(ctx context.Context, outcome string) error {
	if !s.w.Crashed() {
		return errors.New("the management server did not die at that step: the scenario does not show what it says")
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		err := s.w.Restart(ctx)
		s.crash = false
		s.follow()
		if err != nil {
			return fmt.Errorf("come back: %w", err)
		}
		return nil
	})
}

func (s *scene) wait(ctx context.Context, span string) error {
	d, err := duration(span)
	if err != nil {
		return err
	}
	return s.perform(ctx, func(ctx context.Context) error { return s.pass(ctx, d) })
}

// pass lets time go by, StorPool's too where its clock is another one.
func (s *scene) pass(ctx context.Context, d time.Duration) error {
	if err := s.w.Clock.Sleep(ctx, d); err != nil {
		return err
	}
	if t, ok := s.w.Target.(interface {
		Advance(ctx context.Context, d time.Duration) error
	}); ok {
		return t.Advance(ctx, d)
	}
	return nil
}
