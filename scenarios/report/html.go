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
	Signs     map[Result]string
	Grid      grid
	Scenarios []pageScenario
	Titles    []string
	Details   []Detail
}

type pageScenario struct {
	Scenario
	TagList string
	Words   string // what the filter looks through, in lower case
	Open    bool
}

// maxOpen is how many failed scenarios are open from the start; a browser takes long to draw the steps of hundreds.
const maxOpen = 20

// HTML writes report.html, one page that needs nothing else: the matrix, its cells by their dimensions, for each scenario
// its steps with the calls and commands made in them, what a failed step did to the world, and how a target was left.
func (r Report) HTML(w io.Writer) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	p := page{
		Report: r, Worst: r.Worst(), Summary: r.Summary(), Results: results(), Signs: signs(), Grid: r.grid(), Details: r.details,
	}
	if p.Details == nil {
		p.Details = []Detail{}
	}
	failed := 0
	for _, s := range r.Scenarios {
		if s.Result == Failed {
			failed++
		}
		tags := strings.Join(s.Tags, " ")
		p.Scenarios = append(p.Scenarios, pageScenario{s, tags, strings.ToLower(s.Title + " " + s.Feature + " " + tags), s.Result == Failed && failed <= maxOpen})
		p.Titles = append(p.Titles, s.Title)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
