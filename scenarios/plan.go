package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/features"
	"github.com/spsim/spsim/scenarios/report"
	"github.com/spsim/spsim/scenarios/steps"
)

// ErrUsage is wrapped by the refusal of options that make no sense; nothing ran.
var ErrUsage = errors.New("wrong use")

// plan is what will run: all scenarios, those that are not selected with their result, in the order of the files.
type plan struct {
	scenarios []report.Scenario
	filter    string // for godog
	selected  int
	elsewhere map[string]bool // titles that are selected and not run here
	hosts     map[string]int  // by title, what they need
}

// newPlan reads the feature files and applies the selection.
func newPlan(o Options) (*plan, error) {
	filter, err := o.filter()
	if err != nil {
		return nil, err
	}
	all, hosts, err := read("")
	if err != nil {
		return nil, err
	}
	filter = spread(filter, all)
	if err := knownTags(filter, all); err != nil {
		return nil, err
	}
	filter, derived := apart(filter)
	taken := map[string]bool{} // godog's choice, by the tags in the files
	if err := each(filter, func(s report.Scenario, _ []string) { taken[s.Title] = true }); err != nil {
		return nil, err
	}
	in, outside := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		if taken[s.Title] {
			of := outside
			if derived.fits(s.Tags) {
				of = in
			}
			of[s.Title] = true
		}
	}
	seen := map[string]string{}
	for i, s := range all {
		if other, twice := seen[s.Title]; twice {
			return nil, fmt.Errorf("two scenarios have the title %q: in %q and in %q", s.Title, other, s.Feature)
		}
		seen[s.Title] = s.Feature
		if !in[s.Title] {
			all[i].Result, all[i].Reason = report.Skipped, "not selected by "+o.selection()
		}
	}
	p := &plan{scenarios: all, filter: filter, selected: len(in), elsewhere: outside, hosts: hosts}
	p.leave(o.leave)
	return p, p.shard(o.Shard)
}

// load returns the scenarios that the filter accepts, outlines expanded.
func load(filter string) ([]report.Scenario, error) {
	out, _, err := read(filter)
	return out, err
}

// read also gives the number of hosts that each scenario needs, by its title. What their steps need is among the tags.
func read(filter string) (out []report.Scenario, hosts map[string]int, err error) {
	known := steps.Known{}
	hosts = map[string]int{}
	err = each(filter, func(s report.Scenario, texts []string) {
		needs := known.NeedsOf(texts)
		for _, tag := range needs.Tags {
			if !slices.Contains(s.Tags, tag) {
				s.Tags = append(s.Tags, tag)
			}
		}
		hosts[s.Title] = needs.Hosts
		out = append(out, s)
	})
	return out, hosts, err
}

// each calls f with the scenarios that the filter accepts, outlines expanded, and the texts of their steps.
func each(filter string, f func(s report.Scenario, texts []string)) error {
	paths, err := files()
	if err != nil {
		return err
	}
	suite := godog.TestSuite{Options: &godog.Options{FS: features.FS, Paths: paths, Tags: filter}}
	found, err := suite.RetrieveFeatures()
	if err != nil {
		return fmt.Errorf("read the feature files: %w", err)
	}
	for _, of := range found {
		for _, p := range of.Pickles {
			s := report.Scenario{Title: p.Name, Feature: of.Feature.Name, File: of.Uri}
			if at := of.FindScenario(p.AstNodeIds[0]); at != nil {
				s.Line = int(at.Location.Line)
			}
			for _, tag := range p.Tags {
				if !slices.Contains(s.Tags, tag.Name) {
					s.Tags = append(s.Tags, tag.Name)
				}
			}
			var texts []string
			for _, step := range p.Steps {
				texts = append(texts, step.Text)
			}
			f(s, texts)
		}
	}
	return nil
}

func files() ([]string, error) {
	paths, err := fs.Glob(features.FS, "*.feature")
	if err != nil {
		return nil, fmt.Errorf("list the feature files: %w", err)
	}
	return paths, nil
}

// shuffled returns the feature files in the seed's order; godog shuffles within a file.
func shuffled(seed int64) ([]string, error) {
	paths, err := files()
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // an order is no secret
	r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	return paths, nil
}

// filter joins the rows and tags of o as godog reads them: && parts, each a list of alternatives parted by commas.
func (o Options) filter() (string, error) {
	var parts []string
	rows, err := rowTags(o.Rows)
	if err != nil {
		return "", err
	}
	if len(rows) > 0 {
		parts = append(parts, strings.Join(rows, ","))
	}
	if strings.TrimSpace(o.Tags) != "" {
		for part := range strings.SplitSeq(o.Tags, "&&") {
			var words []string
			for word := range strings.SplitSeq(part, ",") {
				word = strings.TrimSpace(word)
				bare := strings.TrimPrefix(strings.TrimPrefix(word, "~"), "@")
				if bare == "" || strings.ContainsAny(bare, " ~@!()|&") {
					return "", fmt.Errorf("%w: tags %q: use @a, ~@a, commas for or, && for and", ErrUsage, o.Tags)
				}
				words = append(words, word)
			}
			parts = append(parts, strings.Join(words, ","))
		}
	}
	return strings.Join(parts, " && "), nil
}

// selection names the options that select.
func (o Options) selection() string {
	var parts []string
	if len(o.Rows) > 0 {
		parts = append(parts, "--rows "+strings.Join(o.Rows, ","))
	}
	if strings.TrimSpace(o.Tags) != "" {
		parts = append(parts, fmt.Sprintf("--tags %q", o.Tags))
	}
	return strings.Join(parts, " ")
}

// rowTags turns "3", "03" into "@row-03".
func rowTags(rows []string) ([]string, error) {
	actions := report.Actions()
	var out []string
	for _, row := range rows {
		n, err := strconv.Atoi(strings.TrimSpace(row))
		if err != nil || n < 1 || n > len(actions) {
			return nil, fmt.Errorf("%w: no row %q: the matrix has rows 1 to %d", ErrUsage, row, len(actions))
		}
		out = append(out, actions[n-1].Tag())
	}
	return out, nil
}

// knownTags refuses a filter with a tag that no scenario has and that is not a row's: it is a slip of the pen.
func knownTags(filter string, all []report.Scenario) error {
	known := map[string]bool{}
	for _, s := range all {
		for _, tag := range s.Tags {
			known[tag] = true
		}
	}
	for _, a := range report.Actions() {
		known[a.Tag()] = true
	}
	for word := range strings.FieldsFuncSeq(filter, func(r rune) bool { return r == ',' || r == '&' || r == ' ' }) {
		tag := "@" + strings.TrimPrefix(strings.TrimPrefix(word, "~"), "@")
		if !known[tag] {
			return fmt.Errorf("%w: no scenario has the tag %s", ErrUsage, tag)
		}
	}
	return nil
}
