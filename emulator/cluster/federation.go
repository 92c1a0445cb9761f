package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spsim/spsim/emulator/blocks"
)

// Federation is a set of clusters that reach each other. Those whose ids have the first part in common are the
// sub-clusters of one multi-cluster (storpool-api 9); the others are remote locations to them (storpool-api 10).
// All of them share one lock, so a change that spans several happens at one moment, and one clock.
//
// A location that a cluster knows and in which the federation has no cluster is played by a stand-in: a cluster
// that is made when it is first needed, takes exports and backups, and gives them back.
//
// The saved state of a federation, see [Federation.Save], is that of its clusters, the stand-ins included: exports,
// transfers and attachments name clusters by their ids.
type Federation struct {
	store   *blocks.Store
	watch   watch
	mu      sync.RWMutex // the lock of every member
	members []*Cluster   // ascending by id, stand-ins included
}

// NewFederation returns one without members. Clusters join it by [Options].Federation.
func NewFederation() *Federation {
	f := &Federation{store: blocks.NewStore()}
	f.store.Watch(f.touch)
	return f
}

// Clusters lists the members by id, without stand-ins.
func (f *Federation) Clusters() []*Cluster {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(f.members), func(c *Cluster) bool { return c.standIn })
}

// join adds a cluster; the lock is held.
func (f *Federation) join(c *Cluster) error {
	i, taken := slices.BinarySearchFunc(f.members, c.id, func(m *Cluster, id string) int { return strings.Compare(m.id, id) })
	if taken {
		return fmt.Errorf("the federation has a cluster %q already", c.id)
	}
	f.members = slices.Insert(f.members, i, c)
	return nil
}

// locationOf returns the first part of a cluster id.
func locationOf(id string) string {
	location, _, _ := strings.Cut(id, ".")
	return location
}

// Federation returns the federation that the cluster is a member of; one that was made without has its own.
func (c *Cluster) Federation() *Federation { return c.fed }

// SubClusters lists the clusters of the multi-cluster by id, the cluster itself first.
func (c *Cluster) SubClusters() []*Cluster {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.siblings())
}

// siblings is SubClusters for callers that hold the lock. It allocates only where there are several.
func (c *Cluster) siblings() []*Cluster {
	if len(c.fed.members) == 1 {
		return c.fed.members
	}
	all := []*Cluster{c}
	for _, m := range c.fed.members {
		if m != c && locationOf(m.id) == locationOf(c.id) {
			all = append(all, m)
		}
	}
	return all
}

// reachable lists those siblings that are not cut off, the cluster itself always included.
func (c *Cluster) reachable() []*Cluster {
	all := c.siblings()
	if !slices.ContainsFunc(all, func(m *Cluster) bool { return m != c && (m.isolated || c.isolated) }) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(m *Cluster) bool { return m != c && (m.isolated || c.isolated) })
}

// Isolate cuts the cluster off from the others of its federation, or reconnects it. Its own API goes on; the others
// neither find what lives here nor exchange snapshots with it.
func (c *Cluster) Isolate(cut bool) {
	c.lock()
	defer c.mu.Unlock()
	c.isolated = cut
}

// Isolated tells whether the cluster is cut off.
func (c *Cluster) Isolated() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.isolated
}

// Find returns the cluster in which a volume or snapshot lives: this one, one of its multi-cluster, or nil.
func (c *Cluster) Find(ref Ref) *Cluster {
	c.lockAll()
	defer c.mu.Unlock()
	if n := c.anywhere(ref); n != nil {
		return n.home()
	}
	return nil
}

// Peer returns the member that this cluster knows by a name, or the one with an id behind a tilde, as RemoteCommand
// names them (storpool-api 9). Errors: [ObjectDoesNotExist], [Unreachable].
func (c *Cluster) Peer(name string) (*Cluster, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.peer(name)
}

func (c *Cluster) peer(name string) (*Cluster, error) {
	id, byID := strings.CutPrefix(name, "~")
	if !byID {
		i := c.sites.peerNamed(name)
		if i < 0 {
			return nil, missing("Cluster", name)
		}
		id = c.sites.peers[i].location + "." + c.sites.peers[i].id
	}
	i := slices.IndexFunc(c.fed.members, func(m *Cluster) bool { return m.id == id && !m.standIn })
	if i < 0 {
		return nil, missing("Cluster", name)
	}
	return c.fed.members[i], c.reach(c.fed.members[i])
}

// reach refuses what needs a cluster that is cut off.
func (c *Cluster) reach(m *Cluster) error {
	if m != c && (m.isolated || c.isolated) {
		return &Error{Name: Unreachable, Descr: fmt.Sprintf("Cluster '%s' cannot be reached", m.ownName()), Transient: true}
	}
	return nil
}

