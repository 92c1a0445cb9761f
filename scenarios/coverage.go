package scenarios

import (
	"fmt"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/features"
	"github.com/spsim/spsim/scenarios/cover"
)

// Cells returns the table of the cells of the action matrix that the scenarios fill.
func Cells() (cover.Table, error) {
	all, err := spoken()
	if err != nil {
		return cover.Table{}, err
	}
	return cover.NewTable(all), nil
}

// History returns the table of the regressions that the scenarios show.
func History() (cover.History, error) {
	all, err := spoken()
	if err != nil {
		return cover.History{}, err
	}
	return cover.NewHistory(all), nil
}

// spoken returns all scenarios with the texts of their steps, outlines expanded.
func spoken() ([]cover.Scenario, error) {
	paths, err := files()
	if err != nil {
		return nil, err
	}
	suite := godog.TestSuite{Options: &godog.Options{FS: features.FS, Paths: paths}}
	found, err := suite.RetrieveFeatures()
	if err != nil {
		return nil, fmt.Errorf("read the feature files: %w", err)
	}
	var out []cover.Scenario
	for _, f := range found {
		for _, p := range f.Pickles {
			s := cover.Scenario{Title: p.Name, Feature: f.Feature.Name}
			for _, tag := range p.Tags {
				s.Tags = append(s.Tags, tag.Name)
			}
			for _, step := range p.Steps {
				s.Steps = append(s.Steps, step.Text)
			}
			out = append(out, s)
		}
	}
	return out, nil
}
