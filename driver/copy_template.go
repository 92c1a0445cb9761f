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

const (
	actionCache = "copyAsync template => template"
	// unknownSize is the size of a work volume for a template of unknown size, in bytes; the host resizes it.
	unknownSize = 1 << 30
)

// cachePlan is a template and the pool that is to hold it.
type cachePlan struct {
	template inventory.Template
	image    inventory.TemplateStore
	cached   inventory.TemplatePool
	store    inventory.SecondaryStore
	base     string // snapshot on StorPool from which the template was made
	size     int64
	wait     time.Duration
}

// cacheTemplate makes the snapshot of a template on a pool of which root volumes are clones: a child of the template's
// base snapshot where StorPool has one, a download otherwise (driver-management 10.4).
func (d *Driver) cacheTemplate(ctx context.Context, src, dst Object) (res Result, err error) {
	unlock, err := d.lockKey(ctx, cacheKey(dst.ID, dst.Store))
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planCache(src, dst)
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
	op, err := d.begin(actionCache, inventory.Intent{Pool: dst.Store, Kind: inventory.OfTemplate, Object: dst.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	work, size, err := op.workVolume(ctx, c, p)
	if err != nil {
		return res, err
	}
	gid, err := op.createSnapshot(ctx, "snapshot template", c, "~"+work, spapi.VolumeSnapshot{
		Name: nameless(), Tags: siteTemplateSnapshot.tags(tagFacts{uuid: p.template.UUID}),
	})
	if err != nil {
		return res, err
	}
	err = act(ctx, op, "delete work volume", func(ctx context.Context) error { return deleteVolume(ctx, c, "~"+work) }, nil)
	if err != nil {
		return res, err
	}
	err = op.record(ctx, c, "record template", 0, func(tx *inventory.Tx) error { return p.record(tx, dst, devPath(gid), size) })
	return Result{Path: devPath(gid), Size: size, Format: p.template.Format}, err
}

func (d *Driver) planCache(src, dst Object) (p cachePlan, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.template, err = tx.Templates.Must(dst.ID); err != nil {
			return err
		}
		ok := false
		p.image, ok = tx.TemplateStores.Find(func(s inventory.TemplateStore) bool {
			return s.Template == dst.ID && s.Store == src.Store
		})
		if !ok {
			return fmt.Errorf("template %d on secondary storage %d: %w", dst.ID, src.Store, inventory.ErrNotFound)
		}
		if p.store, err = tx.SecondaryStores.Must(src.Store); err != nil {
			return err
		}
		p.cached, _ = cachedOn(tx, dst.ID, dst.Store)
		p.base, p.size, p.wait = apiName(p.image.LocalPath, true), wholeSectors(p.template.Size), d.seconds(tx, SettingDownloadWait)
		if p.size == 0 {
			p.size = unknownSize
		}
		return nil
	})
	return p, err
}

// cachedOn is the record of a template on a pool.
func cachedOn(tx *inventory.Tx, template, pool inventory.ID) (inventory.TemplatePool, bool) {
	return tx.TemplatePools.Find(func(t inventory.TemplatePool) bool { return t.Template == template && t.Pool == pool })
}

// snapshotOf is the name of the cached snapshot on StorPool.
func snapshotOf(t inventory.TemplatePool) string {
	if name := apiName(t.LocalPath, true); name != "" {
		return name
	}
	return apiName(t.InstallPath, true)
}

// existing returns the cached snapshot that the record names, if StorPool has it.
func (p cachePlan) existing(ctx context.Context, c *conn) (Result, bool, error) {
	name := snapshotOf(p.cached)
	if name == "" {
		return Result{}, false, nil
	}
	s, err := c.Snapshot(ctx, name)
	if errors.Is(err, spapi.ErrNotFound) || err == nil && s.Gone() {
		return Result{}, false, nil
	}
	if err != nil {
		return Result{}, false, fmt.Errorf("look for the cached template: %w", err)
	}
	return Result{Path: devPath(name), Size: s.Size, Format: p.template.Format}, true, nil
}

// record writes the cached snapshot into the record of the template on the pool.
func (p cachePlan) record(tx *inventory.Tx, dst Object, path string, size int64) error {
	row, ok := cachedOn(tx, dst.ID, dst.Store)
	if !ok {
		row = inventory.TemplatePool{Template: dst.ID, Pool: dst.Store, State: inventory.RefReady}
	}
	row.LocalPath, row.InstallPath, row.Size = path, path, size
	tx.TemplatePools.Put(row)
	return nil
}

// workVolume makes the volume of which the cached snapshot is taken; it returns its global id and size.
func (o *op) workVolume(ctx context.Context, c *conn, p cachePlan) (gid string, size int64, err error) {
	request := spapi.VolumeCreate{
		Name: nameless(), Size: p.size, Template: c.template, Parent: p.base,
		Tags: siteTemplateWork.tags(tagFacts{uuid: p.template.UUID}),
	}
	if p.base != "" {
		gid, err = o.createVolume(ctx, "clone base snapshot", c, request)
		if err == nil || errors.Is(err, errCrash) || !o.d.rules.downloadInstead(err) {
			return gid, p.size, err
		}
		o.d.log.WarnContext(ctx, "base snapshot not usable, template is downloaded", "template", p.template.ID, "error", err)
		request.Parent = ""
	}
	if gid, err = o.createVolume(ctx, "create work volume", c, request); err != nil {
		return "", 0, err
	}
	size, err = step(ctx, o, "download template",
		func(ctx context.Context) (int64, error) { return o.d.downloadTemplate(ctx, c, p, gid) }, nil)
	return gid, size, err
}

// downloadInstead tells whether a template is downloaded although a base snapshot is on record: it is gone, or belongs
// to a cluster that this pool cannot see (D-13).
func downloadInstead(err error) bool {
	return errors.Is(err, spapi.ErrNotFound) || errors.Is(err, spapi.ErrInvalid)
}

// downloadTemplate has a host write the template's image onto the work volume; it returns the size that the image made it.
func (d *Driver) downloadTemplate(ctx context.Context, c *conn, p cachePlan, gid string) (int64, error) {
	host, err := d.anyHost(c.pool.ID)
	if err != nil {
		return 0, err
	}
	from := agentapi.Template{
		UUID: p.template.UUID, Name: p.template.Name, UniqueName: p.template.Unique, Path: p.image.Path,
		Format: agentapi.Format(p.template.Format), Size: p.template.Size, PhysicalSize: p.image.PhysicalSize, Store: storeTO(p.store),
	}
	to := from
	to.Path, to.Size, to.Store, to.Pool = devPath(gid), p.size, nil, poolTO(c.pool)
	cmd := agentapi.DownloadTemplate{Template: &from, DestTemplate: &to, ObjectType: objectVolume, Wait: p.wait}
	answer, err := d.ask(ctx, host, cmd)
	if err != nil {
		return 0, err
	}
	out, err := payload[agentapi.Template](answer, cmd.Command(), host)
	return out.Size, err
}
