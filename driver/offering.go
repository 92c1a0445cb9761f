package driver

import (
	"github.com/spsim/spsim/driver/inventory"
)

// luksRoom is what a LUKS header takes on StorPool beyond the volume's size, in bytes.
const luksRoom = 2 << 20

// spSize returns the size on StorPool of a volume that CloudStack counts as size bytes.
func spSize(size int64, encrypted bool) int64 {
	if encrypted {
		return size + luksRoom
	}
	return size
}

// csSize is the inverse of [spSize].
func csSize(size int64, encrypted bool) int64 {
	return size - spSize(0, encrypted)
}

// wholeSectors is the size of the volume that holds an image: a raw one may end within a sector, a volume does not (SP-33).
func wholeSectors(size int64) int64 { return (size + 511) / 512 * 512 }

// Details of offerings (driver-management 3.3).
const (
	offeringTier     = "SP_QOSCLASS"
	offeringTemplate = "SP_TEMPLATE"
)

// placement is what an offering asks of StorPool. A tier excludes a template; both empty ask for nothing.
type placement struct{ tier, template string }

// placed tells whether the offering asks for anything.
func (p placement) placed() bool { return p != placement{} }

// templateOr returns the placement template, or the pool's when the offering names none.
func (p placement) templateOr(pool string) string {
	if p.template == "" {
		return pool
	}
	return p.template
}

// placementOf resolves a disk offering; a compute-only one falls back on its service offering (driver-management 3.3).
func placementOf(tx *inventory.Tx, offering inventory.ID) placement {
	if offering == 0 {
		return placement{}
	}
	own := inventory.Owner{Kind: inventory.OfDiskOffering, ID: offering}
	if tier, ok := tx.Details.Get(own, offeringTier); ok && tier != "" {
		return placement{tier: tier}
	}
	if template, ok := tx.Details.Get(own, offeringTemplate); ok && template != "" {
		return placement{template: template}
	}
	if row, ok := tx.DiskOfferings.Get(offering); !ok || !row.ComputeOnly {
		return placement{}
	}
	service, ok := tx.ServiceOfferings.Find(func(s inventory.ServiceOffering) bool { return s.DiskOffering == offering })
	if !ok {
		return placement{}
	}
	template, _ := tx.Details.Get(inventory.Owner{Kind: inventory.OfServiceOffering, ID: service.ID}, offeringTemplate)
	return placement{template: template}
}

// limitSite is an operation that sets the IOPS limit of a volume.
type limitSite int

const (
	limitCreate limitSite = iota
	limitOfTemplate
	limitOfSnapshot
	limitRevert
	limitMove
	limitImport
	limitMigrate
)

// limitFacts is what the IOPS limit of a volume depends on. Limits of 0 are none.
type limitFacts struct {
	place  placement
	volume int64 // of the volume's own row
	source int64 // of the volume whose snapshot it comes from
}

// iopsLimit returns the limit to send: the one that the volume itself should have, nil when there is nothing to say. The
// QoS service sets the limits of volumes with a tier. What comes from a source that has a limit, or may have one, as a
// template made of a limited volume does, is told that it has none.
func iopsLimit(s limitSite, f limitFacts) *int64 {
	switch {
	case f.place.tier != "":
		return nil
	case f.volume > 0, f.source > 0, s == limitRevert, s == limitOfTemplate:
		return &f.volume
	default:
		return nil
	}
}
