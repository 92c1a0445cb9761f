package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// DeleteSnapshot deletes a snapshot everywhere: through the plugin's strategy when it claims the snapshot, else by
// core itself on secondary storage. It may be repeated after a failure.
func (s *Server) DeleteSnapshot(ctx context.Context, id inventory.ID) (inventory.Snapshot, error) {
	sn, err := s.snapshot(id)
	if err != nil {
		return sn, err
	}
	_, unlock, err := s.lockVolume(ctx, sn.Volume)
	if err != nil {
		return sn, err
	}
	defer unlock()
	if sn, err = s.snapshot(id); err != nil {
		return sn, err
	}
	switch sn.State {
	case inventory.SnapshotBackedUp, inventory.SnapshotError, inventory.SnapshotDestroying:
	default:
		return sn, &Refused{"deleteSnapshot", fmt.Sprintf("snapshot %d", id), "the snapshot is " + string(sn.State)}
	}
	if s.driver.CanHandleSnapshot(id, 0, driver.SnapshotDelete) {
		err = s.driver.DeleteSnapshot(ctx, id, 0)
	} else {
		err = s.deleteByCore(ctx, sn)
	}
	now, undo := s.snapshot(id)
	if err != nil {
		return now, errors.Join(fmt.Errorf("delete snapshot %d: %w", id, err), undo)
	}
	return now, undo
}

// deleteByCore removes the files of a snapshot on secondary storage, its objects on primary storage and its records.
func (s *Server) deleteByCore(ctx context.Context, sn inventory.Snapshot) error {
	err := s.update(func(tx *inventory.Tx) error {
		if err := driver.UnusedSnapshot(tx, sn.ID); err != nil {
			return err
		}
		return tx.Snapshots.Change(sn.ID, func(sn *inventory.Snapshot) { sn.State = inventory.SnapshotDestroying })
	})
	if err != nil {
		return err
	}
	var refs []inventory.SnapshotRef
	err = s.inv.View(func(tx *inventory.Tx) error {
		refs = tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Snapshot == sn.ID })
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range refs {
		if err := s.deleteRecord(ctx, sn, r); err != nil {
			return errors.Join(err, s.setSnapshotState(sn.ID, sn.State))
		}
	}
	return s.setSnapshotState(sn.ID, inventory.SnapshotDestroyed)
}

func (s *Server) deleteRecord(ctx context.Context, sn inventory.Snapshot, r inventory.SnapshotRef) (err error) {
	if r.State == inventory.RefReady {
		if r.Role == inventory.Image {
			err = s.images.DeleteSnapshotFile(ctx, r)
		} else {
			err = s.driver.DeleteAsync(ctx, driver.Object{
				Kind: driver.SnapshotObject, ID: sn.ID, Role: inventory.Primary, Store: r.Store,
			})
		}
	}
	if err != nil {
		return err
	}
	return s.update(func(tx *inventory.Tx) error {
		tx.SnapshotRefs.Delete(r.ID)
		return nil
	})
}
