package cover

import (
	"fmt"
	"slices"
)

// Table is the coverage of the matrix.
type Table struct {
	// Rows are the rows in order.
	Rows []Row
	// Count is the number of scenarios of each cell that has some.
	Count map[Cell]int
	// Offered is the number of scenarios of a row with a part of an offering.
	Offered map[string]map[Offering]int
	// Further is the number of a row's scenarios whose steps name no disk that the row acts on.
	Further map[string]int
}

// NewTable counts the scenarios.
func NewTable(all []Scenario) Table {
	t := Table{Rows: Rows(), Count: map[Cell]int{}, Offered: map[string]map[Offering]int{}, Further: map[string]int{}}
	for _, r := range t.Rows {
		t.Offered[r.Number] = map[Offering]int{}
	}
	steps := rules()
	for _, s := range all {
		t.add(s, read(s, t.Rows, steps))
	}
	return t
}

func (t Table) add(s Scenario, read Reading) {
	in := map[string]bool{}
	for _, c := range read.Cells {
		t.Count[c]++
		in[c.Row] = true
	}
	for row, parts := range read.Offerings {
		for _, o := range parts {
			t.Offered[row][o]++
		}
	}
	for _, r := range t.Rows {
		if slices.Contains(s.Tags, r.Tag()) && !in[r.Number] {
			t.Further[r.Number]++
		}
	}
}

// Why returns the reason for a cell to be empty.
func (Table) Why(c Cell) (Reason, bool) {
	for _, r := range Reasons() {
		if r.covers(c) {
			return r, true
		}
	}
	return Reason{}, false
}

// Missing returns the names of the cells, and of the parts of offerings, that have neither a scenario nor a reason.
func (t Table) Missing() []string {
	var out []string
	for _, r := range t.Rows {
		for _, c := range Cells(r.Number) {
			if _, ok := t.Why(c); !ok && t.Count[c] == 0 {
				out = append(out, c.String())
			}
		}
		for _, o := range Offerings() {
			if r.Offered && t.Offered[r.Number][o] == 0 {
				out = append(out, r.Number+" offering with "+string(o))
			}
		}
	}
	return out
}

// Check returns what is wrong with the table: cells that have neither a scenario nor a reason, and cells that have
// scenarios in spite of a reason.
func (t Table) Check() []string {
	var out []string
	for _, name := range t.Missing() {
		out = append(out, name+": no scenario and no reason")
	}
	for _, r := range t.Rows {
		for _, c := range Cells(r.Number) {
			if why, ok := t.Why(c); ok && t.Count[c] > 0 {
				out = append(out, fmt.Sprintf("%s: has scenarios although %s", c, why.Why))
			}
		}
	}
	return out
}

// Sum returns the number of cells, of those that have scenarios, and of those that have neither a scenario nor a reason.
// A part of an offering is a cell of its row.
func (t Table) Sum() (cells, filled, missing int) {
	for _, r := range t.Rows {
		all := Cells(r.Number)
		cells += len(all)
		for _, c := range all {
			filled += min(t.Count[c], 1)
		}
		if r.Offered {
			cells += len(Offerings())
			for _, o := range Offerings() {
				filled += min(t.Offered[r.Number][o], 1)
			}
		}
	}
	return cells, filled, len(t.Missing())
}
