package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const (
	actionHostConnect = "hostConnect"
	roleCheckVolume   = "check-volume-is-on-host"
	checkVolumeDetail = "SP_VOLUME_ON_CLUSTER"
	checkVolumeSize   = 512 // bytes
	featureDetail     = "SP-FEATURE"
)

// ErrNoStorPool is wrapped when a host has no StorPool, or belongs to a StorPool cluster that cannot see the pool.
var ErrNoStorPool = errors.New("the host cannot reach the pool's StorPool cluster")

// checkDetail is the pool detail that holds the check volume of a CloudStack cluster.
func checkDetail(cluster inventory.ID) string {
	return fmt.Sprintf("%s-%d", checkVolumeDetail, cluster)
}

// HostConnect connects a host to a pool: the host attaches the check volume of its cluster and tells its ids
// (driver-management 8.1). After an error the host is not among the pool's hosts; [ErrNoStorPool] is wrapped when it has no
// StorPool of this pool, an [*AgentError] when it failed or kept silent.
func (d *Driver) HostConnect(ctx context.Context, host, pool inventory.ID) error {
	if err := d.hostConnect(ctx, host, pool); err != nil {
		return fmt.Errorf("connect host %d to pool %d: %w", host, pool, err)
	}
	return nil
}

func (d *Driver) hostConnect(ctx context.Context, host, pool inventory.ID) error {
	c, err := d.connect(ctx, pool)
	if err != nil {
		return err
	}
	var h inventory.Host
	err = d.inv.View(func(tx *inventory.Tx) error {
		if h, err = tx.Hosts.Must(host); err != nil {
			return err
		}
		return featuresKnown(tx, pool)
	})
	if err != nil {
		return err
	}
	check, err := d.checkVolume(ctx, c, h.Cluster)
	if err != nil {
		return err
	}
	info, err := d.modifyPool(ctx, c, h, check)
	if errors.Is(err, ErrNoStorPool) {
		if check, err = d.rules.mendCheckVolume(ctx, d, c, h.Cluster, check, err); err == nil {
			info, err = d.modifyPool(ctx, c, h, check)
		}
	}
	if err != nil {
		return errors.Join(err, d.hostFailed(ctx, c, h, check, err))
	}
	return d.hostConnected(ctx, c, h, info)
}

// featuresKnown refuses a pool that a newer driver has marked with a feature; this one has none (driver-management 8.1).
func featuresKnown(tx *inventory.Tx, pool inventory.ID) error {
	marks := tx.Details.Named(inventory.OfPool, func(name string) bool { return strings.HasPrefix(name, featureDetail) })
	for _, mark := range marks {
		if mark.Owner.ID == pool {
			return fmt.Errorf("the pool needs feature %s of a newer driver: %w", mark.Name, ErrRefused)
		}
	}
	return nil
}

// checkVolume returns the device path of the check volume of a pool and a CloudStack cluster, and makes it when there is none.
func (d *Driver) checkVolume(ctx context.Context, c *conn, cluster inventory.ID) (path string, err error) {
	unlock, err := d.lockKey(ctx, fmt.Sprintf("check volume %d/%d", c.pool.ID, cluster))
	if err != nil {
		return "", err
	}
	defer unlock()
	owner, name := inventory.Owner{Kind: inventory.OfPool, ID: c.pool.ID}, checkDetail(cluster)
	err = d.inv.View(func(tx *inventory.Tx) error {
		path, _ = tx.Details.Get(owner, name)
		return nil
	})
	if err != nil || path != "" {
		return path, err
	}
	o, err := d.begin(actionHostConnect, inventory.Intent{Pool: c.pool.ID, Kind: inventory.OfCluster, Object: cluster})
	if err != nil {
		return "", err
	}
	defer o.end(ctx, &err)
	id, err := o.createVolume(ctx, "create check volume", c, spapi.VolumeCreate{
		Name: new(""), Size: checkVolumeSize, Template: c.template, Tags: spapi.Tags{tagRole: roleCheckVolume},
	})
	if err != nil {
		return "", err
	}
	winner, err := step(ctx, o, "record check volume", func(context.Context) (string, error) {
		return d.rules.recordCheckVolume(d, owner, name, devPath(id))
	}, nil)
	if err == nil && winner != devPath(id) { // another management server was faster
		err = deleteVolume(ctx, c, "~"+id)
	}
	return winner, err
}

// recordFirst stores the path unless there is one already, and returns what is stored (D-22).
func recordFirst(d *Driver, owner inventory.Owner, name, path string) (string, error) {
	err := d.inv.Update(func(tx *inventory.Tx) error {
		if _, err := tx.Pools.Must(owner.ID); err != nil {
			return err
		}
		if there, ok := tx.Details.Get(owner, name); ok {
			path = there
			return nil
		}
		tx.Details.Set(owner, name, path)
		return nil
	})
	return path, err
}

