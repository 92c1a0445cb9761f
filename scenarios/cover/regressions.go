package cover

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Regression is something that users of StorPool's integrations, or of KVM storage in CloudStack, have suffered from. The
// scenarios that would see it again carry its number as their tag.
type Regression struct {
	// ID is its number, CS-5433.
	ID string
	// What went wrong, or for something that was added, what has to hold.
	What string
	// Source is where it was reported or mended.
	Source string
	// Reason says why no scenario can show it; empty when some do.
	Reason string
	// Beyond is the part that its scenarios or tests do not show; empty when they show all of it.
	Beyond string
	// Shown are tests that show it without a scenario, or besides them.
	Shown []Test
}

// Test is a function in a test file of this repository.
type Test struct {
	// File is the path from the top of the repository.
	File string
	Func string
}

// String is the file with the function.
func (t Test) String() string { return t.File + " " + t.Func }

// Tag is the tag of the scenarios that show it.
func (r Regression) Tag() string { return "@" + r.ID }

// ByTest tells whether tests alone are enough. What concerns another integration has no row of the action matrix, and the
// tests of the emulator play that integration.
func (r Regression) ByTest() bool { return strings.HasPrefix(r.ID, "SP-") && len(r.Shown) > 0 }

// Regressions returns all of them: CloudStack's own, those of other integrations, KVM storage in general, encryption.
func Regressions() []Regression {
	return slices.Concat(mended(), added(), plugin(), integrations(), general(), encryption())
}

// Regressed returns the regression that a number names, in whatever case.
func Regressed(id string) (Regression, bool) {
	for _, r := range Regressions() {
		if strings.EqualFold(r.ID, strings.TrimPrefix(id, "@")) {
			return r, true
		}
	}
	return Regression{}, false
}

// History is the table of regressions with the scenarios that show them.
type History struct {
	Regressions []Regression
	// Showing are the scenarios by the regression's number, in the order of the files.
	Showing map[string][]Scenario

	unknown []string // what tags name and the table does not have
}

var reRegression = regexp.MustCompile(`^@(CS|SP|KV|ENC)-[A-Za-z0-9]+$`)

// NewHistory finds the scenarios of each regression by their tags.
func NewHistory(all []Scenario) History { return newHistory(Regressions(), all) }

func newHistory(regressions []Regression, all []Scenario) History {
	h := History{Regressions: regressions, Showing: map[string][]Scenario{}}
	known := map[string]bool{}
	for _, r := range regressions {
		known[r.Tag()] = true
	}
	for _, s := range all {
		for _, tag := range slices.Compact(slices.Sorted(slices.Values(s.Tags))) {
			switch {
			case known[tag]:
				h.Showing[tag[1:]] = append(h.Showing[tag[1:]], s)
			case reRegression.MatchString(tag) && !slices.Contains(h.unknown, tag):
				h.unknown = append(h.unknown, tag)
			}
		}
	}
	return h
}

// Check returns what is wrong with the table: regressions that nothing shows and that have no reason for it, reasons of
// those that something shows, and tags that name no regression.
func (h History) Check() []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range h.Regressions {
		if seen[r.ID] {
			out = append(out, r.ID+": listed twice")
		}
		seen[r.ID] = true
		n := len(h.Showing[r.ID])
		switch {
		case n == 0 && r.Reason == "" && !r.ByTest():
			out = append(out, r.ID+": no scenario has its tag, and there is no reason")
		case r.Reason != "" && n > 0:
			out = append(out, fmt.Sprintf("%s: has a scenario, %q, although %s", r.ID, h.Showing[r.ID][0].Title, r.Reason))
		case r.Reason != "" && r.Beyond != "":
			out = append(out, r.ID+": nothing of it is shown, so that no part can be missing")
		}
	}
	for _, tag := range h.unknown {
		out = append(out, tag+": no regression has this number")
	}
	return out
}

// Sum counts the regressions that scenarios show, those that tests alone show, and those with a reason.
func (h History) Sum() (scenarios, tests, reasons int) {
	for _, r := range h.Regressions {
		switch {
		case len(h.Showing[r.ID]) > 0:
			scenarios++
		case r.Reason != "":
			reasons++
		default:
			tests++
		}
	}
	return scenarios, tests, reasons
}
