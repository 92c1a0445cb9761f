package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
)

const actionDeleteTemplate = "deleteTemplate"

// DeleteTemplate deletes the base snapshots that StorPool keeps for a template, on the pool that its details name.
// CloudStack calls it after the cached copies on the pools are gone. A missing snapshot is success (D-6).
func (d *Driver) DeleteTemplate(ctx context.Context, template inventory.ID) error {
	if err := d.rules.deleteBases(ctx, d, template); err != nil {
		return fmt.Errorf("delete template %d: %w", template, err)
	}
	return nil
}

// deleteBases deletes the base snapshots of a template and what is on record of them.
func deleteBases(ctx context.Context, d *Driver, template inventory.ID) (err error) {
	unlock, err := d.lock(ctx, inventory.OfTemplate, template)
	if err != nil {
		return err
	}
	defer unlock()
	pool, bases, err := d.basesOf(template)
	if err != nil {
		return err
	}
	if len(bases) == 0 {
		return d.forgetBases(template)
	}
	if pool == 0 {
		return fmt.Errorf("no pool is on record for its base snapshot %s: %w", bases[0], ErrRefused)
	}
	c, err := d.connect(ctx, pool)
	if err != nil {
		return err
	}
	op, _, err := d.resume(actionDeleteTemplate, inventory.Intent{Pool: pool, Kind: inventory.OfTemplate, Object: template})
	if err != nil {
		return err
	}
	defer op.end(ctx, &err)
	for _, base := range bases {
		err := op.commit(ctx, func(ctx context.Context) error { return missingIsFine(deleteSnapshot(ctx, c, base)) })
		if err != nil {
			return err
		}
	}
	return act(ctx, op, "record deletion", func(context.Context) error { return d.forgetBases(template) }, nil)
}

// basesOf lists the base snapshots of a template by their names on StorPool, and the pool on which they are.
func (d *Driver) basesOf(template inventory.ID) (pool inventory.ID, bases []string, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		text, ok := tx.Details.Get(inventory.Owner{Kind: inventory.OfTemplate, ID: template}, detailPool)
		if ok {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return errors.New("its detail " + detailPool + " is not a number")
			}
			pool = inventory.ID(id)
		}
		for _, s := range tx.TemplateStores.All(func(s inventory.TemplateStore) bool { return s.Template == template }) {
			if name := apiName(s.LocalPath, true); name != "" {
				bases = append(bases, name)
			}
		}
		return nil
	})
	return pool, bases, err
}

func (d *Driver) forgetBases(template inventory.ID) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		for _, s := range tx.TemplateStores.All(func(s inventory.TemplateStore) bool { return s.Template == template }) {
			s.LocalPath = ""
			tx.TemplateStores.Put(s)
		}
		tx.Details.Delete(inventory.Owner{Kind: inventory.OfTemplate, ID: template}, detailPool)
		return nil
	})
}
