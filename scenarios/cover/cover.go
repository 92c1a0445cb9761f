// Package cover tells which cells of the action matrix the scenarios fill: a row, the kind of the disk that it acts on,
// whether that is in use and encrypted, the bypass of secondary storage, and the number of StorPool clusters.
//
// The dimensions of a scenario are read from its steps ([Read]); nothing in the features names a cell. A cell that no
// scenario falls into has a reason ([Table]), or is missing.
package cover

import (
	"slices"
	"strings"
)

// Kind is the kind of a disk.
type Kind string

// The kinds of disks.
const (
	Root Kind = "ROOT"
	Data Kind = "DATA"
)

// Cell is a place in the table.
type Cell struct {
	// Row is the number of the row, two digits.
	Row  string
	Kind Kind
	// Attached tells that a VM that runs uses the disk when the action begins; of a disk that is being attached, that
	// its VM runs.
	Attached  bool
	Encrypted bool
	// Bypass tells that snapshots stay on StorPool only.
	Bypass bool
	// Two tells that there are two StorPool clusters.
	Two bool
}

// String names the cell by its row and dimensions.
func (c Cell) String() string { return c.Row + " " + c.State() + ", " + c.Setting() }

// State names kind, use and encryption.
func (c Cell) State() string {
	return string(c.Kind) + " " + word(c.Attached, "attached", "detached") + " " + word(c.Encrypted, "encrypted", "plain")
}

// Setting names the bypass and the clusters.
func (c Cell) Setting() string {
	return word(c.Bypass, "bypass on", "bypass off") + ", " + word(c.Two, "two clusters", "one cluster")
}

func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// Cells returns the cells of a row in the table's order.
func Cells(row string) []Cell {
	var out []Cell
	for _, two := range []bool{false, true} {
		for _, bypass := range []bool{false, true} {
			for _, kind := range []Kind{Root, Data} {
				for _, attached := range []bool{true, false} {
					for _, encrypted := range []bool{false, true} {
						out = append(out, Cell{Row: row, Kind: kind, Attached: attached, Encrypted: encrypted, Bypass: bypass, Two: two})
					}
				}
			}
		}
	}
	return out
}

// Offering is a part of an offering that StorPool is told.
type Offering string

// The parts of an offering.
const (
	Tier     Offering = "tier"
	Template Offering = "template"
	IOPS     Offering = "IOPS"
)

// Offerings returns the parts of an offering.
func Offerings() []Offering { return []Offering{Tier, Template, IOPS} }

func (o Offering) in(says string) bool {
	if o == IOPS {
		return strings.HasSuffix(says, " IOPS") || strings.Contains(says, " IOPS,")
	}
	return strings.Contains(says, string(o)+` "`)
}

// Scenario is a scenario as the table needs it.
type Scenario struct {
	Title string
	// Feature is the name of its feature.
	Feature string
	Tags    []string
	// Steps are the texts of all its steps, the background's first.
	Steps []string
}

// Reading is what the steps of a scenario say.
type Reading struct {
	Cells     []Cell
	Offerings map[string][]Offering // by row
}

// Read returns the cells of the rows that a scenario has the tags of.
func Read(s Scenario) Reading { return read(s, Rows(), rules()) }

func read(s Scenario, all []Row, rules []rule) Reading {
	var rows []Row
	for _, r := range all {
		if slices.Contains(s.Tags, r.Tag()) {
			rows = append(rows, r)
		}
	}
	w := newWalk(rules)
	for _, text := range s.Steps {
		w.step(text, rows)
	}
	out := Reading{Offerings: map[string][]Offering{}}
	for _, r := range rows {
		for _, c := range Cells(r.Number) {
			if w.touched[r.Number][c] {
				out.Cells = append(out.Cells, c)
			}
		}
		for _, o := range Offerings() {
			if r.Offered && w.offered[r.Number][o] {
				out.Offerings[r.Number] = append(out.Offerings[r.Number], o)
			}
		}
	}
	return out
}
