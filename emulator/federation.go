package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// Member is a cluster of a [Federation]. Those whose ids have the first part in common are the sub-clusters of one
// multi-cluster; the others are remote locations to them.
type Member struct {
	// ID is "<location>.<sub-cluster>".
	ID string
	// Name is for RemoteCommand and MultiCluster answers, by default the ID.
	Name string
	// Location is the name of the location, by default the first part of the ID. Members of one location agree on it.
	Location string
	// Options are the member's own: token, model, address and so on. They win over those of the federation.
	Options []Option
}

// Federation is several servers whose clusters reach each other: a zone pair, the sub-clusters of a multi-cluster, or
// both. Each has its own address, token, journal and fault rules; they share one clock.
type Federation struct {
	servers []*Server // in the order of the members
	clock   clock.Clock
	keeper  *keeper // of the state file; nil without one
}

// NewFederation returns the servers of the members; opts are for all of them. Each knows the locations and the
// clusters of all others, besides those of its model. No socket is opened before [Server.Listen] or [Server.URL].
func NewFederation(members []Member, opts ...Option) (*Federation, error) {
	if len(members) == 0 {
		return nil, errors.New("a federation needs a member")
	}
	all, err := configOf(opts)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if location, sub, _ := strings.Cut(m.ID, "."); location == "" || sub == "" {
			return nil, fmt.Errorf("member %q: the id is not of the form location.subcluster", m.ID)
		}
	}
	f, shared := &Federation{}, cluster.NewFederation()
	for _, m := range members {
		m = m.complete()
		cfg, err := configOf(slices.Concat([]Option{WithCluster(m.ID, m.Name)}, opts, m.Options))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("member %q: %w", m.ID, err), f.Close())
		}
		if cfg.state != all.state {
			err := errors.New("the state file is for all members: give it to the federation")
			return nil, errors.Join(fmt.Errorf("member %q: %w", m.ID, err), f.Close())
		}
		if f.clock == nil {
			f.clock = cfg.clock
		}
		cfg.clock, cfg.federation = f.clock, shared
		cfg.id, cfg.name = m.ID, m.Name
		introduce(&cfg.model, m, members)
		s, err := newServer(cfg)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("member %q: %w", m.ID, err), f.Close())
		}
		s.fed = f
		f.servers = append(f.servers, s)
	}
	if f.keeper, err = f.servers[0].keep(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// complete fills in what the member leaves out.
func (m Member) complete() Member {
	location, _, _ := strings.Cut(m.ID, ".")
	m.Name, m.Location = cmp.Or(m.Name, m.ID), cmp.Or(m.Location, location)
	return m
}

// introduce makes the others known to the model of a member.
func introduce(model *cluster.Model, m Member, members []Member) {
	model.Location = m.Location
	own, _, _ := strings.Cut(m.ID, ".")
	var locations []cluster.ModelLocation
	var clusters []cluster.ModelCluster
	for _, other := range members {
		other = other.complete()
		location, sub, _ := strings.Cut(other.ID, ".")
		if location != own && !slices.ContainsFunc(locations, func(l cluster.ModelLocation) bool { return l.ID == location }) {
			l := cluster.ModelLocation{ID: location, Name: other.Location}
			for _, known := range model.Locations {
				if known.ID == location {
					l.MinimumDeleteDelay = known.MinimumDeleteDelay
				}
			}
			locations = append(locations, l)
		}
		if other.ID != m.ID {
			clusters = append(clusters, cluster.ModelCluster{ID: sub, Name: other.Name, Location: other.Location})
		}
	}
	for _, l := range model.Locations {
		taken := func(k cluster.ModelLocation) bool { return k.ID == l.ID || k.Name == l.Name }
		if l.ID != own && l.Name != m.Location && !slices.ContainsFunc(locations, taken) {
			locations = append(locations, l)
		}
	}
	model.Locations, model.Clusters = locations, append(clusters, model.Clusters...)
}

// StartFederation is [NewFederation] for one test, on one virtual clock unless the options say otherwise. As with
// [Start], the servers are closed when the test ends, and a fault rule that has changed no call by then fails it.
func StartFederation(tb TB, members []Member, opts ...Option) *Federation {
	tb.Helper()
	var f *Federation
	tb.Cleanup(func() {
		if f == nil {
			return
		}
		for _, s := range f.servers {
			s.reportUnfired(tb)
		}
		if err := f.Close(); err != nil {
			tb.Errorf("%v", err)
		}
	})
	f, err := NewFederation(members, append([]Option{WithClock(clock.NewVirtual(testStart()))}, opts...)...)
	if err != nil {
		tb.Fatalf("start federation: %v", err)
		return nil
	}
	return f
}

// Servers lists the servers in the order of the members.
func (f *Federation) Servers() []*Server { return slices.Clone(f.servers) }

// Server returns the server of the cluster with this id or name, nil when there is none.
func (f *Federation) Server(cluster string) *Server {
	for _, s := range f.servers {
		if s.cfg.id == cluster || s.cluster.Name() == cluster {
			return s
		}
	}
	return nil
}

// Model is what the options of the i-th member ask for, with the others made known; a saved state may have another.
func (f *Federation) Model(i int) cluster.Model { return f.servers[i].cfg.model }

// Clock is the time of all members.
func (f *Federation) Clock() clock.Clock { return f.clock }

// Close ends all servers at once. The error is that of bringing the state file up to date.
func (f *Federation) Close() error {
	for _, s := range f.servers {
		s.Close()
	}
	return f.keeper.close()
}

// serverOf returns the server of a cluster of the federation; one that plays a location has none.
func (s *Server) serverOf(c *cluster.Cluster) *Server {
	if c == s.cluster || s.fed == nil {
		return s
	}
	for _, peer := range s.fed.servers {
		if peer.cluster == c {
			return peer
		}
	}
	return s
}

// addressed returns the server that RemoteCommand names; the call is executed as if it had been sent there
// (storpool-api 9).
func (s *Server) addressed(remote string) (*Server, error) {
	if remote == "" {
		return s, nil
	}
	c, err := s.cluster.Peer(remote)
	if err != nil {
		return nil, err
	}
	return s.serverOf(c), nil
}

// reach refuses what needs a server that is closed or cut off.
func (s *Server) reach(peer *Server) error {
	if peer != s && (peer.cluster.Isolated() || s.cluster.Isolated()) {
		return peer.unreachable()
	}
	return nil
}

func (s *Server) unreachable() error {
	return &cluster.Error{
		Name: cluster.Unreachable, Descr: "Cluster '" + s.cluster.Name() + "' cannot be reached", Transient: true,
	}
}

// receiver is implemented by requests that the cluster which got them serves under MultiCluster/ as well, wherever
// the objects are.
type receiver interface{ atReceiver() }

// place finds the cluster that serves a call under MultiCluster/: where the object lives that the call is about,
// and for a new volume where its source lives (storpool-api 9).
func (s *Server) place(bound any) *cluster.Cluster {
	if _, stays := bound.(receiver); stays {
		return s.cluster
	}
	if q, ok := bound.(subjects); ok {
		for _, ref := range q.about().refs {
			if c := s.cluster.Find(ref); c != nil {
				return c
			}
		}
	}
	return s.cluster
}

// union is implemented by lists that can be put together from those of several clusters.
type union interface{ unite(others []any) any }

// together completes a list under MultiCluster/ with those of the other sub-clusters that can be reached.
func (s *Server) together(first any, ask func(*cluster.Cluster) (any, error)) (any, error) {
	list, ok := first.(union)
	if !ok {
		return first, nil
	}
	var others []any
	for _, c := range s.cluster.SubClusters()[1:] {
		if s.reach(s.serverOf(c)) != nil {
			continue
		}
		data, err := ask(c)
		if err != nil {
			return nil, err
		}
		others = append(others, data)
	}
	return list.unite(others), nil
}
