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
		assert.NoError(t, now.Sleep(t.Context(), 50*time.Second))
		assert.NoError(t, o.mark(t.Context(), "step"))
		assert.NoError(t, now.Sleep(t.Context(), 50*time.Second))
		holder, err := b.claim("volume 1")
		assert.NoError(t, err)
		assert.Equal(t, "a", holder)
		unlock()
	})
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
