package report

import (
	"encoding/json"
	"fmt"
	"io"
)

type rowJSON struct {
	Row        string `json:"row"`
	Action     string `json:"action"`
	Result     Result `json:"result"`
	Scenarios  int    `json:"scenarios"`
	Passed     int    `json:"passed"`
	Failed     int    `json:"failed"`
	Skipped    int    `json:"skipped"`
	CannotTell int    `json:"cannotTell"`
}

type scenarioJSON struct {
	Title   string   `json:"title"`
	Feature string   `json:"feature"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Tags    []string `json:"tags"`
	Result  Result   `json:"result"`
	Reason  string   `json:"reason"`
	Seconds float64  `json:"seconds"`
}

type cellJSON struct {
	Row        string   `json:"row"`
	Name       string   `json:"name"`
	Dimensions []string `json:"dimensions"`
	Result     Result   `json:"result,omitempty"` // none where there is a reason to have no scenarios
	Scenarios  []string `json:"scenarios,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

type reportJSON struct {
	Rows      []rowJSON      `json:"rows"`
	Scenarios []scenarioJSON `json:"scenarios"`
	Seed      int64          `json:"seed"`
	Target    string         `json:"target"`
	Driver    string         `json:"driver"`
	// Interrupted tells that the run was stopped before its end.
	Interrupted bool       `json:"interrupted"`
	Cells       []cellJSON `json:"cells,omitempty"`
	Endings     []Ending   `json:"endings,omitempty"`
}

// JSON writes results.json: the rows, their cells, the scenarios, what repeats the run, and how a target was left.
func (r Report) JSON(w io.Writer) error {
	doc := reportJSON{
		Rows: []rowJSON{}, Scenarios: []scenarioJSON{}, Seed: r.Seed, Target: r.Target, Driver: r.Driver, Interrupted: r.Interrupted,
		Endings: r.Endings,
	}
	for _, x := range r.Rows {
		doc.Rows = append(doc.Rows, rowJSON(x))
	}
	for _, s := range r.Scenarios {
		tags := append([]string{}, s.Tags...) // [] rather than null
		doc.Scenarios = append(doc.Scenarios, scenarioJSON{s.Title, s.Feature, s.File, s.Line, tags, s.Result, s.Reason, s.Seconds})
	}
	titles := r.index()
	for _, c := range r.Cells {
		doc.Cells = append(doc.Cells, cellJSON{c.Row, c.Name, c.Dimensions, titles.of(c), c.Scenarios, c.Reason})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("encode results: %w", err)
	}
	return nil
}
