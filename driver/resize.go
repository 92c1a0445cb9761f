package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// ResizeRequest is what CloudStack asks of a resize. The zero value of a member asks for no change of it.
type ResizeRequest struct {
	Size     int64          // bytes as CloudStack counts them, without the room of a LUKS header
	MaxIOPS  *int64         // 0 is unlimited
	Offering inventory.ID   // new disk offering
	ShrinkOK bool           // the caller accepts to lose what is beyond Size
	Instance string         // name of the running VM, empty when there is none
	Hosts    []inventory.ID // where that VM runs; empty when there is none
}

// Resize changes size, IOPS limit, tier and placement template of a volume (driver-management 9.3). When the guest
// could not be told of a grow the volume keeps the new size and Result.Notice says so.
func (d *Driver) Resize(_ context.Context, volume inventory.ID, _ ResizeRequest) (Result, error) {
	return Result{}, fmt.Errorf("resize volume %d: %w", volume, ErrNotBuilt)
}
