package mgmt

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// DefaultPrimary is the provider of pools that CloudStack drives by itself: here NFS, on which hosts keep volumes as
// qcow2 files.
const DefaultPrimary = "DefaultPrimary"

// FilePoolSpec asks for a zone-wide primary pool on NFS.
type FilePoolSpec struct {
	Name     string
	Zone     inventory.ID
	URL      string // nfs://server/path; the export is made unless it is there
	Capacity int64  // bytes
}

// CreateFilePool adds a primary pool on NFS and connects every host that is up.
func (s *Server) CreateFilePool(ctx context.Context, spec FilePoolSpec) (p inventory.Pool, err error) {
	d, err := s.storage.Export(spec.URL)
	if err == nil {
		err = d.Close()
	}
	if err != nil {
		return p, fmt.Errorf("add pool %q: %w", spec.Name, err)
	}
	u, err := url.Parse(spec.URL)
	if err != nil {
		return p, fmt.Errorf("add pool %q: %w", spec.Name, err)
	}
	var hosts []inventory.Host
	err = s.update(func(tx *inventory.Tx) error {
		if _, err := tx.Zones.Must(spec.Zone); err != nil {
			return err
		}
		p = tx.Pools.Put(inventory.Pool{
			UUID: s.newID(), Name: spec.Name, Zone: spec.Zone, Provider: DefaultPrimary, Type: string(agentapi.NetworkFilesystem),
			State: inventory.PoolUp, Host: u.Host, Port: 2049, Path: u.Path, Capacity: spec.Capacity, Hypervisor: driver.KVM,
		})
		hosts = tx.Hosts.All(func(h inventory.Host) bool { return h.Zone == spec.Zone && h.State == inventory.HostUp })
		return nil
	})
	for _, h := range hosts {
		err = errors.Join(err, s.connect(ctx, h.ID, []inventory.Pool{p}))
	}
	return p, err
}

// PoolURL is the export of a pool of files.
func PoolURL(p inventory.Pool) string { return "nfs://" + p.Host + p.Path }

// byPool asks the driver of the pool that something is on, as core does: the plugin for StorPool's, for a pool of files
// CloudStack's own, which has hosts do the work.
type byPool struct {
	Driver
	s *Server
}

// files tells whether a pool is one of files, and reads it.
func (b *byPool) files(pool inventory.ID) (inventory.Pool, bool) {
	p, err := b.s.pool(pool)
	return p, err == nil && p.Provider == DefaultPrimary
}

// onFiles tells whether a volume is on a pool of files.
func (b *byPool) onFiles(volume inventory.ID) bool {
	v, err := b.s.volume(volume)
	if err != nil {
		return false
	}
	_, files := b.files(v.Pool)
	return files
}

func notOnFiles(what string, volume inventory.ID) error {
	return fmt.Errorf("%s of volume %d: this server does that on StorPool only", what, volume)
}

// HostConnect records that a host uses a pool of files; it mounts it when it needs it.
func (b *byPool) HostConnect(ctx context.Context, host, pool inventory.ID) error {
	if _, files := b.files(pool); !files {
		return b.Driver.HostConnect(ctx, host, pool)
	}
	return b.s.update(func(tx *inventory.Tx) error {
		_, known := tx.PoolHosts.Find(func(ph inventory.PoolHost) bool { return ph.Pool == pool && ph.Host == host })
		if !known {
			tx.PoolHosts.Put(inventory.PoolHost{Pool: pool, Host: host})
		}
		return nil
	})
}

