package driver

import (
	"context"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// poolRules are the decisions about connections, calls and the choice of hosts, and those of the lifecycle.
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
	lifecycleRules
	hostRules
	statsRules
}

// lifecycleRules are the decisions about the making and the end of pools.
type lifecycleRules struct {
	describeRequest func(PoolRequest) string
	unique          func(ctx context.Context, d *Driver, desc descriptor) error
	updatePool      func(ctx context.Context, d *Driver, pool inventory.ID, newURL string) error
	poolInUse       func(tx *inventory.Tx, pool inventory.ID) error
	cachedName      func(inventory.TemplatePool) (name string, there bool)
	deleteCached    func(ctx context.Context, c *conn, name string) error
	evicted         func(err error) error
	retirePool      func(ctx context.Context, o *op, c *conn) error
}

// hostRules are the decisions about hosts that connect.
type hostRules struct {
	recordCheckVolume func(d *Driver, owner inventory.Owner, name, path string) (string, error)
	mendCheckVolume   func(ctx context.Context, d *Driver, c *conn, cluster inventory.ID, check string, cause error) (string, error)
	afterFailedHost   func(ctx context.Context, d *Driver, c *conn, h inventory.Host, check string, cause error) error
	localPath         func(known, reported string) string
	clientID          func(known, reported string) string
	clusterOf         func(known, reported string) (id string, conflict bool)
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
		statsRules:          correctStats(),
		lifecycleRules: lifecycleRules{
			describeRequest: describeRequest,
			unique:          uniqueOnCluster,
			updatePool:      rotateCredentials,
			poolInUse:       poolInUse,
			cachedName:      cachedName,
			deleteCached:    deleteSnapshot,
			evicted:         missingIsFine,
			retirePool:      retirePool,
		},
		hostRules: hostRules{
			recordCheckVolume: recordFirst,
			mendCheckVolume:   remakeCheckVolume,
			afterFailedHost:   keepCheckVolume,
			localPath:         newest,
			clientID:          newest,
			clusterOf:         firstCluster,
		},
	}
}
