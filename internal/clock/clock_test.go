package clock_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/internal/clock"
)

func newYear() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func TestSleepMovesVirtualTimeOnlyWhenAllActorsAreParked(t *testing.T) {
	t.Parallel()
	start := newYear()
	v := clock.NewVirtual(start)
	var order []string
	v.Run(func() {
		late, early := v.Event(), v.Event()
		v.Go(func() {
			defer late.Fire()
			assert.NoError(t, v.Sleep(t.Context(), 3*time.Hour))
			order = append(order, "three hours")
		})
		v.Go(func() {
			defer early.Fire()
			assert.NoError(t, v.Sleep(t.Context(), time.Hour))
			order = append(order, "one hour")
		})
		assert.Equal(t, start, v.Now(), "the driving actor still runs")
		assert.NoError(t, early.Wait(t.Context()))
		assert.Equal(t, start.Add(time.Hour), v.Now())
		assert.NoError(t, late.Wait(t.Context()))
	})
	assert.Equal(t, []string{"one hour", "three hours"}, order)
	assert.Equal(t, start.Add(3*time.Hour), v.Now())
}

func TestTimeoutEndsASleepAtItsDeadline(t *testing.T) {
	t.Parallel()
	start := newYear()
	v := clock.NewVirtual(start)
	ctx, cancel := v.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.ErrorIs(t, v.Sleep(ctx, clock.Forever), context.DeadlineExceeded)
	require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
	at, ok := ctx.Deadline()
	assert.True(t, ok)
	assert.Equal(t, start.Add(time.Minute), at)
	assert.Equal(t, start.Add(time.Minute), v.Now())
}

func TestATimeoutGivenBackDoesNotEndAnything(t *testing.T) {
	t.Parallel()
	start := newYear()
	v := clock.NewVirtual(start)
	ctx, cancel := v.WithTimeout(t.Context(), time.Minute)
	cancel()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.NoError(t, v.Sleep(t.Context(), time.Hour))
	assert.Equal(t, start.Add(time.Hour), v.Now())
}

func TestCancelWakesASleeperWithoutMovingTime(t *testing.T) {
	t.Parallel()
	start := newYear()
	v := clock.NewVirtual(start)
	v.Run(func() {
		ctx, cancel := v.WithTimeout(t.Context(), clock.Forever)
		ended := v.Event()
		v.Go(func() {
			defer ended.Fire()
			assert.ErrorIs(t, v.Sleep(ctx, time.Hour), context.Canceled)
		})
		assert.NoError(t, v.Sleep(t.Context(), time.Second))
		cancel()
		assert.NoError(t, ended.Wait(t.Context()))
	})
	assert.Equal(t, start.Add(time.Second), v.Now())
}

func TestMutexMayBeHeldAcrossASleep(t *testing.T) {
	t.Parallel()
	start := newYear()
	v := clock.NewVirtual(start)
	m := clock.NewMutex(v)
	var in atomic.Int32
	work := func() {
		if !assert.NoError(t, m.Lock(context.Background())) {
			return
		}
		defer m.Unlock()
		assert.EqualValues(t, 1, in.Add(1))
		assert.NoError(t, v.Sleep(context.Background(), time.Second))
		in.Add(-1)
	}
	v.Run(func() { clock.Gather(v, work, work, work) })
	assert.Equal(t, start.Add(3*time.Second), v.Now())
}

func TestLocksAreByKeyAndAWaiterMayGiveUp(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(newYear())
	locks := clock.NewLocks(v)
	v.Run(func() {
		unlock, err := locks.Lock(t.Context(), "a")
		if !assert.NoError(t, err) {
			return
		}
		other, err := locks.Lock(t.Context(), "b")
		if assert.NoError(t, err) {
			other()
		}
		ctx, cancel := v.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = locks.Lock(ctx, "a")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		unlock()
		again, err := locks.Lock(t.Context(), "a")
		if assert.NoError(t, err) {
			again()
		}
	})
}

func TestSettleWaitsForActorsInTheBackground(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(newYear())
	var done atomic.Bool
	v.Run(func() {
		v.Go(func() {
			assert.NoError(t, v.Sleep(context.Background(), time.Hour))
			done.Store(true)
		})
		assert.NoError(t, v.Settle(t.Context()))
		assert.True(t, done.Load())
		assert.NoError(t, v.Settle(t.Context()), "nothing left")
	})
}

func TestAdvanceWakesThoseOnItsWay(t *testing.T) {
	t.Parallel()
	start := newYear()
	v := clock.NewVirtual(start)
	woken := v.Event()
	v.Go(func() {
		assert.NoError(t, v.Sleep(context.Background(), time.Minute))
		woken.Fire()
	})
	v.Advance(time.Hour)
	<-woken.Done()
	assert.False(t, v.Now().Before(start.Add(time.Hour)))
}

