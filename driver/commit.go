package driver

import (
	"context"
	"errors"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// commit is the pivot and the call that cannot be taken back. A refusal by StorPool means that nothing happened,
// unless an earlier attempt went unanswered: then what went before can be undone after all.
func (o *op) commit(ctx context.Context, do func(context.Context) error) error {
	before, pivoted := o.undo, o.pivoted
	if err := o.pivot(ctx); err != nil {
		return err
	}
	err := do(ctx)
	var refusal *spapi.Error
	if pivoted || !errors.As(err, &refusal) || spapi.MayHaveRun(err) {
		return err
	}
	o.undo, o.pivoted = before, false
	return errors.Join(err, o.d.inv.Update(func(tx *inventory.Tx) error {
		return tx.Intents.Change(o.row, func(i *inventory.Intent) { i.Pivoted = false })
	}))
}

// record is the last step of an operation but for cleaning up: it writes rows and used bytes at once, and what was made is kept from then on.
func (o *op) record(ctx context.Context, c *conn, name string, delta int64, with func(*inventory.Tx) error) error {
	return act(ctx, o, name, func(context.Context) error {
		err := o.d.inv.Update(func(tx *inventory.Tx) error {
			if err := errors.Join(with(tx), charge(tx, c.pool.ID, delta)); err != nil {
				return err
			}
			return tx.Intents.Change(o.row, func(i *inventory.Intent) { i.Pivoted = true })
		})
		if err == nil { // what follows, if anything, is finished and not undone
			o.undo, o.pivoted = nil, true
		}
		return err
	}, nil)
}

// resume goes on with an operation that passed its pivot and was not finished, or begins a new one.
func (d *Driver) resume(action string, intent inventory.Intent) (o *op, resumed bool, err error) {
	err = d.inv.Update(func(tx *inventory.Tx) error {
		left, found := tx.Intents.Find(func(i inventory.Intent) bool {
			return i.Action == action && i.Kind == intent.Kind && i.Object == intent.Object && i.Pivoted && d.orphaned(i)
		})
		if !found {
			return nil
		}
		left.Owner, left.Lease = d.owner, d.clock.Now().Add(d.lease)
		tx.Intents.Put(left)
		d.active.add(left.ID)
		o = d.reopen(left)
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	if o != nil {
		o.done = d.keeper.work(d)
		return o, true, nil
	}
	o, err = d.begin(action, intent)
	return o, false, err
}
