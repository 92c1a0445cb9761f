package driver

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

const actionBackup = "copyAsync snapshot => snapshot"

// backupPlan is a snapshot and where its backup goes.
type backupPlan struct {
	src, dst Object
	row      inventory.Snapshot
	name     string // on StorPool
	from, to agentapi.Snapshot
	wait     time.Duration
	bypassed bool
	there    inventory.SnapshotRef // the backup, if it is there already
}

// backup copies a snapshot to secondary storage; the StorPool snapshot is kept. A failed backup deletes it with its
// details: the snapshot failed as a whole, unless it was good before (driver-management 10.2, D-33). When backups are
// off nothing happens and Result.Path is the device path: there is no backup.
func (d *Driver) backup(ctx context.Context, src, dst Object) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfSnapshot, src.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planBackup(src, dst)
	if err != nil {
		return res, err
	}
	if p.bypassed { // no backup: the path says that the snapshot is where it was
		return Result{Path: p.from.Path, Size: p.row.Size}, nil
	}
	if p.there.Path != "" {
		return Result{Path: p.there.Path, Size: p.row.Size, PhysicalSize: p.there.PhysicalSize}, nil
	}
	c, err := d.connect(ctx, src.Store)
	if err != nil {
		return res, err
	}
	op, err := d.begin(actionBackup, inventory.Intent{Pool: src.Store, Kind: inventory.OfSnapshot, Object: src.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	if err = op.note(strconv.FormatInt(int64(dst.Store), 10)); err != nil {
		return res, err
	}
	var cause error
	out, err := step(ctx, op, "back up", func(ctx context.Context) (agentapi.Snapshot, error) {
		var out agentapi.Snapshot
		out, cause = d.sendBackup(ctx, c, p)
		return out, cause
	}, func(ctx context.Context) error { return d.rules.backupFailed(ctx, op, c, p, cause) })
	if err != nil {
		return res, err
	}
	err = op.record(ctx, c, "record backup", 0, func(tx *inventory.Tx) error {
		if ref, ok := refOf(tx, dst); ok {
			ref.Path, ref.PhysicalSize = out.Path, out.PhysicalSize
			tx.SnapshotRefs.Put(ref)
		}
		return nil
	})
	return Result{Path: out.Path, Size: p.row.Size, PhysicalSize: out.PhysicalSize}, err
}

func (d *Driver) planBackup(src, dst Object) (p backupPlan, err error) {
	p.src, p.dst = src, dst
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.row, err = tx.Snapshots.Must(src.ID); err != nil {
			return err
		}
		base, err := tx.Volumes.Must(p.row.Volume)
		if err != nil {
			return err
		}
		pool, err := tx.Pools.Must(src.Store)
		if err != nil {
			return err
		}
		if err := d.rules.maySnapshot(d, tx, pool, base); err != nil {
			return err
		}
		if ref, ok := refOf(tx, dst); ok && ref.State == inventory.RefReady {
			p.there = ref
		}
		p.bypassed, p.wait = d.rules.bypass(d, tx, pool), d.seconds(tx, SettingBackupWait)
		if p.name = snapshotName(tx, p.row); p.name == "" {
			return fmt.Errorf("snapshot %d: %w", src.ID, ErrNotOnStorPool)
		}
		store, err := tx.SecondaryStores.Must(dst.Store)
		if err != nil {
			return err
		}
		volume := volumeTO(tx, base)
		p.from = agentapi.Snapshot{UUID: p.row.UUID, Name: p.row.Name, Path: devPath(p.name), Volume: &volume, Pool: poolTO(pool)}
		p.to = agentapi.Snapshot{UUID: p.row.UUID, Name: backupFile(p.row), Path: snapshotDir(p.row), Store: storeTO(store)}
		return nil
	})
	return p, err
}

// sendBackup has a host that sees the snapshot copy it.
func (d *Driver) sendBackup(ctx context.Context, c *conn, p backupPlan) (out agentapi.Snapshot, err error) {
	host, err := d.hostNear(ctx, c, p.name)
	if err != nil {
		return out, err
	}
	cmd := agentapi.BackupSnapshot{Source: p.from, Dest: p.to, Wait: p.wait}
	answer, err := d.agents.Send(ctx, host, cmd)
	if err != nil {
		return out, fmt.Errorf("send %s to host %d: %w", cmd.Command(), host, err)
	}
	return d.rules.backupResult(answer, host)
}

// backupResult takes a positive answer with the file's path for a backup, and nothing else (D-33).
func backupResult(answer *agentapi.Answer, host inventory.ID) (out agentapi.Snapshot, err error) {
	command := agentapi.BackupSnapshot{}.Command()
	if err = judge(answer, command, host); err == nil {
		out, err = payload[agentapi.Snapshot](answer, command, host)
	}
	return out, err
}

// backupFailed deletes the snapshot whose backup failed, its details, its record and what the host may have written. A
// snapshot that was good without a backup stays.
func backupFailed(ctx context.Context, o *op, c *conn, p backupPlan, _ error) error {
	if err := o.d.dropBackup(ctx, p.row, p.dst.Store); err != nil || p.row.State == inventory.SnapshotBackedUp {
		return err
	}
	if err := missingIsFine(deleteSnapshot(ctx, c, p.name)); err != nil {
		return fmt.Errorf("delete snapshot %d: %w", p.src.ID, err)
	}
	return o.d.inv.Update(func(tx *inventory.Tx) error {
		forgetSnapshot(tx, p.row)
		if ref, ok := refOf(tx, p.src); ok {
			ref.State = inventory.RefDestroyed
			tx.SnapshotRefs.Put(ref)
		}
		return nil
	})
}

// dropBackup deletes what a host may have written of a backup.
func (d *Driver) dropBackup(ctx context.Context, s inventory.Snapshot, store inventory.ID) error {
	if d.images == nil {
		return nil
	}
	err := d.images.DeleteSnapshotFile(ctx, inventory.SnapshotRef{
		Snapshot: s.ID, Volume: s.Volume, Role: inventory.Image, Store: store, Path: path.Join(snapshotDir(s), backupFile(s)),
	})
	if err != nil {
		return fmt.Errorf("delete the file of snapshot %d: %w", s.ID, err)
	}
	return nil
}

// forgetSnapshot removes the driver's details of a snapshot that is no longer on StorPool.
func forgetSnapshot(tx *inventory.Tx, s inventory.Snapshot) {
	own := inventory.Owner{Kind: inventory.OfSnapshot, ID: s.ID}
	for _, name := range []string{s.UUID, detailPool, detailDelayDelete} {
		tx.Details.Delete(own, name)
	}
	for name := range tx.Details.Of(own) {
		if strings.HasPrefix(name, detailRecovered) {
			tx.Details.Delete(own, name)
		}
	}
}