// give is reach for a change on the other side, which needs a quorum there.
func (c *Cluster) give(m *Cluster) error {
	if err := c.reach(m); err != nil {
		return err
	}
	return m.available()
}

// lockAll is lock for a change or a look-up that may touch other members.
func (c *Cluster) lockAll() {
	c.mu.Lock()
	now := c.now()
	for _, m := range slices.Clone(c.fed.members) {
		m.expire(now)
	}
}

// anywhere finds an object in the multi-cluster, here first; nil when there is none.
func (c *Cluster) anywhere(ref Ref) *node {
	if n := c.node(ref); n != nil || len(c.fed.members) == 1 {
		return n
	}
	for _, m := range c.reachable() {
		if n := m.node(ref); n != nil {
			return n
		}
	}
	return nil
}

// findAnywhere is find over the multi-cluster.
func (c *Cluster) findAnywhere(ref Ref, kind string, snapshot bool) (*node, error) {
	n, err := c.find(ref, kind, snapshot)
	if err == nil || !validRef(ref) || len(c.fed.members) == 1 {
		return n, err
	}
	for _, m := range c.reachable() {
		if n := m.node(ref); n != nil && n.obj.Load().IsSnapshot() == snapshot {
			return n, nil
		}
	}
	return nil, err
}

// standInFor makes the cluster that plays a location.
func (c *Cluster) standInFor(l *Location) (*Cluster, error) {
	const tib = 1 << 40
	m, err := build(Options{
		ID: l.ID + ".a", Name: l.Name, Clock: c.clock, Federation: c.fed, Behaviour: c.does,
		Model: Model{
			Servers: 1, HDDsPerServer: 1, HDDSize: 1024 * tib, Replication: 1, Version: c.model.Version, Location: l.Name,
			Locations: []ModelLocation{{ID: locationOf(c.id), Name: c.sites.locations[0].Name}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("stand-in for location %q: %w", l.Name, err)
	}
	m.standIn = true
	for _, known := range c.model.Locations {
		if delay := known.MinimumDeleteDelay; known.ID == l.ID && delay > 0 {
			m.sites.bridges = []bridge{{BridgeSpec: BridgeSpec{MinimumDeleteDelay: &delay}, location: locationOf(c.id)}}
		}
	}
	return m, c.fed.join(m)
}

// ownName is Name for callers that hold the lock.
func (c *Cluster) ownName() string { return c.sites.peers[0].name }

// locationName is how this cluster calls a location: by the name on its list, by that which the location gives
// itself, or by its id.
func (c *Cluster) locationName(id string) string {
	if name := c.sites.locationName(id); name != "" {
		return name
	}
	for _, m := range c.fed.members {
		if locationOf(m.id) == id {
			return m.sites.locations[0].Name
		}
	}
	return id
}

// clustersAt lists the clusters of another location, those that can be reached first, by id; a stand-in when there is
// none. Error: [Unreachable].
func (c *Cluster) clustersAt(l *Location) ([]*Cluster, error) {
	var all []*Cluster
	for _, m := range c.fed.members {
		if locationOf(m.id) == l.ID {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b *Cluster) int { return cmp.Compare(c.rank(a), c.rank(b)) })
	if len(all) > 0 {
		return all, c.reach(all[0])
	}
	m, err := c.standInFor(l)
	if err != nil {
		return nil, err
	}
	return []*Cluster{m}, c.reach(m)
}

// rank puts stand-ins behind clusters, and behind them those that cannot be reached.
func (c *Cluster) rank(m *Cluster) int {
	switch {
	case c.reach(m) != nil:
		return 2
	case m.standIn:
		return 1
	}
	return 0
}

// Remote returns the cluster that plays a location, for tests that look at the other side: the first of the
// federation there, or the stand-in. Error: [ObjectDoesNotExist].
func (c *Cluster) Remote(location string) (*Cluster, error) {
	c.lockAll()
	defer c.mu.Unlock()
	l, err := c.otherLocation(location)
	if err != nil {
		return nil, err
	}
	all, err := c.clustersAt(l)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// otherLocation finds a location by its name and refuses the cluster's own. Errors: [ObjectDoesNotExist],
// [InvalidParam].
func (c *Cluster) otherLocation(name string) (*Location, error) {
	l, err := c.sites.location(name)
	if err == nil && l.ID == locationOf(c.id) {
		return nil, refuse(InvalidParam, "Location '%s' is the cluster's own", name)
	}
	return l, err
}
