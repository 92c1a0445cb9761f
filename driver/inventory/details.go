package inventory

import (
	"maps"
	"slices"
	"strings"
)

// Kind is the kind of row that a detail belongs to.
type Kind string

// The kinds with details. Setting is for global settings (owner id 0); Tag holds a VM's resource tags.
const (
	OfZone            Kind = "zone"
	OfCluster         Kind = "cluster"
	OfPool            Kind = "pool"
	OfVolume          Kind = "volume"
	OfSnapshot        Kind = "snapshot"
	OfTemplate        Kind = "template"
	OfVMSnapshot      Kind = "vm snapshot"
	OfVM              Kind = "vm"
	OfDiskOffering    Kind = "disk offering"
	OfServiceOffering Kind = "service offering"
	OfHost            Kind = "host"
	Setting           Kind = "setting"
	Tag               Kind = "tag"
)

// Owner is the row that a detail belongs to.
type Owner struct {
	Kind Kind
	ID   ID
}

// Global owns the global settings.
func Global() Owner { return Owner{Kind: Setting} }

// Details holds name and value pairs of rows, settings and resource tags included.
type Details struct {
	tx   *Tx
	rows map[Owner]map[string]string
}

// Get returns a detail's value and whether it is there.
func (d *Details) Get(o Owner, name string) (string, bool) {
	value, ok := d.rows[o][name]
	return value, ok
}

// Set stores a detail.
func (d *Details) Set(o Owner, name, value string) {
	old, existed := d.rows[o][name]
	d.tx.log.add("details of "+string(o.Kind), o.ID, func() {
		if existed {
			d.rows[o][name] = old
		} else {
			d.remove(o, name)
		}
	})
	if d.rows[o] == nil {
		d.rows[o] = map[string]string{}
	}
	d.rows[o][name] = value
}

// Delete removes a detail; it tells whether it was there.
func (d *Details) Delete(o Owner, name string) bool {
	old, ok := d.rows[o][name]
	if !ok {
		return false
	}
	d.tx.log.add("details of "+string(o.Kind), o.ID, func() {
		if d.rows[o] == nil {
			d.rows[o] = map[string]string{}
		}
		d.rows[o][name] = old
	})
	d.remove(o, name)
	return true
}

func (d *Details) remove(o Owner, name string) {
	delete(d.rows[o], name)
	if len(d.rows[o]) == 0 {
		delete(d.rows, o)
	}
}

// Of returns a copy of all details of a row.
func (d *Details) Of(o Owner) map[string]string { return maps.Clone(d.rows[o]) }

// Clear removes all details of a row.
func (d *Details) Clear(o Owner) {
	for _, name := range slices.Sorted(maps.Keys(d.rows[o])) {
		d.Delete(o, name)
	}
}

// Detail is one detail with its owner.
type Detail struct {
	Owner Owner
	Name  string
	Value string
}

// Named returns the details of a kind whose name accepts match, by owner and name.
func (d *Details) Named(k Kind, match func(name string) bool) []Detail {
	var out []Detail
	for o, pairs := range d.rows {
		if o.Kind != k {
			continue
		}
		for name, value := range pairs {
			if match(name) {
				out = append(out, Detail{o, name, value})
			}
		}
	}
	slices.SortFunc(out, func(a, b Detail) int {
		if a.Owner.ID != b.Owner.ID {
			return int(a.Owner.ID - b.Owner.ID)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}
