package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// CreatePool adds a zone-wide primary pool: the plugin initializes it, then it is attached to the zone, which connects
// every host that is up.
func (s *Server) CreatePool(ctx context.Context, r driver.PoolRequest) (inventory.Pool, error) {
	id, err := s.driver.Initialize(ctx, r)
	if err != nil {
		return inventory.Pool{}, err
	}
	if err := s.driver.AttachZone(ctx, id, driver.KVM); err != nil {
		return inventory.Pool{}, fmt.Errorf("attach pool %q: %w", r.Name, err)
	}
	return s.pool(id)
}

// MaintainPool puts a pool into maintenance; VMs with disks on it are stopped first.
func (s *Server) MaintainPool(ctx context.Context, pool inventory.ID) error {
	var running []inventory.VM
	err := s.inv.View(func(tx *inventory.Tx) error {
		_, err := tx.Pools.Must(pool)
		running = tx.VMs.All(func(m inventory.VM) bool {
			_, uses := tx.Volumes.Find(func(v inventory.Volume) bool { return v.VM == m.ID && v.Pool == pool })
			return m.State == inventory.VMRunning && uses
		})
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range running {
		if _, err := s.StopVM(ctx, m.ID, false); err != nil {
			return fmt.Errorf("put pool %d into maintenance: %w", pool, err)
		}
	}
	return s.driver.Maintain(ctx, pool)
}

// CancelPoolMaintenance brings a pool up again and connects the hosts that are up.
func (s *Server) CancelPoolMaintenance(ctx context.Context, pool inventory.ID) error {
	if err := s.driver.CancelMaintain(ctx, pool); err != nil {
		return err
	}
	var p inventory.Pool
	var hosts []inventory.Host
	err := s.inv.View(func(tx *inventory.Tx) (err error) {
		p, err = tx.Pools.Must(pool)
		hosts = tx.Hosts.All(func(h inventory.Host) bool { return h.Zone == p.Zone && h.State == inventory.HostUp })
		return err
	})
	errs := []error{err}
	for _, h := range hosts {
		errs = append(errs, s.connect(ctx, h.ID, []inventory.Pool{p}))
	}
	return errors.Join(errs...)
}

// DeletePool deletes a pool that is in maintenance and holds no volume.
func (s *Server) DeletePool(ctx context.Context, pool inventory.ID) error {
	p, err := s.pool(pool)
	if err != nil {
		return err
	}
	refuse := func(reason string) error {
		return &Refused{"deleteStoragePool", fmt.Sprintf("pool %d", pool), reason}
	}
	if p.State != inventory.PoolMaintenance {
		return refuse("the pool is " + string(p.State))
	}
	used := false
	err = s.inv.View(func(tx *inventory.Tx) error {
		_, used = tx.Volumes.Find(func(v inventory.Volume) bool {
			return v.Pool == pool && v.Path != "" && v.State != inventory.VolumeExpunged
		})
		return nil
	})
	if err != nil {
		return err
	}
	if used {
		return refuse("the pool holds volumes")
	}
	return s.driver.DeleteDataStore(ctx, pool)
}

// connect connects a host to pools; the error joins those that failed.
func (s *Server) connect(ctx context.Context, host inventory.ID, pools []inventory.Pool) error {
	var errs []error
	for _, p := range pools {
		errs = append(errs, s.driver.HostConnect(ctx, host, p.ID))
	}
	return errors.Join(errs...)
}

// disconnect tells the drivers of pools that a host is gone.
func (s *Server) disconnect(ctx context.Context, host inventory.ID, pools []inventory.Pool) error {
	var errs []error
	for _, p := range pools {
		errs = append(errs, s.driver.HostDisconnected(ctx, host, p.ID))
	}
	return errors.Join(errs...)
}
