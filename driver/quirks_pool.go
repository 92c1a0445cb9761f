package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// defect describes a quirk that can be switched on.
func defect(id, severity, source, reason string, also ...string) quirk.Info {
	return quirk.Info{ID: id, Also: also, Severity: severity, Source: "driver-management " + source, Reason: reason}
}

// hidden describes a defect that cannot be shown here.
func hidden(id, severity, source, reason, why string, also ...string) quirk.Quirk[rules] {
	info := defect(id, severity, source, reason, also...)
	info.Inexpressible = why
	return quirk.Quirk[rules]{Info: info}
}

// poolQuirks are the defects of connections, calls, hosts and the lifecycle.
func poolQuirks() []quirk.Quirk[rules] {
	return slices.Concat(callQuirks(), lifecycleQuirks(), hostQuirks(), statsQuirks())
}

func callQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info:  defect("D-17", "C", "3.1, 10.2", "sp.bypass.secondary.storage is defined and never read", "SUS-4", "S-1"),
			Apply: func(r *rules) { r.bypass = bypassByBackup },
		},
		{
			Info: defect("D-18", "C", "2", "a URL is told apart by whether it is a URI: bare names and addresses without a port die "+
				"with a misleading scheme error, a missing port or host is accepted, a token with = is dropped"),
			Apply: func(r *rules) { r.parseURL, r.checkDescriptor = upstreamURL, presentDescriptor },
		},
		{
			Info: defect("D-20a", "C", "4", "no timeouts, no repetition, transient errors are final", "SUS-19"),
			Apply: func(r *rules) {
				r.calls = func(cfg *spapi.Config) { cfg.Retry, cfg.Timeout = nil, -1 }
			},
		},
		{
			Info: defect("D-20b", "B", "15.4", "no object carries the operation that made it: after a lost answer or a crash nobody finds it"),
			Apply: func(r *rules) {
				r.markOperation = func(tags spapi.Tags, _ string) spapi.Tags { return tags }
			},
		},
		{
			Info:  defect("D-20c", "C", "1, 4", "an answer without a name becomes the path /dev/storpool-byid/null"),
			Apply: func(r *rules) { r.volumeID, r.snapshotID = volumeIDOrNull, snapshotIDOrNull },
		},
		{
			Info: defect("D-21", "B", "15.2", "the cluster of an object is asked for by an update call, compared as a substring, over all zones; "+
				"the first host is taken whatever its state", "SUS-12"),
			Apply: func(r *rules) { r.hostNear = firstHost },
		},
		{
			Info:  defect("D-34a", "C", "2", "the alternative endpoint replaces the pool's template silently, by none as well"),
			Apply: func(r *rules) { r.alternativeTemplate = func(_, alternative string) string { return alternative } },
		},
		{
			Info: defect("D-34b", "C", "2", "a legacy pool changes its UUID while hosts know it by the old one"),
			Apply: func(r *rules) {
				r.mayRenamePool = func(*inventory.Tx, inventory.ID) bool { return true }
			},
		},
		hidden("D-34c", "C", "2", "two callers migrate one legacy pool at once and insert its details twice",
			"the inventory holds one detail of a name and changes in transactions"),
		hidden("D-25z", "C", "15.4, 15.5", "used_bytes is read and written apart, so that updates get lost",
			"the inventory changes in transactions: a read and its write cannot be parted"),
	}
}

func lifecycleQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-19", "C", "7.1", "pools are compared by address and template as text; a second address of a cluster passes, "+
				"and one unparsable legacy pool blocks every creation"),
			Apply: func(r *rules) { r.unique = uniqueByText },
		},
		{
			Info: defect("D-23a", "B", "7.3", "a cached template without a local path is deleted as an object without a name; its install path is not considered"),
			Apply: func(r *rules) {
				r.cachedName = func(t inventory.TemplatePool) (string, bool) { return apiName(t.LocalPath, true), true }
				r.deleteCached = deleteUnnamed
			},
		},
		{
			Info:  defect("D-23b", "B", "7.3", "a cached template that is missing on StorPool ends the deletion of the pool"),
			Apply: func(r *rules) { r.evicted = func(err error) error { return err } },
		},
		{
			Info:  defect("D-23c", "B", "7.3", "check volumes are deleted after the pool's row is gone, and failures are ignored"),
			Apply: func(r *rules) { r.retirePool = retirePoolRowFirst },
		},
		{
			Info:  defect("D-23d", "B", "7.3", "a pool is deleted although volumes live on it"),
			Apply: func(r *rules) { r.poolInUse = snapshotsInUse },
		},
		{
			Info: defect("D-36a", "C", "7.1", "the request with the URL and its token is written to the log", "SUS-19", "S-31"),
			Apply: func(r *rules) {
				r.describeRequest = func(p PoolRequest) string { return p.String() + " url " + p.URL }
			},
		},
		hidden("D-41", "C", "18", "marks of unfinished work are left in code and documents", "a text, not a behaviour"),
		hidden("D-36b", "C", "7.1", "the token is stored in clear details", "the inventory has no other form to store it in"),
		{
			Info: defect("D-40", "C", "7.1", "new credentials of a pool are only logged"),
			Apply: func(r *rules) {
				r.updatePool = func(context.Context, *Driver, inventory.ID, string) error { return nil }
			},
		},
	}
}

func hostQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-22a", "B", "8.1", "one silent host, or one without StorPool, force-deletes the check volume that all others have attached"),
			Apply: func(r *rules) {
				r.afterFailedHost = dropCheckVolume
				r.mendCheckVolume = func(_ context.Context, _ *Driver, _ *conn, _ inventory.ID, check string, cause error) (string, error) {
					return check, cause
				}
			},
		},
		{
			Info: defect("D-22b", "B", "8.1", "the local path that a known host reports is not saved"),
			Apply: func(r *rules) {
				r.localPath = keepKnown
			},
		},
		{
			Info:  defect("D-22c", "B", "8.1", "a host's client id is stored once and never refreshed, so that HA asks about the wrong client"),
			Apply: func(r *rules) { r.clientID = keepKnown },
		},
		{
			Info: defect("D-22d", "B", "8.1", "sp.cluster.id flips with each host when a CloudStack cluster spans StorPool clusters"),
			Apply: func(r *rules) {
				r.clusterOf = func(_, reported string) (string, bool) { return reported, false }
			},
		},
		{
			Info:  defect("D-22e", "B", "8.1", "of two management servers that make a check volume at once the last one wins and the other's volume leaks"),
			Apply: func(r *rules) { r.recordCheckVolume = recordLast },
		},
	}
}

// bypassByBackup reads CloudStack's own switch only.
func bypassByBackup(d *Driver, tx *inventory.Tx, _ inventory.Pool) bool {
	return !d.flag(tx, SettingBackupToSecondary)
}

func volumeIDOrNull(v spapi.VolumeCreated) (string, error) {
	if v.Name == "" {
		return "null", nil
	}
	return strings.TrimPrefix(v.Name, "~"), nil
}

func snapshotIDOrNull(s spapi.SnapshotCreated) (string, error) {
	if s.SnapshotGlobalID == "" {
		return "null", nil
	}
	return s.SnapshotGlobalID, nil
}

// firstHost is the choice of driver-management 15.2.
func firstHost(ctx context.Context, d *Driver, c *conn, snapshot string) (inventory.ID, error) {
	storPool, err := c.SnapshotUpdate(ctx, snapshot, spapi.SnapshotUpdate{})
	if err != nil {
		return 0, err
	}
	var first inventory.Host
	found := false
	err = d.inv.View(func(tx *inventory.Tx) error {
		if tx.Clusters.Len() == 1 {
			return nil
		}
		near, ok := tx.Clusters.Find(func(c inventory.Cluster) bool {
			id, set := tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: c.ID}, SettingClusterID)
			return set && strings.Contains(storPool, id)
		})
		if !ok {
			return errors.New("no cluster has this StorPool cluster: please set sp.cluster.id")
		}
		first, found = tx.Hosts.Find(func(h inventory.Host) bool { return h.Cluster == near.ID })
		return nil
	})
	if err != nil || found {
		return first.ID, err
	}
	return d.anyHost(c.pool.ID)
}

// uniqueByText compares address and template as they are written.
func uniqueByText(_ context.Context, d *Driver, desc descriptor) error {
	pools, err := d.storPools(func(name string, err error) error { return fmt.Errorf("pool %q: %w", name, err) })
	if err != nil {
		return err
	}
	for _, p := range pools {
		if p.alternative {
			continue
		}
		if p.desc.hostPort == desc.hostPort && p.desc.template == desc.template {
			return fmt.Errorf("pool %q has template %q already: %w", p.name, desc.template, ErrRefused)
		}
	}
	return nil
}

// deleteUnnamed sends the deletion of a snapshot whatever its name is.
func deleteUnnamed(ctx context.Context, c *conn, name string) error {
	if name != "" {
		return deleteSnapshot(ctx, c, name)
	}
	if err := c.VolumesReassign(ctx, spapi.Reassign{Detach: spapi.Everybody(), Force: true}); err != nil {
		return err
	}
	return c.SnapshotDelete(ctx, "null")
}

func retirePoolRowFirst(ctx context.Context, o *op, c *conn) error {
	checks := o.d.checkVolumes(c.pool.ID)
	if err := act(ctx, o, "delete pool", func(context.Context) error { return o.d.forgetPool(c.pool.ID) }, nil); err != nil {
		return err
	}
	return act(ctx, o, "delete check volumes", func(ctx context.Context) error {
		for _, name := range checks {
			_ = deleteVolume(ctx, c, name) // ignored: the defect
		}
		return nil
	}, nil)
}

// dropCheckVolume deletes the check volume for everybody after one host kept silent or has no StorPool.
func dropCheckVolume(ctx context.Context, d *Driver, c *conn, h inventory.Host, check string, cause error) error {
	var agent *AgentError
	if silent := errors.As(cause, &agent) && agent.Silent; !silent && !errors.Is(cause, ErrNoStorPool) {
		return nil
	}
	_ = c.VolumeDelete(ctx, apiName(check, true), spapi.VolumeDelete{OnAttached: spapi.DetachForce}) // not looked at: the defect
	return d.inv.Update(func(tx *inventory.Tx) error {
		tx.Details.Delete(inventory.Owner{Kind: inventory.OfPool, ID: c.pool.ID}, checkDetail(h.Cluster))
		return nil
	})
}

func keepKnown(known, reported string) string {
	if known != "" {
		return known
	}
	return reported
}

func recordLast(d *Driver, owner inventory.Owner, name, path string) (string, error) {
	return path, d.inv.Update(func(tx *inventory.Tx) error {
		tx.Details.Set(owner, name, path)
		return nil
	})
}
