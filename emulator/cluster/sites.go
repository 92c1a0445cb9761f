package cluster

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// sites is what the cluster knows about locations, the clusters there and the bridges to them. The first
// location and the first peer are its own.
type sites struct {
	locations []Location
	peers     []peer
	bridges   []bridge
}

// peer is a cluster; it names its location by id, so that a location can be renamed.
type peer struct {
	id, name, location string
}

// bridge is a remote bridge of a location, or of one cluster there.
type bridge struct {
	BridgeSpec
	location string // id
	cluster  string // id within the location, "" for a bridge of the whole location
}

// buildSites makes what the model lists.
func (c *Cluster) buildSites(name string) {
	own, sub, _ := strings.Cut(c.id, ".")
	c.sites.locations = []Location{{ID: own, Name: c.model.Location}}
	for _, l := range c.model.Locations {
		c.sites.locations = append(c.sites.locations, Location{ID: l.ID, Name: l.Name})
	}
	c.sites.peers = []peer{{id: sub, name: name, location: own}}
	for _, m := range c.model.Clusters {
		if l := c.sites.locationNamed(m.Location); l != nil {
			c.sites.peers = append(c.sites.peers, peer{id: m.ID, name: m.Name, location: l.ID})
		}
	}
}

// Locations lists the locations that the cluster knows, its own first. Buffer sizes of 0 leave the choice to the
// system.
func (c *Cluster) Locations() []Location {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.sites.locations)
}

// Peers lists the clusters that this one knows, itself first.
func (c *Cluster) Peers() []Peer {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make([]Peer, 0, len(c.sites.peers))
	for _, p := range c.sites.peers {
		all = append(all, Peer{ID: p.id, Name: p.name, Location: c.sites.locationName(p.location)})
	}
	return all
}

// Bridges lists the remote bridges in order of registration.
func (c *Cluster) Bridges() []Bridge {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make([]Bridge, 0, len(c.sites.bridges))
	for _, b := range c.sites.bridges {
		v := Bridge{BridgeSpec: b.BridgeSpec}
		v.Location = c.sites.locationName(b.location)
		v.Remote, v.Cluster = v.Location, ""
		if i := c.sites.peerAt(b.location, b.cluster); i >= 0 {
			v.Cluster = c.sites.peers[i].name
			v.Remote = v.Cluster
		}
		all = append(all, v)
	}
	return all
}

