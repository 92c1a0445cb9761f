package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// CollectGarbage is core's storage clean-up: it expunges destroyed VMs and volumes and evicts the cached copies of
// deleted templates that no volume uses. It goes on after a failure; the error joins them all, and the next run
// tries again.
func (s *Server) CollectGarbage(ctx context.Context) error {
	var vms []inventory.VM
	var volumes []inventory.Volume
	var caches []inventory.TemplatePool
	err := s.update(func(tx *inventory.Tx) error {
		vms = tx.VMs.All(func(m inventory.VM) bool {
			return m.State == inventory.VMDestroyed || m.State == inventory.VMExpunging
		})
		volumes = tx.Volumes.All(func(v inventory.Volume) bool { return v.State == inventory.VolumeDestroy })
		caches = tx.TemplatePools.All(func(c inventory.TemplatePool) bool { return unused(tx, c) })
		for i := range caches {
			caches[i].Marked = true
			tx.TemplatePools.Put(caches[i])
		}
		return nil
	})
	errs := []error{err}
	for _, m := range vms {
		_, err := s.DestroyVM(ctx, m.ID, true)
		errs = append(errs, err)
	}
	for _, v := range volumes {
		errs = append(errs, s.collectVolume(ctx, v.ID))
	}
	for _, c := range caches {
		errs = append(errs, s.evict(ctx, c))
	}
	return errors.Join(append(errs, s.collectTemplates(ctx))...)
}

func (s *Server) collectVolume(ctx context.Context, id inventory.ID) error {
	v, unlock, err := s.lockVolume(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	if v.State != inventory.VolumeDestroy {
		return nil
	}
	_, err = s.expunge(ctx, v)
	return err
}

// unused tells whether a cached template may go: the template is deleted and no volume of the pool is made of it.
func unused(tx *inventory.Tx, c inventory.TemplatePool) bool {
	t, ok := tx.Templates.Get(c.Template)
	if !ok || !t.Removed || c.State != inventory.RefReady {
		return false
	}
	_, used := tx.Volumes.Find(func(v inventory.Volume) bool {
		return v.Template == c.Template && (v.Pool == c.Pool || v.Pool == 0) &&
			v.State != inventory.VolumeDestroy && v.State != inventory.VolumeExpunging && v.State != inventory.VolumeExpunged
	})
	return !used
}

// evict has a host of the pool delete a cached template.
func (s *Server) evict(ctx context.Context, c inventory.TemplatePool) error {
	unlock, err := s.lock(ctx, cacheKey(c.Template, c.Pool))
	if err != nil {
		return err
	}
	defer unlock()
	var p inventory.Pool
	var host inventory.Host
	found := false
	err = s.inv.View(func(tx *inventory.Tx) (err error) {
		now, ok := tx.TemplatePools.Get(c.ID)
		if !ok || !now.Marked {
			return nil
		}
		p, err = tx.Pools.Must(c.Pool)
		host, found = connected(tx, c.Pool)
		if err == nil && !found {
			err = fmt.Errorf("evict template %d: no host of pool %d is up", c.Template, c.Pool)
		}
		return err
	})
	if err != nil || !found {
		return err
	}
	if err := s.send(ctx, host.ID, agentapi.DestroyTemplate{Path: c.LocalPath, Pool: poolTO(p)}); err != nil {
		return fmt.Errorf("evict template %d from pool %d: %w", c.Template, c.Pool, err)
	}
	return s.update(func(tx *inventory.Tx) error {
		tx.TemplatePools.Delete(c.ID)
		return nil
	})
}

// connected is the first host that is up and connected to a pool.
func connected(tx *inventory.Tx, pool inventory.ID) (inventory.Host, bool) {
	for _, ph := range tx.PoolHosts.All(func(ph inventory.PoolHost) bool { return ph.Pool == pool }) {
		if h, ok := tx.Hosts.Get(ph.Host); ok && h.State == inventory.HostUp {
			return h, true
		}
	}
	return inventory.Host{}, false
}

// collectTemplates ends deleted templates that are on no pool any more: the plugin deletes their base snapshots, and
// their records go.
func (s *Server) collectTemplates(ctx context.Context) error {
	var ids []inventory.ID
	err := s.inv.View(func(tx *inventory.Tx) error {
		for _, t := range tx.Templates.All(func(t inventory.Template) bool { return t.Removed && !t.ISO }) {
			_, cached := tx.TemplatePools.Find(func(c inventory.TemplatePool) bool { return c.Template == t.ID })
			_, stored := tx.TemplateStores.Find(func(st inventory.TemplateStore) bool { return st.Template == t.ID })
			if !cached && stored {
				ids = append(ids, t.ID)
			}
		}
		return nil
	})
	errs := []error{err}
	for _, id := range ids {
		if err := s.driver.DeleteTemplate(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("end template %d: %w", id, err))
			continue
		}
		errs = append(errs, s.update(func(tx *inventory.Tx) error {
			for _, st := range tx.TemplateStores.All(func(st inventory.TemplateStore) bool { return st.Template == id }) {
				tx.TemplateStores.Delete(st.ID)
			}
			tx.Details.Clear(inventory.Owner{Kind: inventory.OfTemplate, ID: id})
			return nil
		}))
	}
	return errors.Join(errs...)
}
