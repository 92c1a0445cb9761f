package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/spsim/spsim/internal/clock"
)

// Options says what [New] builds. Zero members have defaults.
type Options struct {
	ID        string      // "<location>.<subcluster>", default "spsm.b"; the first two parts of every global id
	Name      string      // default "spsim"
	Clock     clock.Clock // the same for all members of a federation
	Seed      int64
	Model     Model
	Behaviour Behaviour

	Federation *Federation // the other clusters that it reaches; nil makes one of its own
}

// Model is what a cluster consists of. Its members are options, flags and JSON at once.
type Model struct {
	Servers       int             `json:"servers"`       // storage servers, ids from 1
	SSDsPerServer int             `json:"ssdsPerServer"` // solid state disks in each
	HDDsPerServer int             `json:"hddsPerServer"` // hard disks in each
	SSDSize       int64           `json:"ssdSize"`       // bytes
	HDDSize       int64           `json:"hddSize"`       // bytes
	Clients       int             `json:"clients"`       // hosts, ids from 1, all running
	ISCSITargets  int             `json:"iscsiTargets"`  // iSCSI controllers, ids from 1
	Replication   int             `json:"replication"`   // where neither request nor template says (1..3)
	Version       string          `json:"version"`       // of every service
	Templates     []ModelTemplate `json:"templates"`
	FaultSets     []ModelFaultSet `json:"faultSets,omitempty"`
	Location      string          `json:"location"` // name of the cluster's own location
	Locations     []ModelLocation `json:"locations"`
	Clusters      []ModelCluster  `json:"clusters,omitempty"` // besides the cluster itself
}

// ModelTemplate is a template that exists from the start.
type ModelTemplate struct {
	Name        string `json:"name"`
	PlaceAll    string `json:"placeAll"`
	PlaceTail   string `json:"placeTail,omitempty"` // default PlaceAll
	PlaceHead   string `json:"placeHead,omitempty"` // default PlaceAll
	Replication int    `json:"replication,omitempty"`
}

// ModelFaultSet is a set of servers that may fail together: replicas avoid to share one.
type ModelFaultSet struct {
	Name    string `json:"name"`
	Servers []int  `json:"servers"`
}

// ModelLocation is a remote location that is known from the start.
type ModelLocation struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// MinimumDeleteDelay is the smallest deferred deletion, in seconds, that we grant the location, or that it
	// grants us when a stand-in plays it; 0 grants none (storpool-api 10).
	MinimumDeleteDelay int64 `json:"minimumDeleteDelay,omitempty"`
}

// ModelCluster is another cluster that is known from the start.
type ModelCluster struct {
	ID       string `json:"id"` // second part of its cluster id
	Name     string `json:"name"`
	Location string `json:"location"` // name
}

// DefaultModel is the cluster in which every known client works without preparation: three servers with
// SSDs and hard disks, placement groups default, hdd and ssd, templates hdd, ssd and hybrid, clients 1 to 5.
func DefaultModel() Model {
	const tib = 1 << 40
	return Model{
		Servers: 3, SSDsPerServer: 4, HDDsPerServer: 4, SSDSize: 64 * tib, HDDSize: 64 * tib,
		Clients: 5, ISCSITargets: 3, Replication: 3, Version: "21.0",
		Templates: []ModelTemplate{
			{Name: "hdd", PlaceAll: "hdd", Replication: 3},
			{Name: "ssd", PlaceAll: "ssd", Replication: 3},
			{Name: "hybrid", PlaceAll: "hdd", PlaceTail: "ssd", Replication: 3},
		},
		Location:  "home",
		Locations: []ModelLocation{{ID: "rmte", Name: "remote"}},
	}
}

