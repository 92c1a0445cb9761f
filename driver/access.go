package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// ProvideVMInfo writes the tags of a volume that has been attached to a VM (driver-management 9.7). Pools of other
// providers are left alone.
func (d *Driver) ProvideVMInfo(_ context.Context, _, volume inventory.ID) error {
	return fmt.Errorf("tag volume %d: %w", volume, ErrNotBuilt)
}

// RevokeAccess clears the tags cvm, vc-policy and disk of a volume that no longer has a VM (driver-management 9.8).
func (d *Driver) RevokeAccess(_ context.Context, volume inventory.ID) error {
	return fmt.Errorf("untag volume %d: %w", volume, ErrNotBuilt)
}

// UpdateStorageWithTheNewDiskOffering gives a volume the tier and the placement template of an offering
// (driver-management 9.10). Sizes and limits are the business of [Driver.Resize].
func (d *Driver) UpdateStorageWithTheNewDiskOffering(_ context.Context, volume, _ inventory.ID) error {
	return fmt.Errorf("change offering of volume %d: %w", volume, ErrNotBuilt)
}

// DetachVolumeFromAllStorageNodes detaches a volume everywhere before its VM restarts elsewhere, and fails unless no
// attachment is left (driver-management 9.11).
func (d *Driver) DetachVolumeFromAllStorageNodes(_ context.Context, volume inventory.ID) error {
	return fmt.Errorf("detach volume %d: %w", volume, ErrNotBuilt)
}
