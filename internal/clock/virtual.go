package clock

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"
)

// Virtual is a clock that moves only when every actor is parked, then straight to the next deadline.
// A goroutine that is no actor (a plain test) may use it as well: it counts while it is parked.
type Virtual struct {
	mu      sync.Mutex
	now     time.Time
	actors  int // goroutines of Go and Run that have not returned
	parked  int // waits in progress
	seq     int
	timers  timers
	beats   int // timers among them that make no time pass
	waits   map[*waiter]struct{}
	settled []*Event // fired when a single actor is left
	still   bool     // it moves in Advance only, up to limit
	limit   time.Time
	order   Order // nil lets actors run side by side
}

// waiter is one parked goroutine.
type waiter struct {
	ctx  context.Context //nolint:containedctx // the wait ends with it; it never outlives the call
	on   *Event          // nil for a sleeper
	wake chan struct{}
	seq  int
	turn Turn // nil without an order
}

// NewVirtual returns a clock that stands at start.
func NewVirtual(start time.Time) *Virtual {
	return &Virtual{now: start, waits: map[*waiter]struct{}{}}
}

// NewStill returns a clock that stands at start and moves in [Virtual.Advance] only: for a server whose clients decide
// when time goes on.
func NewStill(start time.Time) *Virtual {
	v := NewVirtual(start)
	v.still, v.limit = true, start
	return v
}

// Now returns the virtual time.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Run calls f as an actor on the present goroutine.
func (v *Virtual) Run(f func()) {
	v.enter()
	defer v.leave()
	f()
}

// Go starts f as an actor.
func (v *Virtual) Go(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.start(f)
}

// start is Go for a caller that has the lock.
func (v *Virtual) start(f func()) {
	v.actors++
	turn := v.place()
	if turn != nil {
		turn.Ready()
	}
	go func() {
		defer v.leave()
		if turn != nil {
			turn.Wait()
		}
		f()
	}()
}

// Every starts f as an actor each time that d has passed.
func (v *Virtual) Every(d time.Duration, f func()) (stop func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var next *timer
	stopped := false
	var arm func()
	arm = func() {
		next = v.timer(d)
		next.starts = func() {
			f()
			v.mu.Lock()
			defer v.mu.Unlock()
			if !stopped {
				arm()
			}
		}
		v.beats++
	}
	arm()
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		stopped = true
		v.drop(next)
	}
}

func (v *Virtual) enter() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.actors++
}

func (v *Virtual) leave() {
	v.mu.Lock()
	v.actors--
	v.settle()
	v.move()
	v.mu.Unlock()
	v.yield()
}

func (v *Virtual) settle() {
	if v.actors > 1 {
		return
	}
	for _, e := range v.settled {
		v.fireLocked(e)
	}
	v.settled = nil
}

// Settle parks the calling actor until every other actor has returned; virtual time moves meanwhile.
// Only one actor, the one that drives the run, may call it.
func (v *Virtual) Settle(ctx context.Context) error {
	v.mu.Lock()
	e := v.event()
	if v.actors <= 1 {
		v.fireLocked(e)
	} else {
		v.settled = append(v.settled, e)
	}
	v.mu.Unlock()
	return e.Wait(ctx)
}

// Advance moves the clock by d, stopping at each deadline on the way to let those run that it wakes.
// It is for tests and tools outside of any actor; a sleeping actor needs no help.
func (v *Virtual) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	v.mu.Lock()
	if to := v.now.Add(d); to.After(v.limit) {
		v.limit = to
	}
	if v.still { // the caller waits for the actors as one of them
		v.actors++
		defer v.leave()
	}
	v.mu.Unlock()
	_ = v.Sleep(context.Background(), d) // never ends early: the context has no end
}

// Sleep parks the caller for d of virtual time.
func (v *Virtual) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	w := &waiter{ctx: ctx, wake: make(chan struct{})}
	v.mu.Lock()
	t := v.timer(d)
	t.wakes = w
	v.park(w)
	v.mu.Unlock()
	err := v.await(w)
	if err != nil {
		v.mu.Lock()
		v.drop(t)
		v.mu.Unlock()
	}
	return err
}

// Event returns a new event of this clock.
func (v *Virtual) Event() *Event { return v.event() }

func (v *Virtual) event() *Event { return &Event{done: make(chan struct{}), on: v} }

// WithTimeout ends the returned context after d of virtual time.
func (v *Virtual) WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	v.mu.Lock()
	at := v.now.Add(d)
	t := v.timer(d)
	t.ends = cancel
	v.mu.Unlock()
	out := &deadline{Context: ctx, at: at}
	return out, func() {
		cancel(context.Canceled)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.drop(t)
		v.sweep()
	}
}

