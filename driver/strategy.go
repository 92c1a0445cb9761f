package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionDeleteSnapshot = "deleteSnapshot"

// SnapshotOperation is an operation that CloudStack asks a snapshot strategy about.
type SnapshotOperation string

// The operations that CloudStack asks about.
const (
	SnapshotTake   SnapshotOperation = "TAKE"
	SnapshotBackup SnapshotOperation = "BACKUP"
	SnapshotDelete SnapshotOperation = "DELETE"
	SnapshotRevert SnapshotOperation = "REVERT"
	SnapshotCopy   SnapshotOperation = "COPY"
)

// ImageStore is CloudStack's own deletion on secondary storage.
type ImageStore interface {
	// DeleteSnapshotFile removes the file behind a store record of role Image; a missing file is success.
	DeleteSnapshotFile(ctx context.Context, ref inventory.SnapshotRef) error
}

// CanHandleSnapshot tells whether the snapshot strategy claims an operation: it does so for DELETE and COPY of a snapshot
// that has an object on StorPool (driver-management 12.1). A zone of 0 means every zone. It changes nothing.
func (d *Driver) CanHandleSnapshot(snapshot, zone inventory.ID, operation SnapshotOperation) bool {
	if operation != SnapshotDelete && operation != SnapshotCopy {
		return false
	}
	claims := false
	err := d.inv.View(func(tx *inventory.Tx) error {
		s, err := tx.Snapshots.Must(snapshot)
		if err == nil {
			claims = d.rules.claims(tx, s, zone)
		}
		return err
	})
	return err == nil && claims
}

// claims decides by what is known to be on StorPool, whatever the state of the records (D-38).
func claims(tx *inventory.Tx, s inventory.Snapshot, zone inventory.ID) bool {
	return len(copiesOf(tx, s, zone)) > 0
}

// spCopy is a snapshot on one pool.
type spCopy struct {
	pool inventory.ID
	name string // on StorPool
}

// copiesOf lists where a snapshot is on StorPool: by its primary records, and by its details where no record tells.
func copiesOf(tx *inventory.Tx, s inventory.Snapshot, zone inventory.ID) []spCopy {
	var out []spCopy
	seen := map[inventory.ID]bool{}
	put := func(pool inventory.ID, name string) {
		row, ok := tx.Pools.Get(pool)
		if name == "" || !ok || row.Provider != inventory.StorPool || seen[pool] || zone != 0 && row.Zone != zone {
			return
		}
		seen[pool] = true
		out = append(out, spCopy{pool, name})
	}
	name := snapshotName(tx, s)
	for _, ref := range refsOf(tx, s.ID, inventory.Primary) {
		if own := apiName(ref.Path, true); own != "" {
			put(ref.Store, own)
		} else {
			put(ref.Store, name)
		}
	}
	home := snapshotPool(tx, s.ID)
	if home == 0 && len(out) == 0 {
		v, _ := tx.Volumes.Get(s.Volume)
		home = v.Pool
	}
	put(home, name)
	return out
}

// refsOf lists the store records of a snapshot in a role that are not Destroyed.
func refsOf(tx *inventory.Tx, snapshot inventory.ID, role inventory.Role) []inventory.SnapshotRef {
	return tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool {
		return r.Snapshot == snapshot && r.Role == role && r.State != inventory.RefDestroyed
	})
}

// removal is a snapshot to be deleted in a zone, or everywhere.
type removal struct {
	row    inventory.Snapshot
	zone   inventory.ID
	copies []spCopy
	refs   []inventory.SnapshotRef // that go with it

	exported bool // an export is on record
}

// DeleteSnapshot deletes a snapshot on StorPool and through [Config.Images] on secondary storage, in one zone or
// everywhere (zone 0), and brings its records to their end (driver-management 12.1). It may be repeated; what is
// missing counts as deleted. [ErrExported] is wrapped while another location uses the snapshot.
func (d *Driver) DeleteSnapshot(ctx context.Context, snapshot, zone inventory.ID) (err error) {
	unlock, err := d.lock(ctx, inventory.OfSnapshot, snapshot)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := d.planRemoval(snapshot, zone)
	if err != nil {
		return fmt.Errorf("delete snapshot %d: %w", snapshot, err)
	}
	if r.row.State == inventory.SnapshotDestroyed {
		return nil
	}
	intent := inventory.Intent{Kind: inventory.OfSnapshot, Object: snapshot}
	if len(r.copies) > 0 {
		intent.Pool = r.copies[0].pool
	}
	op, _, err := d.resume(actionDeleteSnapshot, intent)
	if err != nil {
		return err
	}
	defer op.end(ctx, &err)
	if err = op.removeSnapshot(ctx, r); err != nil {
		return fmt.Errorf("delete snapshot %d: %w", snapshot, err)
	}
	return nil
}

func (d *Driver) planRemoval(snapshot, zone inventory.ID) (r removal, err error) {
	r.zone = zone
	err = d.inv.View(func(tx *inventory.Tx) error {
		if r.row, err = tx.Snapshots.Must(snapshot); err != nil {
			return err
		}
		r.copies, r.exported = copiesOf(tx, r.row, zone), exportedOnRecord(tx, snapshot)
		for _, ref := range append(refsOf(tx, snapshot, inventory.Primary), refsOf(tx, snapshot, inventory.Image)...) {
			if zone == 0 || zoneOf(tx, ref) == zone {
				r.refs = append(r.refs, ref)
			}
		}
		return deletable(r)
	})
	return r, err
}

// zoneOf is the zone of the store of a snapshot record.
func zoneOf(tx *inventory.Tx, ref inventory.SnapshotRef) inventory.ID {
	if ref.Role == inventory.Image {
		store, _ := tx.SecondaryStores.Get(ref.Store)
		return store.Zone
	}
	pool, _ := tx.Pools.Get(ref.Store)
	return pool.Zone
}

