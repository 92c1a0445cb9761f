package driver

import (
	"context"
	"fmt"
)

// DeleteAsync deletes a volume or a snapshot on primary storage; a missing object is success (driver-management 9.4).
// Other kinds are refused.
func (d *Driver) DeleteAsync(_ context.Context, o Object) error {
	return fmt.Errorf("delete %s: %w", o, ErrNotBuilt)
}
