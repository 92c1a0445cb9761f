// Package clock is the only source of time in spsim and the only code that every room shares.
//
// [Real] is the machine's clock. [Virtual] moves by itself to the next deadline as soon as every actor
// (a goroutine started with [Clock.Go] or running in [Virtual.Run]) is parked in a call of this package,
// so that retries, heartbeats and expiries cost no real time and happen in the same order each run.
//
// Nothing may block except through a clock: [Clock.Sleep], [Event.Wait], [Mutex.Lock]. An actor that
// blocks elsewhere (on a channel, on a socket) holds virtual time still.
package clock

import (
	"context"
	"time"
)

// Forever is the duration that stands for "until somebody gives up": a hundred years.
const Forever = 100 * 365 * 24 * time.Hour

// Clock tells the time and is the only way to wait for it.
type Clock interface {
	// Now returns the present time of this clock.
	Now() time.Time
	// Sleep returns nil after d, or the cause of ctx's end if that comes first. A d of zero or less returns at once.
	Sleep(ctx context.Context, d time.Duration) error
	// Go runs f on a goroutine of its own, as an actor that holds virtual time still while it runs.
	Go(f func())
	// Every calls f each time that d has passed, on a goroutine of its own, until the function that it returns is called,
	// which does not wait for a call in progress. f holds virtual time still, but that more calls are to come does not make
	// it move.
	Every(d time.Duration, f func()) (stop func())
	// Event returns a new event that has not fired.
	Event() *Event
	// WithTimeout returns a child of ctx that ends with [context.DeadlineExceeded] after d of this clock.
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// Event happens once; any number of actors may wait for it.
type Event struct {
	done chan struct{}
	on   *Virtual // nil on the real clock
	// fired is guarded by on.mu on a virtual clock, by once on the real one.
	fired bool
	once  chan struct{} // real clock: capacity one, holds the right to close done
}

// Fire makes every present and future Wait return. Firing again changes nothing.
func (e *Event) Fire() {
	if e.on != nil {
		e.on.fire(e)
		return
	}
	select {
	case <-e.once:
		close(e.done)
	default:
	}
}

// Done is closed when the event has fired.
func (e *Event) Done() <-chan struct{} { return e.done }

// Wait returns nil once the event has fired, or the cause of ctx's end if that comes first.
func (e *Event) Wait(ctx context.Context) error {
	if e.on != nil {
		return e.on.wait(ctx, e)
	}
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Gather runs every function as an actor and returns when all have returned.
func Gather(c Clock, fs ...func()) {
	ends := make([]*Event, len(fs))
	for i, f := range fs {
		end := c.Event()
		ends[i] = end
		c.Go(func() {
			defer end.Fire()
			f()
		})
	}
	for _, end := range ends {
		_ = end.Wait(context.Background()) // never ends early: the context has no end
	}
}
