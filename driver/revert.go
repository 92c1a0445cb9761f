package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// RevertSnapshot brings a volume back to a snapshot; Result.Size is the size that the volume really has afterwards
// (driver-management 9.6). The VM must be stopped.
func (d *Driver) RevertSnapshot(_ context.Context, snapshot, volume inventory.ID) (Result, error) {
	return Result{}, fmt.Errorf("revert volume %d to snapshot %d: %w", volume, snapshot, ErrNotBuilt)
}
