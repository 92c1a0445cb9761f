package driver

import (
	"context"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// objectRules are the decisions about volumes, snapshots and templates.
type objectRules struct {
	iopsLimit    func(s limitSite, f limitFacts) *int64
	deleteObject func(ctx context.Context, c *conn, name string) error
	freed        func(v inventory.Volume, found bool) int64
	safetyFailed func(err error) error
	safetyStore  func(pool inventory.Pool) inventory.ID
	safetyTaken  func(o *op)

	attachUpdate     func(v target, name, poolTemplate string) spapi.VolumeUpdate
	tagged           func(err error) (later bool, result error)
	untagged         func(err error) (later bool, result error)
	offeringUpdate   func(p placement, poolTemplate string) spapi.VolumeUpdate
	offeringFailed   func(err error) error
	detachEverywhere func(ctx context.Context, c *conn, name string) error

	restoreParent   func(tx *inventory.Tx, s inventory.Snapshot, src Object) (name string, clone bool)
	restoreBackup   func(ctx context.Context, o *op, c *conn, p restorePlan, cause error) (Result, error)
	backupResult    func(answer *agentapi.Answer, host inventory.ID) (agentapi.Snapshot, error)
	backupFailed    func(ctx context.Context, o *op, c *conn, p backupPlan, cause error) error
	downloadInstead func(err error) bool
	cacheLost       func(ctx context.Context, d *Driver, template, pool inventory.ID, err error) (inventory.TemplatePool, error)
	rootSize        func(asked, onStorPool int64) int64

	resizeUpdate func(p resizePlan, poolTemplate string) spapi.VolumeUpdate
	notifies     func(p resizePlan) bool
	untold       func(p resizePlan, err error, res *Result) error
	resizeFailed func(ctx context.Context, o *op, c *conn, p resizePlan, err error) error
	grown        func(p resizePlan) int64

	revertible    func(p revertPlan) error
	bothExist     func(ctx context.Context, c *conn, p revertPlan) error
	revertRequest func(p revertPlan) spapi.VolumeRevert
	limitFailed   func(err error) error
	revertedSize  func(ctx context.Context, o *op, c *conn, p revertPlan) (int64, error)

	claims          func(tx *inventory.Tx, s inventory.Snapshot, zone inventory.ID) bool
	missingSnapshot func(ctx context.Context, o *op, r removal) (stop bool, err error)
	deleteBackup    func(ctx context.Context, d *Driver, ref inventory.SnapshotRef) error
	forgetSnapshot  func(tx *inventory.Tx, s inventory.Snapshot)
	deleteBases     func(ctx context.Context, d *Driver, template inventory.ID) error
	emptyZoneEnds   func() bool
	present         func(clusters []spapi.ByCluster[spapi.Snapshot]) (map[string]bool, error)
	closeSafetyRef  func(tx *inventory.Tx, snapshot inventory.ID)
}

func correctObjects() objectRules {
	return objectRules{
		iopsLimit:    iopsLimit,
		deleteObject: deleteObject,
		freed:        freed,
		safetyFailed: itself,
		safetyStore:  func(pool inventory.Pool) inventory.ID { return pool.ID },
		safetyTaken:  func(*op) {},

		attachUpdate:     attachUpdate,
		tagged:           keepTrying,
		untagged:         untagged,
		offeringUpdate:   offeringUpdate,
		offeringFailed:   itself,
		detachEverywhere: detachEverywhere,

		restoreParent:   restoreParent,
		restoreBackup:   restoreBackup,
		backupResult:    backupResult,
		backupFailed:    backupFailed,
		downloadInstead: downloadInstead,
		cacheLost:       cacheAgain,
		rootSize:        realSize,

		resizeUpdate: resizeUpdate,
		notifies:     changesSize,
		untold:       untold,
		resizeFailed: resizeFailed,
		grown:        grown,

		revertible:    revertible,
		bothExist:     bothExist,
		revertRequest: revertRequest,
		limitFailed:   itself,
		revertedSize:  revertedSize,

		claims:          claims,
		missingSnapshot: goOn,
		deleteBackup:    deleteBackup,
		forgetSnapshot:  forgetSnapshot,
		deleteBases:     deleteBases,
		emptyZoneEnds:   func() bool { return false },
		present:         present,
		closeSafetyRef:  closeSafetyRef,
	}
}

// itself reports a failure as it is.
func itself(err error) error { return err }
