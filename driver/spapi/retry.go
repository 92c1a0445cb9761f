package spapi

import (
	"context"
	"errors"
	"time"
)

// Retry says how long to wait before each repetition of a call; its length is the number of repetitions.
type Retry struct{ Waits []time.Duration }

// Backoff waits 1, 2, 4, 8 and 16 seconds, as StorPool's own clients do (storpool-api 2.1).
func Backoff() *Retry {
	r := &Retry{}
	for wait := time.Second; wait <= 16*time.Second; wait *= 2 {
		r.Waits = append(r.Waits, wait)
	}
	return r
}

// Again says how a call that creates something is repeated when its answer was lost.
type Again[T any] struct {
	// Lookup finds what an earlier attempt made; false means that there is nothing so far.
	Lookup func(ctx context.Context) (T, bool, error)
	// Doubt, when set, is called once an attempt ended without an answer: what it asked for may exist or may yet
	// come to exist beside what a repetition makes.
	Doubt func()
}

func (a *Again[T]) doubt() {
	if a != nil && a.Doubt != nil {
		a.Doubt()
	}
}

// repeat calls once until it succeeds, fails for good or the policy is exhausted.
func repeat[T any](ctx context.Context, c *Client, q call, again *Again[T],
	once func(context.Context) (T, envelope, error),
) (T, envelope, error) {
	var waits []time.Duration
	if c.retry != nil {
		waits = c.retry.Waits
	}
	inDoubt, mayHaveRun := false, false
	for n := 0; ; n++ {
		out, env, err := once(ctx)
		var refused *Error
		if mayHaveRun && errors.As(err, &refused) {
			refused.Doubt = true
		}
		mayHaveRun = mayHaveRun || MayHaveRun(err)
		if q.create && MayHaveRun(err) && !inDoubt {
			inDoubt = true
			again.doubt()
		}
		if n >= len(waits) || !repeatable(ctx, err) || inDoubt && (again == nil || again.Lookup == nil) {
			return out, env, err
		}
		if slept := c.clock.Sleep(ctx, waits[n]); slept != nil {
			return out, env, errors.Join(err, slept)
		}
		if inDoubt {
			found, ok, lookErr := again.Lookup(ctx)
			if ok || lookErr != nil {
				return found, envelope{}, errors.Join(unless(ok, err), lookErr)
			}
		}
	}
}

func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// repeatable tells whether a later attempt may succeed. What ran out of its time is not tried again.
func repeatable(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Transient
	}
	var lost *TransportError
	if errors.As(err, &lost) {
		return !lost.Timeout || !lost.MayHaveRun
	}
	var odd *AnswerError
	return errors.As(err, &odd)
}
