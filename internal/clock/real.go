package clock

import (
	"context"
	"sync"
	"time"
)

// Real is the machine's clock.
type Real struct{}

// Now returns the machine's time.
func (Real) Now() time.Time { return time.Now() }

// Sleep waits on the machine's clock.
func (Real) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Go starts f on a goroutine.
func (Real) Go(f func()) { go f() }

// Every calls f on a goroutine of a [time.Timer].
func (Real) Every(d time.Duration, f func()) (stop func()) {
	var mu sync.Mutex
	var t *time.Timer
	stopped := false
	mu.Lock()
	defer mu.Unlock()
	t = time.AfterFunc(d, func() {
		f()
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			t.Reset(d)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		t.Stop()
	}
}

// Event returns an event of the real clock.
func (Real) Event() *Event {
	e := &Event{done: make(chan struct{}), once: make(chan struct{}, 1)}
	e.once <- struct{}{}
	return e
}

// WithTimeout is [context.WithTimeout].
func (Real) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
