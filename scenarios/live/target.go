package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/remote"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/admin"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/world"
)

// scope is the StorPool of one scenario. It is a [world.Target].
type scope struct {
	session *Session
	name    string // value of the tag
	clock   clock.Clock
	faults  *fault.Set
	judge   *spapi.Client // sees what the scenario sees, apart from faults
	looks   atomic.Int64

	mu      sync.Mutex
	objects map[string]*known // by global id, those that are gone too
	named   map[string]string // global ids by name
}

var _ world.Target = (*scope)(nil)

// Target is the StorPool of one more scenario: what it makes carries a tag of its own. It has the time of a virtual clock
// that begins now, so that waits take no time, and the machine's where real devices have to appear.
func (s *Session) Target() (world.Target, error) {
	s.mu.Lock()
	s.scopes++
	n := s.scopes
	s.mu.Unlock()
	t := &scope{
		session: s, name: fmt.Sprintf("%s%s%d", s.run, separator, n), clock: clock.NewVirtual(time.Now().UTC().Truncate(time.Second)),
		objects: map[string]*known{}, named: map[string]string{},
	}
	if s.cfg.Host != nil {
		t.clock = clock.Real{}
	}
	t.faults = fault.NewSet(t.clock, allowRule)
	var err error
	t.judge, err = client(s.cfg, eye{t})
	return t, err
}

// allowRule refuses a rule on a call that StorPool does not have.
func allowRule(r fault.Rule) error {
	for _, o := range emulator.Operations() {
		if o.Call() == r.Call {
			return nil
		}
	}
	return fmt.Errorf("%w: StorPool has no call %q", fault.ErrRule, r.Call)
}

// eye is the transport of the judge.
type eye struct{ scope *scope }

// RoundTrip makes a call apart from all fault rules.
func (e eye) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := parse(r, nil)
	if err != nil {
		return nil, err
	}
	out, err := e.scope.pass(r, c)
	return respond(r, out, err)
}

// Name is how reports call it.
func (s *scope) Name() string { return s.session.cfg.Name }

// Clock is the scenario's.
func (s *scope) Clock() clock.Clock { return s.clock }

// Endpoint is where the cluster is; whether it speaks TLS is the transport's business.
func (s *scope) Endpoint() (hostPort, token string) { return s.session.base.Host, s.session.cfg.Token }

// ClusterID is the cluster's own.
func (s *scope) ClusterID() string { return s.session.can.Cluster }

// Transport carries the calls of a caller past the guard.
func (s *scope) Transport(caller string) http.RoundTripper { return &guard{s, caller} }

// Real tells that keys and salts have to be real as well.
func (s *scope) Real() bool { return s.session.cfg.Name == Live }

// Blind says why the bytes of volumes are not those of the cluster; empty when they are.
func (s *scope) Blind() string {
	if s.session.can.Devices {
		return ""
	}
	return "needs devices: the target shows none, so the bytes are not those of the cluster"
}

// Devices are those of a client: over the admin API, of this machine, or none but a shadow.
func (s *scope) Devices(n int) agentsim.Devices {
	id, err := s.client(n)
	if err != nil {
		return none{err}
	}
	switch cfg := s.session.cfg; {
	case cfg.Host != nil:
		return cfg.Host.Devices()
	case cfg.Admin != "":
		d, err := remote.New(remote.Config{URL: cfg.Admin, Token: cfg.Token, Client: id})
		if err != nil {
			return none{err}
		}
		return d
	}
	return attached{s.session.shadow, id}
}

// none are devices that cannot be had.
type none struct{ err error }

func (n none) Open(context.Context, string) (agentsim.Device, error) { return nil, n.err }

// Borrow opens an object as its owner sees it, or through an attachment to this machine.
func (s *scope) Borrow(ctx context.Context, gid string, snapshot bool) (agentsim.Device, error) {
	switch {
	case s.session.cfg.Host != nil:
		return s.borrowHere(ctx, gid, snapshot)
	case s.session.cfg.Admin != "":
		return newOwned(ctx, s.session.cfg, gid)
	}
	return s.session.shadow.open(ctx, gid, false)
}

