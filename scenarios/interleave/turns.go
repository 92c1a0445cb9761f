package interleave

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
)

// side is one of the two operations, or what drives the run.
type side int

const (
	first side = iota
	second
	house
)

func (s side) other() side { return second - s }

// moment is what one of the operations did between two points.
type moment struct {
	side side
	what string
}

// turns lets one actor run at a time and exchanges the operations at the points of a schedule. It is a [clock.Order] and an
// [inventory.Watcher].
type turns struct {
	plan  Schedule
	abort context.CancelFunc // ends what waits when nobody can go on

	mu      sync.Mutex
	now     side // of the actor that runs
	last    side // of the operation that ran last
	idle    bool // nobody runs
	stuck   bool // nobody could go on
	ready   []*place
	points  int
	free    []bool // by point: whether the other operation could have gone on
	moments []moment
	reading [2]bool // what the operation did last was to read the inventory
	numbers map[string]int
	tables  []string
}

func newTurns(plan Schedule) *turns {
	t := &turns{plan: plan, now: house, last: first, numbers: map[string]int{}}
	if plan.SecondFirst {
		t.last = second
	}
	return t
}

// place is an actor that waits for its turn.
type place struct {
	turns *turns
	side  side
	turn  chan struct{}
}

// Turn is a place for the side that runs.
func (t *turns) Turn() clock.Turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &place{t, t.now, make(chan struct{})}
}

// Ready queues the place.
func (p *place) Ready() {
	p.turns.mu.Lock()
	defer p.turns.mu.Unlock()
	p.turns.ready = append(p.turns.ready, p)
	if p.turns.idle {
		p.turns.dispatch()
	}
}

// Wait returns when the turn has come.
func (p *place) Wait() { <-p.turn }

// Next lets the operation go on that ran last, if it can, else the other one, else what drives the run.
func (t *turns) Next() {
	t.mu.Lock()
	if t.dispatch() {
		t.mu.Unlock()
		return
	}
	again := t.stuck
	t.stuck = true
	t.mu.Unlock()
	if again {
		panic("interleave: the operations wait for one another, and for something that does not end")
	}
	t.abort()
}

// dispatch gives the turn to somebody; the caller holds the lock.
func (t *turns) dispatch() bool {
	t.idle = false
	for _, s := range []side{t.last, t.last.other(), house} {
		if t.give(s) {
			return true
		}
	}
	t.idle = true
	return false
}

// give gives the turn to an actor of a side, if one is ready; the caller holds the lock.
func (t *turns) give(s side) bool {
	i := slices.IndexFunc(t.ready, func(p *place) bool { return p.side == s })
	if i < 0 {
		return false
	}
	p := t.ready[i]
	t.ready = slices.Delete(t.ready, i, i+1)
	t.now = s
	if s != house {
		t.last = s
	}
	close(p.turn)
	return true
}

// be says whose actor runs; what it starts is of the same side.
func (t *turns) be(s side) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = s
}

// point is where an operation may have to make room, before it does what.
func (t *turns) point(what string, read bool) {
	t.mu.Lock()
	s := t.now
	if s == house {
		t.mu.Unlock()
		return
	}
	if again := t.reading[s] && read; again { // two reads without a step between them
		t.mu.Unlock()
		return
	}
	t.reading[s] = read
	t.points++
	can := slices.ContainsFunc(t.ready, func(p *place) bool { return p.side == s.other() })
	t.free = append(t.free, can)
	if can && slices.Contains(t.plan.At, t.points) {
		p := &place{t, s, make(chan struct{})}
		t.ready = slices.Insert(t.ready, 0, p)
		t.give(s.other())
		t.mu.Unlock()
		<-p.turn
		t.mu.Lock()
	}
	t.moments = append(t.moments, moment{s, what})
	t.mu.Unlock()
}

// add says more of what the operation has just done.
func (t *turns) add(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.moments); t.now != house && n > 0 {
		t.moments[n-1].what += text
	}
}

// atCall, atHostStep and atStep are called by the world.
func (t *turns) atCall(caller, call, object string) {
	t.point(strings.TrimSpace(fmt.Sprintf("%s: %s %s", caller, call, object)), false)
}

func (t *turns) atHostStep(host, command, step string) {
	t.point(fmt.Sprintf("%s: %s/%s", host, command, step), false)
}

func (t *turns) atStep(_ context.Context, action, step string) error {
	t.add(fmt.Sprintf(" (%s: %s)", action, step))
	return nil
}

// Begin is a point of the inventory.
func (t *turns) Begin(write bool) {
	if write {
		t.point("inventory: writes", false)
		return
	}
	t.point("inventory: reads", true)
}

// Changed names what was written.
func (t *turns) Changed(rows []inventory.Row) {
	names := make([]string, 0, len(rows))
	for _, r := range rows {
		if !slices.Contains(names, r.String()) {
			names = append(names, r.String())
		}
	}
	t.add(" " + strings.Join(names, ", "))
}

// Number gives each side numbers of its own, so that those of one do not depend on what the other does. No other number
// looks like them.
func (t *turns) Number(table string) inventory.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == house {
		return 0
	}
	at := slices.Index(t.tables, table)
	if at < 0 {
		at = len(t.tables)
		t.tables = append(t.tables, table)
	}
	key := fmt.Sprint(t.now, table)
	t.numbers[key]++
	return inventory.ID(71+int64(t.now))*1e13 + inventory.ID(at+1)*1e9 + inventory.ID(t.numbers[key])
}
