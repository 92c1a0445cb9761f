package mgmt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/google/uuid"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/internal/clock"
)

// Config is what a management server is made of. Inventory, Driver, Agents and Secondary are required.
type Config struct {
	Inventory *inventory.Store
	Driver    Driver
	Agents    driver.Agents
	// Secondary is where the exports of the secondary stores are.
	Secondary *secondary.Storage
	// Clock times waits and names snapshots; the machine's clock when nil.
	Clock clock.Clock
	// Log receives what happens; nothing when nil.
	Log *slog.Logger
	// Quirks selects defects of CloudStack's core; correct behaviour when empty.
	Quirks quirk.Set
	// Download has a host download the image of a template that no secondary storage has, and returns the file's path on
	// the host; without it there are none.
	Download func(ctx context.Context, host inventory.Host, t inventory.Template) (file string, err error)
	// NewID makes the uuids of rows; random UUIDs when nil.
	NewID func() string
	// Random makes passphrases; crypto/rand when nil. It is read while the inventory is locked.
	Random io.Reader
	// Queue is the queue of jobs, which CloudStack keeps in its database: management servers on one inventory share it. Its
	// own when nil.
	Queue *clock.Locks
	// Killed tells whether this server was killed: it writes and sends nothing from then on. Never when nil.
	Killed func() bool
}

// Server is a management server. Its methods are safe for concurrent use.
type Server struct {
	inv     *inventory.Store
	driver  Driver
	agents  driver.Agents
	storage *secondary.Storage
	images  *Images
	clock   clock.Clock
	log     *slog.Logger
	fetch   func(ctx context.Context, host inventory.Host, t inventory.Template) (file string, err error)
	newID   func() string
	random  io.Reader
	killed  func() bool
	locks   *clock.Locks
	rules   rules
}

