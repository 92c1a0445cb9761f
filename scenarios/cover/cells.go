package cover

import (
	"slices"

	"github.com/spsim/spsim/scenarios/report"
)

// ReportCells returns the cells of all rows with the titles of the scenarios in them, as a report shows them: those of each
// row in the table's order, then the parts of its offerings, then the scenarios whose steps name no disk for the row.
func ReportCells(all []Scenario) []report.Cell {
	in := place(all)
	var out []report.Cell
	for _, r := range Rows() {
		for _, c := range Cells(r.Number) {
			why, _ := Table{}.Why(c)
			out = append(out, report.Cell{Row: r.Number, Name: c.String(), Dimensions: c.columns(), Scenarios: in[c.String()], Reason: why.Why})
		}
		for _, o := range Offerings() {
			if name := offeringName(r, o); r.Offered {
				out = append(out, report.Cell{Row: r.Number, Name: name, Dimensions: []string{"offering with", string(o)}, Scenarios: in[name]})
			}
		}
		if name := furtherName(r); len(in[name]) > 0 {
			out = append(out, report.Cell{Row: r.Number, Name: name, Dimensions: []string{"no disk named"}, Scenarios: in[name]})
		}
	}
	return out
}

func offeringName(r Row, o Offering) string { return r.Number + " offering with " + string(o) }

func furtherName(r Row) string { return r.Number + " no disk named" }

// place returns the titles of the scenarios by the names of the cells that they fall into.
func place(all []Scenario) map[string][]string {
	out := map[string][]string{}
	rows, steps := Rows(), rules()
	for _, s := range all {
		found := read(s, rows, steps)
		for _, c := range found.Cells {
			out[c.String()] = append(out[c.String()], s.Title)
		}
		for _, r := range rows {
			for _, o := range found.Offerings[r.Number] {
				out[offeringName(r, o)] = append(out[offeringName(r, o)], s.Title)
			}
			if slices.Contains(s.Tags, r.Tag()) && !slices.ContainsFunc(found.Cells, func(c Cell) bool { return c.Row == r.Number }) {
				out[furtherName(r)] = append(out[furtherName(r)], s.Title)
			}
		}
	}
	return out
}

// columns returns the words for the cell's dimensions from the outermost to the innermost.
func (c Cell) columns() []string {
	return []string{
		word(c.Two, "two clusters", "one cluster"), word(c.Bypass, "bypass on", "bypass off"), string(c.Kind),
		word(c.Attached, "attached", "detached"), word(c.Encrypted, "encrypted", "plain"),
	}
}
