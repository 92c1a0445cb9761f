package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
)

const actionDeletePool = "deleteDataStore"

// DeleteDataStore deletes a pool with its cached templates and check volumes. [ErrRefused] is wrapped while volumes, snapshots
// or template snapshots live on it; a deletion that failed half-way can be repeated (driver-management 7.3).
func (d *Driver) DeleteDataStore(ctx context.Context, pool inventory.ID) (err error) {
	if err := d.inv.View(func(tx *inventory.Tx) error { return d.rules.poolInUse(tx, pool) }); err != nil {
		return fmt.Errorf("delete pool %d: %w", pool, err)
	}
	c, err := d.connect(ctx, pool)
	if err != nil {
		return err
	}
	o, err := d.begin(actionDeletePool, inventory.Intent{Pool: pool, Kind: inventory.OfPool, Object: pool})
	if err != nil {
		return err
	}
	defer o.end(ctx, &err)
	if err := o.pivot(ctx); err != nil {
		return err
	}
	return o.deletePool(ctx, c)
}

// deletePool is what a deletion does once it has begun.
func (o *op) deletePool(ctx context.Context, c *conn) error {
	var cached []inventory.TemplatePool
	err := o.d.inv.View(func(tx *inventory.Tx) error {
		cached = tx.TemplatePools.All(func(t inventory.TemplatePool) bool { return t.Pool == c.pool.ID })
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range cached {
		err := act(ctx, o, fmt.Sprintf("evict template %d", t.Template), func(ctx context.Context) error {
			return o.evict(ctx, c, t)
		}, nil)
		if err != nil {
			return err
		}
	}
	return o.d.rules.retirePool(ctx, o, c)
}

// evict deletes a cached template and its record.
func (o *op) evict(ctx context.Context, c *conn, t inventory.TemplatePool) error {
	if name, ok := o.d.rules.cachedName(t); ok {
		if err := o.d.rules.evicted(o.d.rules.deleteCached(ctx, c, name)); err != nil {
			return err
		}
	}
	return o.d.inv.Update(func(tx *inventory.Tx) error {
		tx.TemplatePools.Delete(t.ID)
		return nil
	})
}

// cachedName is the API name of a cached template; false when there is nothing on StorPool (D-23).
func cachedName(t inventory.TemplatePool) (string, bool) {
	for _, path := range []string{t.LocalPath, t.InstallPath} {
		if name := apiName(path, true); name != "" {
			return name, true
		}
	}
	return "", false
}

// retirePool deletes the check volumes first, so that a failure keeps the record of what is left (D-23).
func retirePool(ctx context.Context, o *op, c *conn) error {
	err := act(ctx, o, "delete check volumes", func(ctx context.Context) error {
		var errs []error
		for _, name := range o.d.checkVolumes(c.pool.ID) {
			errs = append(errs, deleteVolume(ctx, c, name))
		}
		return errors.Join(errs...)
	}, nil)
	if err != nil {
		return err
	}
	return act(ctx, o, "delete pool", func(context.Context) error { return o.d.forgetPool(c.pool.ID) }, nil)
}

// checkVolumes are the API names of a pool's check volumes.
func (d *Driver) checkVolumes(pool inventory.ID) (names []string) {
	_ = d.inv.View(func(tx *inventory.Tx) error { // never fails
		for _, found := range tx.Details.Named(inventory.OfPool, isCheckVolume) {
			if name := apiName(found.Value, true); found.Owner.ID == pool && name != "" {
				names = append(names, name)
			}
		}
		return nil
	})
	return names
}

func isCheckVolume(detail string) bool { return strings.Contains(detail, checkVolumeDetail) }

// forgetPool removes a pool's rows and details.
func (d *Driver) forgetPool(pool inventory.ID) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		for _, h := range tx.PoolHosts.All(func(h inventory.PoolHost) bool { return h.Pool == pool }) {
			tx.PoolHosts.Delete(h.ID)
		}
		tx.Pools.Delete(pool)
		tx.Details.Clear(inventory.Owner{Kind: inventory.OfPool, ID: pool})
		return nil
	})
}

// poolInUse refuses the deletion of a pool that holds volumes, VM snapshots, snapshots or base snapshots of templates (D-23).
func poolInUse(tx *inventory.Tx, pool inventory.ID) error {
	if _, err := tx.Pools.Must(pool); err != nil {
		return err
	}
	v, found := tx.Volumes.Find(func(v inventory.Volume) bool {
		return v.Pool == pool && v.Path != "" && v.State != inventory.VolumeExpunged
	})
	if found {
		return fmt.Errorf("it contains volume %d (%s): %w", v.ID, v.Name, ErrRefused)
	}
	for _, found := range tx.Details.Named(inventory.OfVMSnapshot, func(name string) bool { return name == detailPool }) {
		if found.Value == strconv.FormatInt(int64(pool), 10) {
			return fmt.Errorf("it contains VM snapshots, such as %d: %w", found.Owner.ID, ErrRefused)
		}
	}
	return snapshotsInUse(tx, pool)
}

// snapshotsInUse refuses the deletion of a pool that holds snapshots or base snapshots of templates.
func snapshotsInUse(tx *inventory.Tx, pool inventory.ID) error {
	here := func(kind inventory.Kind) (inventory.ID, bool) {
		for _, found := range tx.Details.Named(kind, func(name string) bool { return name == detailPool }) {
			if found.Value == strconv.FormatInt(int64(pool), 10) {
				return found.Owner.ID, true
			}
		}
		return 0, false
	}
	if id, ok := here(inventory.OfSnapshot); ok {
		return fmt.Errorf("it contains snapshots, such as %d: %w", id, ErrRefused)
	}
	if id, ok := here(inventory.OfTemplate); ok {
		return fmt.Errorf("it contains template snapshots, such as that of template %d: %w", id, ErrRefused)
	}
	return nil
}