// deadline reports the virtual deadline and its error.
type deadline struct {
	context.Context //nolint:containedctx // it is a context
	at              time.Time
}

func (d *deadline) Deadline() (time.Time, bool) {
	if up, ok := d.Context.Deadline(); ok && up.Before(d.at) {
		return up, true
	}
	return d.at, true
}

func (d *deadline) Err() error {
	if d.Context.Err() == nil {
		return nil
	}
	if cause := context.Cause(d.Context); cause == context.DeadlineExceeded { //nolint:errorlint // identity is meant
		return cause
	}
	return d.Context.Err()
}

func (v *Virtual) fire(e *Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fireLocked(e)
}

func (v *Virtual) fireLocked(e *Event) {
	if e.fired {
		return
	}
	e.fired = true
	close(e.done)
	v.unparkAll(func(w *waiter) bool { return w.on == e })
}

func (v *Virtual) wait(ctx context.Context, e *Event) error {
	v.mu.Lock()
	if e.fired {
		v.mu.Unlock()
		return nil
	}
	if ctx.Err() != nil {
		v.mu.Unlock()
		return context.Cause(ctx)
	}
	w := &waiter{ctx: ctx, on: e, wake: make(chan struct{})}
	v.park(w)
	v.mu.Unlock()
	if err := v.await(w); err != nil && !v.hasFired(e) {
		return err
	}
	return nil
}

func (v *Virtual) hasFired(e *Event) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return e.fired
}

func (v *Virtual) park(w *waiter) {
	v.seq++
	w.seq, w.turn = v.seq, v.place()
	v.waits[w] = struct{}{}
	v.parked++
	v.move()
}

// unpark lets w go on; it counts as running from this moment, not from when it is scheduled.
func (v *Virtual) unpark(w *waiter) {
	if _, ok := v.waits[w]; !ok {
		return
	}
	delete(v.waits, w)
	v.parked--
	if w.turn != nil {
		w.turn.Ready()
	}
	close(w.wake)
}

// await blocks until w is let go or its context ends by other means than this clock.
func (v *Virtual) await(w *waiter) error {
	if w.turn != nil {
		v.yield()
	}
	select {
	case <-w.wake:
	case <-w.ctx.Done():
		v.mu.Lock()
		v.unpark(w)
		v.mu.Unlock()
	}
	if w.turn != nil {
		w.turn.Wait()
	}
	select {
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	default:
		return nil
	}
}

// sweep lets those go whose context has ended.
func (v *Virtual) sweep() {
	v.unparkAll(func(w *waiter) bool { return w.ctx.Err() != nil })
}

// unparkAll lets those go that is accepts, in the order in which they parked.
func (v *Virtual) unparkAll(is func(*waiter) bool) {
	var found []*waiter
	for w := range v.waits {
		if is(w) {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b *waiter) int { return a.seq - b.seq })
	for _, w := range found {
		v.unpark(w)
	}
}

// move goes to the next deadline while everybody is parked.
func (v *Virtual) move() {
	for v.parked > 0 && v.parked >= v.actors && len(v.timers) > v.beats {
		if v.still && v.timers[0].at.After(v.limit) {
			return
		}
		t := v.timers[0]
		v.drop(t)
		if t.at.After(v.now) {
			v.now = t.at
		}
		switch {
		case t.starts != nil:
			v.start(t.starts)
		case t.ends != nil:
			t.ends(context.DeadlineExceeded)
			v.sweep()
		default:
			v.unpark(t.wakes)
		}
	}
}

func (v *Virtual) timer(d time.Duration) *timer {
	v.seq++
	t := &timer{at: v.now.Add(d), seq: v.seq}
	heap.Push(&v.timers, t)
	return t
}

// drop forgets a deadline.
func (v *Virtual) drop(t *timer) {
	if t.place < 0 {
		return
	}
	heap.Remove(&v.timers, t.place)
	if t.starts != nil {
		v.beats--
	}
}

// timer wakes a sleeper, ends a context or starts an actor.
type timer struct {
	at     time.Time
	seq    int // keeps equal deadlines in the order of their making
	wakes  *waiter
	ends   context.CancelCauseFunc
	starts func()
	place  int // in the heap, -1 outside
}

type timers []*timer

func (t timers) Len() int { return len(t) }

func (t timers) Less(i, j int) bool {
	if !t[i].at.Equal(t[j].at) {
		return t[i].at.Before(t[j].at)
	}
	return t[i].seq < t[j].seq
}

func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].place, t[j].place = i, j
}

func (t *timers) Push(x any) {
	if e, ok := x.(*timer); ok {
		e.place = len(*t)
		*t = append(*t, e)
	}
}

func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	last.place = -1
	return last
}