func (s *sites) locationNamed(name string) *Location {
	i := slices.IndexFunc(s.locations, func(l Location) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &s.locations[i]
}

func (s *sites) locationName(id string) string {
	i := slices.IndexFunc(s.locations, func(l Location) bool { return l.ID == id })
	if i < 0 {
		return ""
	}
	return s.locations[i].Name
}

func (s *sites) peerNamed(name string) int {
	return slices.IndexFunc(s.peers, func(p peer) bool { return p.name == name })
}

func (s *sites) peerAt(location, id string) int {
	return slices.IndexFunc(s.peers, func(p peer) bool { return p.location == location && p.id == id })
}

// changeSites runs change, which checks before it changes anything.
func (c *Cluster) changeSites(change func(*sites) error) error {
	c.lock()
	defer c.mu.Unlock()
	if err := change(&c.sites); err != nil {
		return err
	}
	c.changed()
	return nil
}

func (s *sites) location(name string) (*Location, error) {
	if !validSiteName(name) {
		return nil, refuse(InvalidParam, "Invalid location name '%s'", name)
	}
	if l := s.locationNamed(name); l != nil {
		return l, nil
	}
	return nil, missing("Location", name)
}

func (s *sites) checkLocationName(name string) error {
	if !validSiteName(name) {
		return refuse(InvalidParam, "Invalid location name '%s'", name)
	}
	if s.locationNamed(name) != nil {
		return refuse(ObjectExists, "Location '%s' already exists", name)
	}
	return nil
}

// LocationAdd registers a location by the first part of its cluster ids. Errors: [InvalidParam],
// [ObjectExists] for a known id or name.
func (c *Cluster) LocationAdd(id, name string) error {
	return c.changeSites(func(s *sites) error {
		if !validSiteID(id) {
			return refuse(InvalidParam, "Invalid location id '%s'", id)
		}
		if err := s.checkLocationName(name); err != nil {
			return err
		}
		if s.locationName(id) != "" {
			return refuse(ObjectExists, "A location with the id '%s' already exists", id)
		}
		s.locations = append(s.locations, Location{ID: id, Name: name})
		return nil
	})
}

// LocationRemove forgets a location. Errors: [InvalidParam], [ObjectDoesNotExist], [Busy] for the cluster's own
// and for one with clusters or bridges.
func (c *Cluster) LocationRemove(name string) error {
	return c.changeSites(func(s *sites) error {
		l, err := s.location(name)
		if err != nil {
			return err
		}
		id := l.ID
		used := id == s.locations[0].ID ||
			slices.ContainsFunc(s.peers, func(p peer) bool { return p.location == id }) ||
			slices.ContainsFunc(s.bridges, func(b bridge) bool { return b.location == id })
		if used {
			return refuse(Busy, "Location '%s' is in use", name)
		}
		s.locations = slices.DeleteFunc(s.locations, func(o Location) bool { return o.ID == id })
		return nil
	})
}

// LocationUpdate sets the sizes of the TCP buffers towards a location in bytes; nil leaves one as it is. Errors:
// [InvalidParam], [ObjectDoesNotExist].
func (c *Cluster) LocationUpdate(name string, sendBuffer, recvBuffer *int64) error {
	return c.changeSites(func(s *sites) error {
		l, err := s.location(name)
		if err != nil {
			return err
		}
		for _, size := range []*int64{sendBuffer, recvBuffer} {
			if size != nil && *size < 0 {
				return refuse(InvalidParam, "Invalid buffer size %d", *size)
			}
		}
		if sendBuffer != nil {
			l.SendBufferSize = *sendBuffer
		}
		if recvBuffer != nil {
			l.RecvBufferSize = *recvBuffer
		}
		return nil
	})
}

// LocationRename renames a location; clusters and bridges follow. Errors: [InvalidParam], [ObjectDoesNotExist],
// [ObjectExists].
func (c *Cluster) LocationRename(name, to string) error {
	return c.changeSites(func(s *sites) error {
		l, err := s.location(name)
		if err != nil || name == to {
			return err
		}
		if err := s.checkLocationName(to); err != nil {
			return err
		}
		l.Name = to
		return nil
	})
}

func (s *sites) checkPeerName(name string) error {
	if !validSiteName(name) {
		return refuse(InvalidParam, "Invalid cluster name '%s'", name)
	}
	if s.peerNamed(name) >= 0 {
		return refuse(ObjectExists, "Cluster '%s' already exists", name)
	}
	return nil
}

// ClusterAdd registers a cluster of a known location by the second part of its cluster id. Without a name it goes
// by its whole cluster id. Errors: [InvalidParam], [ObjectDoesNotExist], [ObjectExists].
func (c *Cluster) ClusterAdd(p Peer) error {
	return c.changeSites(func(s *sites) error {
		if !validSiteID(p.ID) {
			return refuse(InvalidParam, "Invalid cluster id '%s'", p.ID)
		}
		l, err := s.location(p.Location)
		if err != nil {
			return err
		}
		p.Name = cmp.Or(p.Name, l.ID+"."+p.ID)
		if err := s.checkPeerName(p.Name); err != nil {
			return err
		}
		if s.peerAt(l.ID, p.ID) >= 0 {
			return refuse(ObjectExists, "Cluster '%s' of location '%s' already exists", p.ID, p.Location)
		}
		s.peers = append(s.peers, peer{id: p.ID, name: p.Name, location: l.ID})
		return nil
	})
}

// ClusterRemove forgets a cluster, named by Name or by Location and ID. While bridges lead to it that is refused,
// unless it is gone for good: then they go as well. Errors: [InvalidParam], [ObjectDoesNotExist], [Busy], also for
// the cluster itself.
func (c *Cluster) ClusterRemove(p Peer, forGood bool) error {
	return c.changeSites(func(s *sites) error {
		i, err := s.peer(p)
		if err != nil {
			return err
		}
		gone := s.peers[i]
		leads := func(b bridge) bool { return b.location == gone.location && b.cluster == gone.id }
		if i == 0 || !forGood && slices.ContainsFunc(s.bridges, leads) {
			return refuse(Busy, "Cluster '%s' is in use", gone.name)
		}
		s.bridges = slices.DeleteFunc(s.bridges, leads)
		s.peers = slices.Delete(s.peers, i, i+1)
		return nil
	})
}

// peer finds a cluster by name, or by location and id.
func (s *sites) peer(p Peer) (int, error) {
	switch {
	case p.Name != "" && p.ID == "" && p.Location == "":
		if !validSiteName(p.Name) {
			return 0, refuse(InvalidParam, "Invalid cluster name '%s'", p.Name)
		}
		if i := s.peerNamed(p.Name); i >= 0 {
			return i, nil
		}
		return 0, missing("Cluster", p.Name)
	case p.Name == "" && p.ID != "" && p.Location != "":
		l, err := s.location(p.Location)
		if err != nil {
			return 0, err
		}
		if i := s.peerAt(l.ID, p.ID); i >= 0 {
			return i, nil
		}
		return 0, refuse(ObjectDoesNotExist, "Location '%s' has no cluster '%s'", p.Location, p.ID)
	}
	return 0, refuse(InvalidParam, "A cluster is named either by its name or by its location and id")
}

// ClusterRename renames a cluster; the cluster's own entry names the cluster itself. Errors: [InvalidParam],
// [ObjectDoesNotExist], [ObjectExists].
func (c *Cluster) ClusterRename(name, to string) error {
	return c.changeSites(func(s *sites) error {
		i, err := s.peer(Peer{Name: name})
		if err != nil || name == to {
			return err
		}
		if err := s.checkPeerName(to); err != nil {
			return err
		}
		s.peers[i].name = to
		return nil
	})
}

// RemoteBridgeAdd registers a remote bridge: of a location, or of the cluster or location that Remote names.
// Errors: [InvalidParam], [ObjectDoesNotExist], [ObjectExists] for a known address.
func (c *Cluster) RemoteBridgeAdd(b Bridge) error {
	return c.changeSites(func(s *sites) error {
		if err := b.check(); err != nil {
			return err
		}
		if slices.ContainsFunc(s.bridges, func(o bridge) bool { return o.IP == b.IP }) {
			return refuse(ObjectExists, "A remote bridge with the address '%s' already exists", b.IP)
		}
		made := bridge{BridgeSpec: b.BridgeSpec}
		if i := s.peerNamed(b.Remote); b.Remote != "" && i >= 0 {
			made.location, made.cluster = s.peers[i].location, s.peers[i].id
		} else {
			l, err := s.location(cmp.Or(b.Location, b.Remote))
			if err != nil {
				return err
			}
			made.location = l.ID
		}
		s.bridges = append(s.bridges, made)
		return nil
	})
}

func (b Bridge) check() error {
	if (b.Location == "") == (b.Remote == "") {
		return refuse(InvalidParam, "A remote bridge is of either a location or a remote")
	}
	if _, err := netip.ParseAddr(b.IP); err != nil {
		return refuse(InvalidParam, "Invalid IP address '%s'", b.IP)
	}
	if !validKey(b.PublicKey) {
		return refuse(InvalidParam, "Invalid public key '%s'", b.PublicKey)
	}
	if d := b.MinimumDeleteDelay; d != nil && *d < 0 {
		return refuse(InvalidParam, "Invalid minimumDeleteDelay %d", *d)
	}
	return nil
}

// RemoteBridgeRemove forgets the remote bridge with this address. Errors: [InvalidParam], [ObjectDoesNotExist].
func (c *Cluster) RemoteBridgeRemove(ip string) error {
	return c.changeSites(func(s *sites) error {
		if _, err := netip.ParseAddr(ip); err != nil {
			return refuse(InvalidParam, "Invalid IP address '%s'", ip)
		}
		i := slices.IndexFunc(s.bridges, func(b bridge) bool { return b.IP == ip })
		if i < 0 {
			return missing("Remote bridge", ip)
		}
		s.bridges = slices.Delete(s.bridges, i, i+1)
		return nil
	})
}
