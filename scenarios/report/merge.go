package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrMerge is wrapped by the refusal to merge reports that are not parts of one run.
var ErrMerge = errors.New("the reports do not belong together")

// otherShard begins the reason of a scenario that another shard of the run has.
const otherShard = "runs in another shard than "

// OtherShard is the reason of a scenario that is not in a shard, such as "2/4".
func OtherShard(shard string) string { return otherShard + shard }

// Read reads the report that [Report.WriteFiles] wrote into dir, details included if they are there.
func Read(dir string) (Report, error) {
	var doc reportJSON
	if err := readJSON(filepath.Join(dir, "results.json"), &doc); err != nil {
		return Report{}, err
	}
	r := Report{Seed: doc.Seed, Target: doc.Target, Driver: doc.Driver, Interrupted: doc.Interrupted, Endings: doc.Endings}
	for _, s := range doc.Scenarios {
		if !slices.Contains(results(), s.Result) {
			return Report{}, fmt.Errorf("read %s: scenario %q has the unknown result %q", dir, s.Title, s.Result)
		}
		r.Scenarios = append(r.Scenarios, Scenario(s))
	}
	for _, c := range doc.Cells {
		r.Cells = append(r.Cells, Cell{c.Row, c.Name, c.Dimensions, c.Scenarios, c.Reason})
	}
	r.Rows = rows(r.Scenarios)
	err := readJSON(filepath.Join(dir, "details.json"), &r.details)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return r, err
}

func readJSON(file string, into any) error {
	f, err := os.Open(file) //nolint:gosec // the file that the user names
	if err != nil {
		return fmt.Errorf("read a report: %w", err)
	}
	defer func() { _ = f.Close() }()
	d := json.NewDecoder(f)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: something follows the report", file)
	}
	return nil
}

// Merge makes one report of those of a run's shards. A scenario takes its result from the shard that it belongs to; one that
// ran in several takes the worst. Reports of other suites, targets, drivers or seeds are refused with [ErrMerge].
func Merge(parts ...Report) (Report, error) {
	if len(parts) == 0 {
		return Report{}, fmt.Errorf("%w: there are none", ErrMerge)
	}
	out := parts[0]
	out.Scenarios, out.Endings, out.details = slices.Clone(out.Scenarios), slices.Clone(out.Endings), nil
	for _, p := range parts[1:] {
		if err := out.matches(p); err != nil {
			return Report{}, err
		}
		out.Interrupted = out.Interrupted || p.Interrupted
		out.Endings = append(out.Endings, p.Endings...)
		for i, s := range p.Scenarios {
			out.Scenarios[i] = closer(out.Scenarios[i], s)
		}
	}
	for i, s := range out.Scenarios {
		if elsewhere(s) {
			out.Scenarios[i].Reason = missingShard
		}
	}
	out.Rows, out.details = rows(out.Scenarios), mergeDetails(out.Scenarios, parts)
	return out, nil
}

const missingShard = "no report of its shard was merged"

// Missing is the number of scenarios of which [Merge] was given no report.
func (r Report) Missing() int {
	n := 0
	for _, s := range r.Scenarios {
		if s.Reason == missingShard {
			n++
		}
	}
	return n
}

func elsewhere(s Scenario) bool {
	return s.Result == Skipped && strings.HasPrefix(s.Reason, otherShard)
}

// closer is the one of two results that tells more.
func closer(a, b Scenario) Scenario {
	if elsewhere(a) || !elsewhere(b) && Worst(a.Result, b.Result) != a.Result {
		return b
	}
	return a
}

func (r Report) matches(p Report) error {
	switch {
	case p.Target != r.Target || p.Driver != r.Driver || p.Seed != r.Seed:
		return fmt.Errorf("%w: one is of target %s, driver %s, seed %d, another of target %s, driver %s, seed %d",
			ErrMerge, r.Target, r.Driver, r.Seed, p.Target, p.Driver, p.Seed)
	case !slices.EqualFunc(r.Scenarios, p.Scenarios, func(a, b Scenario) bool { return a.Title == b.Title }):
		return fmt.Errorf("%w: they list other scenarios, so they are of different versions", ErrMerge)
	}
	return nil
}

// mergeDetails keeps the first details of each scenario, in the order of the scenarios.
func mergeDetails(scenarios []Scenario, parts []Report) []Detail {
	by := map[string]Detail{}
	for _, p := range parts {
		for _, d := range p.details {
			if _, there := by[d.Title]; !there {
				by[d.Title] = d
			}
		}
	}
	var out []Detail
	for _, s := range scenarios {
		if d, ok := by[s.Title]; ok {
			out = append(out, d)
		}
	}
	return out
}
