package scenarios

import (
	"fmt"
	"slices"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/features"
	"github.com/spsim/spsim/scenarios/report"
)

// Feature is a feature file.
type Feature struct {
	File, Title string
	// Description is the text below the title as it is indented there.
	Description string
	Rules       []Rule
}

// Rule is a scenario of a feature file, or an outline with its examples.
type Rule struct {
	// Title is as it is in the file: that of an outline has its parameters, <kind>.
	Title string
	// Examples is the number of scenarios that it stands for.
	Examples int
	// Tags are those of all its examples, with what their steps need, in order of appearance.
	Tags []string
}

// Features returns the feature files in their order, with the rules of each in the file's order.
func Features() ([]Feature, error) {
	paths, err := files()
	if err != nil {
		return nil, err
	}
	suite := godog.TestSuite{Options: &godog.Options{FS: features.FS, Paths: paths}}
	found, err := suite.RetrieveFeatures()
	if err != nil {
		return nil, fmt.Errorf("read the feature files: %w", err)
	}
	all, err := load("")
	if err != nil {
		return nil, err
	}
	out := make([]Feature, 0, len(found))
	for _, of := range found {
		titles := map[int]string{} // by line
		for _, p := range of.Pickles {
			if at := of.FindScenario(p.AstNodeIds[0]); at != nil {
				titles[int(at.Location.Line)] = at.Name
			}
		}
		out = append(out, Feature{
			File: of.Uri, Title: of.Feature.Name, Description: of.Feature.Description, Rules: rulesOf(of.Uri, titles, all),
		})
	}
	slices.SortFunc(out, func(a, b Feature) int { return slices.Index(paths, a.File) - slices.Index(paths, b.File) })
	return out, nil
}

// rulesOf joins the scenarios of a file that begin on the same line.
func rulesOf(file string, titles map[int]string, all []report.Scenario) []Rule {
	var out []Rule
	at := map[int]int{} // by line, where in out
	for _, s := range all {
		if s.File != file {
			continue
		}
		i, known := at[s.Line]
		if !known {
			i = len(out)
			at[s.Line] = i
			out = append(out, Rule{Title: titles[s.Line]})
		}
		out[i].Examples++
		for _, tag := range s.Tags {
			if !slices.Contains(out[i].Tags, tag) {
				out[i].Tags = append(out[i].Tags, tag)
			}
		}
	}
	return out
}

// ShowingAll returns, by the number of each defect, the scenarios that are meant to fail when it is put in.
func ShowingAll() (map[string][]report.Scenario, error) {
	all, err := load("")
	if err != nil {
		return nil, err
	}
	out := map[string][]report.Scenario{}
	for _, d := range Defects() {
		for _, s := range all {
			if carries(s, d) {
				out[d.ID] = append(out[d.ID], s)
			}
		}
	}
	return out, nil
}
