package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionDirectDownload = "directDownload"

// DirectDownload caches a template on a pool from a file that a host of the pool has downloaded: the host makes the
// StorPool snapshot by itself (agent 10). A template that is cached already stays as it is.
func (d *Driver) DirectDownload(ctx context.Context, template, pool, host inventory.ID, file string) (res Result, err error) {
	unlock, err := d.lockKey(ctx, cacheKey(template, pool))
	if err != nil {
		return res, err
	}
	defer unlock()
	p := cachePlan{}
	err = d.inv.View(func(tx *inventory.Tx) error {
		p.cached, _ = cachedOn(tx, template, pool)
		p.wait = d.seconds(tx, SettingDownloadWait)
		p.template, err = tx.Templates.Must(template)
		return err
	})
	if err != nil {
		return res, fmt.Errorf("direct download: %w", err)
	}
	c, err := d.connect(ctx, pool)
	if err != nil {
		return res, err
	}
	if res, ok, err := p.existing(ctx, c); ok || err != nil {
		return res, err
	}
	op, err := d.begin(actionDirectDownload, inventory.Intent{Pool: pool, Kind: inventory.OfTemplate, Object: template})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	out, err := step(ctx, op, "direct download", func(ctx context.Context) (agentapi.Template, error) {
		return d.sendDirect(ctx, c, p, host, file)
	}, func(ctx context.Context) error { return d.dropDirect(ctx, c, template) })
	if err != nil {
		return res, errors.Join(err, d.watchDirect(op.id, pool, template, err))
	}
	dst := Object{Kind: TemplateObject, ID: template, Role: inventory.Primary, Store: pool}
	err = op.record(ctx, c, "record template", 0, func(tx *inventory.Tx) error { return p.record(tx, dst, out.Path, out.Size) })
	return Result{Path: out.Path, Size: out.Size, Format: p.template.Format}, err
}

func (d *Driver) sendDirect(ctx context.Context, c *conn, p cachePlan, host inventory.ID, file string) (out agentapi.Template, err error) {
	cmd := agentapi.DirectDownload{
		Template: agentapi.Template{
			UUID: p.template.UUID, Name: p.template.Name, UniqueName: p.template.Unique, Format: agentapi.Format(p.template.Format),
			Size: p.template.Size,
		},
		Pool: *poolTO(c.pool), File: file, Wait: p.wait,
	}
	answer, err := d.ask(ctx, host, cmd)
	if err != nil {
		return out, err
	}
	if out, err = payload[agentapi.Template](answer, cmd.Command(), host); err == nil && apiName(out.Path, true) == "" {
		err = &AgentError{Command: cmd.Command(), Host: host, Odd: true, Details: fmt.Sprintf("the template is at %q", out.Path)}
	}
	return out, err
}

// watchDirect has Reconcile watch for what a host may yet make that did not answer.
func (d *Driver) watchDirect(op string, pool, template inventory.ID, cause error) error {
	var agent *AgentError
	if !errors.As(cause, &agent) || !agent.Silent {
		return nil
	}
	return d.inv.Update(func(tx *inventory.Tx) error {
		tx.Intents.Put(inventory.Intent{
			Op: op, Action: ActionStrays, Pool: pool, Kind: inventory.OfTemplate, Object: template, Step: ActionStrays,
			Data: actionDirectDownload, Owner: d.owner, Lease: d.clock.Now().Add(d.lease),
		})
		return nil
	})
}

// dropLate removes what a host has made of a template after it was given up, unless the template is being downloaded again.
func (d *Driver) dropLate(ctx context.Context, i inventory.Intent) error {
	unlock, err := d.lockKey(ctx, cacheKey(i.Object, i.Pool))
	if err != nil {
		return err
	}
	defer unlock()
	again := false
	err = d.inv.View(func(tx *inventory.Tx) error {
		_, again = tx.Intents.Find(func(x inventory.Intent) bool {
			return x.Action == actionDirectDownload && x.Pool == i.Pool && x.Object == i.Object
		})
		return nil
	})
	if err != nil || again {
		return err
	}
	c, err := d.connect(ctx, i.Pool)
	if err == nil {
		err = d.dropDirect(ctx, c, i.Object)
	}
	if errors.Is(err, inventory.ErrNotFound) { // pool or template are gone, and with them the way there
		return nil
	}
	return err
}

// cacheKey is what orders the work on one cached template.
func cacheKey(template, pool inventory.ID) string {
	return fmt.Sprintf("template %d on pool %d", template, pool)
}

// dropDirect deletes the volumes and snapshots that hosts have made of a template and that no record names. What the driver itself is
// making carries an operation's mark and stays.
func (d *Driver) dropDirect(ctx context.Context, c *conn, template inventory.ID) error {
	uuid := ""
	err := d.inv.View(func(tx *inventory.Tx) error {
		row, err := tx.Templates.Must(template)
		uuid = row.UUID
		return err
	})
	if err != nil {
		return err
	}
	stray := func(v spapi.Volume) bool {
		return v.Tags[tagOperation] == "" && v.TemplateName == c.template && !d.owned(v.GlobalID)
	}
	want := spapi.Tags{tagUUID: uuid, tagRole: roleTemplate}
	volumes, err := c.VolumesTagged(ctx, want)
	errs := []error{err}
	for _, v := range volumes {
		if stray(v) {
			errs = append(errs, deleteVolume(ctx, c, "~"+v.GlobalID))
		}
	}
	snapshots, err := c.SnapshotsTagged(ctx, want)
	errs = append(errs, err)
	for _, s := range snapshots {
		if stray(s.Volume) {
			errs = append(errs, missingIsFine(deleteSnapshot(ctx, c, "~"+s.GlobalID)))
		}
	}
	return errors.Join(errs...)
}

// directBack removes what a host has made of a template whose direct download was cut short.
func directBack(ctx context.Context, d *Driver, i inventory.Intent) error {
	c, err := d.connect(ctx, i.Pool)
	if errors.Is(err, inventory.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.dropDirect(ctx, c, i.Object); err != nil && !errors.Is(err, inventory.ErrNotFound) {
		return err
	}
	return cacheBack(ctx, d, i)
}
