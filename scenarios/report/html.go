package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var pageText string

// page is what page.html reads.
type page struct {
	Report
	Worst     Result
	Summary   string
	Results   []Result
	Scenarios []pageScenario
	Titles    []string
	Details   []Detail
}

type pageScenario struct {
	Scenario
	TagList string
	Words   string // what the filter looks through, in lower case
}

// HTML writes report.html, one page that needs nothing else: the matrix, and for each scenario its steps with the calls and
// commands made in them, and what a failed step did to the world.
func (r Report) HTML(w io.Writer) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	p := page{Report: r, Worst: r.Worst(), Summary: r.Summary(), Results: results(), Details: r.details}
	if p.Details == nil {
		p.Details = []Detail{}
	}
	for _, s := range r.Scenarios {
		tags := strings.Join(s.Tags, " ")
		p.Scenarios = append(p.Scenarios, pageScenario{s, tags, strings.ToLower(s.Title + " " + s.Feature + " " + tags)})
		p.Titles = append(p.Titles, s.Title)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
