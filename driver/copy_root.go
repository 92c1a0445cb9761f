package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionRoot = "copyAsync template => volume"

// cloneTemplate makes a root volume of a template that is cached on its pool (driver-management 10.5). The volume is at
// least as large as the template; Result.Size is the size that it really has.
func (d *Driver) cloneTemplate(ctx context.Context, src, dst Object) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfVolume, dst.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	v, err := d.target(dst)
	if err != nil {
		return res, err
	}
	cached, err := d.cachedTemplate(src.ID, dst.Store)
	if err != nil {
		return res, err
	}
	c, err := d.connect(ctx, dst.Store)
	if err != nil {
		return res, err
	}
	if res, ok, err := v.existing(ctx, c); ok || err != nil {
		return res, err
	}
	cipher, err := d.planCipher(ctx, c, v, snapshotOf(cached))
	if err != nil {
		return res, err
	}
	op, err := d.begin(actionRoot, inventory.Intent{Pool: dst.Store, Kind: inventory.OfVolume, Object: dst.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	gid, err := op.createVolume(ctx, "clone template", c, d.rootRequest(c, v, cached))
	if errors.Is(err, spapi.ErrNotFound) {
		if cached, err = d.rules.cacheLost(ctx, d, src.ID, dst.Store, err); err != nil {
			return res, err
		}
		gid, err = op.createVolume(ctx, "clone template again", c, d.rootRequest(c, v, cached))
	}
	if err != nil {
		return res, err
	}
	if cipher != nil {
		cipher.source = devPath(snapshotOf(cached))
	}
	if err = op.encrypt(ctx, c, &v, gid, max(v.row.Size, cached.Size), cipher); err != nil {
		return res, err
	}
	return op.adopt(ctx, c, v, gid, d.rules.rootSize(v.row.Size, max(v.row.Size, cached.Size)))
}

// rootRequest is the body of a root volume of a template.
func (d *Driver) rootRequest(c *conn, v target, cached inventory.TemplatePool) spapi.VolumeCreate {
	return spapi.VolumeCreate{
		Size: d.rules.rootRoom(v.row.Size, cached.Size, v.row.Encrypted()), Tags: siteVolumeOfTemplate.tags(v.tags),
		Parent: snapshotOf(cached), Template: v.place.templateOr(c.template),
		IOPS: d.rules.iopsLimit(limitOfTemplate, limitFacts{place: v.place, volume: v.row.MaxIOPS}),
	}
}

// cacheAgain brings back a cached template that is gone from StorPool although the record says that it is there (SP-2).
func cacheAgain(ctx context.Context, d *Driver, template, pool inventory.ID, lost error) (cached inventory.TemplatePool, err error) {
	src := Object{Kind: TemplateObject, ID: template, Role: inventory.Image}
	err = d.inv.View(func(tx *inventory.Tx) error {
		p, _ := tx.Pools.Get(pool)
		image, ok := tx.TemplateStores.Find(func(s inventory.TemplateStore) bool {
			store, _ := tx.SecondaryStores.Get(s.Store)
			return s.Template == template && s.State == inventory.RefReady && store.Zone == p.Zone
		})
		if src.Store = image.Store; !ok {
			return fmt.Errorf("template %d is on no secondary storage of zone %d: %w", template, p.Zone, lost)
		}
		return nil
	})
	if err != nil {
		return cached, err
	}
	_, err = d.cacheTemplate(ctx, src, Object{Kind: TemplateObject, ID: template, Role: inventory.Primary, Store: pool})
	if err != nil {
		return cached, errors.Join(lost, err)
	}
	return d.cachedTemplate(template, pool)
}

// cachedTemplate reads the record of a template on a pool; it must name a StorPool snapshot.
func (d *Driver) cachedTemplate(template, pool inventory.ID) (cached inventory.TemplatePool, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		ok := false
		if cached, ok = cachedOn(tx, template, pool); !ok {
			return fmt.Errorf("template %d cached on pool %d: %w", template, pool, inventory.ErrNotFound)
		}
		if snapshotOf(cached) == "" {
			return fmt.Errorf("template %d cached on pool %d (path %q): %w", template, pool, cached.LocalPath, ErrNotOnStorPool)
		}
		return nil
	})
	return cached, err
}

// realSize records a root volume with the size that StorPool gave it (D-35).
func realSize(_, onStorPool int64) int64 { return onStorPool }
