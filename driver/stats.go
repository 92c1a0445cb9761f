package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// Figures are bytes in use and in all.
type Figures struct{ Used, Size int64 }

// stats are the figures of the last collections, by the source that told them and by name on StorPool.
type stats struct {
	mu        sync.Mutex
	volumes   map[string]map[string]Figures
	templates map[string]map[string]Figures
}

// source is a connection that tells the figures of the pools of its key.
type source struct {
	key  string
	pool inventory.ID
}

// statsSources lists one connection for each key; the last pool of a key speaks for it.
func (d *Driver) statsSources() (out []source, err error) {
	var pools []inventory.Pool
	err = d.inv.View(func(tx *inventory.Tx) error {
		pools = tx.Pools.All(func(p inventory.Pool) bool { return p.Provider == inventory.StorPool })
		return nil
	})
	at := map[string]int{}
	for _, p := range pools {
		key, err := d.statsKey(p)
		if err != nil {
			return out, err
		}
		if n, ok := at[key]; ok {
			out[n].pool = p.ID
			continue
		}
		at[key] = len(out)
		out = append(out, source{key, p.ID})
	}
	return out, err
}

func (d *Driver) statsKey(p inventory.Pool) (key string, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		key = d.rules.statsKey(p, ownDescriptor(tx, p.ID))
		return nil
	})
	return key, err
}

// byEndpoint lets each StorPool endpoint speak for itself (D-30).
func byEndpoint(p inventory.Pool, desc descriptor) string {
	if desc.hostPort == "" {
		return fmt.Sprintf("pool %d", p.ID)
	}
	return desc.hostPort + " " + desc.token
}

// CanProvideVolumeStats tells whether volume statistics are collected at all.
func (d *Driver) CanProvideVolumeStats() bool { return d.periodSet(SettingVolumesStats) }

// CanProvideStorageStats tells whether template statistics are collected at all.
func (d *Driver) CanProvideStorageStats() bool { return d.periodSet(SettingStorageStats) }

func (d *Driver) periodSet(name string) (on bool) {
	_ = d.inv.View(func(tx *inventory.Tx) error { // never fails
		on = d.seconds(tx, name) > 0
		return nil
	})
	return on
}

// CollectVolumeStats asks StorPool for the space of all volumes (driver-management 13.1). Where it fails the last good
// figures stay; the error names each source that failed.
func (d *Driver) CollectVolumeStats(ctx context.Context) error {
	return collect(ctx, d, d.CanProvideVolumeStats(), &d.stats.volumes,
		func(ctx context.Context, c *conn, old map[string]Figures) (map[string]Figures, error) {
			clusters, err := c.AllVolumesSpace(ctx)
			if err != nil {
				return old, err
			}
			return d.rules.volumeFigures(old, clusters)
		})
}

// CollectStorageStats asks StorPool for the room of all templates, as CollectVolumeStats does for volumes.
func (d *Driver) CollectStorageStats(ctx context.Context) error {
	return collect(ctx, d, d.CanProvideStorageStats(), &d.stats.templates,
		func(ctx context.Context, c *conn, old map[string]Figures) (map[string]Figures, error) {
			clusters, err := c.AllTemplatesStatus(ctx)
			if err != nil {
				return old, err
			}
			return d.rules.templateFigures(old, clusters)
		})
}

func collect(ctx context.Context, d *Driver, on bool, into *map[string]map[string]Figures,
	ask func(context.Context, *conn, map[string]Figures) (map[string]Figures, error),
) error {
	if !on {
		return nil
	}
	sources, err := d.statsSources()
	errs := []error{err}
	for _, s := range sources {
		d.stats.mu.Lock()
		old := d.rules.oldFigures((*into)[s.key])
		if *into == nil {
			*into = map[string]map[string]Figures{}
		}
		(*into)[s.key] = old
		d.stats.mu.Unlock()
		c, err := d.connect(ctx, s.pool)
		if err == nil {
			var fresh map[string]Figures
			fresh, err = ask(ctx, c, old)
			d.stats.mu.Lock()
			(*into)[s.key] = fresh
			d.stats.mu.Unlock()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("statistics of pool %d: %w", s.pool, err))
		}
	}
	return errors.Join(errs...)
}

// keepFigures keeps the last good figures until there are new ones (D-30).
func keepFigures(old map[string]Figures) map[string]Figures { return old }

