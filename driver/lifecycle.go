package driver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// KVM is the only hypervisor that the plugin serves.
const KVM = "KVM"

// PoolRequest asks for a pool (driver-management 7.1). It prints and logs without the token.
type PoolRequest struct {
	Name     string
	Zone     inventory.ID
	URL      string // both forms of driver-management 2
	Capacity int64  // bytes, required
	Tags     string // storage tags, parted by commas; the name when empty
	Details  map[string]string
}

// String names the pool without its URL.
func (r PoolRequest) String() string { return fmt.Sprintf("pool %q in zone %d", r.Name, r.Zone) }

// GoString is String, so that %#v shows no token either.
func (r PoolRequest) GoString() string { return r.String() }

// LogValue is String.
func (r PoolRequest) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Initialize registers a pool and returns its row's id; nothing is made on StorPool. A [*URLError] names the wrong part
// of the URL; [ErrRefused] is wrapped when the template does not exist or another pool has it already.
func (d *Driver) Initialize(ctx context.Context, r PoolRequest) (inventory.ID, error) {
	d.log.InfoContext(ctx, "initialize", "pool", d.rules.describeRequest(r))
	id, err := d.initialize(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("initialize pool %q: %w", r.Name, err)
	}
	return id, nil
}

func (d *Driver) initialize(ctx context.Context, r PoolRequest) (inventory.ID, error) {
	desc, err := d.rules.parseURL(r.URL)
	if err == nil {
		err = d.rules.checkDescriptor(desc)
	}
	if err != nil {
		return 0, err
	}
	unlock, err := d.lockKey(ctx, "initialize")
	if err != nil {
		return 0, err
	}
	defer unlock()
	if err := d.templateExists(ctx, desc); err != nil {
		return 0, err
	}
	if err := d.rules.unique(ctx, d, desc); err != nil {
		return 0, err
	}
	if r.Capacity <= 0 {
		return 0, fmt.Errorf("capacityBytes is missing: %w", ErrRefused)
	}
	if r.Tags == "" {
		r.Tags = r.Name
	}
	var id inventory.ID
	err = d.inv.Update(func(tx *inventory.Tx) error {
		if _, err := tx.Zones.Must(r.Zone); err != nil {
			return err
		}
		id = d.putPool(tx, r, desc)
		return nil
	})
	return id, err
}

// putPool stores the row and the details of a new pool (driver-management 6).
func (d *Driver) putPool(tx *inventory.Tx, r PoolRequest, desc descriptor) inventory.ID {
	id := tx.Pools.Put(inventory.Pool{
		UUID: desc.template + ";" + d.newID(), Name: r.Name, Zone: r.Zone, Provider: inventory.StorPool,
		Type: inventory.StorPool, State: inventory.PoolInitial, Host: "n/a", Path: byIDPrefix, Tags: r.Tags,
		Capacity: r.Capacity, Hypervisor: KVM,
	}).ID
	for name, value := range r.Details {
		tx.Details.Set(inventory.Owner{Kind: inventory.OfPool, ID: id}, name, value)
	}
	putDescriptor(tx, id, desc)
	return id
}

// templateExists checks the template, and with it address and token.
func (d *Driver) templateExists(ctx context.Context, desc descriptor) error {
	client, err := d.client(desc)
	if err != nil {
		return err
	}
	_, err = client.VolumeTemplateDescribe(ctx, desc.template)
	if errors.Is(err, spapi.ErrNotFound) {
		return fmt.Errorf("no StorPool template %q at %s, or bad credentials: %w", desc.template, desc.hostPort, ErrRefused)
	}
	return err
}

// namedPool is an existing pool with a connection that it uses or may use.
type namedPool struct {
	name        string
	desc        descriptor
	alternative bool
}

// storPools lists the connections of all StorPool pools; unparsable gets what has none.
func (d *Driver) storPools(unparsable func(name string, err error) error) (out []namedPool, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		for _, p := range tx.Pools.All(func(p inventory.Pool) bool { return p.Provider == inventory.StorPool }) {
			desc := ownDescriptor(tx, p.ID)
			if desc.hostPort == "" || desc.token == "" || desc.template == "" {
				if desc, err = d.rules.parseURL(p.UUID); err != nil {
					if err = unparsable(p.Name, err); err != nil {
						return err
					}
					continue
				}
			}
			out = append(out, namedPool{p.Name, desc, false})
			other := tx.Details.Of(inventory.Owner{Kind: inventory.OfPool, ID: p.ID})[SettingAlternativeEndpoint]
			if alt, err := d.rules.parseURL(other); err == nil {
				alt.template = d.rules.alternativeTemplate(desc.template, alt.template)
				out = append(out, namedPool{p.Name, alt, true})
			}
		}
		return nil
	})
	return out, err
}