// modifyPool sends the host the pool with its check volume.
func (d *Driver) modifyPool(ctx context.Context, c *conn, h inventory.Host, check string) (agentapi.PoolInfo, error) {
	p := c.pool
	cmd := agentapi.ModifyStoragePool{
		Add: true, LocalPath: p.Path, CheckVolume: check,
		Pool: agentapi.Pool{UUID: p.UUID, Type: agentapi.PoolType(p.Type), Host: p.Host, Port: p.Port, Path: p.Path},
	}
	answer, err := d.agents.Send(ctx, h.ID, cmd)
	switch {
	case err != nil:
		return agentapi.PoolInfo{}, fmt.Errorf("send %s: %w", cmd.Command(), err)
	case answer == nil:
		return agentapi.PoolInfo{}, &AgentError{Command: cmd.Command(), Host: h.ID, Silent: true}
	case !answer.OK && (answer.Details == spapi.NameNotFound || answer.Details == "spNotFound"):
		return agentapi.PoolInfo{}, fmt.Errorf("%w: %s", ErrNoStorPool, answer.Details)
	case !answer.OK:
		details := answer.Details
		if details == spapi.NameInvalid { // all that hosts tell of it (SP-46)
			details += ": is SP_OURID of the host the id of a client of this cluster?"
		}
		return agentapi.PoolInfo{}, &AgentError{Command: cmd.Command(), Host: h.ID, Details: details}
	}
	info, ok := answer.Payload.(agentapi.PoolInfo)
	if !ok {
		return info, &AgentError{Command: cmd.Command(), Host: h.ID, Details: "the answer holds no pool"}
	}
	return info, nil
}

// remakeCheckVolume makes a check volume anew that is gone from StorPool; a host that has no StorPool is left alone.
func remakeCheckVolume(ctx context.Context, d *Driver, c *conn, cluster inventory.ID, check string, cause error) (string, error) {
	_, err := c.Volume(ctx, apiName(check, true))
	if !errors.Is(err, spapi.ErrNotFound) {
		return check, cause
	}
	owner := inventory.Owner{Kind: inventory.OfPool, ID: c.pool.ID}
	err = d.inv.Update(func(tx *inventory.Tx) error {
		if now, _ := tx.Details.Get(owner, checkDetail(cluster)); now == check {
			tx.Details.Delete(owner, checkDetail(cluster))
		}
		return nil
	})
	if err != nil {
		return check, errors.Join(cause, err)
	}
	return d.checkVolume(ctx, c, cluster)
}

// hostFailed takes a host that could not be connected out of the pool.
func (d *Driver) hostFailed(ctx context.Context, c *conn, h inventory.Host, check string, cause error) error {
	err := d.inv.Update(func(tx *inventory.Tx) error {
		if row, ok := poolHost(tx, c.pool.ID, h.ID); ok {
			tx.PoolHosts.Delete(row.ID)
		}
		return nil
	})
	d.log.WarnContext(ctx, "host alert: not connected", "host", h.Name, "pool", c.pool.ID, "error", cause)
	return errors.Join(err, d.rules.afterFailedHost(ctx, d, c, h, check, cause))
}

// keepCheckVolume lets the other hosts keep the check volume that one host could not attach (D-22).
func keepCheckVolume(context.Context, *Driver, *conn, inventory.Host, string, error) error {
	return nil
}

func poolHost(tx *inventory.Tx, pool, host inventory.ID) (inventory.PoolHost, bool) {
	return tx.PoolHosts.Find(func(h inventory.PoolHost) bool { return h.Pool == pool && h.Host == host })
}

// hostConnected records what a connected host told.
func (d *Driver) hostConnected(ctx context.Context, c *conn, h inventory.Host, info agentapi.PoolInfo) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		row, there := poolHost(tx, c.pool.ID, h.ID)
		if !there {
			row = inventory.PoolHost{Pool: c.pool.ID, Host: h.ID}
		}
		path := strings.ReplaceAll(info.LocalPath, "//", "/")
		row.LocalPath = d.rules.localPath(row.LocalPath, path)
		tx.PoolHosts.Put(row)
		err := tx.Hosts.Change(h.ID, func(h *inventory.Host) { h.Parent = d.rules.clientID(h.Parent, info.ClientNodeID) })
		if err != nil {
			return err
		}
		cluster := inventory.Owner{Kind: inventory.OfCluster, ID: h.Cluster}
		known, _ := tx.Details.Get(cluster, SettingClusterID)
		id, conflict := d.rules.clusterOf(known, info.ClusterID)
		if conflict {
			d.log.WarnContext(ctx, "host alert: hosts of one cluster belong to several StorPool clusters",
				"host", h.Name, "known", known, "reported", info.ClusterID)
		}
		tx.Details.Set(cluster, SettingClusterID, id)
		if info.ClusterLocation != "" {
			tx.Details.Set(inventory.Owner{Kind: inventory.OfPool, ID: c.pool.ID}, SettingClusterLocation, info.ClusterLocation)
		}
		return nil
	})
}

// newest keeps what a host reported last.
func newest(_, reported string) string { return reported }

// firstCluster keeps the StorPool cluster that is known, and tells whether another one was reported (D-22).
func firstCluster(known, reported string) (id string, conflict bool) {
	if known == "" || known == noClusterID {
		return reported, false
	}
	return known, known != reported
}

// HostRemoved forgets the StorPool cluster of a CloudStack cluster that loses its last host (driver-management 8.2).
func (d *Driver) HostRemoved(_ context.Context, host, cluster inventory.ID) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		_, others := tx.Hosts.Find(func(h inventory.Host) bool { return h.Cluster == cluster && h.ID != host })
		owner := inventory.Owner{Kind: inventory.OfCluster, ID: cluster}
		if id, ok := tx.Details.Get(owner, SettingClusterID); ok && id != noClusterID && !others {
			tx.Details.Set(owner, SettingClusterID, noClusterID)
		}
		return nil
	})
}

// HostDisconnected takes note of a host that is gone; what it had attached stays until somebody detaches it.
func (d *Driver) HostDisconnected(ctx context.Context, host, pool inventory.ID) error {
	d.log.InfoContext(ctx, "host disconnected", "host", host, "pool", pool)
	return nil
}
