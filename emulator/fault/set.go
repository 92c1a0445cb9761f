package fault

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
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
	seed    uint64
	armed   []*armed
	counter int
}

// armed is a rule with its history.
type armed struct {
	id      int
	rule    Rule
	object  pattern
	tag     pattern
	cluster string     // without the tilde
	jitter  *rand.Rand // nil without one
	seen    int
	fired   int
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

// Seed sets what jitter is drawn from: rules of the same numbers with the same seed draw the same. Rules that are
// armed already keep theirs.
func (s *Set) Seed(seed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seed = uint64(seed)
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
	a := &armed{
		id: s.counter, rule: r, object: newPattern(r.Object), tag: newPattern(r.Tag), cluster: strings.TrimPrefix(r.Cluster, "~"),
	}
	if r.Effect.Jitter > 0 {
		a.jitter = rand.New(rand.NewPCG(s.seed, uint64(a.id))) //nolint:gosec // the same each run is what is wanted
	}
	s.armed = append(s.armed, a)
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

// Match is the effect that a rule has on a call.
type Match struct {
	Rule   int // its number
	Effect Effect
}

// Match counts the call and returns what a rule does to it, or nil. The first rule in the order of arming decides; all
// count the call.
func (s *Set) Match(c Call) *Match {
	if !s.any.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var m *Match
	q := question{call: c}
	for _, a := range s.armed {
		if !a.matches(&q) {
			continue
		}
		a.seen++
		if m == nil && a.due() {
			a.fired++
			m = &Match{Rule: a.id, Effect: a.effect()}
		}
	}
	return m
}

// question is a call with what it is about, found out once when first asked for.
type question struct {
	call    Call
	asked   bool
	objects []string
}

func (q *question) about() []string {
	if !q.asked && q.call.Objects != nil {
		q.objects = q.call.Objects()
	}
	q.asked = true
	return q.objects
}

func (q *question) concerns(client int) bool {
	if q.call.Clients == nil {
		return false
	}
	ids, all := q.call.Clients()
	return all || slices.Contains(ids, client)
}

func (q *question) on(cluster string) bool {
	if q.call.Cluster == nil {
		return false
	}
	names := q.call.Cluster()
	return slices.Contains(names[:], cluster)
}

func (a *armed) matches(q *question) bool {
	r := &a.rule
	switch {
	case r.Call != q.call.Name,
		r.Caller != "" && r.Caller != q.call.Caller,
		a.cluster != "" && !q.on(a.cluster),
		r.Client != 0 && !q.concerns(r.Client),
		r.Object != "" && !slices.ContainsFunc(q.about(), a.object.matches),
		r.Tag != "" && !slices.ContainsFunc(q.about(), a.tag.matches):
		return false
	}
	return true
}

// effect is the rule's effect with the delay drawn.
func (a *armed) effect() Effect {
	e := a.rule.Effect
	if a.jitter != nil {
		e.Delay += Duration(a.jitter.Int64N(int64(e.Jitter) + 1))
		e.Jitter = 0
	}
	return e
}

func (a *armed) due() bool {
	first, times := max(a.rule.Nth, 1), a.rule.Times
	if times == 0 {
		times = 1
	}
	return a.seen >= first && (times < 0 || a.fired < times)
}

// Hit is [Set.Match] for callers to whom [Set.Around] does not fit: an agent carries out effects on its own steps itself.
func (s *Set) Hit(c Call) (Effect, bool) {
	if m := s.Match(c); m != nil {
		return m.Effect, true
	}
	return Effect{}, false
}

// Around makes the call by do, unless a rule has it otherwise; see [Set.Do] for the errors.
func (s *Set) Around(ctx context.Context, c Call, do func(context.Context) (any, error)) (any, error) {
	return s.Do(ctx, s.Match(c), do)
}

// Do makes a call by do as its match has it; nil is no match. A refusal is a [*Refusal], a bare status a
// [*StatusError]; a broken connection is [ErrConnectionLost]; a spoilt answer is [ErrMalformed], and one that breaks
// off comes beside a [*Truncation].
func (s *Set) Do(ctx context.Context, m *Match, do func(context.Context) (any, error)) (any, error) {
	if m == nil {
		return do(ctx)
	}
	e := &m.Effect
	switch e.Kind {
	case Refuse, Transient:
		return nil, e.Refusal()
	case Status:
		return nil, &StatusError{Code: e.Status}
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
	case Truncated:
		data, err := do(ctx)
		return data, &Truncation{Keep: e.Keep, Err: err}
	case Malformed:
		_, _ = do(ctx) // the answer is replaced
		return nil, ErrMalformed
	case Cut:
	}
	return nil, ErrConnectionLost
}

// Refusal is the error of a refuse or transient effect, with defaults for what the rule leaves open.
func (e *Effect) Refusal() *Refusal {
	r := &Refusal{Name: e.Error, Descr: e.Descr, Transient: e.Kind == Transient, Status: e.Status}
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
