package driver

import (
	"context"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// encryptionRules are the decisions about encrypted volumes.
type encryptionRules struct {
	plain            func(v inventory.Volume, why string) error
	maySnapshot      func(d *Driver, tx *inventory.Tx, pool inventory.Pool, v inventory.Volume) error
	encryptionHost   func(ctx context.Context, d *Driver, c *conn, source string) (inventory.ID, error)
	encrypted        func(answer *agentapi.Answer, host inventory.ID, path string) (format string, err error)
	encryptionFailed func(ctx context.Context, o *op, c *conn, v target, gid string, e *cipher, cause error)
	counted          func(v inventory.Volume, size int64) int64
	rootRoom         func(asked, template int64, encrypted bool) int64
}

func correctEncryption() encryptionRules {
	return encryptionRules{
		plain: plain, maySnapshot: maySnapshot, encryptionHost: encryptionHost, encrypted: encrypted,
		encryptionFailed: letGo, counted: counted, rootRoom: rootRoom,
	}
}

// encryptionQuirks are the defects of encrypted volumes.
func encryptionQuirks() []quirk.Quirk[rules] { return append(proofQuirks(), roomQuirks()...) }

func proofQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-10a", "A", "9.2, 10.5", "a host that says yes has encrypted the volume, proof or not", "SUS-2"),
			Apply: func(r *rules) {
				r.encrypted = func(a *agentapi.Answer, host inventory.ID, _ string) (string, error) {
					out, err := payload[agentapi.Volume](a, agentapi.SetVolumeEncryption{}.Command(), host)
					return out.EncryptFormat, err
				}
			},
		},
		{
			Info: defect("D-10b", "B", "9.2, 10.5", "a volume that could not be encrypted stays on StorPool, a root volume without an owner", "S-19", "SUS-7"),
			Apply: func(r *rules) {
				r.encryptionFailed = leaveUnencrypted
			},
		},
		{
			Info: defect("D-10c", "B", "15.3", "a host for the encryption of a root volume is looked for in the cluster where the template's "+
				"snapshot was born, by a piece of its id"),
			Apply: func(r *rules) { r.encryptionHost = hostOfBirth },
		},
	}
}

func roomQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-10d", "A", "9.3", "the resize of an encrypted volume forgets its header: the last 2 MiB of the guest's disk are lost",
				"S-17", "SUS-16"),
			Apply: func(r *rules) {
				next := r.resizeUpdate
				r.resizeUpdate = func(p resizePlan, poolTemplate string) spapi.VolumeUpdate {
					u := next(p, poolTemplate)
					u.Size = p.Size
					return u
				}
			},
		},
		{
			Info: defect("D-10e", "A", "10, 15.3", "copies of encrypted volumes and snapshots that cannot work are not refused", "S-29"),
			Apply: func(r *rules) {
				r.plain = func(inventory.Volume, string) error { return nil }
				r.maySnapshot = func(*Driver, *inventory.Tx, inventory.Pool, inventory.Volume) error { return nil }
			},
		},
		{
			Info: defect("S-18", "A", "10.5", "a template is compared with a size that has the header in it: a root volume can be too small"),
			Apply: func(r *rules) {
				r.rootRoom = func(asked, template int64, encrypted bool) int64 {
					if size := spSize(asked, encrypted); size >= template {
						return size
					}
					return spSize(template, encrypted)
				}
			},
		},
		{
			Info: defect("D-25c", "C", "9.2, 15.5", "an encrypted volume is counted twice when it is created, and without its header when it is deleted", "SUS-7"),
			Apply: func(r *rules) {
				r.counted = twice
				next := r.freed
				r.freed = func(v inventory.Volume, found bool) int64 {
					if !v.Encrypted() {
						return next(v, found)
					}
					return max(next(v, found), -v.Size)
				}
			},
		},
		hidden("S-2", "A", "strategies 10.2", "encrypted volumes of running VMs may have snapshots when these are backed up, and may not when they stay",
			"the guard is CloudStack's: see the quirks of its core", "SUS-3"),
	}
}

// twice counts an encrypted volume once when it is made and once more when it is encrypted.
func twice(v inventory.Volume, size int64) int64 {
	if !v.Encrypted() {
		return size
	}
	if v.Template != 0 {
		return size + spSize(size, true)
	}
	return 2 * spSize(size, true)
}

// leaveUnencrypted keeps a volume that was not encrypted; an empty one gets into the inventory.
func leaveUnencrypted(_ context.Context, o *op, c *conn, v target, gid string, e *cipher, _ error) {
	if o.crashed {
		return
	}
	o.undo = nil
	if e.source != "" {
		return
	}
	err := o.d.inv.Update(func(tx *inventory.Tx) error {
		if err := charge(tx, c.pool.ID, spSize(v.row.Size, true)); err != nil {
			return err
		}
		return tx.Volumes.Change(v.row.ID, func(r *inventory.Volume) {
			r.Path, r.Pool, r.PoolType = devPath(gid), c.pool.ID, inventory.StorPool
		})
	})
	if err != nil {
		o.d.log.Warn("volume not recorded", "volume", v.row.ID, "error", err)
	}
}

// hostOfBirth is the choice of driver-management 15.3.
func hostOfBirth(ctx context.Context, d *Driver, c *conn, source string) (host inventory.ID, err error) {
	single := false
	if source != "" {
		err = d.inv.View(func(tx *inventory.Tx) error {
			if single = tx.Clusters.Len() == 1; single {
				return nil
			}
			near, ok := tx.Clusters.Find(func(c inventory.Cluster) bool {
				id, set := tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: c.ID}, SettingClusterID)
				return set && strings.Contains(source, id)
			})
			if !ok {
				return fmt.Errorf("no cluster has the StorPool cluster of %s: please set sp.cluster.id", source)
			}
			first, ok := tx.Hosts.Find(func(h inventory.Host) bool { return h.Cluster == near.ID && h.Encryption })
			if host = first.ID; !ok {
				return ErrNoHost
			}
			return nil
		})
	}
	if err != nil || host != 0 {
		return host, err
	}
	return d.hostAmong(ctx, c, "", func(h inventory.Host) bool { return h.Encryption })
}
