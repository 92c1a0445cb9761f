package driver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/internal/clock"
)

// Agents reaches the KVM agents.
type Agents interface {
	// Send executes cmd on a host. A nil answer is no answer: the host did not say whether it did anything.
	// An error means that the command was not delivered.
	Send(ctx context.Context, host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error)
}

// Config is what a driver is made of. Inventory and Agents are required.
type Config struct {
	Inventory *inventory.Store
	Agents    Agents
	// Images deletes files on secondary storage; without it a snapshot that has a backup cannot be deleted.
	Images ImageStore
	// Clock times retries, timeouts and leases; the machine's clock when nil.
	Clock clock.Clock
	// Transport carries the StorPool calls; net/http over TCP with keep-alive when nil.
	Transport http.RoundTripper
	// Log receives what happens, without tokens and passphrases; nothing when nil.
	Log *slog.Logger
	// Quirks selects upstream defects; correct behaviour when empty.
	Quirks quirk.Set
	// NewID makes the ids of pools and operations; random UUIDs when nil.
	NewID func() string
	// Owner names this management server in leases; two that share an inventory have different names.
	Owner string
	// Lease is how long an operation of this owner, and what it works on, is left alone by others once nothing is heard of
	// it; ten minutes when 0. While the operation runs its lease is prolonged.
	Lease time.Duration
	// AtStep, when set, is called at each step after its intent was written; an error stops the driver there as a crash
	// would: no undo runs. For crash sweeps and for recording the steps of an operation.
	AtStep func(ctx context.Context, op, step string) error
}

// Driver is the plugin. Its methods are safe for concurrent use; operations on one object follow one another, also
// those of other drivers on the same inventory.
type Driver struct {
	inv    *inventory.Store
	agents Agents
	images ImageStore
	clock  clock.Clock
	http   http.RoundTripper
	log    *slog.Logger
	newID  func() string
	owner  string
	lease  time.Duration
	atStep func(ctx context.Context, op, step string) error
	rules  rules
	locks  *clock.Locks
	// clients are kept so that connections stay open; active holds the rows of operations in progress here.
	clients clients
	active  active
	leases  leases
	keeper  keeper
	stats   stats
}

// New returns a driver, or an error that names the missing part of cfg.
func New(cfg Config) (*Driver, error) {
	if cfg.Inventory == nil {
		return nil, errors.New("driver: Config.Inventory is missing")
	}
	if cfg.Agents == nil {
		return nil, errors.New("driver: Config.Agents is missing")
	}
	d := &Driver{
		inv: cfg.Inventory, agents: cfg.Agents, images: cfg.Images, clock: cfg.Clock, http: cfg.Transport, log: cfg.Log,
		newID: cfg.NewID, owner: cfg.Owner, lease: cfg.Lease, atStep: cfg.AtStep,
	}
	if d.clock == nil {
		d.clock = clock.Real{}
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.newID == nil {
		d.newID = uuid.NewString
	}
	if d.owner == "" {
		d.owner = "management"
	}
	if d.lease == 0 {
		d.lease = 10 * time.Minute
	}
	if d.http == nil {
		d.http = spapi.NewTransport(d.clock)
	}
	d.locks = clock.NewLocks(d.clock)
	d.leases.held = map[string]bool{}
	d.rules = quirk.Apply(correct(), quirks(), cfg.Quirks.Has)
	return d, nil
}

// ObjectKind is the kind of a data object.
type ObjectKind string

// The kinds of data objects.
const (
	VolumeObject   ObjectKind = "VOLUME"
	SnapshotObject ObjectKind = "SNAPSHOT"
	TemplateObject ObjectKind = "TEMPLATE"
)

// Object is a volume, snapshot or template on a store, as CloudStack hands it to a driver.
type Object struct {
	Kind  ObjectKind
	ID    inventory.ID   // row of the volume, snapshot or template
	Role  inventory.Role // of the store
	Store inventory.ID   // pool or secondary store, by role
}

func (o Object) String() string {
	return fmt.Sprintf("%s %d on %s store %d", o.Kind, o.ID, o.Role, o.Store)
}

// Result is what an entry point hands back on success; CloudStack records it.
type Result struct {
	Path          string // device path, or path on secondary storage
	Size          int64  // bytes
	PhysicalSize  int64  // bytes on the store, where known
	Format        string
	EncryptFormat string
	Notice        string // what is left to be done although the operation succeeded
}
