// Package inventory is what the management server has on record: zones, clusters, hosts, pools, offerings,
// VMs, volumes, snapshots, templates, their details, tags and settings, and the intents of operations in
// progress. [Store] keeps it in memory; [Store.View] reads, [Store.Update] changes all or nothing.
//
// Rows are values: what a read returns is a copy, and nothing changes before Put. View and Update do not nest.
package inventory

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrNotFound is wrapped by every lookup that [Table.Must] makes in vain.
var ErrNotFound = errors.New("not in the inventory")

// Store is an inventory in memory. Any number may be in use at once.
type Store struct {
	mu    sync.RWMutex
	tx    *Tx
	rev   uint64
	watch Watcher
}

// New returns an empty inventory.
func New() *Store {
	s := &Store{}
	s.tx = newTx()
	return s
}

// View calls f with the present state. f must not change it and must not keep tx.
func (s *Store) View(f func(tx *Tx) error) error {
	if s.watch != nil {
		s.watch.Begin(false)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return f(s.tx)
}

// Update calls f and keeps its changes if it returns nil, none of them otherwise. Calls are one after another;
// f must not block and must not keep tx.
func (s *Store) Update(f func(tx *Tx) error) (err error) {
	if s.watch != nil {
		s.watch.Begin(true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tx.log = &undo{}
	done := false
	defer func() {
		if !done || err != nil {
			s.tx.log.run()
		} else if len(s.tx.log.steps) > 0 {
			s.rev++
			if s.watch != nil {
				s.watch.Changed(s.tx.log.rows)
			}
		}
		s.tx.log = nil
	}()
	err = f(s.tx)
	done = true
	return err
}

// Revision grows with each Update that changed something.
func (s *Store) Revision() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rev
}

// undo holds the steps back to the state before an Update, and what it changed.
type undo struct {
	steps []func()
	rows  []Row
}

func (u *undo) add(table string, id ID, f func()) {
	if u == nil {
		panic("inventory: change outside of Update")
	}
	u.steps = append(u.steps, f)
	u.rows = append(u.rows, Row{table, id})
}

func (u *undo) run() {
	for _, f := range slices.Backward(u.steps) {
		f()
	}
}

// Tx gives the tables. It is valid during the View or Update that handed it out.
type Tx struct {
	log   *undo
	watch Watcher

	Zones            *Table[Zone]
	Clusters         *Table[Cluster]
	Hosts            *Table[Host]
	Pools            *Table[Pool]
	PoolHosts        *Table[PoolHost]
	SecondaryStores  *Table[SecondaryStore]
	DiskOfferings    *Table[DiskOffering]
	ServiceOfferings *Table[ServiceOffering]
	VMs              *Table[VM]
	Volumes          *Table[Volume]
	VolumeStores     *Table[VolumeStore]
	Passphrases      *Table[Passphrase]
	SnapshotPolicies *Table[SnapshotPolicy]
	Snapshots        *Table[Snapshot]
	SnapshotRefs     *Table[SnapshotRef]
	Templates        *Table[Template]
	TemplateStores   *Table[TemplateStore]
	TemplatePools    *Table[TemplatePool]
	VMSnapshots      *Table[VMSnapshot]
	Intents          *Table[Intent]
	Leases           *Table[Lease]
	Details          *Details
}

func newTx() *Tx {
	tx := &Tx{}
	tx.Zones = table(tx, "zone", func(r *Zone) *ID { return &r.ID })
	tx.Clusters = table(tx, "cluster", func(r *Cluster) *ID { return &r.ID })
	tx.Hosts = table(tx, "host", func(r *Host) *ID { return &r.ID })
	tx.Pools = table(tx, "pool", func(r *Pool) *ID { return &r.ID })
	tx.PoolHosts = table(tx, "pool host", func(r *PoolHost) *ID { return &r.ID })
	tx.SecondaryStores = table(tx, "secondary storage", func(r *SecondaryStore) *ID { return &r.ID })
	tx.DiskOfferings = table(tx, "disk offering", func(r *DiskOffering) *ID { return &r.ID })
	tx.ServiceOfferings = table(tx, "service offering", func(r *ServiceOffering) *ID { return &r.ID })
	tx.VMs = table(tx, "VM", func(r *VM) *ID { return &r.ID })
	tx.Volumes = table(tx, "volume", func(r *Volume) *ID { return &r.ID })
	tx.VolumeStores = table(tx, "volume record", func(r *VolumeStore) *ID { return &r.ID })
	tx.Passphrases = table(tx, "passphrase", func(r *Passphrase) *ID { return &r.ID })
	tx.SnapshotPolicies = table(tx, "snapshot policy", func(r *SnapshotPolicy) *ID { return &r.ID })
	tx.Snapshots = table(tx, "snapshot", func(r *Snapshot) *ID { return &r.ID })
	tx.SnapshotRefs = table(tx, "snapshot record", func(r *SnapshotRef) *ID { return &r.ID })
	tx.Templates = table(tx, "template", func(r *Template) *ID { return &r.ID })
	tx.TemplateStores = table(tx, "template record", func(r *TemplateStore) *ID { return &r.ID })
	tx.TemplatePools = table(tx, "cached template", func(r *TemplatePool) *ID { return &r.ID })
	tx.VMSnapshots = table(tx, "VM snapshot", func(r *VMSnapshot) *ID { return &r.ID })
	tx.Intents = table(tx, "intent", func(r *Intent) *ID { return &r.ID })
	tx.Leases = table(tx, "lease", func(r *Lease) *ID { return &r.ID })
	tx.Details = &Details{tx: tx, rows: map[Owner]map[string]string{}}
	return tx
}

// Table is one table of the inventory, in the order of ids.
type Table[T any] struct {
	tx   *Tx
	name string
	id   func(*T) *ID
	rows map[ID]T
	ids  []ID // ascending
	last ID
}

func table[T any](tx *Tx, name string, id func(*T) *ID) *Table[T] {
	return &Table[T]{tx: tx, name: name, id: id, rows: map[ID]T{}}
}

// Get returns a copy of the row and whether it exists.
func (t *Table[T]) Get(id ID) (T, bool) {
	row, ok := t.rows[id]
	return row, ok
}

// Must returns a copy of the row, or an error that wraps [ErrNotFound] and names it.
func (t *Table[T]) Must(id ID) (T, error) {
	row, ok := t.rows[id]
	if !ok {
		return row, fmt.Errorf("%s %d: %w", t.name, id, ErrNotFound)
	}
	return row, nil
}

// All returns copies of the rows that keep accepts (nil accepts all), by id.
func (t *Table[T]) All(keep func(T) bool) []T {
	var out []T
	for _, id := range t.ids {
		if row := t.rows[id]; keep == nil || keep(row) {
			out = append(out, row)
		}
	}
	return out
}

// Find returns the first row by id that match accepts.
func (t *Table[T]) Find(match func(T) bool) (T, bool) {
	for _, id := range t.ids {
		if row := t.rows[id]; match(row) {
			return row, true
		}
	}
	var none T
	return none, false
}

// Len returns the number of rows.
func (t *Table[T]) Len() int { return len(t.ids) }

// Put stores row; one whose id is 0 gets the next number. It returns the row as stored.
func (t *Table[T]) Put(row T) T {
	id := t.id(&row)
	last := t.last
	if *id == 0 {
		*id = t.next()
	}
	t.last = max(t.last, *id)
	key := *id
	old, existed := t.rows[key]
	if existed {
		t.tx.log.add(t.name, key, func() { t.rows[key] = old })
	} else {
		t.tx.log.add(t.name, key, func() {
			t.remove(key)
			t.last = last
		})
		at, _ := slices.BinarySearch(t.ids, key)
		t.ids = slices.Insert(t.ids, at, key)
	}
	t.rows[key] = row
	return row
}

// Delete removes the row; it tells whether there was one.
func (t *Table[T]) Delete(id ID) bool {
	old, ok := t.rows[id]
	if !ok {
		return false
	}
	t.tx.log.add(t.name, id, func() {
		at, _ := slices.BinarySearch(t.ids, id)
		t.ids = slices.Insert(t.ids, at, id)
		t.rows[id] = old
	})
	t.remove(id)
	return true
}

func (t *Table[T]) remove(id ID) {
	delete(t.rows, id)
	if at, ok := slices.BinarySearch(t.ids, id); ok {
		t.ids = slices.Delete(t.ids, at, at+1)
	}
}

// Change applies f to the row and stores it, or returns an error that wraps [ErrNotFound].
func (t *Table[T]) Change(id ID, f func(*T)) error {
	row, err := t.Must(id)
	if err != nil {
		return err
	}
	f(&row)
	t.Put(row)
	return nil
}
