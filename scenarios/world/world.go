package world

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"

	"github.com/google/uuid"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// World is everything that a scenario needs. The exported members are fixed after [New].
type World struct {
	Inventory *inventory.Store
	Driver    *driver.Driver
	Mgmt      *mgmt.Server
	Fleet     *agentsim.Fleet
	Target    Target
	Clock     clock.Clock

	Zone     inventory.Zone
	Clusters []inventory.Cluster
	Hosts    []inventory.Host
	Store    inventory.SecondaryStore  // none with Options.NoSecondary
	Pool     inventory.Pool            // none with Options.NoPool
	Compute  inventory.ServiceOffering // a compute offering without a size of its own
	Disk     inventory.DiskOffering    // a disk offering of custom size
	ISO      inventory.Template

	opts    Options
	quirks  selection
	newID   func() string
	folder  string
	storage *secondary.Storage
	queue   *clock.Locks // of jobs, which the management servers share
	further []Server     // management servers beside Driver and Mgmt
	journal *journal
	observe observer
	book    *logbook
	log     *slog.Logger // writes the book
	vault   vault

	mu        sync.Mutex
	crashAt   string // "action/step"; empty for none
	crashed   bool
	lives     int // management servers so far
	excused   map[string]string
	web       map[inventory.ID]Published
	unsettled error
}

// New builds a world. The world is returned also with an error, so that Close can be registered first.
func New(o Options) (*World, error) {
	o = o.withDefaults()
	w := &World{
		opts: o, Inventory: inventory.New(), newID: seeded(o.Seed), excused: map[string]string{}, vault: newVault(),
		web: map[inventory.ID]Published{},
	}
	w.book = &logbook{next: o.Log}
	w.log = slog.New(w.book)
	if err := w.build(); err != nil {
		return w, fmt.Errorf("build world: %w", err)
	}
	var err error
	w.Do(func(ctx context.Context) { err = w.populate(ctx) })
	if err != nil {
		return w, fmt.Errorf("populate world: %w", err)
	}
	w.journal.reset()
	return w, nil
}

// seeded makes UUIDs that a seed decides.
func seeded(seed int64) func() string {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	var mu sync.Mutex
	src := rand.NewChaCha8(key)
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return uuid.Must(uuid.NewRandomFromReader(src)).String() // ChaCha8 never fails
	}
}

func (w *World) build() (err error) {
	o := w.opts
	if w.quirks, err = choose(o.Driver); err != nil {
		return err
	}
	if w.Target = o.Target; w.Target == nil {
		if w.Target, err = NewEmbedded(o.Seed, o.Hosts, o.Behaviour); err != nil {
			return err
		}
	}
	w.Clock = w.Target.Clock()
	if w.folder, err = makeFolder(); err != nil {
		return err
	}
	if w.storage, err = secondary.New(w.folder); err != nil {
		return err
	}
	w.Fleet, err = agentsim.New(agentsim.Config{
		Secondary: w.storage, Clock: w.Clock, Quirks: w.quirks.agents, Log: w.log,
		Encryption: agentsim.Encryption{Iterations: luks.MinIterations, Random: w.random("containers"), Cache: w.vault.open.Cache},
		AtStep:     w.opts.AtHostStep,
	})
	if err != nil {
		return err
	}
	w.vault.random = w.random("passphrases")
	_, token := w.Target.Endpoint()
	w.journal = &journal{clock: w.Clock, secret: token}
	return w.manage()
}

// populate makes the zone and what is in it.
func (w *World) populate(ctx context.Context) (err error) {
	m := w.Mgmt
	if w.Zone, err = m.AddZone("zone-1"); err != nil {
		return err
	}
	for i := range w.opts.Clusters {
		c, err := m.AddCluster(w.Zone.ID, fmt.Sprintf("cluster-%d", i+1))
		if err != nil {
			return err
		}
		w.Clusters = append(w.Clusters, c)
	}
	for i := range w.opts.Hosts {
		if _, err := w.AddHost(ctx, w.Clusters[i%len(w.Clusters)].ID); err != nil {
			return err
		}
	}
	if !w.opts.NoSecondary {
		if w.Store, err = m.AddSecondaryStore(w.Zone.ID, "secondary-1", "nfs://nfs.test/export/secondary-1"); err != nil {
			return err
		}
	}
	if w.Compute, err = m.CreateServiceOffering(mgmt.OfferingSpec{Name: "small"}); err != nil {
		return err
	}
	if w.Disk, err = m.CreateDiskOffering(mgmt.OfferingSpec{Name: "custom"}); err != nil {
		return err
	}
	if w.ISO, err = m.RegisterISO("installer", w.Zone.ID); err != nil {
		return err
	}
	if !w.opts.NoPool {
		w.Pool, err = w.CreatePool(ctx, "primary", w.opts.Template)
	}
	return err
}

