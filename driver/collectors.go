package driver

import (
	"context"
	"fmt"
)

// SyncDelayedDeletes brings the records of safety snapshots that StorPool has expired to their end
// (driver-management 13.1). Without a complete listing nothing changes.
func (d *Driver) SyncDelayedDeletes(_ context.Context) error {
	return fmt.Errorf("look for expired snapshots: %w", ErrNotBuilt)
}
