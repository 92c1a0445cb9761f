package agentsim

import (
	"context"
	"io"

	"github.com/spsim/spsim/driver/spapi"
)

// API is what a host asks of StorPool. A *spapi.Client without a retry policy is one: the agent makes one attempt.
type API interface {
	VolumesReassignWait(ctx context.Context, r spapi.ReassignWait) error
	VolumeUpdate(ctx context.Context, volume string, r spapi.VolumeUpdate) error
	VolumeCreate(ctx context.Context, r spapi.VolumeCreate, again *spapi.Again[spapi.VolumeCreated]) (spapi.VolumeCreated, error)
	VolumeSnapshot(
		ctx context.Context, volume string, r spapi.VolumeSnapshot, again *spapi.Again[spapi.SnapshotCreated],
	) (spapi.SnapshotCreated, error)
	VolumeDelete(ctx context.Context, volume string, r spapi.VolumeDelete) error
	SnapshotDelete(ctx context.Context, snapshot string) error
	ServicesList(ctx context.Context) (spapi.Services, error)
	LocationsList(ctx context.Context) ([]spapi.Location, error)
}

// Devices are the block devices that StorPool shows on one host.
type Devices interface {
	// Open opens /dev/storpool-byid/<globalId> or /dev/storpool/<name>; an error when it is not attached there.
	Open(ctx context.Context, path string) (Device, error)
}

// Device is an open block device. Reads and writes fail once the object is detached, writes also when it is
// attached read-only. A device that can tell where its data is also implements image.Extents.
type Device interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Discard makes a range read as zeros.
	Discard(off, n int64) error
	// Size is the present size in bytes; it follows a resize through the API at once.
	Size() (int64, error)
}

// kind is the word that the storpool program takes for an object.
type kind string

const (
	volumeKind   kind = "volume"
	snapshotKind kind = "snapshot"
)

// item is the request that `storpool -M attach|detach <kind> <name> here` makes.
func (k kind) item(name string) spapi.Reassign {
	if k == snapshotKind {
		return spapi.Reassign{Snapshot: name}
	}
	return spapi.Reassign{Volume: name}
}

// attachItem is `attach <kind> <name> here onRemoteAttached export` (agent 3.1).
func (k kind) attachItem(name string, client int) spapi.ReassignWait {
	r := k.item(name)
	r.OnRemoteAttached = "export"
	if k == snapshotKind {
		r.ReadOnly = []int{client}
	} else {
		r.ReadWrite = []int{client}
	}
	return spapi.ReassignWait{Reassign: []spapi.Reassign{r}}
}

// detachItem is `detach <kind> <name> here`, never forced (agent 3.2).
func (k kind) detachItem(name string, client int) spapi.ReassignWait {
	r := k.item(name)
	r.Detach = spapi.Clients{IDs: []int{client}}
	return spapi.ReassignWait{Reassign: []spapi.Reassign{r}}
}
