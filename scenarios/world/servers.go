package world

import (
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// Server is a management server with its driver.
type Server struct {
	Driver *driver.Driver
	Mgmt   *mgmt.Server
}

// ServerSpec says what a further management server is like.
type ServerSpec struct {
	// Name is its caller in the journal and the owner of its leases.
	Name string
	// Owner is the name in its leases when that is another: two servers that go by one name do not keep each other out.
	Owner string
	// OwnQueue gives it a queue of jobs of its own, while CloudStack's is in the database that all servers share.
	OwnQueue bool
	// Seed decides its ids; each server should have another.
	Seed int64
}

// AddServer starts a further management server on the same inventory, hosts and StorPool. It is never killed.
func (w *World) AddServer(spec ServerSpec) (Server, error) {
	if spec.Owner == "" {
		spec.Owner = spec.Name
	}
	s := starting{name: spec.Name, owner: spec.Owner, newID: seeded(spec.Seed), queue: w.queue}
	if spec.OwnQueue {
		s.queue = clock.NewLocks(w.Clock)
	}
	out, err := w.start(s)
	if err != nil {
		return out, fmt.Errorf("add management server %s: %w", spec.Name, err)
	}
	w.further = append(w.further, out)
	return out, nil
}

// starting is a management server to be.
type starting struct {
	name, owner string
	newID       func() string
	queue       *clock.Locks
	killed      func() bool
}

// manage starts the first management server.
func (w *World) manage() error {
	if len(w.further) == 0 {
		w.queue = clock.NewLocks(w.Clock) // what a killed server has queued is gone with it
	}
	s, err := w.start(starting{name: management, owner: management, newID: w.newID, queue: w.queue, killed: w.lifeline()})
	if err == nil {
		w.Driver, w.Mgmt = s.Driver, s.Mgmt
	}
	return err
}

// management is the caller that the first management server is.
const management = "management"

// start makes driver and management server.
func (w *World) start(n starting) (s Server, err error) {
	agents := &agents{inv: w.Inventory, fleet: w.Fleet, journal: w.journal, caller: n.name}
	s.Driver, err = driver.New(driver.Config{
		Inventory: w.Inventory, Agents: agents, Images: mgmt.NewImages(w.Inventory, w.storage), Clock: w.Clock,
		Transport: &recorder{w.Target.Transport(n.name), w.journal, n.name, w.opts.AtCall},
		Log:       w.log, Quirks: w.quirks.driver, NewID: n.newID, Owner: n.owner, AtStep: w.atStep,
	})
	if err != nil {
		return s, err
	}
	s.Mgmt, err = mgmt.New(mgmt.Config{
		Inventory: w.Inventory, Driver: s.Driver, Agents: agents, Secondary: w.storage, Clock: w.Clock, Queue: n.queue,
		Log: w.log, Quirks: w.quirks.core, NewID: n.newID, Killed: n.killed, Random: w.vault.random, Download: w.download,
	})
	return s, err
}

// servers are all management servers, the first one first.
func (w *World) servers() []Server {
	return append([]Server{{w.Driver, w.Mgmt}}, w.further...)
}

// Leases are what management servers have to themselves at the moment.
func (w *World) Leases() (out []inventory.Lease) {
	_ = w.Inventory.View(func(tx *inventory.Tx) error { // the function returns no error
		out = tx.Leases.All(nil)
		return nil
	})
	return out
}
