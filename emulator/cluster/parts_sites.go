package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type savedPeer struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Location string `json:"location"` // id
}

type savedBridge struct {
	BridgeSpec
	Location string `json:"location"`          // id
	Cluster  string `json:"cluster,omitempty"` // id
}

type savedSites struct {
	Locations []Location    `json:"locations"`
	Peers     []savedPeer   `json:"peers"`
	Bridges   []savedBridge `json:"bridges"`
}

func (c *Cluster) saveSites() savedSites {
	all := savedSites{Locations: slices.Clone(c.sites.locations)}
	for _, p := range c.sites.peers {
		all.Peers = append(all.Peers, savedPeer{p.id, p.name, p.location})
	}
	for _, b := range c.sites.bridges {
		all.Bridges = append(all.Bridges, savedBridge{b.BridgeSpec, b.location, b.cluster})
	}
	return all
}

func (c *Cluster) loadSites(all savedSites) error {
	own, sub, _ := strings.Cut(c.id, ".")
	if len(all.Locations) == 0 || all.Locations[0].ID != own || len(all.Peers) == 0 || all.Peers[0].ID != sub {
		return errors.New("the cluster itself is not the first")
	}
	known := map[string]bool{}
	for _, l := range all.Locations {
		if !validSiteID(l.ID) || !validSiteName(l.Name) || known[l.ID] {
			return fmt.Errorf("bad or repeated location %q", l.ID)
		}
		known[l.ID] = true
	}
	c.sites.locations = all.Locations
	for _, p := range all.Peers {
		if !validSiteID(p.ID) || !validSiteName(p.Name) || !known[p.Location] {
			return fmt.Errorf("bad cluster %q", p.ID)
		}
		c.sites.peers = append(c.sites.peers, peer{p.ID, p.Name, p.Location})
	}
	for _, b := range all.Bridges {
		if !known[b.Location] {
			return fmt.Errorf("bridge %s: unknown location %q", b.IP, b.Location)
		}
		c.sites.bridges = append(c.sites.bridges, bridge{b.BridgeSpec, b.Location, b.Cluster})
	}
	return nil
}

type savedBucket struct {
	Name    string            `json:"name"`
	Version int64             `json:"version"`
	Pairs   map[string]string `json:"pairs"`
}

func (c *Cluster) saveBuckets() []savedBucket {
	all := make([]savedBucket, 0, len(c.buckets))
	for _, name := range slices.Sorted(maps.Keys(c.buckets)) {
		b := c.buckets[name]
		all = append(all, savedBucket{name, b.version, maps.Clone(b.pairs)})
	}
	return all
}

func (c *Cluster) loadBuckets(all []savedBucket) error {
	for _, b := range all {
		if !validBucketName(b.Name) || c.buckets[b.Name] != nil || b.Pairs == nil {
			return fmt.Errorf("bad or repeated bucket %q", b.Name)
		}
		c.buckets[b.Name] = &bucket{b.Version, b.Pairs}
	}
	return nil
}
