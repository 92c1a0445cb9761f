package report

import (
	"fmt"
	"slices"
	"strings"
)

// grid is the matrix with its dimensions across, as the page shows it.
type grid struct {
	Heads [][]gridHead // a line for each dimension
	Lines []gridLine
	// Places are the scenarios of each cell that has some, by its id.
	Places map[string][]int
}

// gridHead is a dimension over the columns that have it.
type gridHead struct {
	Text       string
	Cols, Rows int
	Edge       int
}

type gridLine struct {
	Row, Action string
	Cells       []gridCell
}

// gridCell is a cell of the page; one without an id stands where the row has none.
type gridCell struct {
	ID, Kind, Sign, Name, Says, More string
	Edge                             int // the outermost dimension in which it differs from the column before it
}

// maxTold is how many scenarios the hover text of a cell lists.
const maxTold = 6

// signs tell the results apart without colour.
func signs() map[Result]string {
	return map[Result]string{Passed: "✓", Failed: "✗", Skipped: "–", CannotTell: "?", Pending: "…"}
}

func (r Report) grid() grid {
	columns := columnsOf(r.Cells)
	out := grid{Heads: heads(columns), Places: map[string][]int{}}
	titles := r.index()
	for _, a := range Actions() {
		line := gridLine{Row: a.Row, Action: a.Name, Cells: make([]gridCell, len(columns))}
		for i := range columns {
			line.Cells[i].Edge = edge(columns, i)
		}
		for _, c := range r.Cells {
			if c.Row != a.Row {
				continue
			}
			i := slices.IndexFunc(columns, func(d []string) bool { return slices.Equal(d, c.Dimensions) })
			id := fmt.Sprintf("c%s-%d", a.Row, i)
			line.Cells[i] = titles.gridCell(c, id, line.Cells[i].Edge)
			if places := titles.places(c); len(places) > 0 {
				out.Places[id] = places
			}
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

func (x index) gridCell(c Cell, id string, edge int) gridCell {
	out := gridCell{ID: id, Name: c.Name, Edge: edge}
	places := x.places(c)
	switch result := x.of(c); {
	case !c.Meant():
		out.Kind, out.Sign, out.Says = "empty", "·", "no scenario: "+c.Reason
	case len(places) == 0:
		out.Kind, out.Sign, out.Says = "missing", "!", "missing: there is neither a scenario nor a reason to have none"
	default:
		out.Kind, out.Sign, out.Says = string(result), signs()[result], x.counts(places)
	}
	for n, i := range places {
		if n == maxTold {
			out.More += fmt.Sprintf("\nand %d more", len(places)-n)
			break
		}
		out.More += "\n" + signs()[x.all[i].Result] + " " + x.all[i].Title
	}
	return out
}

// counts is "5 passed, 1 failed", the worst first.
func (x index) counts(places []int) string {
	n := map[Result]int{}
	for _, i := range places {
		n[x.all[i].Result]++
	}
	var parts []string
	for _, result := range results() {
		if n[result] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[result], result))
		}
	}
	return strings.Join(parts, ", ")
}

// columnsOf returns the dimensions of the columns: those with more of them first, else in the order of the cells.
func columnsOf(cells []Cell) [][]string {
	var out [][]string
	seen := map[string]bool{}
	for _, c := range cells {
		if key := strings.Join(c.Dimensions, "\n"); !seen[key] {
			seen[key] = true
			out = append(out, c.Dimensions)
		}
	}
	slices.SortStableFunc(out, func(a, b []string) int { return len(b) - len(a) })
	return out
}

// common is how many of the outer dimensions a column has in common with the one before it.
func common(columns [][]string, i int) int {
	n := 0
	for i > 0 && n < min(len(columns[i]), len(columns[i-1])) && columns[i][n] == columns[i-1][n] {
		n++
	}
	return n
}

// edge is the outermost dimension in which a column differs from the one before it, or a large number when that is the
// innermost one, between whose columns there is no line.
func edge(columns [][]string, i int) int {
	n := common(columns, i)
	if n > 0 && n == len(columns[i])-1 {
		return len(columns)
	}
	return n
}

// heads joins what neighbouring columns have in common; the last dimension of a column reaches down to the cells.
func heads(columns [][]string) [][]gridHead {
	depth := 0
	for _, d := range columns {
		depth = max(depth, len(d))
	}
	out := make([][]gridHead, depth)
	for i, d := range columns {
		for level, text := range d {
			if line := out[level]; common(columns, i) > level && len(line) > 0 {
				line[len(line)-1].Cols++
				continue
			}
			rows := 1
			if level == len(d)-1 {
				rows = depth - level
			}
			out[level] = append(out[level], gridHead{Text: text, Cols: 1, Rows: rows, Edge: edge(columns, i)})
		}
	}
	return out
}
