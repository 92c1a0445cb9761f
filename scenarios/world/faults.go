package world

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// Arm adds a fault rule: on a step of a host's command when its call begins with "agent ", else on an API call. A rule
// that can never fire is refused.
func (w *World) Arm(r fault.Rule) error {
	var err error
	if strings.HasPrefix(r.Call, "agent ") {
		_, err = w.Fleet.Faults().Arm(r)
	} else {
		_, err = w.Target.Arm(r)
	}
	if err != nil {
		return fmt.Errorf("arm %s: %w", r.Call, err)
	}
	return nil
}

// ArmAt adds a rule about calls of the StorPool at an address, where the target has several.
func (w *World) ArmAt(address string, r fault.Rule) error {
	f, several := w.Target.(*Federated)
	if !several {
		return w.Arm(r)
	}
	at, err := f.at(address)
	if err == nil {
		_, err = at.Arm(r)
	}
	if err != nil {
		return fmt.Errorf("arm %s at %s: %w", r.Call, address, err)
	}
	return nil
}

// Unfired are the rules that changed nothing so far.
func (w *World) Unfired() []fault.Rule {
	var out []fault.Rule
	for _, st := range append(w.Target.Faults(), w.Fleet.Faults().Rules()...) {
		if st.Fired == 0 {
			out = append(out, st.Rule)
		}
	}
	return out
}

// Disarm removes every rule.
func (w *World) Disarm() {
	w.Target.Disarm()
	w.Fleet.Faults().Reset()
}

var errCrash = errors.New("management server killed")

// CrashAt kills the management server when the driver reaches a step of an operation ("createAsync", "create volume"),
// once: the operation stops there with nothing undone. [World.Restart] starts it again.
func (w *World) CrashAt(operation, step string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.crashAt = operation + "/" + step
}

// Crashed tells whether the management server was killed and not started again. Until then invariants do not hold.
func (w *World) Crashed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.crashed
}

// lifeline tells a management server whether it was killed; one that was killed stays dead when another starts.
func (w *World) lifeline() func() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives++
	life := w.lives
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.crashed || w.lives != life
	}
}

// atStep is called by the driver at each step.
func (w *World) atStep(ctx context.Context, action, step string) error {
	if w.opts.AtStep != nil {
		if err := w.opts.AtStep(ctx, action, step); err != nil {
			w.setCrashed()
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.crashed || w.crashAt != "" && w.crashAt == action+"/"+step {
		w.crashed, w.crashAt = true, ""
		return errCrash
	}
	return nil
}

func (w *World) setCrashed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.crashed = true
}

// Restart starts a killed management server: a new driver reconciles, then core brings its rows to rest.
func (w *World) Restart(ctx context.Context) error {
	w.mu.Lock()
	w.crashed = false
	w.mu.Unlock()
	if err := w.manage(); err != nil {
		return err
	}
	return errors.Join(w.Driver.Reconcile(ctx), w.Mgmt.Recover(ctx))
}

// Settle waits for what goes on in the background: late calls and commands whose caller gave up. Then, unless it was
// killed, the management server does what it does from time to time: it asks hosts again that left something in doubt,
// and the driver reconciles; all servers do so one after the other. What fails there is tried again the next time; [World.Unsettled] tells of it.
func (w *World) Settle(ctx context.Context) error {
	if v, ok := w.Clock.(*clock.Virtual); ok {
		if err := v.Settle(ctx); err != nil {
			return err
		}
	}
	if w.Crashed() {
		return nil
	}
	var err error
	for _, s := range w.servers() {
		err = errors.Join(err, s.Mgmt.Sync(ctx))
		if w.openIntents() {
			err = errors.Join(err, s.Driver.Reconcile(ctx))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unsettled = err
	return nil
}

// Unsettled is what kept the last [World.Settle] from bringing everything to rest; nil when nothing did.
func (w *World) Unsettled() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unsettled
}