// Validate says what is wrong with the model, all of it at once.
func (m Model) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(m.Servers >= 1 && m.Servers <= maxServers, "servers: %d is not in 1..%d", m.Servers, maxServers)
	check(m.SSDsPerServer >= 0 && m.HDDsPerServer >= 0, "disks per server must not be negative")
	disks := m.SSDsPerServer + m.HDDsPerServer
	check(disks >= 1 && disks < diskStride, "disks per server: %d is not in 1..%d", disks, diskStride-1)
	check(m.SSDsPerServer == 0 || m.SSDSize >= minDiskSize, "ssdSize: %d is less than %d", m.SSDSize, int64(minDiskSize))
	check(m.HDDsPerServer == 0 || m.HDDSize >= minDiskSize, "hddSize: %d is less than %d", m.HDDSize, int64(minDiskSize))
	check(m.Clients >= 0 && m.Clients <= maxClientID, "clients: %d is not in 0..%d", m.Clients, maxClientID)
	check(m.ISCSITargets >= 0 && m.ISCSITargets <= maxISCSIID, "iscsiTargets: %d is not in 0..%d", m.ISCSITargets, maxISCSIID)
	check(m.Replication >= 1 && m.Replication <= maxReplicas, "replication: %d is not in 1..%d", m.Replication, maxReplicas)
	check(validSiteName(m.Location), "location: bad name %q", m.Location)
	known := map[string]bool{m.Location: true}
	for _, l := range m.Locations {
		check(validSiteID(l.ID), "location: bad id %q", l.ID)
		check(validSiteName(l.Name) && !known[l.Name], "location: bad or repeated name %q", l.Name)
		known[l.Name] = true
	}
	for _, c := range m.Clusters {
		check(validSiteID(c.ID) && validSiteName(c.Name), "cluster: bad id %q or name %q", c.ID, c.Name)
		check(known[c.Location], "cluster %q: unknown location %q", c.Name, c.Location)
	}
	m.checkFaultSets(check)
	names := map[string]bool{}
	for _, t := range m.Templates {
		check(validTemplateName(t.Name) && !names[t.Name], "template: bad or repeated name %q", t.Name)
		check(t.Replication >= 0 && t.Replication <= maxReplicas, "template %q: replication %d is not in 0..%d",
			t.Name, t.Replication, maxReplicas)
		for _, g := range []string{t.PlaceAll, t.PlaceTail, t.PlaceHead} {
			check(m.hasGroup(g), "template %q: placement group %q has no disks", t.Name, g)
		}
		names[t.Name] = true
	}
	return errors.Join(errs...)
}

func (m Model) hasGroup(name string) bool {
	switch name {
	case "ssd":
		return m.SSDsPerServer > 0
	case "hdd":
		return m.HDDsPerServer > 0
	}
	return name == "" || name == defaultGroup
}

// Behaviour holds the decisions that the public sources leave open (storpool-api 16). The zero value
// is the default of every one.
type Behaviour struct {
	DeleteDelay        time.Duration // how long a deleted snapshot with a child lingers as "*name"
	TransientLifetime  time.Duration // how long the snapshot made by baseOn stays
	RemoteCopy         time.Duration // how long the copy of an object from another location takes
	RevertResetsLimits bool          // a revert sets bw and iops back to the template's
	RevertAttached     bool          // a revert of an attached volume is done instead of busy
	TimeoutSucceeds    bool          // a reassign whose attachTimeout expires succeeds instead of [Timeout]
	StrictTagValues    bool          // tag values must match [A-Za-z0-9_\-.:]*
	AnonymousAtNames   bool          // anonymous snapshots of nameless volumes are "<gid>@N", not "~gid"
	SizeGranularity    int64         // bytes; default 512
	MaxVolumeSize      int64         // bytes; default what the placement groups hold
}

// Validate says what is wrong with the decisions, all of it at once.
func (b Behaviour) Validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{
		"deleteDelay": b.DeleteDelay, "transientLifetime": b.TransientLifetime, "remoteCopy": b.RemoteCopy,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s: %s is below 0", name, d))
		}
	}
	if b.SizeGranularity < 0 || b.SizeGranularity%sectorSize != 0 {
		errs = append(errs, fmt.Errorf("sizeGranularity: %d is not a multiple of %d", b.SizeGranularity, sectorSize))
	}
	if b.MaxVolumeSize < 0 {
		errs = append(errs, fmt.Errorf("maxVolumeSize: %d is below 0", b.MaxVolumeSize))
	}
	return errors.Join(errs...)
}
