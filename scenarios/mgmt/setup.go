package mgmt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
)

// AddZone adds a zone.
func (s *Server) AddZone(name string) (z inventory.Zone, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		z = tx.Zones.Put(inventory.Zone{UUID: s.newID(), Name: name})
		return nil
	})
	return z, err
}

// AddCluster adds a cluster to a zone.
func (s *Server) AddCluster(zone inventory.ID, name string) (c inventory.Cluster, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if _, err := tx.Zones.Must(zone); err != nil {
			return err
		}
		c = tx.Clusters.Put(inventory.Cluster{Zone: zone, Name: name})
		return nil
	})
	return c, err
}

// HostSpec asks for a host.
type HostSpec struct {
	Cluster    inventory.ID
	Name       string
	Encryption bool
	// Online switches the machine on once its row exists, before pools are connected; nil when it is on.
	Online func(inventory.Host) error
}

// AddHost adds a KVM host and connects it to every pool of its zone that is up. The error joins the pools that did
// not connect; the host stays.
func (s *Server) AddHost(ctx context.Context, spec HostSpec) (h inventory.Host, err error) {
	var pools []inventory.Pool
	err = s.update(func(tx *inventory.Tx) error {
		c, err := tx.Clusters.Must(spec.Cluster)
		if err != nil {
			return err
		}
		h = tx.Hosts.Put(inventory.Host{
			UUID: s.newID(), Name: spec.Name, Zone: c.Zone, Cluster: c.ID, State: inventory.HostUp, Encryption: spec.Encryption,
		})
		pools = tx.Pools.All(func(p inventory.Pool) bool { return p.Zone == c.Zone && p.State == inventory.PoolUp })
		return nil
	})
	if err != nil {
		return h, err
	}
	if spec.Online != nil {
		if err := spec.Online(h); err != nil {
			return h, fmt.Errorf("add host %s: %w", spec.Name, err)
		}
	}
	return h, s.connect(ctx, h.ID, pools)
}

// SetHostState tells CloudStack that a host's agent is up, down, disabled or in maintenance. One that comes up is
// connected to the pools of its zone; of one that goes down the drivers of its pools are told.
func (s *Server) SetHostState(ctx context.Context, host inventory.ID, st inventory.HostState) error {
	var up, left []inventory.Pool
	err := s.update(func(tx *inventory.Tx) error {
		h, err := tx.Hosts.Must(host)
		if err != nil {
			return err
		}
		pools := tx.Pools.All(func(p inventory.Pool) bool { return p.Zone == h.Zone && p.State == inventory.PoolUp })
		if st != h.State && st == inventory.HostUp {
			up = pools
		}
		if st != h.State && st == inventory.HostDown {
			left = pools
		}
		h.State = st
		tx.Hosts.Put(h)
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(s.connect(ctx, host, up), s.disconnect(ctx, host, left))
}

// RemoveHost removes a host that is in maintenance or down and runs no VM.
func (s *Server) RemoveHost(ctx context.Context, host inventory.ID) error {
	var h inventory.Host
	var pools []inventory.Pool
	err := s.inv.View(func(tx *inventory.Tx) (err error) {
		if h, err = tx.Hosts.Must(host); err != nil {
			return err
		}
		pools = tx.Pools.All(func(p inventory.Pool) bool { return p.Zone == h.Zone })
		_, used := tx.VMs.Find(func(m inventory.VM) bool { return m.Host == host })
		refuse := func(reason string) error { return &Refused{"deleteHost", fmt.Sprintf("host %d", host), reason} }
		switch {
		case used:
			return refuse("VMs run on the host")
		case h.State != inventory.HostMaintenance && h.State != inventory.HostDown:
			return refuse("the host is " + string(h.State))
		}
		return nil
	})
	if err != nil {
		return err
	}
	errs := []error{s.disconnect(ctx, host, pools), s.update(func(tx *inventory.Tx) error {
		for _, ph := range tx.PoolHosts.All(func(ph inventory.PoolHost) bool { return ph.Host == host }) {
			tx.PoolHosts.Delete(ph.ID)
		}
		tx.Hosts.Delete(host)
		return nil
	})}
	return errors.Join(append(errs, s.driver.HostRemoved(ctx, host, h.Cluster))...)
}

// AddSecondaryStore adds an NFS image store to a zone; the export is made unless it is there.
func (s *Server) AddSecondaryStore(zone inventory.ID, name, url string) (st inventory.SecondaryStore, err error) {
	d, err := s.storage.Export(url)
	if err != nil {
		return st, fmt.Errorf("add secondary storage %s: %w", name, err)
	}
	if err := d.Close(); err != nil {
		return st, fmt.Errorf("add secondary storage %s: %w", name, err)
	}
	err = s.update(func(tx *inventory.Tx) error {
		if _, err := tx.Zones.Must(zone); err != nil {
			return err
		}
		st = tx.SecondaryStores.Put(inventory.SecondaryStore{UUID: s.newID(), Zone: zone, Name: name, URL: url})
		return nil
	})
	return st, err
}

// Details of an offering that the plugin reads (driver-management 3.3).
const (
	TierDetail     = "SP_QOSCLASS"
	TemplateDetail = "SP_TEMPLATE"
	PolicyTag      = "vc-policy"
)

// OfferingSpec asks for an offering. Sizes are bytes; 0 is a custom size for a disk offering and the template's size
// for a service offering. Details holds SP_QOSCLASS and SP_TEMPLATE; for a service offering TemplateDetail belongs to
// the service offering itself, all others to its disk offering.
type OfferingSpec struct {
	Name    string
	Size    int64
	MaxIOPS int64 // 0 for none
	Encrypt bool
	Details map[string]string
}

// CreateDiskOffering adds a disk offering.
func (s *Server) CreateDiskOffering(spec OfferingSpec) (o inventory.DiskOffering, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		o = s.putDiskOffering(tx, spec, false)
		return nil
	})
	return o, err
}

// CreateServiceOffering adds a compute offering with its compute-only disk offering.
func (s *Server) CreateServiceOffering(spec OfferingSpec) (o inventory.ServiceOffering, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		disk := spec
		disk.Details = maps.Clone(spec.Details)
		delete(disk.Details, TemplateDetail)
		o = tx.ServiceOfferings.Put(inventory.ServiceOffering{
			UUID: s.newID(), Name: spec.Name, DiskOffering: s.putDiskOffering(tx, disk, true).ID,
		})
		if t, ok := spec.Details[TemplateDetail]; ok {
			tx.Details.Set(inventory.Owner{Kind: inventory.OfServiceOffering, ID: o.ID}, TemplateDetail, t)
		}
		return nil
	})
	return o, err
}

func (s *Server) putDiskOffering(tx *inventory.Tx, spec OfferingSpec, compute bool) inventory.DiskOffering {
	o := tx.DiskOfferings.Put(inventory.DiskOffering{
		UUID: s.newID(), Name: spec.Name, Size: spec.Size, MaxIOPS: spec.MaxIOPS, ComputeOnly: compute, Encrypt: spec.Encrypt,
	})
	for _, k := range slices.Sorted(maps.Keys(spec.Details)) {
		tx.Details.Set(inventory.Owner{Kind: inventory.OfDiskOffering, ID: o.ID}, k, spec.Details[k])
	}
	return o
}

// SetSetting stores a setting: of everything (inventory.Global()), or of one zone, cluster or pool.
func (s *Server) SetSetting(scope inventory.Owner, key, value string) error {
	return s.update(func(tx *inventory.Tx) error {
		tx.Details.Set(scope, key, value)
		return nil
	})
}
