package driver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionRestore = "copyAsync snapshot => volume"

// restorePlan is what a volume from a snapshot is made of.
type restorePlan struct {
	target
	src      Object
	snapshot inventory.Snapshot
	parent   string // the snapshot on StorPool
	clone    bool   // parent is to be used
	delayed  bool   // the snapshot is what a deleted volume left
	backup   *agentapi.Snapshot
	source   int64 // IOPS limit of the snapshot's volume
	wait     time.Duration
}

// restore makes a volume of a snapshot: a clone of the StorPool snapshot, or a download of its backup when StorPool no
// longer has it (driver-management 10.1).
func (d *Driver) restore(ctx context.Context, src, dst Object) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfVolume, dst.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planRestore(src, dst)
	if err != nil {
		return res, err
	}
	c, err := d.connect(ctx, dst.Store)
	if err != nil {
		return res, err
	}
	if res, ok, err := p.existing(ctx, c); ok || err != nil {
		return res, err
	}
	intent := inventory.Intent{Pool: dst.Store, Kind: inventory.OfVolume, Object: dst.ID, Data: usesSnapshot(src.ID)}
	op, err := d.beginIf(actionRestore, intent, p.stillThere)
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	if !p.clone {
		return op.restoreFromBackup(ctx, c, p, nil)
	}
	gid, err := op.createVolume(ctx, "clone snapshot", c, d.cloneRequest(c, p, p.parent))
	if err == nil {
		return op.adopt(ctx, c, p.target, gid, p.row.Size)
	}
	if errors.Is(err, errCrash) || !errors.Is(err, spapi.ErrNotFound) && src.Role != inventory.Image {
		return res, err
	}
	return op.restoreFromBackup(ctx, c, p, err)
}

// usesSnapshot is the data of an intent that makes something of a snapshot.
func usesSnapshot(id inventory.ID) string { return fmt.Sprintf("uses snapshot %d", id) }

// UnusedSnapshot is nil unless a volume is being made of the snapshot: then it must not be deleted, and the error wraps
// [ErrRefused].
func UnusedSnapshot(tx *inventory.Tx, snapshot inventory.ID) error {
	i, used := tx.Intents.Find(func(i inventory.Intent) bool {
		return i.Action == actionRestore && i.Data == usesSnapshot(snapshot)
	})
	if used {
		return fmt.Errorf("snapshot %d is in use: volume %d is being made of it: %w", snapshot, i.Object, ErrRefused)
	}
	return nil
}

// stillThere refuses a snapshot that is being deleted, or was since the restore was planned.
func (p restorePlan) stillThere(tx *inventory.Tx) error {
	s, err := tx.Snapshots.Must(p.snapshot.ID)
	if err == nil && s.State != p.snapshot.State || s.State == inventory.SnapshotDestroying {
		err = fmt.Errorf("snapshot %d is %s: %w", s.ID, s.State, ErrRefused)
	}
	return err
}

func (d *Driver) planRestore(src, dst Object) (p restorePlan, err error) {
	p.src = src
	if p.target, err = d.target(dst); err != nil {
		return p, err
	}
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.snapshot, err = tx.Snapshots.Must(src.ID); err != nil {
			return err
		}
		base, _ := tx.Volumes.Get(p.snapshot.Volume)
		if err := d.rules.plain(base, "a volume of its snapshot would have no passphrase of its own"); err != nil {
			return err
		}
		if err := d.rules.plain(p.row, "what a snapshot holds is not encrypted on the way"); err != nil {
			return err
		}
		if p.row.Size == 0 {
			p.row.Size = p.snapshot.Size
		}
		p.source = max(p.snapshot.MaxIOPS, base.MaxIOPS)
		p.parent, p.clone = d.rules.restoreParent(tx, p.snapshot, src)
		_, p.delayed = tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: src.ID}, detailDelayDelete)
		p.backup = backupIn(tx, p.snapshot, base, dst.Store)
		p.wait = d.seconds(tx, SettingDownloadWait)
		return nil
	})
	return p, err
}

