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

	attachUpdate     func(v target, name, poolTemplate string) spapi.VolumeUpdate
	tagFailed        func(err error) error
	untagged         func(err error) (later bool, result error)
	offeringUpdate   func(p placement, poolTemplate string) spapi.VolumeUpdate
	offeringFailed   func(err error) error
	detachEverywhere func(ctx context.Context, c *conn, name string) error

	restoreParent   func(tx *inventory.Tx, s inventory.Snapshot, src Object) (name string, clone bool)
	sourceLimit     func(s inventory.Snapshot, base inventory.Volume) int64
	restoreBackup   func(ctx context.Context, o *op, c *conn, p restorePlan, cause error) (Result, error)
	bypassedBackup  func(p backupPlan) (Result, error)
	backupResult    func(answer *agentapi.Answer, host inventory.ID) (agentapi.Snapshot, error)
	backupFailed    func(ctx context.Context, o *op, c *conn, p backupPlan, cause error) error
	downloadInstead func(err error) bool
	rootSize        func(asked, onStorPool int64) int64
}

func correctObjects() objectRules {
	return objectRules{
		iopsLimit:    iopsLimit,
		deleteObject: deleteObject,
		freed:        freed,
		safetyFailed: itself,
		safetyStore:  func(pool inventory.Pool) inventory.ID { return pool.ID },

		attachUpdate:     attachUpdate,
		tagFailed:        itself,
		untagged:         untagged,
		offeringUpdate:   offeringUpdate,
		offeringFailed:   itself,
		detachEverywhere: detachEverywhere,

		restoreParent:   restoreParent,
		sourceLimit:     sourceLimit,
		restoreBackup:   restoreBackup,
		bypassedBackup:  stay,
		backupResult:    backupResult,
		backupFailed:    backupFailed,
		downloadInstead: downloadInstead,
		rootSize:        realSize,
	}
}

// itself reports a failure as it is.
func itself(err error) error { return err }
