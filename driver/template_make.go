package driver

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const (
	actionTemplateOfVolume   = "copyAsync volume => template"
	actionTemplateOfSnapshot = "copyAsync snapshot => template"
)

// TemplateFiles is an [ImageStore] that deletes templates as well. Without it a template that failed may leave files.
type TemplateFiles interface {
	// DeleteTemplateFiles removes the folder ref.Path of a template with its files; a missing folder is success.
	DeleteTemplateFiles(ctx context.Context, ref inventory.TemplateStore) error
}

// templatePlan is a template and the object on StorPool of which it is made.
type templatePlan struct {
	template inventory.Template
	image    inventory.TemplateStore
	dir      string // on secondary storage
	volume   inventory.Volume
	snapshot inventory.Snapshot // of a template of a snapshot
	name     string             // of the source on StorPool
	volumeTO agentapi.Volume
	to       agentapi.Template
	wait     time.Duration
}

// templateOfVolume makes a template of a volume: on secondary storage, and as a base snapshot on StorPool from which pools
// are served (driver-management 10.3).
func (d *Driver) templateOfVolume(ctx context.Context, src, dst Object) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfVolume, src.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planTemplate(dst, SettingDownloadWait, func(tx *inventory.Tx, p *templatePlan) error {
		if p.volume, err = tx.Volumes.Must(src.ID); err != nil {
			return err
		}
		p.name, err = nameOf(p.volume.Path, fmt.Sprintf("volume %d", src.ID))
		return err
	})
	if err != nil {
		return res, err
	}
	return d.makeTemplate(ctx, src.Store, dst, actionTemplateOfVolume, p, d.rules.bake)
}

// makeTemplate runs one of the ways to make a template and records what came of it.
func (d *Driver) makeTemplate(ctx context.Context, pool inventory.ID, dst Object, action string, p templatePlan,
	bake func(context.Context, *op, *conn, templatePlan) (base string, out agentapi.Template, err error),
) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfTemplate, dst.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	if res, ok := p.existing(); ok {
		return res, nil
	}
	c, err := d.connect(ctx, pool)
	if err != nil {
		return res, err
	}
	op, err := d.begin(action, inventory.Intent{Pool: pool, Kind: inventory.OfTemplate, Object: dst.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	if err = op.note(fmt.Sprintf("%d %s", p.image.ID, p.dir)); err != nil {
		return res, err
	}
	base, out, err := bake(ctx, op, c, p)
	if err != nil {
		return res, err
	}
	err = op.record(ctx, c, "record template", 0, func(tx *inventory.Tx) error { return p.record(tx, c.pool.ID, base, out) })
	return p.result(out), err
}

// planTemplate reads what every template needs; source fills in what it is made of.
func (d *Driver) planTemplate(dst Object, wait string, source func(*inventory.Tx, *templatePlan) error) (p templatePlan, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		if err := source(tx, &p); err != nil {
			return err
		}
		if err := d.rules.plain(p.volume, "a template of it would be ciphertext that nothing can open"); err != nil {
			return err
		}
		if p.template, err = tx.Templates.Must(dst.ID); err != nil {
			return err
		}
		ok := false
		p.image, ok = tx.TemplateStores.Find(func(s inventory.TemplateStore) bool {
			return s.Template == dst.ID && s.Store == dst.Store
		})
		if !ok {
			return fmt.Errorf("template %d on secondary storage %d: %w", dst.ID, dst.Store, inventory.ErrNotFound)
		}
		store, err := tx.SecondaryStores.Must(dst.Store)
		if err != nil {
			return err
		}
		p.dir = path.Join("template", "tmpl", p.volume.Account, strconv.FormatInt(int64(dst.ID), 10))
		p.volumeTO, p.wait = volumeTO(tx, p.volume), d.seconds(tx, wait)
		p.to = agentapi.Template{
			UUID: p.template.UUID, Name: p.template.Name, UniqueName: p.template.Unique, Path: p.dir, Format: agentapi.QCOW2,
			Size: p.volume.Size, Store: storeTO(store),
		}
		return nil
	})
	return p, err
}

// existing returns the template that is on record already.
func (p templatePlan) existing() (Result, bool) {
	if apiName(p.image.LocalPath, true) == "" || p.image.Path == "" {
		return Result{}, false
	}
	return p.result(agentapi.Template{Path: p.image.Path, Size: p.image.Size, PhysicalSize: p.image.PhysicalSize}), true
}

func (p templatePlan) result(out agentapi.Template) Result {
	return Result{Path: out.Path, Size: out.Size, PhysicalSize: out.PhysicalSize, Format: string(agentapi.QCOW2)}
}

