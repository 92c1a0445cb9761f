package driver

import (
	"context"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// poolRules are the decisions about pools, connections, hosts and accounting.
type poolRules struct {
	parseURL            func(text string) (descriptor, error)
	checkDescriptor     func(descriptor) error
	alternativeTemplate func(own, alternative string) string
	mayRenamePool       func(tx *inventory.Tx, pool inventory.ID) bool
	calls               func(*spapi.Config)
	volumeID            func(spapi.VolumeCreated) (string, error)
	snapshotID          func(spapi.SnapshotCreated) (string, error)
	markOperation       func(tags spapi.Tags, op string) spapi.Tags
	bypass              func(d *Driver, tx *inventory.Tx, p inventory.Pool) bool
	hostNear            func(ctx context.Context, d *Driver, c *conn, snapshot string) (inventory.ID, error)
}

func correctPool() poolRules {
	return poolRules{
		parseURL:            parseURL,
		checkDescriptor:     checkDescriptor,
		alternativeTemplate: ownTemplate,
		mayRenamePool:       nobodyConnected,
		calls:               patient,
		volumeID:            spapi.VolumeCreated.ID,
		snapshotID:          spapi.SnapshotCreated.ID,
		markOperation:       markOperation,
		bypass:              bypass,
		hostNear:            hostNear,
	}
}
