package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// ErrNoHost is wrapped when no host can execute a command.
var ErrNoHost = errors.New("no host that is up and connected")

// anyHost returns the first host that is up and connected to a pool.
func (d *Driver) anyHost(pool inventory.ID) (inventory.ID, error) {
	var hosts []inventory.Host
	err := d.inv.View(func(tx *inventory.Tx) error {
		hosts = connectedHosts(tx, pool)
		return nil
	})
	if err == nil && len(hosts) == 0 {
		err = fmt.Errorf("pool %d: %w", pool, ErrNoHost)
	}
	if err != nil {
		return 0, err
	}
	return hosts[0].ID, nil
}

// connectedHosts are the hosts of a pool's zone that are up and connected to it, by id.
func connectedHosts(tx *inventory.Tx, pool inventory.ID) []inventory.Host {
	row, _ := tx.Pools.Get(pool)
	to := map[inventory.ID]bool{}
	for _, h := range tx.PoolHosts.All(func(h inventory.PoolHost) bool { return h.Pool == pool }) {
		to[h.Host] = true
	}
	return tx.Hosts.All(func(h inventory.Host) bool {
		return to[h.ID] && h.State == inventory.HostUp && h.Zone == row.Zone
	})
}

// hostNear returns a host for a command about a snapshot, in the StorPool cluster where it lives (driver-management 15.2).
func (d *Driver) hostNear(ctx context.Context, c *conn, snapshot string) (inventory.ID, error) {
	return d.rules.hostNear(ctx, d, c, snapshot)
}

// hostNear asks where the snapshot lives only if the connected hosts belong to several StorPool clusters, takes one
// that is up there, and another when there is none (D-21).
func hostNear(ctx context.Context, d *Driver, c *conn, snapshot string) (inventory.ID, error) {
	return d.hostAmong(ctx, c, snapshot, func(inventory.Host) bool { return true })
}

// hostAmong is hostNear among the hosts that fit accepts; without a snapshot the first of them.
func (d *Driver) hostAmong(ctx context.Context, c *conn, snapshot string, fit func(inventory.Host) bool) (inventory.ID, error) {
	var hosts []inventory.Host
	clusterOf := map[inventory.ID]string{}
	several := map[string]bool{}
	err := d.inv.View(func(tx *inventory.Tx) error {
		for _, h := range connectedHosts(tx, c.pool.ID) {
			if !fit(h) {
				continue
			}
			hosts = append(hosts, h)
			id := d.text(tx, SettingClusterID, inventory.Owner{Kind: inventory.OfCluster, ID: h.Cluster})
			clusterOf[h.ID], several[id] = id, true
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case len(hosts) == 0:
		return 0, fmt.Errorf("pool %d: %w", c.pool.ID, ErrNoHost)
	case len(several) == 1, snapshot == "":
		return hosts[0].ID, nil
	}
	found, err := c.Snapshot(ctx, snapshot)
	if err != nil {
		return 0, err
	}
	for _, h := range hosts {
		if clusterOf[h.ID] == found.ClusterID {
			return h.ID, nil
		}
	}
	return hosts[0].ID, nil // StorPool exports the object to where it is attached
}
