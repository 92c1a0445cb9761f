package driver

import (
	"slices"
	"sync"

	"github.com/spsim/spsim/driver/inventory"
)

// actionStrays is the action of an intent that only watches for what lost calls may yet make.
const actionStrays = "strays"

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

// leaveStrays leaves an intent for each pool where a call ended without an answer: what it asked for may come to
// exist later, and Reconcile removes it then.
func (o *op) leaveStrays(tx *inventory.Tx) {
	for _, pool := range o.made.doubtful {
		tx.Intents.Put(inventory.Intent{
			Op: o.id, Action: actionStrays, Pool: pool, Step: actionStrays,
			Owner: o.d.owner, Lease: o.d.clock.Now().Add(o.d.lease),
		})
	}
}