// New returns a server, or an error that names the missing part of cfg.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.Inventory == nil:
		return nil, errors.New("mgmt: Config.Inventory is missing")
	case cfg.Driver == nil:
		return nil, errors.New("mgmt: Config.Driver is missing")
	case cfg.Agents == nil:
		return nil, errors.New("mgmt: Config.Agents is missing")
	case cfg.Secondary == nil:
		return nil, errors.New("mgmt: Config.Secondary is missing")
	}
	s := &Server{
		inv: cfg.Inventory, agents: cfg.Agents, storage: cfg.Secondary,
		images: NewImages(cfg.Inventory, cfg.Secondary), clock: cfg.Clock, log: cfg.Log, newID: cfg.NewID,
		fetch: cfg.Download, killed: cfg.Killed, random: cfg.Random,
	}
	if s.clock == nil {
		s.clock = clock.Real{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.newID == nil {
		s.newID = uuid.NewString
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.killed == nil {
		s.killed = func() bool { return false }
	}
	if s.locks = cfg.Queue; s.locks == nil {
		s.locks = clock.NewLocks(s.clock)
	}
	s.driver = &byPool{cfg.Driver, s}
	s.rules = quirk.Apply(correct(), quirks(), cfg.Quirks.Has)
	return s, nil
}

// Refused is core's own refusal of an action: the driver was not asked and nothing has changed.
type Refused struct {
	Action string // CloudStack's name of the action
	Object string // what it was asked for, "volume 3"
	Reason string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%s of %s is refused: %s", r.Action, r.Object, r.Reason)
}

// ErrAgent is wrapped by the failure of a command to a host: negative, unanswered or undelivered.
var ErrAgent = errors.New("the host did not do it")

// ErrSilent is wrapped beside [ErrAgent] when the host did not answer: it may have done it, or may yet.
var ErrSilent = errors.New("no answer")

// errUndelivered is wrapped beside [ErrAgent] when the command did not even arrive.
var errUndelivered = errors.New("not delivered")

// ErrKilled is wrapped by what a killed server answers.
var ErrKilled = errors.New("the management server is killed")

// update changes the inventory, unless the server was killed.
func (s *Server) update(f func(*inventory.Tx) error) error {
	if s.killed() {
		return ErrKilled
	}
	return s.inv.Update(f)
}

// lock takes the locks of keys in a fixed order and returns what gives them back.
func (s *Server) lock(ctx context.Context, keys ...string) (unlock func(), err error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var held []func()
	release := func() {
		for _, u := range slices.Backward(held) {
			u()
		}
	}
	for _, k := range keys {
		u, err := s.locks.Lock(ctx, k)
		if err != nil {
			release()
			return nil, fmt.Errorf("wait for %s: %w", k, err)
		}
		held = append(held, u)
	}
	return release, nil
}

// vmKey and volumeKey are the queues of jobs. Those of VMs are taken first: their names sort first.
func vmKey(id inventory.ID) string     { return fmt.Sprintf("1 vm %d", id) }
func volumeKey(id inventory.ID) string { return fmt.Sprintf("2 volume %d", id) }
func cacheKey(template, pool inventory.ID) string {
	return fmt.Sprintf("3 template %d on pool %d", template, pool)
}

// lockVolume takes the queue of a volume and of the VM it belongs to, and returns the volume as it then is.
func (s *Server) lockVolume(ctx context.Context, id inventory.ID) (inventory.Volume, func(), error) {
	for {
		before, err := s.volume(id)
		if err != nil {
			return before, nil, err
		}
		keys := []string{volumeKey(id)}
		if before.VM != 0 {
			keys = append(keys, vmKey(before.VM))
		}
		unlock, err := s.lock(ctx, keys...)
		if err != nil {
			return before, nil, err
		}
		now, err := s.volume(id)
		if err == nil && now.VM == before.VM {
			return now, unlock, nil
		}
		unlock()
		if err != nil {
			return now, nil, err
		}
	}
}

// row reads one row of a table.
func row[T any](s *Server, table func(*inventory.Tx) *inventory.Table[T], id inventory.ID) (T, error) {
	var out T
	err := s.inv.View(func(tx *inventory.Tx) (err error) {
		out, err = table(tx).Must(id)
		return err
	})
	return out, err
}

func (s *Server) volume(id inventory.ID) (inventory.Volume, error) {
	return row(s, func(tx *inventory.Tx) *inventory.Table[inventory.Volume] { return tx.Volumes }, id)
}

func (s *Server) vm(id inventory.ID) (inventory.VM, error) {
	return row(s, func(tx *inventory.Tx) *inventory.Table[inventory.VM] { return tx.VMs }, id)
}

func (s *Server) snapshot(id inventory.ID) (inventory.Snapshot, error) {
	return row(s, func(tx *inventory.Tx) *inventory.Table[inventory.Snapshot] { return tx.Snapshots }, id)
}

func (s *Server) template(id inventory.ID) (inventory.Template, error) {
	return row(s, func(tx *inventory.Tx) *inventory.Table[inventory.Template] { return tx.Templates }, id)
}

func (s *Server) pool(id inventory.ID) (inventory.Pool, error) {
	return row(s, func(tx *inventory.Tx) *inventory.Table[inventory.Pool] { return tx.Pools }, id)
}

// changeVolume, changeVM and changeSnapshot store a change of one row.
func (s *Server) changeVolume(id inventory.ID, f func(*inventory.Volume)) (out inventory.Volume, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if err := tx.Volumes.Change(id, f); err != nil {
			return err
		}
		out, _ = tx.Volumes.Get(id)
		return nil
	})
	return out, err
}

func (s *Server) changeVM(id inventory.ID, f func(*inventory.VM)) (out inventory.VM, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if err := tx.VMs.Change(id, f); err != nil {
			return err
		}
		out, _ = tx.VMs.Get(id)
		return nil
	})
	return out, err
}

func (s *Server) changeSnapshot(id inventory.ID, f func(*inventory.Snapshot)) (out inventory.Snapshot, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if err := tx.Snapshots.Change(id, f); err != nil {
			return err
		}
		out, _ = tx.Snapshots.Get(id)
		return nil
	})
	return out, err
}

func (s *Server) setVolumeState(id inventory.ID, st inventory.VolumeState) error {
	_, err := s.changeVolume(id, func(v *inventory.Volume) { v.State = st })
	return err
}

func (s *Server) setSnapshotState(id inventory.ID, st inventory.SnapshotState) error {
	_, err := s.changeSnapshot(id, func(sn *inventory.Snapshot) { sn.State = st })
	return err
}
