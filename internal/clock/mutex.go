package clock

import (
	"context"
	"sync"
)

// Mutex is a lock that may be held across Sleep: waiting for it parks the actor, so virtual time goes on.
// Waiters get it in the order in which they asked.
type Mutex struct {
	clock Clock
	mu    sync.Mutex
	held  bool
	queue []*Event
}

// NewMutex returns an unlocked mutex of c.
func NewMutex(c Clock) *Mutex { return &Mutex{clock: c} }

// Lock returns nil with the lock held, or the cause of ctx's end without it.
func (m *Mutex) Lock(ctx context.Context) error {
	m.mu.Lock()
	if !m.held {
		m.held = true
		m.mu.Unlock()
		return nil
	}
	turn := m.clock.Event()
	m.queue = append(m.queue, turn)
	m.mu.Unlock()
	if err := turn.Wait(ctx); err != nil {
		m.leave(turn)
		return err
	}
	return nil
}

// leave gives up a place in the queue, or the lock itself when it was handed over meanwhile.
func (m *Mutex) leave(turn *Event) {
	m.mu.Lock()
	for i, e := range m.queue {
		if e == turn {
			m.queue = append(m.queue[:i], m.queue[i+1:]...)
			m.mu.Unlock()
			return
		}
	}
	m.mu.Unlock()
	m.Unlock()
}

// Unlock hands the lock to the first waiter, or frees it.
func (m *Mutex) Unlock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 {
		m.held = false
		return
	}
	turn := m.queue[0]
	m.queue = m.queue[1:]
	turn.Fire()
}

// Locks is a set of mutexes by key, each there only while somebody holds or wants it.
type Locks struct {
	clock Clock
	mu    sync.Mutex
	users map[string]int
	locks map[string]*Mutex
}

// NewLocks returns an empty set.
func NewLocks(c Clock) *Locks {
	return &Locks{clock: c, users: map[string]int{}, locks: map[string]*Mutex{}}
}

// Lock takes the lock of key; the returned function gives it back.
func (l *Locks) Lock(ctx context.Context, key string) (unlock func(), err error) {
	l.mu.Lock()
	m, ok := l.locks[key]
	if !ok {
		m = NewMutex(l.clock)
		l.locks[key] = m
	}
	l.users[key]++
	l.mu.Unlock()
	if err := m.Lock(ctx); err != nil {
		l.release(key)
		return nil, err
	}
	return func() {
		m.Unlock()
		l.release(key)
	}, nil
}

func (l *Locks) release(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users[key]--; l.users[key] == 0 {
		delete(l.users, key)
		delete(l.locks, key)
	}
}
