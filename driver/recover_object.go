package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
)

// objectRecoveries says how the operations on volumes, snapshots and templates are recovered. What one has made and no
// row names is removed by Reconcile itself.
func objectRecoveries() map[string]recovery {
	volume := recovery{back: volumeBack, forward: volumeDone}
	return map[string]recovery{
		actionCreate:         volume,
		actionRestore:        volume,
		actionRoot:           volume,
		actionCache:          {back: cacheBack, forward: cacheDone},
		actionSnapshot:       {back: snapshotBack, forward: snapshotDone},
		actionBackup:         {back: backupBack, forward: backupDone},
		actionDelete:         {back: deleteBack, forward: finishDelete},
		actionResize:         {back: restBack, forward: finishResize},
		actionRevert:         {back: restBack, forward: finishRevert},
		actionTag:            {forward: finishTag},
		actionRevoke:         {forward: finishRevoke},
		actionDeleteSnapshot: {back: deleteSnapshotBack, forward: finishDeleteSnapshot},
		actionDeleteTemplate: {forward: finishDeleteTemplate},
		actionRetemplate:     {back: restBack, forward: finishRetemplate},
		actionMoveCopy:       {back: moveBack, forward: moveDone},
		actionCopyIn:         {back: moveBack, forward: moveDone},
		actionCopyOut:        {back: restBack},
		actionPolicy:         {forward: finishPolicy},

		actionDirectDownload: {back: directBack, forward: cacheDone},
		actionCopySnapshot:   {back: copyBack, forward: copyDone},
		actionMigrate:        {back: migrateBack, forward: finishMigrate},

		actionVMSnapshot:       {back: vmSnapshotBack},
		actionRevertVMSnapshot: {back: revertGroupBack, forward: finishGroupRevert},
		actionDeleteVMSnapshot: {back: deleteGroupBack, forward: finishDeleteGroup},

		actionTemplateOfVolume:   {back: templateBack, forward: templateDone},
		actionTemplateOfSnapshot: {back: templateBack, forward: templateDone},
	}
}

// changeRow changes a volume's row if it is there.
func (d *Driver) changeRow(id inventory.ID, f func(tx *inventory.Tx, v *inventory.Volume)) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		if v, ok := tx.Volumes.Get(id); ok {
			f(tx, &v)
			tx.Volumes.Put(v)
		}
		return nil
	})
}

// volumeBack makes a volume whose creation was cut short a mere row again.
func volumeBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.changeRow(i.Object, func(_ *inventory.Tx, v *inventory.Volume) {
		if v.Path == "" && v.State == inventory.VolumeCreating {
			v.State, v.Pool, v.PoolType = inventory.VolumeAllocated, 0, ""
		}
	})
}

// volumeDone ends the creation of a volume that was recorded.
func volumeDone(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.changeRow(i.Object, func(_ *inventory.Tx, v *inventory.Volume) {
		if v.Path != "" && v.State == inventory.VolumeCreating {
			v.State = inventory.VolumeReady
		}
	})
}

// restBack ends an operation that had not touched the volume yet.
func restBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.changeRow(i.Object, func(_ *inventory.Tx, v *inventory.Volume) { v.State = atRest(v.State) })
}

// deleteBack ends a deletion that had not begun; it may be asked for again.
func deleteBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.changeRow(i.Object, func(_ *inventory.Tx, v *inventory.Volume) {
		if v.State == inventory.VolumeExpunging {
			v.State = inventory.VolumeDestroy
		}
	})
}

// cacheBack removes the record of a template on a pool that never got there.
func cacheBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		if row, ok := cachedOn(tx, i.Object, i.Pool); ok && snapshotOf(row) == "" {
			tx.TemplatePools.Delete(row.ID)
		}
		return nil
	})
}

func cacheDone(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		if row, ok := cachedOn(tx, i.Object, i.Pool); ok && snapshotOf(row) != "" {
			row.State = inventory.RefReady
			tx.TemplatePools.Put(row)
		}
		return nil
	})
}

// snapshotError is how a snapshot ends that could not be taken or backed up: state Error, no store records.
func snapshotError(tx *inventory.Tx, id inventory.ID) {
	for _, ref := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Snapshot == id }) {
		tx.SnapshotRefs.Delete(ref.ID)
	}
	s, ok := tx.Snapshots.Get(id)
	if !ok {
		return
	}
	forgetSnapshot(tx, s)
	s.State = inventory.SnapshotError
	tx.Snapshots.Put(s)
	if v, ok := tx.Volumes.Get(s.Volume); ok {
		v.State = atRest(v.State)
		tx.Volumes.Put(v)
	}
}

func snapshotBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		snapshotError(tx, i.Object)
		return nil
	})
}

// snapshotDone keeps a snapshot that was taken and recorded, on StorPool only.
func snapshotDone(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.snapshotReady(i.Object, inventory.Primary)
}

