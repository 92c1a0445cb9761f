package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/check"
)

// Federated is several emulated StorPools in this process that reach each other, on one virtual clock: other locations,
// or the sub-clusters of a multi-cluster. It is the first of them wherever a [Target] is one.
type Federated struct {
	*Embedded
	sites []*site

	mu    sync.Mutex
	hosts map[int]*site // by client, those that are not at the first site
}

// site is one of several StorPools.
type site struct {
	*Embedded
	name string
}

// Endpoint is an address that only the transport of [Federated] understands.
func (s *site) Endpoint() (hostPort, token string) { return s.name + ".test:81", s.server.Token() }

// NewFederated makes the default cluster and others beside it; of a member only ID, Name and Location count. A member is
// at the address "<name>.test:81".
func NewFederated(seed int64, hosts int, b cluster.Behaviour, others ...emulator.Member) (*Federated, error) {
	c := clock.NewVirtual(start())
	borrower := max(hosts+3, 5)
	model := cluster.DefaultModel()
	model.Clients = borrower
	members := append([]emulator.Member{{ID: emulator.DefaultClusterID, Name: "storpool"}}, others...)
	fed, err := emulator.NewFederation(members, emulator.WithClock(c), emulator.WithSeed(seed), emulator.WithModel(model),
		emulator.WithBehaviour(b))
	if err != nil {
		return nil, fmt.Errorf("federated target: %w", err)
	}
	f := &Federated{hosts: map[int]*site{}}
	for i, s := range fed.Servers() {
		f.sites = append(f.sites, &site{&Embedded{server: s, clock: c, borrower: borrower}, members[i].Name})
	}
	f.Embedded = f.sites[0].Embedded
	return f, nil
}

// At is the StorPool of a member.
func (f *Federated) At(name string) (Target, error) {
	for _, s := range f.sites {
		if s.name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no StorPool %q", name)
}

// at is the StorPool at an address.
func (f *Federated) at(address string) (*site, error) {
	for _, s := range f.sites {
		if hostPort, _ := s.Endpoint(); hostPort == address {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no StorPool at %s", address)
}

// Place puts the host of a client at a member.
func (f *Federated) Place(client int, name string) error {
	for _, s := range f.sites {
		if s.name == name {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.hosts[client] = s
			return nil
		}
	}
	return fmt.Errorf("there is no StorPool %q", name)
}

// Transport goes to the member whose address the call names.
func (f *Federated) Transport(caller string) http.RoundTripper {
	out := crossroads{}
	for _, s := range f.sites {
		hostPort, _ := s.Endpoint()
		out[hostPort] = s.Transport(caller)
	}
	return out
}

// crossroads are the transports by address.
type crossroads map[string]http.RoundTripper

// RoundTrip chooses by the address of the call.
func (c crossroads) RoundTrip(r *http.Request) (*http.Response, error) {
	next, ok := c[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("no StorPool is at %s", r.URL.Host)
	}
	return next.RoundTrip(r)
}

// Devices opens what the host's own StorPool shows to it.
func (f *Federated) Devices(client int) agentsim.Devices {
	f.mu.Lock()
	s, elsewhere := f.hosts[client]
	f.mu.Unlock()
	if !elsewhere {
		return f.Embedded.Devices(client)
	}
	return s.Devices(client)
}

// home is the member that has an object, the first one first.
func (f *Federated) home(gid string, snapshot bool) *site {
	ref := cluster.Ref("~" + gid)
	for _, s := range f.sites {
		lookup := s.server.Cluster().Volume
		if snapshot {
			lookup = s.server.Cluster().Snapshot
		}
		if _, err := lookup(ref); err == nil {
			return s
		}
	}
	return f.sites[0]
}

// Borrow attaches the object where it is.
func (f *Federated) Borrow(ctx context.Context, gid string, snapshot bool) (agentsim.Device, error) {
	return f.home(gid, snapshot).Borrow(ctx, gid, snapshot)
}

// Contents reads an object where it is.
func (f *Federated) Contents(gid string) (data io.ReaderAt, ranges iter.Seq2[int64, int64], version uint64, err error) {
	s := f.home(gid, false)
	if _, err := s.server.Cluster().Volume(cluster.Ref("~" + gid)); err != nil {
		s = f.home(gid, true)
	}
	return s.Contents(gid)
}

// Remove deletes where it is.
func (f *Federated) Remove(ctx context.Context, gid string, snapshot bool) error {
	return f.home(gid, snapshot).Remove(ctx, gid, snapshot)
}

// Faults are those of all members.
func (f *Federated) Faults() (out []fault.State) {
	for _, s := range f.sites {
		out = append(out, s.Faults()...)
	}
	return out
}

// Disarm removes the rules of all members.
func (f *Federated) Disarm() {
	for _, s := range f.sites {
		s.Disarm()
	}
}

// Generation changes with every change of a member.
func (f *Federated) Generation() (sum int64) {
	for _, s := range f.sites {
		sum += s.Generation()
	}
	return sum
}

// Look lists what all members have. A snapshot that several have is there several times.
func (f *Federated) Look(ctx context.Context) (objects []check.Object, attachments []check.Attachment, err error) {
	for _, s := range f.sites {
		o, a, one := s.Look(ctx)
		objects, attachments, err = append(objects, o...), append(attachments, a...), errors.Join(err, one)
	}
	return objects, attachments, err
}

// Close ends all members.
func (f *Federated) Close() (err error) {
	for _, s := range f.sites {
		err = errors.Join(err, s.Close())
	}
	return err
}