// AddHost adds a host to the fleet and to CloudStack; its StorPool client is the next one.
func (w *World) AddHost(ctx context.Context, cluster inventory.ID) (inventory.Host, error) {
	return w.addHost(ctx, cluster, w.Target)
}

// AddHostAt adds a host whose StorPool is that of a member of a [Federated] target.
func (w *World) AddHostAt(ctx context.Context, cluster inventory.ID, member string) (inventory.Host, error) {
	f, ok := w.Target.(*Federated)
	if !ok {
		return inventory.Host{}, fmt.Errorf("the target has no StorPool %q", member)
	}
	at, err := f.At(member)
	if err != nil {
		return inventory.Host{}, err
	}
	if err := f.Place(len(w.Hosts)+1, member); err != nil {
		return inventory.Host{}, err
	}
	return w.addHost(ctx, cluster, at)
}

func (w *World) addHost(ctx context.Context, cluster inventory.ID, at Target) (inventory.Host, error) {
	n := len(w.Hosts) + 1
	name := fmt.Sprintf("host-%d", n)
	hostPort, token := at.Endpoint()
	api, err := spapi.New(spapi.Config{
		HostPort: hostPort, Token: token, Clock: w.Clock, Log: w.log,
		Transport: &recorder{w.Target.Transport(name), w.journal, name, w.opts.AtCall},
	})
	if err != nil {
		return inventory.Host{}, err
	}
	h, err := w.Mgmt.AddHost(ctx, mgmt.HostSpec{
		Cluster: cluster, Name: name, Encryption: true,
		Online: func(h inventory.Host) error { //nolint:contextcheck // a host outlives the call that switches it on
			_, err := w.Fleet.AddHost(agentsim.HostConfig{
				UUID: h.UUID, Name: name, OurID: n, ClusterID: at.ClusterID(), API: api,
				Devices: w.Target.Devices(n), Throughput: w.opts.Throughput,
				Folder: w.hostFolder(name),
			})
			return err
		},
	})
	w.Hosts = append(w.Hosts, h)
	return h, err
}

// CreatePool adds a pool of the target's cluster with a placement template.
func (w *World) CreatePool(ctx context.Context, name, template string) (inventory.Pool, error) {
	return w.Mgmt.CreatePool(ctx, driver.PoolRequest{Name: name, Zone: w.Zone.ID, URL: w.URL(template), Capacity: 100 << 40})
}

// URL is the key/value form of the pool URL for a placement template; it holds the token.
func (w *World) URL(template string) string { return URLOf(w.Target, template) }

// URLOf is the key/value form of the pool URL for a placement template of a StorPool; it holds the token.
func URLOf(at Target, template string) string {
	hostPort, token := at.Endpoint()
	return fmt.Sprintf("SP_API_HTTP=%s;SP_AUTH_TOKEN=%s;SP_TEMPLATE=%s", hostPort, token, template)
}

// Do runs f as an actor of the world's clock, which is how everything that waits must run. It does not nest.
func (w *World) Do(f func(ctx context.Context)) {
	ctx := context.Background()
	if v, ok := w.Clock.(*clock.Virtual); ok {
		v.Run(func() { f(ctx) })
		return
	}
	f(ctx)
}

// Journal is what was asked of StorPool and hosts since the world was built, in order, without secrets.
func (w *World) Journal() []Entry { return w.journal.list() }

// Asked is how many entries [World.Journal] has.
func (w *World) Asked() int { return w.journal.length() }

// Folder is where the exports of secondary storage are.
func (w *World) Folder() string { return w.folder }

// Close ends everything and removes the temporary folder.
func (w *World) Close() error {
	var errs []error
	if w.Fleet != nil {
		w.Fleet.Close()
	}
	if w.Target != nil && w.opts.Target == nil {
		errs = append(errs, w.Target.Close())
	}
	if w.folder != "" {
		errs = append(errs, os.RemoveAll(w.folder))
	}
	return errors.Join(errs...)
}
