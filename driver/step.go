package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
)

// errCrash is wrapped by the error of a driver that AtStep stopped: nothing is undone, as after a kill.
var errCrash = errors.New("driver stopped at a step")

// op is an operation in progress: steps with their undo, a pivot, an intent in the inventory.
type op struct {
	d       *Driver
	id      string // the op tag of what it creates
	row     inventory.ID
	undo    []undo
	made    made
	pivoted bool
	crashed bool
	done    func() // ends what keeps the lease
}

type undo struct {
	name string
	run  func(context.Context) error
}

// begin opens an operation and writes its intent. Its end is o.end, deferred.
func (d *Driver) begin(action string, intent inventory.Intent) (*op, error) {
	return d.beginIf(action, intent, func(*inventory.Tx) error { return nil })
}

// beginIf is begin unless may, in the same transaction, refuses.
func (d *Driver) beginIf(action string, intent inventory.Intent, may func(*inventory.Tx) error) (*op, error) {
	o := &op{d: d, id: d.newID()}
	intent.Op, intent.Action, intent.Step = o.id, action, "begin"
	intent.Owner, intent.Lease = d.owner, d.clock.Now().Add(d.lease)
	err := d.inv.Update(func(tx *inventory.Tx) error {
		if err := may(tx); err != nil {
			return err
		}
		o.row = tx.Intents.Put(intent).ID
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("begin %s: %w", action, err)
	}
	d.active.add(o.row)
	o.done = d.keeper.work(d)
	return o, nil
}

// mark writes how far the operation is. It is the point where a crash can happen.
func (o *op) mark(ctx context.Context, name string) error {
	action := ""
	err := o.d.inv.Update(func(tx *inventory.Tx) error {
		o.d.prolong(tx)
		return tx.Intents.Change(o.row, func(i *inventory.Intent) {
			i.Step, i.Pivoted, i.Lease = name, o.pivoted, o.d.clock.Now().Add(o.d.lease)
			action = i.Action
		})
	})
	if err != nil {
		return fmt.Errorf("note step %s: %w", name, err)
	}
	if o.d.atStep != nil {
		if err := o.d.atStep(ctx, action, name); err != nil {
			o.crashed = true
			return fmt.Errorf("%w %s/%s: %w", errCrash, action, name, err)
		}
	}
	return nil
}

// note stores what Reconcile needs to finish or undo the operation beyond the rows.
func (o *op) note(data string) error {
	return o.d.inv.Update(func(tx *inventory.Tx) error {
		return tx.Intents.Change(o.row, func(i *inventory.Intent) { i.Data = data })
	})
}

// step does one step. Its undo is kept before it runs, since a lost answer leaves the effect.
func step[T any](ctx context.Context, o *op, name string,
	do func(context.Context) (T, error), undoes func(context.Context) error,
) (t T, err error) {
	if err = o.mark(ctx, name); err != nil {
		return t, err
	}
	if undoes != nil && !o.pivoted {
		o.undo = append(o.undo, undo{name, undoes})
	}
	if t, err = do(ctx); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return t, err
}

// act is step for what returns nothing.
func act(ctx context.Context, o *op, name string, do, undoes func(context.Context) error) error {
	_, err := step(ctx, o, name, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) }, undoes)
	return err
}

// pivot is the point of no return: from here the operation is finished, never undone.
func (o *op) pivot(ctx context.Context) error {
	o.undo, o.pivoted = nil, true
	return o.mark(ctx, "pivot")
}

// end undoes what was done if *err is set before the pivot, and closes the intent unless something is left to do.
func (o *op) end(ctx context.Context, err *error) {
	defer o.done()
	defer o.d.active.remove(o.row)
	if o.crashed {
		return
	}
	ctx = context.WithoutCancel(ctx)
	keep := *err != nil && o.pivoted
	if *err != nil {
		for _, u := range slices.Backward(o.undo) {
			if e := u.run(ctx); e != nil {
				*err, keep = errors.Join(*err, fmt.Errorf("undo %s: %w", u.name, e)), true
			}
		}
	}
	if keep {
		return
	}
	closed := o.d.inv.Update(func(tx *inventory.Tx) error {
		o.leaveStrays(tx)
		tx.Intents.Delete(o.row)
		return nil
	})
	*err = errors.Join(*err, closed)
}
