package report

import "slices"

// Cell is a place in the action matrix: a row parted by the dimensions of the disk that it acts on. Its result is that of
// its scenarios.
type Cell struct {
	// Row is the number of the row, two digits.
	Row string
	// Name names the cell within the whole matrix.
	Name string
	// Dimensions place it in its row, from the outermost to the innermost.
	Dimensions []string
	// Scenarios are the titles of the scenarios that fall into it.
	Scenarios []string
	// Reason says why there are none; empty where there should be some.
	Reason string
}

// Meant tells whether the cell has scenarios or should have some.
func (c Cell) Meant() bool { return len(c.Scenarios) > 0 || c.Reason == "" }

// Of returns the result of a cell: the worst of its scenarios, [Pending] when it lacks them, none where a reason says why
// there are none.
func (r Report) Of(c Cell) Result { return r.index().of(c) }

// index finds scenarios by their titles.
type index struct {
	at  map[string]int
	all []Scenario
}

func (r Report) index() index {
	x := index{at: make(map[string]int, len(r.Scenarios)), all: r.Scenarios}
	for i, s := range r.Scenarios {
		x.at[s.Title] = i
	}
	return x
}

// places returns where the scenarios of a cell are in the report, in its order.
func (x index) places(c Cell) []int {
	var out []int
	for _, title := range c.Scenarios {
		if i, ok := x.at[title]; ok {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

func (x index) of(c Cell) Result {
	if !c.Meant() {
		return ""
	}
	var found []Result
	for _, i := range x.places(c) {
		found = append(found, x.all[i].Result)
	}
	return Worst(found...)
}
