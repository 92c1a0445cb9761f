package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/spsim/spsim/driver/inventory"
)

// ActionStrays is the action of an intent that only watches for what a lost call may yet make on StorPool; nothing is
// half-done. [Driver.Reconcile] closes it once its lease is over.
const ActionStrays = "strays"

// recovery says how the rows of an operation that a crash has ended are brought to a terminal state.
type recovery struct {
	// forward finishes an operation that has passed its pivot. It may run several times.
	forward func(ctx context.Context, d *Driver, i inventory.Intent) error
	// back takes the rows back before the pivot; nil when the steps before it write none. What the operation has made on
	// StorPool is removed afterwards, unless a row still names it.
	back func(ctx context.Context, d *Driver, i inventory.Intent) error
}

// recoveries says for each action how it is recovered.
func recoveries() map[string]recovery {
	all := poolRecoveries()
	maps.Copy(all, objectRecoveries())
	return all
}

func poolRecoveries() map[string]recovery {
	return map[string]recovery{
		actionDeletePool:  {forward: resumeDeletePool},
		actionHostConnect: {},
	}
}

// active is the set of operations in progress here, by the rows of their intents.
type active struct {
	mu   sync.Mutex
	rows []inventory.ID
}

func (a *active) add(row inventory.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows = append(a.rows, row)
}

func (a *active) remove(row inventory.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows = slices.DeleteFunc(a.rows, func(r inventory.ID) bool { return r == row })
}

func (a *active) has(row inventory.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.rows, row)
}

// leaveStrays leaves an intent for each pool where a call ended without an answer: what it asked for may come to
// exist later, and Reconcile removes it then.
func (o *op) leaveStrays(tx *inventory.Tx) {
	for _, pool := range o.made.doubtful {
		tx.Intents.Put(inventory.Intent{
			Op: o.id, Action: ActionStrays, Pool: pool, Step: ActionStrays,
			Owner: o.d.owner, Lease: o.d.clock.Now().Add(o.d.lease),
		})
	}
}

// Reconcile finishes or removes what a crash has left: every operation that nobody works on and whose lease is over or
// this driver's own. It goes on after a failure and returns all of them; it may be repeated at any time.
func (d *Driver) Reconcile(ctx context.Context) error {
	var open []inventory.Intent
	err := d.inv.View(func(tx *inventory.Tx) error {
		open = tx.Intents.All(d.orphaned)
		return nil
	})
	errs := []error{err, d.dropLeases()}
	for _, i := range open {
		if err := d.recover(ctx, i.ID); err != nil {
			errs = append(errs, fmt.Errorf("reconcile %s %s: %w", i.Action, i.Op, err))
		}
	}
	return errors.Join(errs...)
}

// orphaned tells whether an intent is this driver's to recover.
func (d *Driver) orphaned(i inventory.Intent) bool {
	return !d.active.has(i.ID) && (i.Owner == d.owner || !d.clock.Now().Before(i.Lease))
}

// recover claims an intent and recovers its operation.
func (d *Driver) recover(ctx context.Context, row inventory.ID) error {
	var i inventory.Intent
	mine := false
	err := d.inv.Update(func(tx *inventory.Tx) error {
		if i, mine = tx.Intents.Get(row); !mine || !d.orphaned(i) {
			mine = false
			return nil
		}
		claimed := i
		if claimed.Owner = d.owner; i.Action != ActionStrays { // of which the lease says how long to watch
			claimed.Lease = d.clock.Now().Add(d.lease)
		}
		tx.Intents.Put(claimed)
		d.active.add(row)
		return nil
	})
	if err != nil || !mine {
		return err
	}
	defer d.keeper.work(d)()
	defer d.active.remove(row)
	if i.Action == ActionStrays {
		return d.watchStrays(ctx, i)
	}
	how, known := recoveries()[i.Action]
	switch {
	case !known:
		return errors.New("no way to recover this action is known")
	case i.Pivoted && how.forward != nil:
		if err := how.forward(ctx, d, i); err != nil {
			return err
		}
	case i.Pivoted: // the last step alone was missing: closing the intent
	case how.back != nil:
		if err := how.back(ctx, d, i); err != nil {
			return err
		}
	}
	if !i.Pivoted {
		if err := d.removeUnowned(ctx, i); err != nil {
			return err
		}
	}
	return d.close(i)
}