func TestAStillClockMovesWhenItIsAdvancedOnly(t *testing.T) {
	t.Parallel()
	v := clock.NewStill(newYear())
	near, cancel := v.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	far, cancel := v.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	woken := v.Event()
	v.Go(func() {
		assert.NoError(t, v.Sleep(context.Background(), time.Minute))
		woken.Fire()
	})
	v.Run(func() { assert.Equal(t, newYear(), v.Now()) })
	v.Advance(time.Minute)
	require.ErrorIs(t, near.Err(), context.DeadlineExceeded)
	require.NoError(t, far.Err())
	assert.Equal(t, newYear().Add(time.Minute), v.Now())
	v.Advance(3 * time.Hour)
	<-woken.Done()
	require.ErrorIs(t, far.Err(), context.DeadlineExceeded)
	assert.Equal(t, newYear().Add(3*time.Hour+time.Minute), v.Now())
}

func TestWhatIsDoneEveryHourIsDoneOnTheWayAndMakesNoTimePass(t *testing.T) {
	t.Parallel()
	start := newYear()
	v := clock.NewVirtual(start)
	var at []time.Duration
	v.Run(func() {
		stop := v.Every(time.Hour, func() {
			at = append(at, v.Now().Sub(start))
			if len(at) == 2 { // what takes time shifts what is to come
				assert.NoError(t, v.Sleep(t.Context(), time.Minute))
			}
		})
		assert.NoError(t, v.Sleep(t.Context(), 4*time.Hour))
		stop()
		stop()
		assert.NoError(t, v.Sleep(t.Context(), 4*time.Hour))
	})
	assert.Equal(t, []time.Duration{time.Hour, 2 * time.Hour, 3*time.Hour + time.Minute}, at)
	assert.Equal(t, start.Add(8*time.Hour), v.Now())
	never := v.Event()
	ctx, cancel := context.WithCancel(t.Context())
	v.Run(func() {
		stop := v.Every(time.Hour, func() { at = nil })
		defer stop()
		time.AfterFunc(10*time.Millisecond, cancel)
		assert.ErrorIs(t, never.Wait(ctx), context.Canceled, "nothing happens by itself")
	})
	assert.Len(t, at, 3)
	assert.Equal(t, start.Add(8*time.Hour), v.Now())
}

func TestWhatIsDoneEveryHourCanBeStoppedFromWithin(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(newYear())
	n := 0
	v.Run(func() {
		var stop func()
		stop = v.Every(time.Hour, func() {
			n++
			stop()
		})
		assert.NoError(t, v.Sleep(t.Context(), 10*time.Hour))
	})
	assert.Equal(t, 1, n)
}

func TestTheRealClockDoesThingsAgainAndAgain(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	var n atomic.Int64
	stop := clock.Real{}.Every(time.Millisecond, func() {
		if n.Add(1) == 3 {
			close(done)
		}
	})
	<-done
	stop()
	stop()
}

func TestRealClockSleepsAndGivesUp(t *testing.T) {
	t.Parallel()
	var c clock.Real
	require.NoError(t, c.Sleep(t.Context(), time.Microsecond))
	ctx, cancel := c.WithTimeout(t.Context(), time.Microsecond)
	defer cancel()
	require.ErrorIs(t, c.Sleep(ctx, time.Hour), context.DeadlineExceeded)
	e := c.Event()
	require.ErrorIs(t, e.Wait(ctx), context.DeadlineExceeded)
	e.Fire()
	e.Fire()
	require.NoError(t, e.Wait(t.Context()))
}

// alternate has actors take turns, the one that waits longest first.
type alternate struct {
	mu    sync.Mutex
	ready []chan struct{}
	most  int
	runs  int
}

type alternating struct {
	a *alternate
	c chan struct{}
}

func (a *alternate) Turn() clock.Turn { return alternating{a, make(chan struct{})} }

func (a *alternate) Next() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs--
	if len(a.ready) > 0 {
		close(a.ready[0])
		a.ready = a.ready[1:]
		a.runs++
		a.most = max(a.most, a.runs)
	}
}

func (t alternating) Ready() {
	t.a.mu.Lock()
	defer t.a.mu.Unlock()
	t.a.ready = append(t.a.ready, t.c)
}

func (t alternating) Wait() { <-t.c }

func TestWithAnOrderOneActorRunsAtATime(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(newYear())
	a := &alternate{runs: 1}
	var order []int
	v.Run(func() {
		v.SetOrder(a)
		jobs := make([]func(), 5)
		for i := range jobs {
			jobs[i] = func() {
				for range 3 {
					order = append(order, i)
					assert.NoError(t, v.Sleep(t.Context(), time.Second))
				}
			}
		}
		clock.Gather(v, jobs...)
		v.SetOrder(nil)
	})
	assert.Equal(t, []int{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4}, order)
	a.mu.Lock()
	defer a.mu.Unlock()
	assert.Equal(t, 1, a.most)
}