// uniqueOnCluster refuses a template that another pool has on the same StorPool cluster, whatever its address (D-19).
func uniqueOnCluster(ctx context.Context, d *Driver, desc descriptor) error {
	pools, err := d.storPools(func(name string, err error) error {
		d.log.WarnContext(ctx, "a pool without a readable connection is left out of the comparison", "pool", name, "error", err)
		return nil
	})
	if err != nil {
		return err
	}
	own := ""
	for _, p := range pools {
		if p.desc.template != desc.template {
			continue
		}
		taken := fmt.Errorf("pool %q has template %q of this StorPool cluster already: %w", p.name, desc.template, ErrRefused)
		if p.desc.hostPort == desc.hostPort {
			return taken
		}
		if own == "" {
			if own, err = d.clusterID(ctx, desc); err != nil {
				return err
			}
		}
		theirs, err := d.clusterID(ctx, p.desc)
		if err != nil {
			d.log.WarnContext(ctx, "the StorPool cluster of a pool is not known", "pool", p.name, "error", err)
		}
		if own != "" && theirs == own {
			return taken
		}
	}
	return nil
}

// clusterID asks an endpoint for the id of its cluster; empty when StorPool does not say.
func (d *Driver) clusterID(ctx context.Context, desc descriptor) (string, error) {
	client, err := d.client(desc)
	if err != nil {
		return "", err
	}
	return client.ClusterID(ctx)
}

// AttachZone connects every host of the pool's zone that is up, and brings the pool up even if none could be connected.
func (d *Driver) AttachZone(ctx context.Context, pool inventory.ID, hypervisor string) error {
	if !strings.EqualFold(hypervisor, KVM) {
		return fmt.Errorf("attach pool %d: hypervisor %s is unsupported: %w", pool, hypervisor, ErrRefused)
	}
	var hosts []inventory.Host
	err := d.inv.View(func(tx *inventory.Tx) error {
		p, err := tx.Pools.Must(pool)
		hosts = tx.Hosts.All(func(h inventory.Host) bool { return h.Zone == p.Zone && h.State == inventory.HostUp })
		return err
	})
	if err != nil {
		return fmt.Errorf("attach pool: %w", err)
	}
	for _, h := range hosts {
		if err := d.HostConnect(ctx, h.ID, pool); err != nil {
			d.log.WarnContext(ctx, "host left out of the pool", "host", h.Name, "pool", pool, "error", err)
		}
	}
	return d.setPoolState(pool, inventory.PoolUp)
}

// AttachCluster refuses: pools are zone-wide only (driver-management 7.2).
func (d *Driver) AttachCluster(_ context.Context, pool, cluster inventory.ID) error {
	return fmt.Errorf("attach pool %d to cluster %d: only zone-wide pools are possible: %w", pool, cluster, ErrRefused)
}

// AttachHost does nothing; hosts are connected by [Driver.HostConnect].
func (d *Driver) AttachHost(context.Context, inventory.ID, inventory.ID) error { return nil }

// Maintain puts a pool into maintenance; CloudStack has stopped the VMs and disconnected the hosts.
func (d *Driver) Maintain(_ context.Context, pool inventory.ID) error {
	return d.setPoolState(pool, inventory.PoolMaintenance)
}

// CancelMaintain brings a pool up again; CloudStack connects the hosts.
func (d *Driver) CancelMaintain(_ context.Context, pool inventory.ID) error {
	return d.setPoolState(pool, inventory.PoolUp)
}

// Enable brings a disabled pool up.
func (d *Driver) Enable(_ context.Context, pool inventory.ID) error {
	return d.setPoolState(pool, inventory.PoolUp)
}

// Disable takes a pool out of use for new volumes.
func (d *Driver) Disable(_ context.Context, pool inventory.ID) error {
	return d.setPoolState(pool, inventory.PoolDisabled)
}

func (d *Driver) setPoolState(pool inventory.ID, to inventory.PoolState) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		return tx.Pools.Change(pool, func(p *inventory.Pool) { p.State = to })
	})
}

// UpdateStoragePool gives a pool new credentials or a new address after they were tried (D-40). Its template stays.
func (d *Driver) UpdateStoragePool(ctx context.Context, pool inventory.ID, newURL string) error {
	return d.rules.updatePool(ctx, d, pool, newURL)
}

func rotateCredentials(ctx context.Context, d *Driver, pool inventory.ID, newURL string) error {
	desc, err := d.rules.parseURL(newURL)
	if err == nil {
		err = d.rules.checkDescriptor(desc)
	}
	if err == nil {
		err = d.templateExists(ctx, desc)
	}
	if err != nil {
		return fmt.Errorf("update pool %d: %w", pool, err)
	}
	return d.inv.Update(func(tx *inventory.Tx) error {
		if _, err := tx.Pools.Must(pool); err != nil {
			return err
		}
		if own := ownDescriptor(tx, pool); own.template != desc.template {
			return fmt.Errorf("update pool %d: its template is %q and stays: %w", pool, own.template, ErrRefused)
		}
		putDescriptor(tx, pool, desc)
		return nil
	})
}

// describeRequest is what the log says about a request.
func describeRequest(r PoolRequest) string { return r.String() }
