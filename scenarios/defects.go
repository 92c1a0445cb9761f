package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/scenarios/report"
	"github.com/spsim/spsim/scenarios/steps"
)

// Defect is a known upstream defect.
type Defect = steps.Defect

// Defects returns every known defect: the driver's, the agent's, then CloudStack core's, each room's in its order.
func Defects() []Defect { return steps.Defects() }

// FindDefects returns the defects that a number names: D-11 itself, the parts of D-10, or what is also known as SUS-9.
// An unknown number is [ErrUsage].
func FindDefects(id string) ([]Defect, error) {
	var out []Defect
	for _, d := range Defects() {
		if names(id, d) {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no defect %q: `spsim quirks` lists them", ErrUsage, id)
	}
	return out, nil
}

// names tells whether id is the number of d, of the whole that d is a part of, or one of its other numbers.
func names(id string, d Defect) bool {
	info := d.Info
	info.Inexpressible = "" // it can be explained all the same
	set, err := quirk.Parse(id, []quirk.Info{info})
	return err == nil && id != quirk.Upstream && set.Has(d.ID)
}

// tags returns the tags of the scenarios that show d.
func tags(d Defect) []string {
	out := []string{"@" + d.ID}
	for _, also := range d.Also {
		out = append(out, "@"+also)
	}
	return out
}

// carries tells whether a scenario has one of the defect's tags.
func carries(s report.Scenario, d Defect) bool {
	return slices.ContainsFunc(tags(d), func(tag string) bool { return slices.Contains(s.Tags, tag) })
}

// Showing returns the scenarios that are meant to fail when d is put in.
func Showing(d Defect) ([]report.Scenario, error) {
	all, err := load("")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(s report.Scenario) bool { return !carries(s, d) }), nil
}

// Coverage returns the scenarios of each row of the action matrix, by the row's number.
func Coverage() (map[string][]report.Scenario, error) {
	all, err := load("")
	if err != nil {
		return nil, err
	}
	out := map[string][]report.Scenario{}
	for _, s := range all {
		for _, tag := range s.Tags {
			if row, ok := strings.CutPrefix(tag, "@row-"); ok {
				out[row] = append(out[row], s)
			}
		}
	}
	return out, nil
}
