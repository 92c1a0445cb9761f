package report

import (
	"fmt"
	"slices"
	"strings"
)

// Report is the outcome of a run.
type Report struct {
	Rows []Row
	// Scenarios are in the order of the feature files.
	Scenarios []Scenario
	// Seed repeats the run: order, ids, contents.
	Seed int64
	// Target is what the suite ran against, such as "embedded".
	Target string
	// Driver is the selection of upstream defects, "correct" for none.
	Driver string
	// Interrupted tells that the run was stopped before its end.
	Interrupted bool
	// Cells part the rows by their dimensions; empty when nobody has told them.
	Cells []Cell
	// Endings say how targets outside of this process were left: one for a run, one for each shard of a merged report.
	Endings []Ending

	details []Detail // by the order of Scenarios; without those that did nothing
}

// Row is the result of a row of the action matrix: the worst of its scenarios.
type Row struct {
	Row        string
	Action     string
	Result     Result
	Scenarios  int
	Passed     int
	Failed     int
	Skipped    int
	CannotTell int
}

// Scenarios of the report's rows are counted by tag; a scenario with several row tags counts in each.
func rows(scenarios []Scenario) []Row {
	actions := Actions()
	out := make([]Row, 0, len(actions))
	for _, a := range actions {
		row := Row{Row: a.Row, Action: a.Name}
		var results []Result
		for _, s := range scenarios {
			if !slices.Contains(s.Tags, a.Tag()) {
				continue
			}
			results = append(results, s.Result)
			row.count(s.Result)
		}
		row.Result = Worst(results...)
		out = append(out, row)
	}
	return out
}

func (r *Row) count(result Result) {
	r.Scenarios++
	switch result {
	case Passed:
		r.Passed++
	case Failed:
		r.Failed++
	case Skipped:
		r.Skipped++
	case CannotTell:
		r.CannotTell++
	case Pending: // has no column of its own: the row says it
	}
}

// With returns the scenarios of a result.
func (r Report) With(result Result) []Scenario {
	var out []Scenario
	for _, s := range r.Scenarios {
		if s.Result == result {
			out = append(out, s)
		}
	}
	return out
}

// Worst returns the worst result of all scenarios, those of no row included. A target that is not as it was is a failure.
func (r Report) Worst() Result {
	if !r.AsItWas() {
		return Failed
	}
	results := make([]Result, len(r.Scenarios))
	for i, s := range r.Scenarios {
		results[i] = s.Result
	}
	return Worst(results...)
}

// Summary is one line: how many scenarios ended how, and what repeats the run.
func (r Report) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d scenarios", len(r.Scenarios))
	for _, result := range slices.Backward(results()) {
		if n := len(r.With(result)); n > 0 || result == Passed || result == Failed {
			fmt.Fprintf(&b, ", %d %s", n, result)
		}
	}
	fmt.Fprintf(&b, "; target %s, driver %s, seed %d", r.Target, r.Driver, r.Seed)
	if r.Interrupted {
		b.WriteString("; INTERRUPTED, what did not run is skipped")
	}
	if !r.AsItWas() {
		b.WriteString("; THE TARGET IS NOT AS IT WAS before the run")
	}
	return b.String()
}

func results() []Result {
	o := order()
	return o[:]
}
