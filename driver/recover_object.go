package driver

import (
	"context"
	"errors"

	"github.com/spsim/spsim/driver/inventory"
)

// objectRecoveries says how the operations on volumes and snapshots are recovered. One that only makes something needs
// nothing: what no row names is removed, and what a row names was recorded.
func objectRecoveries() map[string]recovery {
	return map[string]recovery{
		actionCreate:   {},
		actionSnapshot: {},
		actionDelete:   {forward: finishDelete},
	}
}

// finishDelete deletes a volume whose deletion had begun.
func finishDelete(ctx context.Context, d *Driver, i inventory.Intent) error {
	err := d.DeleteAsync(ctx, Object{Kind: VolumeObject, ID: i.Object, Role: inventory.Primary, Store: i.Pool})
	if errors.Is(err, inventory.ErrNotFound) {
		return nil // the volume's row is gone: the deletion was over
	}
	return err
}
