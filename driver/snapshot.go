package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// TakeSnapshot takes the StorPool snapshot of a snapshot row; Result.Path is its device path (driver-management 9.5).
func (d *Driver) TakeSnapshot(_ context.Context, snapshot inventory.ID) (Result, error) {
	return Result{}, fmt.Errorf("take snapshot %d: %w", snapshot, ErrNotBuilt)
}
