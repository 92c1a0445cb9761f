package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionCopySnapshot = "copySnapshot"

// copyPlan is a snapshot and the pool of another StorPool location that is to have it.
type copyPlan struct {
	src, dst Object
	row      inventory.Snapshot
	gid      string
	from, to string // locations
}

// name is the snapshot's name on StorPool, the same in both locations.
func (p copyPlan) name() string { return "~" + p.gid }

// CopySnapshot copies a snapshot from its pool to a pool of another StorPool location: src and dst are its records on
// primary storage (driver-management 12.1). The data may still be on its way when it returns; [Driver.UnexportSnapshots]
// ends the export when it has arrived. A failure leaves neither copy nor export.
func (d *Driver) CopySnapshot(ctx context.Context, src, dst Object) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfSnapshot, src.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planCopy(src, dst)
	if err != nil {
		return res, fmt.Errorf("copy %s to %s: %w", src, dst, err)
	}
	source, err := d.ownerOf(ctx, src.Store, p.name())
	if err != nil {
		return res, err
	}
	c, err := d.connect(ctx, dst.Store)
	if err != nil {
		return res, err
	}
	op, err := d.begin(actionCopySnapshot, inventory.Intent{Pool: dst.Store, Kind: inventory.OfSnapshot, Object: src.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	if err = op.note(fmt.Sprintf("%d %s %s", src.Store, p.gid, p.to)); err != nil {
		return res, err
	}
	if err = op.copySnapshot(ctx, source, c, p); err != nil {
		return res, fmt.Errorf("copy %s to %s: %w", src, dst, err)
	}
	return Result{Path: devPath(p.gid), Size: p.row.Size}, nil
}

func (d *Driver) planCopy(src, dst Object) (p copyPlan, err error) {
	p.src, p.dst = src, dst
	if pairOf(src, dst) != (pair{SnapshotObject, SnapshotObject}) || src.Role != inventory.Primary || dst.Role != inventory.Primary {
		return p, ErrRefused
	}
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.row, err = tx.Snapshots.Must(src.ID); err != nil {
			return err
		}
		name := snapshotName(tx, p.row)
		if p.gid = strings.TrimPrefix(name, "~"); p.gid == "" || p.gid == name {
			return fmt.Errorf("snapshot %d: %w", src.ID, ErrNotOnStorPool)
		}
		p.from = d.text(tx, SettingClusterLocation, inventory.Owner{Kind: inventory.OfPool, ID: src.Store})
		p.to = d.text(tx, SettingClusterLocation, inventory.Owner{Kind: inventory.OfPool, ID: dst.Store})
		switch {
		case p.from == "" || p.to == "":
			return fmt.Errorf("%s of pool %d or %d is not known: %w", SettingClusterLocation, src.Store, dst.Store, ErrRefused)
		case p.from == p.to:
			return fmt.Errorf("both pools are in location %s: %w", p.from, ErrRefused)
		default:
			return nil
		}
	})
	return p, err
}

// ownerOf is the connection to the StorPool cluster in which a snapshot lives: that of the pool, unless the CloudStack
// cluster behind it names an endpoint of its own (driver-management 2). Exports are asked of that cluster only.
func (d *Driver) ownerOf(ctx context.Context, pool inventory.ID, snapshot string) (*conn, error) {
	c, err := d.connect(ctx, pool)
	if err != nil {
		return nil, err
	}
	endpoints := false
	err = d.inv.View(func(tx *inventory.Tx) error {
		endpoints = len(tx.Details.Named(inventory.OfCluster, func(n string) bool { return n == SettingClusterEndpoint })) > 0
		return nil
	})
	if err != nil || !endpoints && !d.rules.alwaysLooks() {
		return c, err
	}
	home, err := d.rules.homeOf(ctx, c, snapshot)
	if err != nil {
		return nil, err
	}
	text := ""
	err = d.inv.View(func(tx *inventory.Tx) error {
		for _, cluster := range tx.Clusters.All(nil) {
			own := inventory.Owner{Kind: inventory.OfCluster, ID: cluster.ID}
			if id := d.text(tx, SettingClusterID, own); id == home {
				text = d.text(tx, SettingClusterEndpoint, own)
				return nil
			}
		}
		return nil
	})
	if err != nil || text == "" {
		return c, err
	}
	desc := d.rules.clusterEndpoint(text)
	client, err := d.client(desc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", SettingClusterEndpoint, err)
	}
	return &conn{Client: client, pool: c.pool, template: c.template}, nil
}

