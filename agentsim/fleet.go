package agentsim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// Reasons of failures. Compare with [errors.Is]; in answers they are only text.
var (
	ErrUnreachable = errors.New("host is not reachable")
	ErrNoHost      = errors.New("no such host")
	ErrNoGuest     = errors.New("no such VM is running")
	ErrUnsupported = errors.New("unsupported operation")
)

// Config is what a fleet is made of. Secondary is required unless every host has real mounts.
type Config struct {
	// Secondary is the secondary storage that every host can mount.
	Secondary *secondary.Storage
	// Clock times everything; the machine's clock when nil.
	Clock clock.Clock
	// Quirks selects upstream defects; correct behaviour when empty.
	Quirks quirk.Set
	// Encryption is how containers are made.
	Encryption Encryption
	// Log receives what hosts do, without passphrases; nothing when nil.
	Log *slog.Logger
	// AtStep, when set, is called before each step of a command; it may block.
	AtStep func(host, command, step string)
}

// Fleet is a set of hosts. It is safe for concurrent use.
type Fleet struct {
	clock     clock.Clock
	secondary *secondary.Storage
	rules     rules
	log       *slog.Logger
	atStep    func(host, command, step string)
	vault     vault
	faults    *fault.Set
	steps     map[string][]string // by command

	mu    sync.Mutex
	hosts []*Host // in the order in which they were added
}

// New returns a fleet without hosts, or an error that names the missing part of cfg.
func New(cfg Config) (*Fleet, error) {
	f := &Fleet{clock: cfg.Clock, secondary: cfg.Secondary, log: cfg.Log, steps: stepTable(), vault: newVault(cfg.Encryption), atStep: cfg.AtStep}
	if f.clock == nil {
		f.clock = clock.Real{}
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.rules = quirk.Apply(correct(), quirks(), cfg.Quirks.Has)
	f.faults = fault.NewSet(f.clock, f.allow)
	return f, nil
}

// AddHost adds a host that is switched on and knows no pool yet.
func (f *Fleet) AddHost(cfg HostConfig) (*Host, error) {
	if cfg.UUID == "" || cfg.API == nil || cfg.Devices == nil {
		return nil, errors.New("agentsim: a host needs UUID, API and Devices")
	}
	if f.secondary == nil && cfg.Mounts == nil {
		return nil, errors.New("agentsim: Config.Secondary is missing, and the host has no Mounts")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.hosts {
		if h.cfg.UUID == cfg.UUID {
			return nil, fmt.Errorf("agentsim: there is a host %s already", cfg.UUID)
		}
	}
	h := newHost(f, cfg)
	f.hosts = append(f.hosts, h)
	return h, nil
}

// Host gives the host of a UUID.
func (f *Fleet) Host(uuid string) (*Host, error) {
	for _, h := range f.Hosts() {
		if h.cfg.UUID == uuid {
			return h, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNoHost, uuid)
}

// Hosts gives all hosts in the order in which they were added.
func (f *Fleet) Hosts() []*Host {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Host(nil), f.hosts...)
}

// Guest finds the running VM of an instance name, on the first host that runs it.
func (f *Fleet) Guest(vm string) (*Guest, error) {
	for _, h := range f.Hosts() {
		if g, err := h.Guest(vm); err == nil {
			return g, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNoGuest, vm)
}

// Faults are the rules on the steps of commands; see [Steps].
func (f *Fleet) Faults() *fault.Set { return f.faults }

// Close ends what still runs, guests and commands that hang included. Files stay as they are.
func (f *Fleet) Close() {
	for _, h := range f.Hosts() {
		h.end()
	}
	f.vault.cache.Forget()
}

// Send executes a command on a host. An error means that it was not delivered. A nil answer is no answer: the agent
// died, the host went down, the answer was lost or ctx ended first, and the command may have been executed or may
// yet be. A generic answer is one without payload. On a virtual clock the caller is an actor (clock.Virtual.Run), or
// time moves on while the command runs.
func (f *Fleet) Send(ctx context.Context, host string, cmd agentapi.Command) (*agentapi.Answer, error) {
	h, err := f.Host(host)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := h.begin(ctx, cmd)
	if err != nil {
		return nil, err
	}
	f.clock.Go(func() { //nolint:contextcheck // a command outlives the patience of its caller; it has a context of its own
		defer r.replied.Fire()
		if ans := r.execute(cmd); ans != nil {
			r.answer.Store(ans)
		}
	})
	if r.replied.Wait(ctx) != nil || r.lost.Load() {
		return nil, nil //nolint:nilerr // no answer is a result of its own
	}
	return r.answer.Load(), nil
}