// record writes the image and its base snapshot, and the pool that has it.
func (p templatePlan) record(tx *inventory.Tx, pool inventory.ID, base string, out agentapi.Template) error {
	tx.Details.Set(inventory.Owner{Kind: inventory.OfTemplate, ID: p.template.ID}, detailPool, strconv.FormatInt(int64(pool), 10))
	return tx.TemplateStores.Change(p.image.ID, func(s *inventory.TemplateStore) {
		if base != "" {
			s.LocalPath = devPath(base)
		}
		s.Path, s.Size, s.PhysicalSize = out.Path, out.Size, out.PhysicalSize
	})
}

// sealed is the base snapshot of a template of a volume.
func (p templatePlan) sealed() spapi.VolumeSnapshot {
	return spapi.VolumeSnapshot{Name: nameless(), Tags: siteVolumeTemplate.tags(tagFacts{uuid: p.template.UUID})}
}

// bakeFromSnapshot takes the base snapshot first and has a host copy that, so that both hold the same (D-14).
func bakeFromSnapshot(ctx context.Context, o *op, c *conn, p templatePlan) (base string, out agentapi.Template, err error) {
	if base, err = o.createSnapshot(ctx, "base snapshot", c, p.name, p.sealed()); err != nil {
		return "", out, err
	}
	from := agentapi.Snapshot{
		UUID: p.template.UUID, Name: p.volume.Name, Path: devPath(base), Volume: &p.volumeTO, Pool: p.volumeTO.Pool,
	}
	out, err = step(ctx, o, "write template", func(ctx context.Context) (agentapi.Template, error) {
		host, err := o.d.hostNear(ctx, c, "~"+base)
		if err != nil {
			return out, err
		}
		return o.d.writeTemplate(ctx, host, agentapi.BackupTemplateFromSnapshot{Snapshot: &from, Dest: p.to, Wait: p.wait})
	}, func(ctx context.Context) error { return o.d.dropTemplateFiles(ctx, p.image, p.dir) })
	return base, out, err
}

// writeTemplate has a host write a template to secondary storage.
func (d *Driver) writeTemplate(ctx context.Context, host inventory.ID, cmd agentapi.BackupTemplateFromSnapshot) (out agentapi.Template, err error) {
	answer, err := d.ask(ctx, host, cmd)
	if err == nil {
		out, err = payload[agentapi.Template](answer, cmd.Command(), host)
	}
	return out, err
}

// dropTemplateFiles deletes what a host may have written of a template.
func (d *Driver) dropTemplateFiles(ctx context.Context, image inventory.TemplateStore, dir string) error {
	files, ok := d.images.(TemplateFiles)
	if !ok {
		return nil
	}
	image.Path = dir
	if err := files.DeleteTemplateFiles(ctx, image); err != nil {
		return fmt.Errorf("delete the files of template %d: %w", image.Template, err)
	}
	return nil
}

// CanHandleTemplate tells whether the data-motion strategy makes a template of a snapshot: src is its record on a StorPool
// pool, dst a template on secondary storage (driver-management 11.1). It changes nothing.
func (d *Driver) CanHandleTemplate(src, dst Object) bool {
	if pairOf(src, dst) != (pair{SnapshotObject, TemplateObject}) || src.Role != inventory.Primary || dst.Role != inventory.Image {
		return false
	}
	name := ""
	err := d.inv.View(func(tx *inventory.Tx) error {
		s, err := tx.Snapshots.Must(src.ID)
		if pool, ok := tx.Pools.Get(src.Store); err == nil && ok && pool.Provider == inventory.StorPool {
			name = snapshotName(tx, s)
		}
		return err
	})
	return err == nil && name != ""
}

// TemplateFromSnapshot makes a template on secondary storage of a StorPool snapshot, and keeps a base snapshot for it. A
// snapshot that a deleted volume left is refused with [ErrRefused]: it can only be restored.
func (d *Driver) TemplateFromSnapshot(ctx context.Context, src, dst Object) (res Result, err error) {
	if pairOf(src, dst) != (pair{SnapshotObject, TemplateObject}) || src.Role != inventory.Primary || dst.Role != inventory.Image {
		return res, fmt.Errorf("template of %s as %s: %w", src, dst, ErrRefused)
	}
	unlock, err := d.lock(ctx, inventory.OfSnapshot, src.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planTemplate(dst, SettingBackupWait, func(tx *inventory.Tx, p *templatePlan) error {
		if p.snapshot, err = tx.Snapshots.Must(src.ID); err != nil {
			return err
		}
		p.volume, _ = tx.Volumes.Get(p.snapshot.Volume)
		p.volume.Account, p.volume.Size = p.snapshot.Account, p.snapshot.Size
		if _, delayed := tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: src.ID}, detailDelayDelete); delayed {
			return fmt.Errorf("the last snapshot of a deleted volume can only be restored: %w", ErrRefused)
		}
		if p.name = snapshotName(tx, p.snapshot); p.name == "" {
			return fmt.Errorf("snapshot %d: %w", src.ID, ErrNotOnStorPool)
		}
		return nil
	})
	if err == nil {
		res, err = d.makeTemplate(ctx, src.Store, dst, actionTemplateOfSnapshot, p, templateViaWork)
	}
	if err != nil {
		if !errors.Is(err, errCrash) {
			err = errors.Join(err, d.rules.templateFailed(d, dst.ID, src.Store))
		}
		return res, fmt.Errorf("template %d of snapshot %d: %w", dst.ID, src.ID, err)
	}
	return res, nil
}