// homeOf reads in which cluster a snapshot lives.
func homeOf(ctx context.Context, c *conn, snapshot string) (string, error) {
	s, err := c.Snapshot(ctx, snapshot)
	return s.ClusterID, err
}

func (o *op) copySnapshot(ctx context.Context, source, c *conn, p copyPlan) error {
	err := act(ctx, o, "export", func(ctx context.Context) error {
		return source.SnapshotExport(ctx, spapi.SnapshotExport{Snapshot: p.name(), Location: p.to})
	}, func(ctx context.Context) error { return unexport(ctx, source, p.name(), p.to) })
	if err != nil {
		return err
	}
	err = o.d.rules.exported(ctx, o, p)
	if err != nil {
		return err
	}
	err = act(ctx, o, "fetch", func(ctx context.Context) error {
		err := c.SnapshotFromRemote(ctx, spapi.SnapshotFromRemote{
			RemoteID: p.gid, RemoteLocation: p.from, Template: c.template, Name: nameless(),
			Tags: o.tagged(siteCopiedSnapshot.tags(tagFacts{uuid: p.row.UUID})),
		})
		if errors.Is(err, spapi.ErrExists) {
			err = nil // it has been fetched before
		}
		return err
	}, func(ctx context.Context) error { return o.d.dropCopy(ctx, c, p) })
	if err == nil {
		err = act(ctx, o, "reconcile", func(ctx context.Context) error { return c.SnapshotReconcile(ctx, p.name()) }, nil)
	}
	if err != nil {
		o.d.rules.copyFailed(o, err)
		return err
	}
	return o.record(ctx, c, "record copy", 0, func(tx *inventory.Tx) error {
		noteExport(tx, p)
		if ref, ok := refOf(tx, p.dst); ok {
			ref.Path = devPath(p.gid)
			tx.SnapshotRefs.Put(ref)
		}
		return nil
	})
}

// dropCopy deletes the copy of a snapshot that was not finished, unless it is on record.
func (d *Driver) dropCopy(ctx context.Context, c *conn, p copyPlan) error {
	known := false
	err := d.inv.View(func(tx *inventory.Tx) error {
		ref, _ := refOf(tx, p.dst)
		known = apiName(ref.Path, false) == p.gid
		return nil
	})
	if err != nil || known {
		return err
	}
	return missingIsFine(deleteSnapshot(ctx, c, p.name()))
}

// unexport ends the export of a snapshot to one location (D-9). A snapshot that is gone has none.
func unexport(ctx context.Context, c *conn, snapshot, location string) error {
	return missingIsFine(c.SnapshotUnexport(ctx, spapi.SnapshotUnexport{Snapshot: snapshot, Location: location}))
}

// exportDetail is the detail that names the export to a location: one name for each, the first one the plugin's.
func exportDetail(tx *inventory.Tx, own inventory.Owner, value string) string {
	for n := 1; ; n++ {
		name := detailRecovered
		if n > 1 {
			name = fmt.Sprintf("%s-%d", detailRecovered, n)
		}
		if there, taken := tx.Details.Get(own, name); !taken || there == value {
			return name
		}
	}
}

func noteExport(tx *inventory.Tx, p copyPlan) {
	own := inventory.Owner{Kind: inventory.OfSnapshot, ID: p.row.ID}
	value := p.name() + ";" + p.to
	tx.Details.Set(own, exportDetail(tx, own, value), value)
}

// exportedOnRecord tells whether a snapshot has an export that has not ended.
func exportedOnRecord(tx *inventory.Tx, snapshot inventory.ID) bool {
	own := inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}
	for name := range tx.Details.Of(own) {
		if strings.HasPrefix(name, detailRecovered) {
			return true
		}
	}
	return false
}

// stillExported tells whether a deletion was refused because of an export: no name of that error is known, and its wording
// is StorPool's to change, so the record counts as well (SUS-18).
func stillExported(err error, onRecord bool) bool {
	var refusal *spapi.Error
	if !errors.As(err, &refusal) || errors.Is(err, spapi.ErrNotFound) {
		return false
	}
	return strings.Contains(strings.ToLower(refusal.Descr), "export") || onRecord && refusal.Name != spapi.NameBusy && !refusal.Transient
}

