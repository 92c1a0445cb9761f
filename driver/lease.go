package driver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spsim/spsim/driver/inventory"
)

// leasePoll is how long a driver waits before it looks again whether another one's lease is over.
const leasePoll = time.Second

// leases are the keys that this driver holds.
type leases struct {
	mu   sync.Mutex
	held map[string]bool
}

func (l *leases) set(key string, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held {
		l.held[key] = true
	} else {
		delete(l.held, key)
	}
}

func (l *leases) has(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[key]
}

// lock takes the lock of a row: operations on one object follow one another, whichever management server does them.
func (d *Driver) lock(ctx context.Context, kind inventory.Kind, id inventory.ID) (func(), error) {
	return d.lockKey(ctx, fmt.Sprintf("%s %d", kind, id))
}

// lockWithVolume takes the lock of a snapshot and then that of its volume.
func (d *Driver) lockWithVolume(ctx context.Context, snapshot, volume inventory.ID) (unlock func(), err error) {
	first, err := d.lock(ctx, inventory.OfSnapshot, snapshot)
	if err != nil {
		return nil, err
	}
	second, err := d.lock(ctx, inventory.OfVolume, volume)
	if err != nil {
		first()
		return nil, err
	}
	return func() {
		second()
		first()
	}, nil
}

// snapshotRow reads the row of a snapshot.
func (d *Driver) snapshotRow(id inventory.ID) (s inventory.Snapshot, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		s, err = tx.Snapshots.Must(id)
		return err
	})
	return s, err
}

// lockKey takes a lock among the operations of this driver, and then the lease that keeps the other management servers
// out. A lease that is over, since its owner died, is taken over.
func (d *Driver) lockKey(ctx context.Context, key string) (func(), error) {
	unlock, err := d.locks.Lock(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("wait for %s: %w", key, err)
	}
	d.leases.set(key, true)
	for {
		holder, err := d.claim(key)
		if err == nil && holder == "" {
			return func() {
				d.release(key)
				d.leases.set(key, false)
				unlock()
			}, nil
		}
		if err == nil {
			err = d.clock.Sleep(ctx, leasePoll)
		}
		if err != nil {
			d.leases.set(key, false)
			unlock()
			if holder != "" {
				err = fmt.Errorf("%w: management server %s uses it", err, holder)
			}
			return nil, fmt.Errorf("wait for %s: %w", key, err)
		}
	}
}

// claim writes the lease of a key, or returns who has it.
func (d *Driver) claim(key string) (holder string, err error) {
	err = d.inv.Update(func(tx *inventory.Tx) error {
		now := d.clock.Now()
		l, found := tx.Leases.Find(func(l inventory.Lease) bool { return l.Key == key })
		if found && l.Owner != d.owner && now.Before(l.Until) {
			holder = l.Owner
			return nil
		}
		l.Key, l.Owner, l.Until = key, d.owner, now.Add(d.lease)
		tx.Leases.Put(l)
		return nil
	})
	return holder, err
}

// release gives a lease back, unless somebody else has taken it over.
func (d *Driver) release(key string) {
	_ = d.inv.Update(func(tx *inventory.Tx) error { // the function returns no error
		if l, found := tx.Leases.Find(func(l inventory.Lease) bool { return l.Key == key && l.Owner == d.owner }); found {
			tx.Leases.Delete(l.ID)
		}
		return nil
	})
}

// prolong keeps the leases of this driver: each step of an operation shows that it is alive.
func (d *Driver) prolong(tx *inventory.Tx) {
	until := d.clock.Now().Add(d.lease)
	for _, l := range tx.Leases.All(func(l inventory.Lease) bool { return l.Owner == d.owner && l.Until.Before(until) }) {
		l.Until = until
		tx.Leases.Put(l)
	}
}

// keeper shows the other management servers that this one is alive while it has operations in progress: a step, such as
// a backup of hours, may take longer than a lease.
type keeper struct {
	mu   sync.Mutex
	busy int // operations
	stop func()
}

// work begins with the first operation and ends with the last one.
func (k *keeper) work(d *Driver) (done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy++; k.busy == 1 {
		k.stop = d.clock.Every(d.lease/3, d.stayAlive)
	}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.busy--; k.busy == 0 {
			k.stop()
		}
	}
}

// stayAlive prolongs the leases, and those of the operations in progress; a step does so for its own operation.
func (d *Driver) stayAlive() {
	_ = d.inv.Update(func(tx *inventory.Tx) error { // the function returns no error
		d.prolong(tx)
		for _, i := range tx.Intents.All(func(i inventory.Intent) bool { return i.Action != ActionStrays && d.active.has(i.ID) }) {
			i.Lease = d.clock.Now().Add(d.lease)
			tx.Intents.Put(i)
		}
		return nil
	})
}

// dropLeases removes what a killed management server has left: its own leases, once it runs again, and those that are over.
func (d *Driver) dropLeases() error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		now := d.clock.Now()
		for _, l := range tx.Leases.All(func(l inventory.Lease) bool {
			return !d.leases.has(l.Key) && (l.Owner == d.owner || !now.Before(l.Until))
		}) {
			tx.Leases.Delete(l.ID)
		}
		return nil
	})
}
