package driver

import (
	"context"

	"github.com/spsim/spsim/driver/inventory"
)

// objectRules are the decisions about volumes, snapshots and templates.
type objectRules struct {
	iopsLimit    func(s limitSite, f limitFacts) *int64
	deleteObject func(ctx context.Context, c *conn, name string) error
	freed        func(v inventory.Volume, found bool) int64
	safetyFailed func(err error) error
	safetyStore  func(pool inventory.Pool) inventory.ID
}

func correctObjects() objectRules {
	return objectRules{
		iopsLimit:    iopsLimit,
		deleteObject: deleteObject,
		freed:        freed,
		safetyFailed: func(err error) error { return err },
		safetyStore:  func(pool inventory.Pool) inventory.ID { return pool.ID },
	}
}
