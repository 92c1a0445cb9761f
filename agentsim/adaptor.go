package agentsim

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
)

// Capacity is what every StorPool pool reports: 100 PiB (agent 5).
const Capacity int64 = 100 << 50

// Pool is a pool as the agent's volatile map holds it. Its used and available bytes are 0, its default format raw.
type Pool struct {
	agentapi.Pool
	NodeID string // SP_OURID when the object was built; empty when unreadable
}

// PhysicalDisk is a disk as the agent describes it. Its format is raw.
type PhysicalDisk struct {
	Name string
	Path string
	Size int64 // bytes; 0 while the device is not there
}

// DiskDetails is the map that CloudStack hands to disconnectPhysicalDisk, as far as it matters.
type DiskDetails struct {
	UUID string // a bare UUID
	Path string // the install path
}

// Adaptor is the storage adaptor for pools of type StorPool (agent 4).
type Adaptor struct{ host *Host }

// Adaptor gives the host's storage adaptor.
func (h *Host) Adaptor() *Adaptor { return &Adaptor{h} }

// CreateStoragePool puts a pool into the map, in place of one of the same UUID.
func (a *Adaptor) CreateStoragePool(p agentapi.Pool) *Pool {
	h := a.host
	made := &Pool{Pool: p}
	if id, err := h.client(); err == nil {
		made.NodeID = strconv.Itoa(id)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pools[p.UUID] = made
	return made
}

// GetStoragePool looks a pool up; false when the map does not hold it, as after a restart of the agent.
func (a *Adaptor) GetStoragePool(uuid string) (*Pool, bool) {
	a.host.mu.Lock()
	defer a.host.mu.Unlock()
	p, ok := a.host.pools[uuid]
	return p, ok
}

// DeleteStoragePool takes a pool out of the map and touches nothing on StorPool. It tells whether the pool was there.
func (a *Adaptor) DeleteStoragePool(uuid string) bool {
	a.host.mu.Lock()
	defer a.host.mu.Unlock()
	_, ok := a.host.pools[uuid]
	delete(a.host.pools, uuid)
	return ok
}

// Refresh does nothing, with success.
func (a *Adaptor) Refresh(*Pool) bool { return true }

// GetPhysicalDisk describes a disk without attaching it. A device that is missing has size 0.
func (a *Adaptor) GetPhysicalDisk(ctx context.Context, path string) PhysicalDisk {
	return PhysicalDisk{Name: path, Path: path, Size: a.host.deviceSize(ctx, path)}
}

// ConnectPhysicalDisk attaches a volume. It tells whether the device has appeared.
func (a *Adaptor) ConnectPhysicalDisk(ctx context.Context, path string) (bool, error) {
	return a.host.attach(ctx, volumeKind, path)
}

// DisconnectPhysicalDisk detaches a volume; false when the path is not StorPool's.
func (a *Adaptor) DisconnectPhysicalDisk(ctx context.Context, path string) (bool, error) {
	return a.host.detach(ctx, volumeKind, path)
}

// DisconnectPhysicalDiskOf detaches the volume that a map describes; false when it is not StorPool's.
func (a *Adaptor) DisconnectPhysicalDiskOf(ctx context.Context, d DiskDetails) (bool, error) {
	return a.host.detach(ctx, volumeKind, a.host.rules.pathOf(d))
}

// DisconnectPhysicalDiskByPath is asked for every disk of every storage type; false when the path is not StorPool's.
func (a *Adaptor) DisconnectPhysicalDiskByPath(ctx context.Context, path string) (bool, error) {
	return a.host.detach(ctx, volumeKind, path)
}

// DeletePhysicalDisk deletes the cached snapshot of a template, without a retry and without detaching it first.
func (a *Adaptor) DeletePhysicalDisk(ctx context.Context, path string) error {
	name, err := ObjectName(path)
	if err != nil || name == "" {
		return fmt.Errorf("%w: delete %q, which is not on StorPool", ErrUnsupported, path)
	}
	if err := a.host.writeLog(ctx, "delete snapshot", path); err != nil {
		return err
	}
	if err := a.host.rules.gone(a.host.cfg.API.SnapshotDelete(ctx, name)); err != nil {
		return fmt.Errorf("%w: delete snapshot %s: %w", ErrUnsupported, name, err)
	}
	return nil
}

// resize is the primitive of agent 3.5: it always allows shrinking and works on detached volumes. False means that
// the path is not StorPool's.
func (a *Adaptor) resize(ctx context.Context, path string, size int64) (bool, error) {
	name, err := ObjectName(path)
	if err != nil || name == "" {
		return false, err
	}
	if err := a.host.writeLog(ctx, "resize", path); err != nil {
		return false, err
	}
	shrink := true
	err = a.host.cfg.API.VolumeUpdate(ctx, name, spapi.VolumeUpdate{Size: size, ShrinkOK: &shrink})
	if err != nil {
		return false, fmt.Errorf("resize volume %s: %w", name, err)
	}
	return true, nil
}

// CreateFolder does nothing and says so.
func (a *Adaptor) CreateFolder(_, _, _ string) bool { return false }

// ListPhysicalDisks is unsupported, like all that follows: volumes are created through the API only.
func (a *Adaptor) ListPhysicalDisks() ([]PhysicalDisk, error) { return nil, unsupported("list disks") }

// CreateTemplateFromDisk is unsupported.
func (a *Adaptor) CreateTemplateFromDisk() (*PhysicalDisk, error) {
	return nil, unsupported("create a template from a disk")
}

// CopyPhysicalDisk is unsupported.
func (a *Adaptor) CopyPhysicalDisk() (*PhysicalDisk, error) { return nil, unsupported("copy a disk") }

// CreateDiskFromSnapshot is unsupported.
func (a *Adaptor) CreateDiskFromSnapshot() (*PhysicalDisk, error) {
	return nil, unsupported("create a disk from a snapshot")
}

// CreateTemplateFromDirectDownloadFile caches a template on a pool from a file on the host (agent 10). The disk is the
// template's snapshot; its size is the virtual one.
func (a *Adaptor) CreateTemplateFromDirectDownloadFile(ctx context.Context, c agentapi.DirectDownload) (*PhysicalDisk, error) {
	r, err := a.host.begin(ctx, c)
	if err != nil {
		return nil, err
	}
	ans := r.execute(c) //nolint:contextcheck // begin took it
	if ans == nil {
		return nil, errDead
	}
	t, ok := ans.Payload.(agentapi.Template)
	if !ok {
		return nil, fmt.Errorf("direct download of template %s: %s", c.Template.Name, ans.Details)
	}
	return &PhysicalDisk{Name: t.Path, Path: t.Path, Size: t.Size}, nil
}

// CreatePhysicalDisk does nothing and gives no disk; so do the plugin's createDiskFromTemplate and
// createDiskFromTemplateBacking.
func (a *Adaptor) CreatePhysicalDisk() *PhysicalDisk { return nil }

func unsupported(what string) error { return fmt.Errorf("%w: %s on StorPool", ErrUnsupported, what) }
