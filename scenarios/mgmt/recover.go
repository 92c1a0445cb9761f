package mgmt

import (
	"context"
	"errors"

	"github.com/spsim/spsim/driver/inventory"
)

// Recover brings the rows that a killed management server left in transitional states to rest, as core does when it
// starts. The driver has reconciled before. It goes on after a failure; the error joins them all.
func (s *Server) Recover(ctx context.Context) error {
	return errors.Join(s.recoverVMs(ctx), s.recoverVolumes(), s.recoverCopies(), s.recoverTemplates(), s.recoverBakes(), s.recoverSnapshots(ctx), s.recoverVMSnapshots(ctx))
}

// recoverVMs stops VMs that were starting or stopping.
func (s *Server) recoverVMs(ctx context.Context) error {
	var todo []inventory.VM
	errs := []error{s.inv.View(func(tx *inventory.Tx) error {
		todo = tx.VMs.All(func(m inventory.VM) bool { return m.State == inventory.VMStarting || m.State == inventory.VMStopping })
		return nil
	})}
	for _, m := range todo {
		seen := s.halt(ctx, m, true) == nil
		_, err := s.stopped(m, seen)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// recoverVolumes ends what was under way: a volume that the driver finished is Ready, one that it did not is Allocated
// again, one that was being deleted waits for the collector.
func (s *Server) recoverVolumes() error {
	return s.update(func(tx *inventory.Tx) error {
		for _, v := range tx.Volumes.All(nil) {
			switch v.State {
			case inventory.VolumeCreating:
				if v.State = inventory.VolumeReady; v.Path == "" {
					v.State, v.Pool, v.PoolType = inventory.VolumeAllocated, 0, ""
				}
			case inventory.VolumeSnapshotting, inventory.VolumeReverting, inventory.VolumeResizing, inventory.VolumeAttaching,
				inventory.VolumeMigrating:
				if v.State = inventory.VolumeReady; v.Pool == 0 && onSecondary(tx, v) {
					v.State = inventory.VolumeUploaded
				}
			case inventory.VolumeReady: // the driver brought it to rest, and it has not come to a pool
				if v.Pool != 0 || !onSecondary(tx, v) {
					continue
				}
				v.State = inventory.VolumeUploaded
			case inventory.VolumeExpunging:
				v.State = inventory.VolumeDestroy
			default:
				continue
			}
			tx.Volumes.Put(v)
		}
		return nil
	})
}

// onSecondary tells whether a volume is still where it was uploaded to.
func onSecondary(tx *inventory.Tx, v inventory.Volume) bool {
	_, there := tx.VolumeStores.Find(func(r inventory.VolumeStore) bool { return r.Volume == v.ID && r.Path == v.Path })
	return v.Path != "" && there
}

// recoverTemplates ends copies of templates to pools.
func (s *Server) recoverTemplates() error {
	return s.update(func(tx *inventory.Tx) error {
		for _, c := range tx.TemplatePools.All(func(c inventory.TemplatePool) bool { return c.State != inventory.RefReady }) {
			if c.LocalPath == "" {
				tx.TemplatePools.Delete(c.ID)
				continue
			}
			c.State = inventory.RefReady
			tx.TemplatePools.Put(c)
		}
		return nil
	})
}

// recoverSnapshots fails snapshots that were not finished and removes what there is of them, and deletes those again
// whose deletion had begun.
func (s *Server) recoverSnapshots(ctx context.Context) error {
	var todo []inventory.Snapshot
	errs := []error{s.update(func(tx *inventory.Tx) error {
		for _, sn := range tx.Snapshots.All(nil) {
			switch sn.State {
			case inventory.SnapshotAllocated, inventory.SnapshotCreating, inventory.SnapshotPrimary, inventory.SnapshotBackingUp:
				sn.State = inventory.SnapshotError
				tx.Snapshots.Put(sn)
			case inventory.SnapshotDestroying:
			default:
				continue
			}
			todo = append(todo, sn)
		}
		return nil
	})}
	for _, sn := range todo {
		_, err := s.DeleteSnapshot(ctx, sn.ID)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// recoverCopies ends copies of volumes to secondary storage.
func (s *Server) recoverCopies() error {
	return s.update(func(tx *inventory.Tx) error {
		for _, r := range tx.VolumeStores.All(func(r inventory.VolumeStore) bool { return r.State != inventory.RefReady }) {
			tx.VolumeStores.Delete(r.ID)
		}
		return nil
	})
}