// close removes an intent. A call of an operation cut short may still be on its way: that is watched for until the lease is over.
func (d *Driver) close(i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		if _, open := tx.Intents.Get(i.ID); !open {
			return nil // closed on the way forward
		}
		if _, there := tx.Pools.Get(i.Pool); i.Pivoted || !there || !d.clock.Now().Before(i.Lease) {
			tx.Intents.Delete(i.ID)
			return nil
		}
		i.Action, i.Step, i.Owner = ActionStrays, ActionStrays, d.owner
		tx.Intents.Put(i)
		return nil
	})
}

// watchStrays removes what lost calls have made, and stops watching when the lease is over.
func (d *Driver) watchStrays(ctx context.Context, i inventory.Intent) error {
	over := !d.clock.Now().Before(i.Lease)
	if err := d.removeUnowned(ctx, i); err != nil {
		return err
	}
	if i.Data == actionDirectDownload {
		if err := d.dropLate(ctx, i); err != nil {
			return err
		}
	}
	if !over {
		return nil
	}
	return d.inv.Update(func(tx *inventory.Tx) error {
		tx.Intents.Delete(i.ID)
		return nil
	})
}

// removeUnowned deletes what an operation has made on its pool, but for what a row of the inventory names.
func (d *Driver) removeUnowned(ctx context.Context, i inventory.Intent) error {
	if d.rules.markOperation(nil, i.Op)[tagOperation] == "" {
		return nil // nothing carries the mark
	}
	c, err := d.connect(ctx, i.Pool)
	if errors.Is(err, inventory.ErrNotFound) {
		return nil // the pool is gone, and with it the way to StorPool
	}
	if err != nil {
		return err
	}
	return dropTagged(ctx, c, i.Op, d.owned)
}

// owned tells whether a row or a detail of the inventory names the StorPool object of this global id.
func (d *Driver) owned(id string) bool {
	found := false
	_ = d.inv.View(func(tx *inventory.Tx) error { // never fails
		found = owned(tx, id)
		return nil
	})
	return found
}

func owned(tx *inventory.Tx, id string) bool {
	is := func(path string) bool { return path != "" && apiName(path, false) == id }
	if _, ok := tx.Volumes.Find(func(v inventory.Volume) bool { return is(v.Path) }); ok {
		return true
	}
	if _, ok := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool { return is(r.Path) }); ok {
		return true
	}
	if _, ok := tx.TemplateStores.Find(func(t inventory.TemplateStore) bool { return is(t.LocalPath) }); ok {
		return true
	}
	if _, ok := tx.TemplatePools.Find(func(t inventory.TemplatePool) bool { return is(t.LocalPath) || is(t.InstallPath) }); ok {
		return true
	}
	for _, kind := range []inventory.Kind{inventory.OfPool, inventory.OfSnapshot, inventory.OfVMSnapshot} {
		for _, found := range tx.Details.Named(kind, func(string) bool { return true }) {
			if is(found.Value) || found.Value == "~"+id {
				return true
			}
		}
	}
	return false
}

// resumeDeletePool deletes what is left of a pool.
func resumeDeletePool(ctx context.Context, d *Driver, i inventory.Intent) error {
	c, err := d.connect(ctx, i.Pool)
	if errors.Is(err, inventory.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.reopen(i).deletePool(ctx, c)
}

// reopen goes on with an operation after a crash; its intent is closed by Reconcile.
func (d *Driver) reopen(i inventory.Intent) *op {
	return &op{d: d, id: i.Op, row: i.ID, pivoted: true, done: func() {}}
}
