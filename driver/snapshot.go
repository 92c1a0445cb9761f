package driver

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionSnapshot = "takeSnapshot"

// TakeSnapshot takes the StorPool snapshot of a snapshot row; Result.Path is its device path (driver-management 9.5). A
// snapshot that is there already is left as it is. With backups on, snapshots of encrypted volumes are refused unless a
// setting allows backups of ciphertext.
func (d *Driver) TakeSnapshot(ctx context.Context, snapshot inventory.ID) (res Result, err error) {
	sn, err := d.snapshotRow(snapshot)
	if err != nil {
		return res, fmt.Errorf("take snapshot %d: %w", snapshot, err)
	}
	unlock, err := d.lockWithVolume(ctx, snapshot, sn.Volume)
	if err != nil {
		return res, err
	}
	defer unlock()
	s, err := d.photo(snapshot)
	if err != nil {
		return res, fmt.Errorf("take snapshot %d: %w", snapshot, err)
	}
	c, err := d.connect(ctx, s.volume.Pool)
	if err != nil {
		return res, err
	}
	if s.known != "" {
		found, err := c.Snapshot(ctx, s.known)
		if err == nil && !found.Gone() {
			return s.result(found.GlobalID), nil
		}
		if missingIsFine(err) != nil {
			return res, fmt.Errorf("look for snapshot %d: %w", snapshot, err)
		}
	}
	op, err := d.begin(actionSnapshot, inventory.Intent{Pool: c.pool.ID, Kind: inventory.OfSnapshot, Object: snapshot})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	gid, err := op.createSnapshot(ctx, "take snapshot", c, s.name, spapi.VolumeSnapshot{Name: nameless(), Tags: siteSnapshot.tags(s.tags)})
	if err != nil {
		return res, err
	}
	err = op.record(ctx, c, "record snapshot", 0, func(tx *inventory.Tx) error {
		recordSnapshot(tx, s.row, c.pool.ID, devPath(gid))
		return nil
	})
	return s.result(gid), err
}

// nameless is the empty name that some of the bodies of driver-management 4.3 carry.
func nameless() *string { return new(string) }

// photo is what a snapshot is made of.
type photo struct {
	row    inventory.Snapshot
	volume inventory.Volume
	name   string // of the volume on StorPool
	known  string // of the snapshot, when it was taken before
	tags   tagFacts
}

func (p photo) result(gid string) Result {
	return Result{Path: devPath(gid), Size: p.volume.Size, Format: p.volume.Format}
}

func (d *Driver) photo(snapshot inventory.ID) (p photo, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.row, err = tx.Snapshots.Must(snapshot); err != nil {
			return err
		}
		if p.volume, err = tx.Volumes.Must(p.row.Volume); err != nil {
			return err
		}
		if p.name, err = nameOf(p.volume.Path, fmt.Sprintf("volume %d", p.volume.ID)); err != nil {
			return err
		}
		pool, err := tx.Pools.Must(p.volume.Pool)
		if err != nil {
			return err
		}
		if err := d.rules.maySnapshot(d, tx, pool, p.volume); err != nil {
			return err
		}
		p.known = snapshotName(tx, p.row)
		p.tags, err = volumeFacts(tx, p.volume, p.volume.VM, placement{})
		p.tags.uuid = p.row.UUID
		return err
	})
	return p, err
}

// recordSnapshot writes the details that are the durable link from a snapshot to StorPool, and the path into its record.
func recordSnapshot(tx *inventory.Tx, s inventory.Snapshot, pool inventory.ID, path string) {
	own := inventory.Owner{Kind: inventory.OfSnapshot, ID: s.ID}
	tx.Details.Set(own, s.UUID, path)
	tx.Details.Set(own, detailPool, strconv.FormatInt(int64(pool), 10))
	ref, ok := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
		return r.Snapshot == s.ID && r.Role == inventory.Primary && r.Store == pool
	})
	if ok {
		ref.Path = path
		tx.SnapshotRefs.Put(ref)
	}
}

// snapshotName returns the name of a snapshot on StorPool, by its details or else by the first of its store records
// that is there; empty when it is not on StorPool (driver-management 6). It changes nothing.
func snapshotName(tx *inventory.Tx, s inventory.Snapshot) string {
	path, _ := tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: s.ID}, s.UUID)
	if name := apiName(path, true); name != "" {
		return name
	}
	ref, _ := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
		return r.Snapshot == s.ID && r.State != inventory.RefDestroyed && apiName(r.Path, true) != ""
	})
	return apiName(ref.Path, true)
}

// snapshotPool returns the pool that a snapshot's details name, 0 when they name none.
func snapshotPool(tx *inventory.Tx, snapshot inventory.ID) inventory.ID {
	text, _ := tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}, detailPool)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return inventory.ID(id)
}
