package driver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
)

// twoDrivers are drivers of two management servers on one inventory.
func twoDrivers(t *testing.T) (a, b *Driver, now *clock.Virtual) {
	t.Helper()
	now = clock.NewVirtual(time.Unix(0, 0))
	inv := inventory.New()
	var both [2]*Driver
	for i, owner := range []string{"a", "b"} {
		d, err := New(Config{Inventory: inv, Agents: &fakeHosts{}, Clock: now, Owner: owner, Lease: time.Minute})
		require.NoError(t, err)
		both[i] = d
	}
	return both[0], both[1], now
}

func leasesOf(d *Driver) (out []inventory.Lease) {
	_ = d.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		out = tx.Leases.All(nil)
		return nil
	})
	return out
}

func TestOperationsOfTwoManagementServersOnOneVolumeFollowOneAnother(t *testing.T) {
	t.Parallel()
	a, b, now := twoDrivers(t)
	inside := 0
	work := func(d *Driver) func() {
		return func() {
			unlock, err := d.lock(t.Context(), inventory.OfVolume, 1)
			if !assert.NoError(t, err) {
				return
			}
			defer unlock()
			inside++
			assert.Equal(t, 1, inside)
			assert.NoError(t, now.Sleep(t.Context(), 10*time.Second))
			inside--
		}
	}
	now.Run(func() { clock.Gather(now, work(a), work(b), work(a)) })
	assert.Empty(t, leasesOf(a))
}

func TestALeaseIsRefusedWithTheNameOfItsHolderAndTakenOverWhenItIsOver(t *testing.T) {
	t.Parallel()
	a, b, now := twoDrivers(t)
	now.Run(func() {
		_, err := a.lock(t.Context(), inventory.OfVolume, 1) // its server dies
		assert.NoError(t, err)
		ctx, cancel := now.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = b.lock(ctx, inventory.OfVolume, 1)
		if !assert.ErrorIs(t, err, context.DeadlineExceeded) {
			return // it would wait for itself
		}
		assert.ErrorContains(t, err, "management server a uses it")
		unlock, err := b.lock(t.Context(), inventory.OfVolume, 1)
		if assert.NoError(t, err) {
			assert.Equal(t, time.Minute, now.Now().Sub(time.Unix(0, 0)))
			unlock()
		}
	})
	assert.Empty(t, leasesOf(a))
}

func TestAStepProlongsTheLeasesOfItsServer(t *testing.T) {
	t.Parallel()
	a, b, now := twoDrivers(t)
	now.Run(func() {
		unlock, err := a.lock(t.Context(), inventory.OfVolume, 1)
		assert.NoError(t, err)
		o, err := a.begin("test", inventory.Intent{})
		assert.NoError(t, err)
		o.done() // what would prolong it besides
		assert.NoError(t, now.Sleep(t.Context(), 50*time.Second))
		assert.NoError(t, o.mark(t.Context(), "step"))
		assert.NoError(t, now.Sleep(t.Context(), 50*time.Second))
		holder, err := b.claim("volume 1")
		assert.NoError(t, err)
		assert.Equal(t, "a", holder)
		unlock()
	})
}

func TestAStepMayTakeLongerThanALease(t *testing.T) {
	t.Parallel()
	a, b, now := twoDrivers(t)
	mine := func() bool {
		holder, err := b.claim("volume 1")
		assert.NoError(t, err)
		assert.NoError(t, b.Reconcile(t.Context()))
		return holder == "a" && len(intentsOf(a)) == 1
	}
	now.Run(func() {
		unlock, err := a.lock(t.Context(), inventory.OfVolume, 1)
		assert.NoError(t, err)
		o, err := a.begin(actionDeletePool, inventory.Intent{})
		assert.NoError(t, err)
		for range 60 {
			assert.NoError(t, now.Sleep(t.Context(), 59*time.Second))
			assert.True(t, mine(), now.Now())
		}
		o.crashed = true // its server dies
		o.end(t.Context(), &err)
		assert.NoError(t, now.Sleep(t.Context(), 30*time.Second))
		assert.True(t, mine())
		assert.NoError(t, now.Sleep(t.Context(), 31*time.Second))
		assert.False(t, mine())
		assert.Empty(t, intentsOf(a))
		unlock()
	})
}

func TestWhoTakesAnOperationOverKeepsItWhileItRecovers(t *testing.T) {
	t.Parallel()
	a, b, now := twoDrivers(t)
	now.Run(func() {
		o, err := a.begin("an action of no version", inventory.Intent{})
		assert.NoError(t, err)
		o.crashed = true
		o.end(t.Context(), &err)
		assert.NoError(t, now.Sleep(t.Context(), 2*time.Minute))
		assert.ErrorContains(t, b.Reconcile(t.Context()), "no way to recover")
		assert.NoError(t, a.Reconcile(t.Context()), "it is another one's now")
		assert.Equal(t, "b", intentsOf(a)[0].Owner)
	})
}

func intentsOf(d *Driver) (out []inventory.Intent) {
	_ = d.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		out = tx.Intents.All(nil)
		return nil
	})
	return out
}

func TestAManagementServerThatStartsAgainDropsWhatItHeld(t *testing.T) {
	t.Parallel()
	a, b, now := twoDrivers(t)
	now.Run(func() {
		_, err := a.lock(t.Context(), inventory.OfVolume, 1)
		assert.NoError(t, err)
		assert.NoError(t, b.Reconcile(t.Context()))
		assert.Len(t, leasesOf(a), 1, "it is another one's")
		assert.NoError(t, a.Reconcile(t.Context()))
		assert.Len(t, leasesOf(a), 1, "it is in use")
		a.leases.set("volume 1", false)
		assert.NoError(t, a.Reconcile(t.Context()))
		assert.Empty(t, leasesOf(a))
	})
}
