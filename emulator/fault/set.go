package fault

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spsim/spsim/internal/clock"
)

// Set holds the armed rules.
type Set struct {
	clock   clock.Clock
	allow   func(Rule) error
	any     atomic.Bool // false: nothing armed, one load a call
	mu      sync.Mutex
	armed   []*armed
	counter int
}

// armed is a rule with its history.
type armed struct {
	id    int
	rule  Rule
	seen  int
	fired int
}

// State is a rule with the number of calls that it matched and that it changed.
type State struct {
	ID    int  `json:"id"`
	Rule  Rule `json:"rule"`
	Seen  int  `json:"seen"`
	Fired int  `json:"fired"`
}

// NewSet returns an empty set. Allow, which may be nil, refuses rules that can never fire there (an unknown call or caller).
func NewSet(c clock.Clock, allow func(Rule) error) *Set {
	return &Set{clock: c, allow: allow}
}

// Arm adds a rule and returns its number, or an error that wraps [ErrRule] and tells what to change.
func (s *Set) Arm(r Rule) (int, error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	if s.allow != nil {
		if err := s.allow(r); err != nil {
			return 0, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counter++
	s.armed = append(s.armed, &armed{id: s.counter, rule: r})
	s.any.Store(true)
	return s.counter, nil
}

// Disarm removes the rule of this number; it tells whether it was there.
func (s *Set) Disarm(id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.armed)
	s.armed = slices.DeleteFunc(s.armed, func(a *armed) bool { return a.id == id })
	s.any.Store(len(s.armed) > 0)
	return len(s.armed) < before
}

// Reset removes every rule.
func (s *Set) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = nil
	s.any.Store(false)
}

// Rules returns the armed rules with their history, in the order of arming.
func (s *Set) Rules() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]State, len(s.armed))
	for i, a := range s.armed {
		out[i] = State{ID: a.id, Rule: a.rule, Seen: a.seen, Fired: a.fired}
	}
	return out
}

// Unfired returns the rules that changed no call so far.
func (s *Set) Unfired() []Rule {
	var out []Rule
	for _, st := range s.Rules() {
		if st.Fired == 0 {
			out = append(out, st.Rule)
		}
	}
	return out
}

// hit returns the effect on this call, or nil. The first rule in the order of arming decides; all count the call.
func (s *Set) hit(c Call) *Effect {
	if !s.any.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var effect *Effect
	var objects []string
	asked := false
	for _, a := range s.armed {
		r := &a.rule
		if r.Call != c.Name || r.Caller != "" && r.Caller != c.Caller {
			continue
		}
		if r.Object != "" {
			if !asked && c.Objects != nil {
				objects = c.Objects()
			}
			asked = true
			if !slices.Contains(objects, r.Object) {
				continue
			}
		}
		a.seen++
		if effect == nil && a.due() {
			a.fired++
			effect = &r.Effect
		}
	}
	return effect
}

func (a *armed) due() bool {
	first, times := max(a.rule.Nth, 1), a.rule.Times
	if times == 0 {
		times = 1
	}
	return a.seen >= first && (times < 0 || a.fired < times)
}

// Hit counts the call and returns the effect that a rule has on it, for callers to whom [Set.Around] does not fit: an
// agent carries out effects on its own steps itself.
func (s *Set) Hit(c Call) (Effect, bool) {
	if e := s.hit(c); e != nil {
		return *e, true
	}
	return Effect{}, false
}

// Around makes the call by do, unless a rule has it otherwise. A refusal is a [*Refusal]; a broken
// connection is [ErrConnectionLost]; a spoilt answer is [ErrMalformed].
func (s *Set) Around(ctx context.Context, c Call, do func(context.Context) (any, error)) (any, error) {
	e := s.hit(c)
	if e == nil {
		return do(ctx)
	}
	switch e.Kind {
	case Refuse, Transient:
		return nil, e.Refusal()
	case Delay:
		if err := s.clock.Sleep(ctx, time.Duration(e.Delay)); err != nil {
			return nil, err
		}
		return do(ctx)
	case Lose:
		_, _ = do(context.WithoutCancel(ctx)) // the answer is what gets lost
		return nil, ErrConnectionLost
	case Late:
		s.later(ctx, time.Duration(e.Delay), do)
		return nil, ErrConnectionLost
	case Hang:
		if err := s.clock.Sleep(ctx, clock.Forever); err != nil {
			return nil, err
		}
		return nil, ErrConnectionLost
	case Malformed:
		_, _ = do(ctx) // the answer is replaced
		return nil, ErrMalformed
	case Cut:
	}
	return nil, ErrConnectionLost
}

// Refusal is the error of a refuse or transient effect, with defaults for what the rule leaves open.
func (e *Effect) Refusal() *Refusal {
	r := &Refusal{Name: e.Error, Descr: e.Descr, Transient: e.Kind == Transient}
	if r.Name == "" {
		r.Name = "busy"
	}
	if r.Descr == "" {
		r.Descr = "refused by a fault rule"
	}
	return r
}

func (s *Set) later(ctx context.Context, d time.Duration, do func(context.Context) (any, error)) {
	ctx = context.WithoutCancel(ctx)
	s.clock.Go(func() {
		if s.clock.Sleep(ctx, d) == nil {
			_, _ = do(ctx) // nobody waits for the answer any more
		}
	})
}
