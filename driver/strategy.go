package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// SnapshotOperation is an operation that CloudStack asks a snapshot strategy about.
type SnapshotOperation string

// The operations that CloudStack asks about.
const (
	SnapshotTake   SnapshotOperation = "TAKE"
	SnapshotBackup SnapshotOperation = "BACKUP"
	SnapshotDelete SnapshotOperation = "DELETE"
	SnapshotRevert SnapshotOperation = "REVERT"
	SnapshotCopy   SnapshotOperation = "COPY"
)

// ImageStore is CloudStack's own deletion on secondary storage.
type ImageStore interface {
	// DeleteSnapshotFile removes the file behind a store record of role Image; a missing file is success.
	DeleteSnapshotFile(ctx context.Context, ref inventory.SnapshotRef) error
}

// CanHandleSnapshot tells whether the snapshot strategy claims an operation: it does so for DELETE of a snapshot that
// has an object on StorPool (driver-management 12.1). A zone of 0 means every zone. It changes nothing.
func (d *Driver) CanHandleSnapshot(_, _ inventory.ID, _ SnapshotOperation) bool { return false }

// DeleteSnapshot deletes a snapshot on StorPool and through [Config.Images] on secondary storage, in one zone or
// everywhere (zone 0), and brings its records to their end (driver-management 12.1). It may be repeated.
func (d *Driver) DeleteSnapshot(_ context.Context, snapshot, _ inventory.ID) error {
	return fmt.Errorf("delete snapshot %d: %w", snapshot, ErrNotBuilt)
}

// DeleteTemplate deletes the base snapshots that StorPool keeps for a template. CloudStack calls it after the cached
// copies on the pools are gone (driver-management 18, D-6).
func (d *Driver) DeleteTemplate(_ context.Context, template inventory.ID) error {
	return fmt.Errorf("delete template %d: %w", template, ErrNotBuilt)
}