// borrowHere attaches an object to this machine for a while, unless it is attached here already.
func (s *scope) borrowHere(ctx context.Context, gid string, snapshot bool) (agentsim.Device, error) {
	if !s.has("~" + gid) {
		return nil, &ForeignError{"borrow", "~" + gid, "it is no object of this run"}
	}
	id, err := s.client(1)
	if err != nil {
		return nil, err
	}
	item := func(r spapi.Reassign) spapi.Reassign {
		if snapshot {
			r.Snapshot = "~" + gid
		} else {
			r.Volume = "~" + gid
		}
		return r
	}
	list, err := s.session.api.AttachmentsList(ctx)
	if err != nil {
		return nil, err
	}
	give := func() error { return nil }
	here := false
	for _, a := range list {
		here = here || a.GlobalID == gid && a.Client == id
	}
	if !here {
		take := spapi.Reassign{ReadWrite: []int{id}}
		if snapshot {
			take = spapi.Reassign{ReadOnly: []int{id}}
		}
		if err := s.session.api.VolumesReassignWait(ctx, spapi.ReassignWait{Reassign: []spapi.Reassign{item(take)}}); err != nil {
			return nil, err
		}
		give = func() error {
			return s.session.api.VolumesReassign(context.WithoutCancel(ctx), item(spapi.Reassign{Detach: spapi.Clients{IDs: []int{id}}, Force: true}))
		}
	}
	d, err := s.session.cfg.Host.Devices().Open(ctx, device(gid))
	if err != nil {
		return nil, errors.Join(err, give())
	}
	return &lent{d, give}, nil
}

type lent struct {
	agentsim.Device
	give func() error
}

func (l *lent) Close() error { return errors.Join(l.Device.Close(), l.give()) }

// Arm adds a fault rule; it is carried out on this side of the connection.
func (s *scope) Arm(r fault.Rule) (int, error) { return s.faults.Arm(r) }

// Faults are the rules with their history.
func (s *scope) Faults() []fault.State { return s.faults.Rules() }

// Disarm removes every rule.
func (s *scope) Disarm() { s.faults.Reset() }

// Generation is another one each time: others may work on the cluster, and asking whether is no cheaper than looking.
func (s *scope) Generation() int64 { return s.looks.Add(1) }

// Look lists the scope's objects and attachments.
func (s *scope) Look(ctx context.Context) ([]check.Object, []check.Attachment, error) {
	return check.OverAPI(ctx, s.judge)
}

// Remove deletes an object of the scope.
func (s *scope) Remove(ctx context.Context, gid string, snapshot bool) error {
	if !s.has("~" + gid) {
		return &ForeignError{"remove", "~" + gid, "it is no object of this run"}
	}
	return removeOne(ctx, s.session.api, object{gid: gid, snapshot: snapshot})
}

// Close removes what the scenario has left.
func (s *scope) Close() error {
	ctx := context.Background()
	_, ours, err := look(ctx, s.session.api, s.session.run)
	if err != nil {
		return fmt.Errorf("look for what the scenario has left: %w", err)
	}
	var own []object
	for _, o := range ours {
		if o.scope == s.name {
			own = append(own, o)
		}
	}
	var out Removed
	err = remove(ctx, s.session.api, own, &out)
	s.session.shadow.forget(own)
	if err != nil {
		return fmt.Errorf("remove what the scenario has left: %w", err)
	}
	return nil
}

// The targets outside of this process.
const (
	// Emulator is a running emulator.
	Emulator = "emulator"
	// Live is a cluster.
	Live = "live"
)

func device(gid string) string { return "/dev/storpool-byid/" + strings.TrimPrefix(gid, "~") }

// Advance moves StorPool's clock along where it is a virtual one.
func (s *scope) Advance(ctx context.Context, d time.Duration) error {
	if !s.session.can.Clock {
		return nil
	}
	a, err := admin.New(s.session.cfg.Admin, s.session.cfg.Token)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if _, err := a.Advance(ctx, d); err != nil {
		return fmt.Errorf("move StorPool's clock: %w", err)
	}
	return nil
}

// NameOf is the name of an object of the scope, ~globalId for a nameless one.
func (s *scope) NameOf(gid string, snapshot bool) (string, error) {
	ctx := context.Background()
	if snapshot {
		x, err := s.judge.Snapshot(ctx, "~"+gid)
		return x.Name, err
	}
	x, err := s.judge.Volume(ctx, "~"+gid)
	return x.Name, err
}