// volumeFigures lists the space of volumes. The figures of a cluster that failed stay as they were.
func volumeFigures(old map[string]Figures, clusters []spapi.ByCluster[spapi.VolumeSpace]) (map[string]Figures, error) {
	fresh, failed := listedVolumes(clusters)
	if failed == nil {
		return fresh, nil
	}
	out := maps.Clone(old)
	if out == nil {
		out = map[string]Figures{}
	}
	maps.Copy(out, fresh)
	return out, failed
}

// listedVolumes lists what the clusters tell, without what is being deleted or has a generated name.
func listedVolumes(clusters []spapi.ByCluster[spapi.VolumeSpace]) (map[string]Figures, error) {
	out := map[string]Figures{}
	var errs []error
	for _, cluster := range clusters {
		if cluster.Err != nil {
			errs = append(errs, fmt.Errorf("cluster %s: %w", cluster.ClusterID, cluster.Err))
		}
		for _, v := range cluster.Data {
			if !strings.HasPrefix(v.Name, "*") && !strings.Contains(v.Name, "@") {
				out[v.Name] = Figures{v.SpaceUsed, v.Size}
			}
		}
	}
	return out, errors.Join(errs...)
}

// templateFigures adds the room of each template up over all clusters. A sum without one of them is none (D-30).
func templateFigures(old map[string]Figures, clusters []spapi.ByCluster[spapi.TemplateStatus]) (map[string]Figures, error) {
	out := map[string]Figures{}
	for _, cluster := range clusters {
		if cluster.Err != nil {
			return old, fmt.Errorf("cluster %s: %w", cluster.ClusterID, cluster.Err)
		}
		addTemplates(out, cluster.Data)
	}
	return out, nil
}

func addTemplates(sums map[string]Figures, list []spapi.TemplateStatus) {
	for _, t := range list {
		sum := sums[t.Name]
		sum.Size += t.Stored.Capacity
		sum.Used += t.Stored.Capacity - t.Stored.Free
		sums[t.Name] = sum
	}
}

// GetVolumeStats returns the space of a volume by its path; false when it is not known (driver-management 9.13). Before
// the first collection a volume counts as full.
func (d *Driver) GetVolumeStats(pool inventory.ID, path string) (Figures, bool) {
	if path == "" {
		return Figures{}, false
	}
	var row inventory.Pool
	var v inventory.Volume
	found := false
	err := d.inv.View(func(tx *inventory.Tx) (err error) {
		v, found = tx.Volumes.Find(func(v inventory.Volume) bool {
			return v.Pool == pool && v.Path == path && v.State != inventory.VolumeExpunged && v.State != inventory.VolumeDestroy
		})
		row, err = tx.Pools.Must(pool)
		return err
	})
	if err != nil {
		return Figures{}, false
	}
	known := d.figures(row, &d.stats.volumes)
	if len(known) == 0 {
		return Figures{v.Size, v.Size}, found
	}
	figures, ok := known[apiName(path, true)]
	return figures, ok
}

// GetStorageStats returns the room of a pool's template; false when it is not known. The capacity on record follows it,
// with a line in the log (driver-management 7.4, 9.14).
func (d *Driver) GetStorageStats(ctx context.Context, pool inventory.ID) (Figures, bool, error) {
	var row inventory.Pool
	template := ""
	err := d.inv.View(func(tx *inventory.Tx) (err error) {
		row, err = tx.Pools.Must(pool)
		template = ownDescriptor(tx, pool).template
		return err
	})
	if err != nil {
		return Figures{}, false, err
	}
	figures, ok := d.figures(row, &d.stats.templates)[template]
	if !ok || figures.Size == row.Capacity {
		return figures, ok, nil
	}
	d.log.InfoContext(ctx, "the capacity of a pool follows its template", "pool", pool, "was", row.Capacity, "is", figures.Size)
	return figures, true, d.inv.Update(func(tx *inventory.Tx) error {
		return tx.Pools.Change(pool, func(p *inventory.Pool) { p.Capacity = figures.Size })
	})
}

// figures returns what is known from the source of a pool.
func (d *Driver) figures(p inventory.Pool, from *map[string]map[string]Figures) map[string]Figures {
	key, err := d.statsKey(p)
	if err != nil {
		return nil
	}
	d.stats.mu.Lock()
	defer d.stats.mu.Unlock()
	return (*from)[key]
}
