package agentsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

const (
	processLimit = time.Hour       // what a limit of 0 means (agent 2)
	connectLimit = 5 * time.Minute // of the calls of ModifyStoragePool
)

var (
	errDead    = errors.New("the agent is gone")
	errTimeout = errors.New("timeout") // what a process that ran out of time reports
)

// run is one command under way.
type run struct {
	host    *Host
	life    *life
	ctx     context.Context //nolint:containedctx // of the command's execution, which outlives the caller's patience
	command string
	steps   []string
	objects []string // what the command is about
	limit   time.Duration

	replied  *clock.Event // the caller need not wait any longer
	lost     atomic.Bool  // the answer does not arrive
	generic  atomic.Bool  // the answer arrives without its payload
	answer   atomic.Pointer[agentapi.Answer]
	luggage  luggage // passphrases of the command
	detaches []*cleanup
	releases []*cleanup
	made     []func(context.Context) error // what a refusal takes back
}

// lifetime ends with the agent's life and carries the values of the caller's context.
type lifetime struct {
	context.Context //nolint:containedctx // it is a context
	values          context.Context
}

func (l lifetime) Value(key any) any {
	if v := l.Context.Value(key); v != nil {
		return v
	}
	return l.values.Value(key)
}

func (h *Host) begin(ctx context.Context, cmd agentapi.Command) (*run, error) {
	h.mu.Lock()
	now := h.life
	h.mu.Unlock()
	if now == nil {
		return nil, fmt.Errorf("%w: %s is off", ErrUnreachable, h.cfg.Name)
	}
	return &run{
		host: h, life: now, ctx: lifetime{now.ctx, ctx}, command: cmd.Command(), steps: h.fleet.steps[cmd.Command()],
		limit: processLimit, replied: h.fleet.clock.Event(),
	}, nil
}

// execute does a command and gives its answer, nil when the agent or the host has died on the way.
func (r *run) execute(cmd agentapi.Command) *agentapi.Answer {
	cmd = r.luggage.take(cmd)
	defer r.wipe(r.hold())
	ans := r.perform(cmd)
	if r.alive() != nil {
		return nil
	}
	if r.generic.Load() {
		return &agentapi.Answer{Details: "answer of an unexpected kind"}
	}
	return ans
}

func (r *run) perform(cmd agentapi.Command) *agentapi.Answer {
	do, objects, err := r.dispatch(cmd)
	if err != nil {
		return failed(err)
	}
	r.objects = objects
	if err := r.step(stepReceive, nil); err != nil {
		return failed(err)
	}
	ans := do(r)
	if !ans.OK {
		ans = r.takeBack(ans)
	}
	ans = r.host.rules.cleanUp(r, ans)
	if err := r.step(stepAnswer, nil); err != nil {
		return r.takeBack(failed(err))
	}
	return ans
}

// takeBack removes what the command has made, since it is refused after all. An agent that died removes nothing.
func (r *run) takeBack(ans *agentapi.Answer) *agentapi.Answer {
	var trouble []error
	for _, undo := range r.made {
		if r.alive() == nil {
			trouble = append(trouble, undo(r.ctx))
		}
	}
	r.made = nil
	return withWarning(ans, trouble)
}

func failed(err error) *agentapi.Answer { return &agentapi.Answer{Details: err.Error()} }

func succeeded(p agentapi.Payload) *agentapi.Answer {
	return &agentapi.Answer{OK: true, Payload: withoutPassphrase(p)}
}

// alive is an error once the agent that took the command is gone.
func (r *run) alive() error {
	r.host.mu.Lock()
	defer r.host.mu.Unlock()
	if r.host.life != r.life {
		return errDead
	}
	return nil
}

// within sets the limit of the steps that follow; 0 means an hour.
func (r *run) within(limit time.Duration) {
	if r.limit = limit; limit <= 0 {
		r.limit = processLimit
	}
}

// step does one step, unless a fault rule has it otherwise or the agent is gone. Do may be nil. The paths name what
// the step is about, besides what the command is about.
func (r *run) step(name string, do func(context.Context) error, paths ...string) error {
	if err := r.alive(); err != nil {
		return err
	}
	if !slices.Contains(r.steps, name) {
		return fmt.Errorf("agentsim: %s has no step %q in its table", r.command, name)
	}
	ctx, cancel := r.host.fleet.clock.WithTimeout(r.ctx, r.limit)
	defer cancel()
	err := r.struck(ctx, name, paths, do)
	switch {
	case err == nil:
		return nil
	case r.alive() != nil:
		return errDead
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", name, errTimeout)
	}
	return err
}

// struck does a step as the fault rules have it.
func (r *run) struck(ctx context.Context, name string, paths []string, do func(context.Context) error) error {
	if do == nil {
		do = func(context.Context) error { return nil }
	}
	if at := r.host.fleet.atStep; at != nil {
		at(r.host.cfg.Name, r.command, name)
	}
	e, hit := r.hit(name, paths)
	if !hit {
		return do(ctx)
	}
	switch e.Kind {
	case fault.Refuse, fault.Transient:
		return fmt.Errorf("%s: %w", name, e.Refusal())
	case fault.Delay:
		return r.later(ctx, e, do)
	case fault.Lose:
		err := do(ctx)
		r.loseAnswer()
		return err
	case fault.Late:
		r.loseAnswer()
		return r.later(ctx, e, do)
	case fault.Hang:
		return r.host.fleet.clock.Sleep(ctx, clock.Forever)
	case fault.Malformed:
		r.generic.Store(true)
		return do(ctx)
	case fault.Cut, fault.Status, fault.Truncated: // the last two are HTTP's and refused for steps
	}
	r.host.RestartAgent() //nolint:contextcheck // the life of an agent depends on no caller
	return errDead
}

func (r *run) later(ctx context.Context, e fault.Effect, do func(context.Context) error) error {
	if err := r.host.fleet.clock.Sleep(ctx, time.Duration(e.Delay)); err != nil {
		return err
	}
	if err := r.alive(); err != nil {
		return err
	}
	return do(ctx)
}

func (r *run) loseAnswer() {
	r.lost.Store(true)
	r.replied.Fire()
}

// hit asks for a rule on the step itself, then for one on any step.
func (r *run) hit(name string, paths []string) (fault.Effect, bool) {
	c := fault.Call{
		Name: "agent " + r.command + "/" + name, Caller: r.host.cfg.Name,
		Objects: func() []string { return append(objectsOf(paths...), r.objects...) },
	}
	e, hit := r.host.fleet.faults.Hit(c)
	c.Name = "agent " + r.command + "/" + AnyStep
	if general, too := r.host.fleet.faults.Hit(c); too && !hit {
		return general, true
	}
	return e, hit
}