// copyBack ends a copy that was cut short: the export, and what was fetched.
func copyBack(ctx context.Context, d *Driver, i inventory.Intent) error {
	var p copyPlan
	if _, err := fmt.Sscan(i.Data, &p.src.Store, &p.gid, &p.to); err != nil {
		return nil //nolint:nilerr // the operation ended before it noted anything
	}
	p.dst = Object{Kind: SnapshotObject, ID: i.Object, Role: inventory.Primary, Store: i.Pool}
	c, err := d.connect(ctx, i.Pool)
	if err != nil {
		return err
	}
	if err := d.dropCopy(ctx, c, p); err != nil {
		return err
	}
	source, err := d.ownerOf(ctx, p.src.Store, p.name())
	if errors.Is(err, spapi.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := unexport(ctx, source, p.name(), p.to); err != nil {
		return err
	}
	return d.inv.Update(func(tx *inventory.Tx) error {
		if ref, ok := refOf(tx, p.dst); ok && ref.Path == "" && ref.State != inventory.RefReady {
			tx.SnapshotRefs.Delete(ref.ID)
		}
		return nil
	})
}

// copyDone ends a copy that was recorded.
func copyDone(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		ref, ok := refOf(tx, Object{Kind: SnapshotObject, ID: i.Object, Role: inventory.Primary, Store: i.Pool})
		if ok && ref.Path != "" && ref.State != inventory.RefDestroying {
			ref.State = inventory.RefReady
			tx.SnapshotRefs.Put(ref)
		}
		return nil
	})
}

// export is an export on record.
type export struct {
	owner          inventory.Owner
	detail         string
	name, location string
	source         inventory.ID // pool
}

// UnexportSnapshots ends the exports whose copies have all their data (driver-management 13.3): the destination is asked,
// and only its own export ends (D-9). It goes on after a failure and returns all of them.
func (d *Driver) UnexportSnapshots(ctx context.Context) error {
	var exports []export
	err := d.inv.View(func(tx *inventory.Tx) error {
		for _, found := range tx.Details.Named(inventory.OfSnapshot, func(n string) bool { return strings.HasPrefix(n, detailRecovered) }) {
			name, location, ok := strings.Cut(found.Value, ";")
			if !ok || !strings.HasPrefix(name, "~") || strings.Contains(location, ";") {
				continue
			}
			exports = append(exports, export{found.Owner, found.Name, name, location, snapshotPool(tx, found.Owner.ID)})
		}
		return nil
	})
	errs := []error{err}
	for _, e := range exports {
		if err := d.unexport(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("end the export of snapshot %d to %s: %w", e.owner.ID, e.location, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Driver) unexport(ctx context.Context, e export) error {
	unlock, err := d.lock(ctx, inventory.OfSnapshot, e.owner.ID)
	if err != nil {
		return err
	}
	defer unlock()
	arrived, err := d.rules.copyArrived(ctx, d, e)
	if err != nil || !arrived {
		return err
	}
	source, err := d.ownerOf(ctx, e.source, e.name)
	if err == nil {
		err = d.rules.endExport(ctx, source, e)
	}
	if missingIsFine(err) != nil {
		return err
	}
	return d.inv.Update(func(tx *inventory.Tx) error {
		tx.Details.Delete(e.owner, e.detail)
		return nil
	})
}

// copyArrived asks the pools of the destination whether they have all the data of a copy (D-9). A copy that is gone needs
// no export either.
func copyArrived(ctx context.Context, d *Driver, e export) (bool, error) {
	var pool inventory.ID
	err := d.inv.View(func(tx *inventory.Tx) error {
		for _, p := range tx.Pools.All(func(p inventory.Pool) bool { return p.Provider == inventory.StorPool && p.ID != e.source }) {
			if d.text(tx, SettingClusterLocation, inventory.Owner{Kind: inventory.OfPool, ID: p.ID}) == e.location {
				pool = p.ID
			}
		}
		if pool == 0 {
			return fmt.Errorf("no pool is in location %s: %w", e.location, ErrRefused)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	c, err := d.connect(ctx, pool)
	if err != nil {
		return false, err
	}
	s, err := c.Snapshot(ctx, e.name)
	if errors.Is(err, spapi.ErrNotFound) {
		return true, nil
	}
	return err == nil && !s.RecoveringFromRemote, err
}

// endExport takes the export to one location back, without force.
func endExport(ctx context.Context, c *conn, e export) error {
	return unexport(ctx, c, e.name, e.location)
}
