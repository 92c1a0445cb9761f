package driver

import (
	"context"
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
	op, err := d.begin(actionRoot, inventory.Intent{Pool: dst.Store, Kind: inventory.OfVolume, Object: dst.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	size := max(v.row.Size, cached.Size)
	gid, err := op.createVolume(ctx, "clone template", c, spapi.VolumeCreate{
		Size: spSize(size, v.row.Encrypted()), Tags: siteVolumeOfTemplate.tags(v.tags), Parent: snapshotOf(cached),
		IOPS:     d.rules.iopsLimit(limitOfTemplate, limitFacts{place: v.place, volume: v.row.MaxIOPS}),
		Template: v.place.templateOr(c.template),
	})
	if err != nil {
		return res, err
	}
	return op.adopt(ctx, c, v, gid, d.rules.rootSize(v.row.Size, size))
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