// deletable refuses a snapshot that is in the hands of another operation, before anything is deleted (S-4).
func deletable(r removal) error {
	switch r.row.State {
	case inventory.SnapshotBackedUp, inventory.SnapshotError, inventory.SnapshotDestroying, inventory.SnapshotDestroyed:
		return nil
	case inventory.SnapshotAllocated:
		if r.zone == 0 {
			return nil
		}
	default:
	}
	return fmt.Errorf("its state is %s: %w", r.row.State, ErrRefused)
}

func (o *op) removeSnapshot(ctx context.Context, r removal) error {
	if err := o.note(noted(r)); err != nil {
		return err
	}
	err := act(ctx, o, "mark", func(context.Context) error { return o.setDestroying(r) },
		func(context.Context) error { return o.restoreStates(r) })
	if err != nil {
		return err
	}
	stop, err := o.removeCopies(ctx, r)
	if stop || err != nil {
		return err
	}
	for _, ref := range r.refs {
		if ref.Role != inventory.Image {
			continue
		}
		if err := act(ctx, o, "delete backup", func(ctx context.Context) error { return o.d.rules.deleteBackup(ctx, o.d, ref) }, nil); err != nil {
			return err
		}
	}
	return act(ctx, o, "record deletion", func(context.Context) error {
		return o.d.inv.Update(func(tx *inventory.Tx) error { return o.d.endSnapshot(tx, r) })
	}, nil)
}

// noted is what Reconcile needs to take the marks back: the state before, and the zone.
func noted(r removal) string { return fmt.Sprintf("%s %d", r.row.State, r.zone) }

// readNote is the inverse of noted.
func readNote(data string) (state inventory.SnapshotState, zone inventory.ID) {
	text, number, _ := strings.Cut(data, " ")
	id, _ := strconv.ParseInt(number, 10, 64) // written by noted
	return inventory.SnapshotState(text), inventory.ID(id)
}

// setDestroying marks the snapshot and the records that go.
func (o *op) setDestroying(r removal) error {
	return o.d.inv.Update(func(tx *inventory.Tx) error {
		if err := UnusedSnapshot(tx, r.row.ID); err != nil {
			return err
		}
		for _, ref := range r.refs {
			ref.State = inventory.RefDestroying
			tx.SnapshotRefs.Put(ref)
		}
		return tx.Snapshots.Change(r.row.ID, func(s *inventory.Snapshot) { s.State = inventory.SnapshotDestroying })
	})
}

// restoreStates takes the marks back after a refusal.
func (o *op) restoreStates(r removal) error {
	return o.d.inv.Update(func(tx *inventory.Tx) error {
		for _, ref := range r.refs {
			tx.SnapshotRefs.Put(ref)
		}
		tx.Snapshots.Put(r.row)
		return nil
	})
}

// removeCopies deletes the snapshot on every pool; stop tells that the operation is over. A refusal before anything has gone
// leaves all as it is (D-7).
func (o *op) removeCopies(ctx context.Context, r removal) (stop bool, err error) {
	var errs []error
	for _, one := range r.copies {
		c, err := o.d.connect(ctx, one.pool)
		if err == nil {
			err = o.commit(ctx, func(ctx context.Context) error { return deleteSnapshot(ctx, c, one.name) })
		}
		if errors.Is(err, errCrash) {
			return true, err
		}
		if errors.Is(err, spapi.ErrNotFound) {
			stop, err = o.d.rules.missingSnapshot(ctx, o, r)
		}
		if o.d.rules.stillExported(err, r.exported) {
			err = fmt.Errorf("%w: %w", ErrExported, err)
		}
		if err != nil {
			err = fmt.Errorf("pool %d: %w", one.pool, err)
		}
		errs = append(errs, err)
		if err != nil && !o.d.rules.goesOn(o.pivoted) {
			break
		}
	}
	if len(r.copies) == 0 && !o.pivoted {
		err = o.pivot(ctx) // what is left to delete is on secondary storage
	}
	return stop, errors.Join(o.d.rules.together(errs), err)
}

// goOn treats a snapshot that StorPool does not have as deleted: everything else follows (D-7).
func goOn(ctx context.Context, o *op, _ removal) (stop bool, err error) {
	if o.pivoted {
		return false, nil
	}
	return false, o.pivot(ctx)
}

// deleteBackup deletes a backup's file. A record that holds a device path has none: backups were bypassed (D-7).
func deleteBackup(ctx context.Context, d *Driver, ref inventory.SnapshotRef) error {
	switch {
	case ref.Path == "" || apiName(ref.Path, true) != "":
		return nil
	case d.images == nil:
		return errors.New("driver.Config.Images is missing: the backup cannot be deleted")
	default:
		return d.images.DeleteSnapshotFile(ctx, ref)
	}
}

// endSnapshot removes the records of a deleted snapshot; with the last of them go its details and it is Destroyed.
func (d *Driver) endSnapshot(tx *inventory.Tx, r removal) error {
	for _, ref := range r.refs {
		tx.SnapshotRefs.Delete(ref.ID)
	}
	left, backups := refsOf(tx, r.row.ID, inventory.Primary), refsOf(tx, r.row.ID, inventory.Image)
	state := inventory.SnapshotDestroyed
	if len(left)+len(backups) > 0 {
		state = inventory.SnapshotBackedUp
	}
	if len(left) == 0 {
		d.rules.forgetSnapshot(tx, r.row)
	} else { // another pool holds it: the details name that one
		recordSnapshot(tx, r.row, left[0].Store, left[0].Path)
	}
	return tx.Snapshots.Change(r.row.ID, func(s *inventory.Snapshot) { s.State = state })
}
