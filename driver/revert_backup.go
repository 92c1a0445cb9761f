package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// noteBackup begins the note of a revert that writes a backup onto the volume; the snapshot's id follows.
const noteBackup = "backup "

// cipherBackup is the backup of a snapshot of an encrypted volume: it holds ciphertext that only that volume can open.
func cipherBackup(tx *inventory.Tx, s inventory.Snapshot, v inventory.Volume) *agentapi.Snapshot {
	if !v.Encrypted() || s.Volume != v.ID {
		return nil
	}
	return backupIn(tx, s, v, v.Pool)
}

// lost tells whether a snapshot is no longer on StorPool.
func (p revertPlan) lost(ctx context.Context, c *conn) (bool, error) {
	if p.to == "" {
		return true, nil
	}
	s, err := c.Snapshot(ctx, p.to)
	if errors.Is(err, spapi.ErrNotFound) || err == nil && s.Gone() {
		return true, nil
	}
	return false, err
}

// revertFromBackup has a host write the ciphertext of a backup back onto its own volume. Once begun it is finished: what
// was on the volume is gone.
func (o *op) revertFromBackup(ctx context.Context, c *conn, p revertPlan) (Result, error) {
	res := Result{Path: p.row.Path, Size: p.snapshot.Size, Format: p.row.Format, EncryptFormat: p.row.EncryptFormat}
	if _, err := c.Volume(ctx, p.volume); err != nil {
		return res, fmt.Errorf("look for the volume: %w", err)
	}
	err := act(ctx, o, "detach", func(ctx context.Context) error { return detachAll(ctx, c, p.volume) }, nil)
	if err != nil {
		return res, err
	}
	if err := o.note(noteBackup + strconv.FormatInt(int64(p.snapshot.ID), 10)); err != nil {
		return res, err
	}
	err = o.commit(ctx, func(ctx context.Context) error { return o.d.sizeForBackup(ctx, c, p) })
	if err != nil {
		return res, err
	}
	err = act(ctx, o, "download backup", func(ctx context.Context) error { return o.d.writeBackup(ctx, c, p) }, nil)
	if err != nil {
		return res, fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	return res, o.record(ctx, c, "record size", res.Size-p.row.Size, func(tx *inventory.Tx) error {
		return tx.Volumes.Change(p.row.ID, func(v *inventory.Volume) { v.Size = res.Size })
	})
}

// sizeForBackup gives the volume the size that it had when its snapshot was taken.
func (d *Driver) sizeForBackup(ctx context.Context, c *conn, p revertPlan) error {
	yes := true
	return c.VolumeUpdate(ctx, p.volume, spapi.VolumeUpdate{Size: spSize(p.snapshot.Size, true), ShrinkOK: &yes})
}

// writeBackup has a host write the backup onto the volume.
func (d *Driver) writeBackup(ctx context.Context, c *conn, p revertPlan) error {
	host, err := d.anyHost(c.pool.ID)
	if err != nil {
		return err
	}
	to := agentapi.Volume{
		UUID: p.row.UUID, Name: p.row.Name, Path: p.row.Path, Size: p.snapshot.Size, Format: agentapi.Format(p.row.Format),
		Pool: poolTO(c.pool), EncryptFormat: p.row.EncryptFormat,
	}
	wait := time.Duration(0)
	err = d.inv.View(func(tx *inventory.Tx) error { // the host tries the passphrase before it overwrites anything
		to.Passphrase, wait = secretOf(tx, p.row), d.seconds(tx, SettingDownloadWait)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = d.ask(ctx, host, agentapi.DownloadTemplate{
		Snapshot: p.backup, DestVolume: &to, ObjectType: objectVolume, Wait: wait,
	})
	return err
}

// rewriteBackup goes on with a revert from a backup that was cut short; false when the note tells of another revert.
func (d *Driver) rewriteBackup(ctx context.Context, c *conn, i inventory.Intent) (bool, error) {
	text, ok := strings.CutPrefix(i.Data, noteBackup)
	if !ok {
		return false, nil
	}
	snapshot, _ := strconv.ParseInt(text, 10, 64) // written by revertFromBackup
	p, err := d.planRevert(inventory.ID(snapshot), i.Object)
	if err != nil {
		return true, err
	}
	if p.backup == nil {
		return true, fmt.Errorf("the backup of snapshot %d is gone: %w", snapshot, ErrRefused)
	}
	if err := detachAll(ctx, c, p.volume); err != nil { // from a host that died with it
		return true, err
	}
	if err := d.sizeForBackup(ctx, c, p); err != nil {
		return true, err
	}
	return true, d.writeBackup(ctx, c, p)
}