// restoreParent resolves the snapshot on StorPool: by its details and records first, then by the record that was passed
// (D-1). Without one there is nothing to clone.
func restoreParent(tx *inventory.Tx, s inventory.Snapshot, src Object) (name string, clone bool) {
	if name = snapshotName(tx, s); name == "" {
		name = passedName(tx, src)
	}
	return name, name != ""
}

// passedName is the name of a snapshot by the path of one store record.
func passedName(tx *inventory.Tx, src Object) string {
	ref, _ := refOf(tx, src)
	return apiName(ref.Path, true)
}

// refOf is the store record of a snapshot object.
func refOf(tx *inventory.Tx, o Object) (inventory.SnapshotRef, bool) {
	return tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
		return r.Snapshot == o.ID && r.Role == o.Role && r.Store == o.Store
	})
}

// backupIn returns the ready backup of a snapshot in the zone of a pool, nil when there is none.
func backupIn(tx *inventory.Tx, s inventory.Snapshot, base inventory.Volume, pool inventory.ID) *agentapi.Snapshot {
	to, _ := tx.Pools.Get(pool)
	for _, ref := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool {
		return r.Snapshot == s.ID && r.Role == inventory.Image && r.State == inventory.RefReady && r.Path != "" &&
			apiName(r.Path, true) == ""
	}) {
		if store, ok := tx.SecondaryStores.Get(ref.Store); ok && store.Zone == to.Zone {
			volume := volumeTO(tx, base)
			return &agentapi.Snapshot{
				UUID: s.UUID, Name: s.Name, Path: ref.Path, PhysicalSize: ref.PhysicalSize, Volume: &volume, Store: storeTO(store),
			}
		}
	}
	return nil
}

// cloneRequest is the body of a volume from a snapshot, or of an empty one for its backup.
func (d *Driver) cloneRequest(c *conn, p restorePlan, parent string) spapi.VolumeCreate {
	facts := limitFacts{place: p.place, volume: p.row.MaxIOPS, source: p.source}
	return spapi.VolumeCreate{
		Size: spSize(p.row.Size, p.row.Encrypted()), Tags: siteVolumeOfSnapshot.tags(p.tags), Parent: parent,
		IOPS: d.rules.iopsLimit(limitOfSnapshot, facts), Template: p.place.templateOr(c.template),
	}
}

// restoreFromBackup downloads the backup; cause is why the snapshot could not be cloned, nil when StorPool never had it.
func (o *op) restoreFromBackup(ctx context.Context, c *conn, p restorePlan, cause error) (Result, error) {
	switch {
	case p.delayed:
		return Result{}, errors.Join(errors.New("the snapshot was left by a deleted volume and its time is over"), cause)
	case p.backup == nil:
		return Result{}, errors.Join(fmt.Errorf("snapshot %d is neither on StorPool nor backed up in the zone: %w", p.snapshot.ID, ErrNotOnStorPool), cause)
	}
	return o.d.rules.restoreBackup(ctx, o, c, p, cause)
}

// restoreBackup creates a volume and has a host write the backup onto it; the volume goes when that fails (D-2).
func restoreBackup(ctx context.Context, o *op, c *conn, p restorePlan, _ error) (Result, error) {
	gid, err := o.createVolume(ctx, "create volume for backup", c, o.d.cloneRequest(c, p, ""))
	if err != nil {
		return Result{}, err
	}
	if err := act(ctx, o, "download backup", func(ctx context.Context) error { return o.download(ctx, c, p, gid) }, nil); err != nil {
		return Result{}, err
	}
	return o.adopt(ctx, c, p.target, gid, p.row.Size)
}

// download has a host write the backup of a snapshot onto a new volume.
func (o *op) download(ctx context.Context, c *conn, p restorePlan, gid string) error {
	host, err := o.d.anyHost(c.pool.ID)
	if err != nil {
		return err
	}
	to := agentapi.Volume{
		UUID: p.row.UUID, Name: p.row.Name, Path: devPath(gid), Size: p.row.Size, Format: agentapi.Format(p.row.Format),
		Pool: poolTO(c.pool),
	}
	_, err = o.d.ask(ctx, host, agentapi.DownloadTemplate{
		Snapshot: p.backup, DestVolume: &to, ObjectType: objectVolume, Wait: p.wait,
	})
	return err
}
