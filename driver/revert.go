package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionRevert = "revertSnapshot"

// revertPlan is a volume and the snapshot to which it goes back.
type revertPlan struct {
	row      inventory.Volume
	place    placement
	snapshot inventory.Snapshot
	volume   string             // on StorPool
	to       string             // the snapshot on StorPool
	legacy   string             // name that the volume still has from before global ids
	backup   *agentapi.Snapshot // of an encrypted volume, for the case that StorPool has lost the snapshot
}

// RevertSnapshot brings a volume back to a snapshot; Result.Size is the size that the volume really has afterwards
// (driver-management 9.6). The VM must be stopped: the volume is detached everywhere. Both objects must exist.
func (d *Driver) RevertSnapshot(ctx context.Context, snapshot, volume inventory.ID) (res Result, err error) {
	unlock, err := d.lockWithVolume(ctx, snapshot, volume)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planRevert(snapshot, volume)
	if err != nil {
		return res, fmt.Errorf("revert volume %d to snapshot %d: %w", volume, snapshot, err)
	}
	c, err := d.connect(ctx, p.row.Pool)
	if err != nil {
		return res, err
	}
	op, err := d.begin(actionRevert, inventory.Intent{Pool: p.row.Pool, Kind: inventory.OfVolume, Object: volume})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	if res, err = op.revert(ctx, c, p); err != nil {
		return res, fmt.Errorf("revert volume %d to snapshot %d: %w", volume, snapshot, err)
	}
	return res, nil
}

func (d *Driver) planRevert(snapshot, volume inventory.ID) (p revertPlan, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.row, err = tx.Volumes.Must(volume); err != nil {
			return err
		}
		if p.snapshot, err = tx.Snapshots.Must(snapshot); err != nil {
			return err
		}
		p.place, p.to = placementOf(tx, p.row.Offering), snapshotName(tx, p.snapshot)
		path, _ := tx.Details.Get(inventory.Owner{Kind: inventory.OfVolume, ID: volume}, detailLegacy)
		p.legacy, p.backup = apiName(path, false), cipherBackup(tx, p.snapshot, p.row)
		if err = d.rules.revertible(p); err != nil {
			return err
		}
		p.volume, err = nameOf(p.row.Path, "the volume's path")
		return err
	})
	return p, err
}

// revertible refuses to revert to a snapshot that is not on StorPool (D-32).
func revertible(p revertPlan) error {
	if p.to == "" && p.backup == nil {
		return fmt.Errorf("the snapshot: %w", ErrNotOnStorPool)
	}
	return nil
}

func (o *op) revert(ctx context.Context, c *conn, p revertPlan) (Result, error) {
	res := Result{Path: p.row.Path, Format: p.row.Format, EncryptFormat: p.row.EncryptFormat}
	if p.backup != nil {
		if lost, err := p.lost(ctx, c); lost || err != nil {
			if err != nil {
				return res, fmt.Errorf("look for the snapshot: %w", err)
			}
			return o.revertFromBackup(ctx, c, p)
		}
	}
	if err := o.d.rules.bothExist(ctx, c, p); err != nil {
		return res, err
	}
	if p.legacy != "" {
		if err := act(ctx, o, "rename", func(ctx context.Context) error { return o.renameLegacy(ctx, c, p) }, nil); err != nil {
			return res, err
		}
	}
	err := act(ctx, o, "detach", func(ctx context.Context) error { return detachAll(ctx, c, p.volume) }, nil)
	if err != nil {
		return res, err
	}
	if err = o.note(p.to); err != nil {
		return res, err
	}
	request := o.d.rules.revertRequest(p)
	err = o.commit(ctx, func(ctx context.Context) error { return c.VolumeRevert(ctx, p.volume, request) })
	if err != nil {
		return res, err
	}
	if limit := o.d.rules.iopsLimit(limitRevert, limitFacts{place: p.place, volume: p.row.MaxIOPS}); limit != nil {
		err = act(ctx, o, "set limit", func(ctx context.Context) error {
			return c.VolumeUpdate(ctx, p.volume, spapi.VolumeUpdate{IOPS: limit, Tags: spapi.Tags{}})
		}, nil)
		if errors.Is(err, errCrash) {
			return res, err
		}
		if err = o.d.rules.limitFailed(err); err != nil {
			return res, err
		}
	}
	if res.Size, err = o.d.rules.revertedSize(ctx, o, c, p); err != nil {
		return res, err
	}
	return res, o.record(ctx, c, "record size", res.Size-p.row.Size, func(tx *inventory.Tx) error {
		return tx.Volumes.Change(p.row.ID, func(v *inventory.Volume) { v.Size = res.Size })
	})
}

// renameLegacy makes a volume of the days before global ids anonymous.
func (o *op) renameLegacy(ctx context.Context, c *conn, p revertPlan) error {
	err := c.VolumeUpdate(ctx, p.legacy, spapi.VolumeUpdate{Rename: nameless(), Tags: spapi.Tags{tagUUID: p.legacy}})
	if err != nil {
		return err
	}
	return o.d.inv.Update(func(tx *inventory.Tx) error {
		tx.Details.Delete(inventory.Owner{Kind: inventory.OfVolume, ID: p.row.ID}, detailLegacy)
		return nil
	})
}

// bothExist makes sure of volume and snapshot before anything is touched (D-32).
func bothExist(ctx context.Context, c *conn, p revertPlan) error {
	s, err := c.Snapshot(ctx, p.to)
	if err == nil && s.Gone() {
		err = spapi.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("look for the snapshot: %w", err)
	}
	name := p.volume
	if p.legacy != "" {
		name = p.legacy
	}
	if _, err := c.Volume(ctx, name); err != nil {
		return fmt.Errorf("look for the volume: %w", err)
	}
	return nil
}

// revertRequest takes size and contents back.
func revertRequest(p revertPlan) spapi.VolumeRevert {
	return spapi.VolumeRevert{ToSnapshot: p.to, RevertSize: true}
}

// revertedSize reads the size of the reverted volume back; it is CloudStack's, in bytes.
func revertedSize(ctx context.Context, o *op, c *conn, p revertPlan) (size int64, err error) {
	return step(ctx, o, "read size", func(ctx context.Context) (int64, error) {
		v, err := c.Volume(ctx, p.volume)
		return csSize(v.Size, p.row.Encrypted()), err
	}, nil)
}

// finishRevert takes a volume back whose revert was cut short, sets its limit and records its size. A volume that is no
// longer being reverted keeps its contents: it may have been in use since.
func finishRevert(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(i.Object, 0)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && !ours {
		return nil
	}
	if err != nil {
		return err
	}
	c, name, err := d.reach(ctx, v.row)
	if err != nil {
		return err
	}
	if v.row.State == inventory.VolumeReverting && i.Data != "" {
		if ours, err := d.rewriteBackup(ctx, c, i); ours {
			if err != nil {
				return err
			}
			return d.readBack(ctx, i)
		}
		err := c.VolumeRevert(ctx, name, d.rules.revertRequest(revertPlan{row: v.row, to: i.Data}))
		if missingIsFine(err) != nil {
			return err
		}
	}
	if limit := d.rules.iopsLimit(limitRevert, limitFacts{place: v.place, volume: v.row.MaxIOPS}); limit != nil {
		if err := c.VolumeUpdate(ctx, name, spapi.VolumeUpdate{IOPS: limit}); missingIsFine(err) != nil {
			return err
		}
	}
	return d.readBack(ctx, i)
}