// templateViaWork has a host copy the snapshot; the base snapshot is taken of a work volume that is a clone of it, once
// the copy is there (D-5).
func templateViaWork(ctx context.Context, o *op, c *conn, p templatePlan) (base string, out agentapi.Template, err error) {
	work, err := o.createVolume(ctx, "create work volume", c, spapi.VolumeCreate{
		Name: nameless(), Parent: p.name, Size: p.snapshot.Size, Template: c.template,
		Tags: siteTemplateWork.tags(tagFacts{uuid: p.template.UUID}),
	})
	if err != nil {
		return "", out, err
	}
	made := false
	out, err = step(ctx, o, "write template", func(ctx context.Context) (out agentapi.Template, err error) {
		out, made, err = o.sendTemplate(ctx, c, p)
		return out, err
	}, func(ctx context.Context) error { return o.d.dropTemplateFiles(ctx, p.image, p.dir) })
	if err != nil {
		o.letGo(ctx, c, p.name, err)
		o.d.rules.workLeft(o, err)
		return "", out, err
	}
	if made {
		base, err = o.createSnapshot(ctx, "base snapshot", c, "~"+work, spapi.VolumeSnapshot{
			Name: nameless(), Tags: siteTemplateSnapshot.tags(tagFacts{uuid: p.template.UUID}),
		})
		if err != nil {
			return "", out, err
		}
	}
	err = act(ctx, o, "delete work volume", func(ctx context.Context) error { return deleteVolume(ctx, c, "~"+work) }, nil)
	return base, out, err
}

func (o *op) sendTemplate(ctx context.Context, c *conn, p templatePlan) (out agentapi.Template, made bool, err error) {
	host, err := o.d.hostNear(ctx, c, p.name)
	if err != nil {
		return out, false, err
	}
	from := agentapi.Snapshot{
		UUID: p.snapshot.UUID, Name: p.snapshot.Name, Path: devPath(p.name), Volume: &p.volumeTO, Pool: poolTO(c.pool),
	}
	cmd := agentapi.BackupTemplateFromSnapshot{Snapshot: &from, Dest: p.to, Wait: p.wait}
	answer, err := o.d.agents.Send(ctx, host, cmd)
	if err != nil {
		return out, false, fmt.Errorf("send %s to host %d: %w", cmd.Command(), host, err)
	}
	return o.d.rules.templateAnswer(answer, host)
}

// templateAnswer takes a positive answer with a template for one, and nothing else (D-5).
func templateAnswer(answer *agentapi.Answer, host inventory.ID) (out agentapi.Template, made bool, err error) {
	command := agentapi.BackupTemplateFromSnapshot{}.Command()
	if err = judge(answer, command, host); err == nil {
		out, err = payload[agentapi.Template](answer, command, host)
	}
	return out, err == nil, err
}

// templateBack deletes what a host may have written of a template whose making was cut short.
func templateBack(ctx context.Context, d *Driver, i inventory.Intent) error {
	number, dir, noted := strings.Cut(i.Data, " ") // written by makeTemplate
	id, _ := strconv.ParseInt(number, 10, 64)
	var row inventory.TemplateStore
	err := d.inv.View(func(tx *inventory.Tx) error {
		row, _ = tx.TemplateStores.Get(inventory.ID(id))
		return nil
	})
	if err != nil || row.ID == 0 || !noted {
		return err
	}
	if err := d.dropTemplateFiles(ctx, row, dir); err != nil {
		return err
	}
	return d.inv.Update(func(tx *inventory.Tx) error {
		return tx.TemplateStores.Change(row.ID, func(s *inventory.TemplateStore) { s.State = inventory.RefFailed })
	})
}

// templateDone ends the making of a template that was recorded.
func templateDone(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		for _, s := range tx.TemplateStores.All(func(s inventory.TemplateStore) bool {
			return s.Template == i.Object && s.LocalPath != "" && s.State != inventory.RefReady
		}) {
			s.State = inventory.RefReady
			tx.TemplateStores.Put(s)
			t, _ := tx.Templates.Get(i.Object)
			if t.Size == 0 && t.ID != 0 {
				t.Size = s.Size
				tx.Templates.Put(t)
			}
		}
		return nil
	})
}