// CreateAsync has a host make an empty file.
func (b *byPool) CreateAsync(ctx context.Context, o driver.Object) (driver.Result, error) {
	p, files := b.files(o.Store)
	if !files {
		return b.Driver.CreateAsync(ctx, o)
	}
	v, err := b.s.volume(o.ID)
	if err != nil {
		return driver.Result{}, err
	}
	to, left := poolTO(p), stray{"pool", p.ID, v.UUID}
	if err := b.s.noteStray(o.ID, left); err != nil {
		return driver.Result{}, err
	}
	file := agentapi.Volume{UUID: v.UUID, Name: v.Name, Size: v.Size, Pool: &to, Passphrase: b.s.secretOf(v)}
	made, err := b.s.askPool(ctx, p, agentapi.CreateVolume{Volume: file})
	if err != nil {
		return driver.Result{}, b.s.failedStray(o.ID, left, err)
	}
	out, _ := made.Payload.(agentapi.Volume)
	_, err = b.s.changeVolume(v.ID, func(v *inventory.Volume) { v.Path, v.PoolType = out.Path, p.Type })
	res := driver.Result{Path: out.Path, Size: v.Size, Format: string(agentapi.QCOW2), EncryptFormat: out.EncryptFormat}
	return res, errors.Join(err, b.s.keepStray(o.ID, left))
}

// DeleteAsync has a host remove the file of a volume.
func (b *byPool) DeleteAsync(ctx context.Context, o driver.Object) error {
	p, files := b.files(o.Store)
	if !files || o.Kind != driver.VolumeObject {
		return b.Driver.DeleteAsync(ctx, o)
	}
	v, err := b.s.volume(o.ID)
	if err != nil {
		return err
	}
	to := poolTO(p)
	_, err = b.s.askPool(ctx, p, agentapi.DeleteVolume{Volume: agentapi.Volume{UUID: v.UUID, Path: v.Path, Pool: &to}})
	return err
}

// askPool has a connected host do something on a pool of files.
func (s *Server) askPool(ctx context.Context, p inventory.Pool, cmd agentapi.Command) (*agentapi.Answer, error) {
	var host inventory.Host
	found := false
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		host, found = connected(tx, p.ID)
		return nil
	})
	if !found {
		return nil, fmt.Errorf("%s: no host of pool %d is up", cmd.Command(), p.ID)
	}
	return s.ask(ctx, host.ID, cmd)
}

// ProvideVMInfo has nothing to tell a pool of files.
func (b *byPool) ProvideVMInfo(ctx context.Context, vm, volume inventory.ID) error {
	if b.onFiles(volume) {
		return nil
	}
	return b.Driver.ProvideVMInfo(ctx, vm, volume)
}

// ProvideVMTags has nothing to tell a pool of files.
func (b *byPool) ProvideVMTags(ctx context.Context, vm, volume inventory.ID) error {
	if b.onFiles(volume) {
		return nil
	}
	return b.Driver.ProvideVMTags(ctx, vm, volume)
}

// RevokeAccess has nothing to revoke on a pool of files.
func (b *byPool) RevokeAccess(ctx context.Context, volume inventory.ID) error {
	if b.onFiles(volume) {
		return nil
	}
	return b.Driver.RevokeAccess(ctx, volume)
}

// DetachVolumeFromAllStorageNodes has nothing to detach on a pool of files.
func (b *byPool) DetachVolumeFromAllStorageNodes(ctx context.Context, volume inventory.ID) error {
	if b.onFiles(volume) {
		return nil
	}
	return b.Driver.DetachVolumeFromAllStorageNodes(ctx, volume)
}

// UpdateStorageWithTheNewDiskOffering has nothing to tell a pool of files.
func (b *byPool) UpdateStorageWithTheNewDiskOffering(ctx context.Context, volume, offering inventory.ID) error {
	if b.onFiles(volume) {
		return nil
	}
	return b.Driver.UpdateStorageWithTheNewDiskOffering(ctx, volume, offering)
}

// Resize refuses volumes on a pool of files.
func (b *byPool) Resize(ctx context.Context, volume inventory.ID, r driver.ResizeRequest) (driver.Result, error) {
	if b.onFiles(volume) {
		return driver.Result{}, notOnFiles("resize", volume)
	}
	return b.Driver.Resize(ctx, volume, r)
}
