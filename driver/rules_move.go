package driver

import (
	"context"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// moveRules are the decisions about templates that are made and volumes that go elsewhere.
type moveRules struct {
	bake           func(ctx context.Context, o *op, c *conn, p templatePlan) (base string, out agentapi.Template, err error)
	templateAnswer func(answer *agentapi.Answer, host inventory.ID) (out agentapi.Template, made bool, err error)
	templateFailed func(d *Driver, template, pool inventory.ID) error
	workLeft       func(o *op, err error)

	movesLive     func(vm inventory.VM) (bool, error)
	visible       func(ctx context.Context, c *conn, name string) error
	moveUpdate    func(p movePlan, poolTemplate string) spapi.VolumeUpdate
	moveTemplate  func(p placement, pool string) string
	moveTags      func(p movePlan) spapi.Tags
	moved         func(size int64) int64
	temporaryLife func(wait time.Duration) int64
	temporaryLeft func(o *op, err error)
	importRequest func(p movePlan, poolTemplate string) spapi.VolumeCreate
	importHost    func(d *Driver, p movePlan) (inventory.ID, error)
	importedSize  func(ctx context.Context, c *conn, gid string, asked int64) (int64, error)
	importFailed  func(ctx context.Context, o *op, c *conn, p movePlan)

	migrateSite     func() tagSite
	migrateTemplate func(p placement, pool string) string
	migrationFailed func(ctx context.Context, o *op, p *migration, err error) error
}

func correctMoves() moveRules {
	return moveRules{
		bake:           bakeFromSnapshot,
		templateAnswer: templateAnswer,
		templateFailed: func(*Driver, inventory.ID, inventory.ID) error { return nil },
		workLeft:       nothingMore,

		movesLive:     movesLive,
		visible:       visible,
		moveUpdate:    moveUpdate,
		moveTemplate:  moveTemplate,
		moveTags:      moveTags,
		moved:         func(size int64) int64 { return size },
		temporaryLife: temporaryLife,
		temporaryLeft: nothingMore,
		importRequest: importRequest,
		importHost:    importHost,
		importedSize:  importedSize,
		importFailed:  func(context.Context, *op, *conn, movePlan) {},

		migrateSite:     func() tagSite { return siteMove },
		migrateTemplate: moveTemplate,
		migrationFailed: func(_ context.Context, _ *op, _ *migration, err error) error { return err },
	}
}