// backupDone ends a backup that was recorded.
func backupDone(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.snapshotReady(i.Object, inventory.Image)
}

func (d *Driver) snapshotReady(id inventory.ID, role inventory.Role) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		s, ok := tx.Snapshots.Get(id)
		if !ok || s.State != inventory.SnapshotCreating && s.State != inventory.SnapshotBackingUp {
			return nil
		}
		for _, ref := range refsOf(tx, id, role) {
			ref.State = inventory.RefReady
			tx.SnapshotRefs.Put(ref)
		}
		if s.State = inventory.SnapshotBackedUp; role == inventory.Image {
			s.Location = "SECONDARY"
		}
		tx.Snapshots.Put(s)
		if v, ok := tx.Volumes.Get(s.Volume); ok {
			v.State = atRest(v.State)
			tx.Volumes.Put(v)
		}
		return nil
	})
}

// backupBack deletes the snapshot whose backup was cut short, with what the host may have written (D-33).
func backupBack(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfSnapshot, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	var s inventory.Snapshot
	name, there := "", false
	err = d.inv.View(func(tx *inventory.Tx) error {
		if s, there = tx.Snapshots.Get(i.Object); there {
			name = snapshotName(tx, s)
		}
		return nil
	})
	if err != nil || !there {
		return err
	}
	store, _ := strconv.ParseInt(i.Data, 10, 64) // written by backup
	if err := d.dropBackup(ctx, s, inventory.ID(store)); err != nil || s.State == inventory.SnapshotBackedUp {
		return err
	}
	if name != "" {
		c, err := d.connect(ctx, i.Pool)
		if err != nil {
			return err
		}
		if err := missingIsFine(deleteSnapshot(ctx, c, name)); err != nil {
			return fmt.Errorf("delete snapshot %d: %w", s.ID, err)
		}
	}
	return snapshotBack(ctx, d, i)
}

// finishDelete deletes a volume whose deletion had begun.
func finishDelete(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	v, _, err := d.doomed(Object{Kind: VolumeObject, ID: i.Object, Role: inventory.Primary, Store: i.Pool})
	if errors.Is(err, inventory.ErrNotFound) {
		return nil // the volume's row is gone: the deletion was over
	}
	if err != nil {
		return err
	}
	c, err := d.connect(ctx, i.Pool)
	if err != nil {
		return err
	}
	if err := d.reopen(i).removeVolume(ctx, c, v); err != nil {
		return err
	}
	return d.changeRow(i.Object, func(_ *inventory.Tx, v *inventory.Volume) {
		v.State, v.VM, v.HasDevice, v.DeviceID = inventory.VolumeExpunged, 0, false, 0
	})
}

// finishTag writes the tags of a volume that has a VM, by what is on record now.
func finishTag(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	var vm inventory.ID
	err = d.inv.View(func(tx *inventory.Tx) error {
		v, _ := tx.Volumes.Get(i.Object)
		vm = v.VM
		return nil
	})
	if err != nil || vm == 0 {
		return err
	}
	v, ours, err := d.held(i.Object, vm)
	if err != nil || !ours || v.row.Path == "" {
		return err
	}
	return missingIsFine(d.tag(ctx, v))
}

// finishRevoke clears the tags of a volume that has no VM, unless it has one by now.
func finishRevoke(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(i.Object, 0)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && (!ours || v.row.VM != 0 || v.row.Path == "") {
		return nil
	}
	if err != nil {
		return err
	}
	return missingIsFine(d.untag(ctx, v.row))
}

// deleteSnapshotBack takes the marks back that a deletion had set before it deleted anything.
func deleteSnapshotBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		s, ok := tx.Snapshots.Get(i.Object)
		if !ok || s.State != inventory.SnapshotDestroying || i.Data == "" {
			return nil
		}
		state, _ := readNote(i.Data)
		s.State = state
		tx.Snapshots.Put(s)
		for _, ref := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Snapshot == s.ID }) {
			if ref.State == inventory.RefDestroying {
				ref.State = inventory.RefReady
				tx.SnapshotRefs.Put(ref)
			}
		}
		return nil
	})
}

// finishDeleteSnapshot goes on with the deletion of a snapshot.
func finishDeleteSnapshot(ctx context.Context, d *Driver, i inventory.Intent) error {
	_, zone := readNote(i.Data)
	err := d.DeleteSnapshot(ctx, i.Object, zone)
	if errors.Is(err, inventory.ErrNotFound) {
		return nil
	}
	return err
}

// finishDeleteTemplate goes on with the deletion of a template's base snapshots.
func finishDeleteTemplate(ctx context.Context, d *Driver, i inventory.Intent) error {
	return d.DeleteTemplate(ctx, i.Object)
}
