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

type reportJSON struct {
	Rows      []rowJSON      `json:"rows"`
	Scenarios []scenarioJSON `json:"scenarios"`
	Seed      int64          `json:"seed"`
	Target    string         `json:"target"`
	Driver    string         `json:"driver"`
	// Interrupted tells that the run was stopped before its end.
	Interrupted bool `json:"interrupted"`
}

// JSON writes results.json: the rows, the scenarios, and what repeats the run.
func (r Report) JSON(w io.Writer) error {
	doc := reportJSON{Rows: []rowJSON{}, Scenarios: []scenarioJSON{}, Seed: r.Seed, Target: r.Target, Driver: r.Driver, Interrupted: r.Interrupted}
	for _, x := range r.Rows {
		doc.Rows = append(doc.Rows, rowJSON(x))
	}
	for _, s := range r.Scenarios {
		tags := append([]string{}, s.Tags...) // [] rather than null
		doc.Scenarios = append(doc.Scenarios, scenarioJSON{s.Title, s.Feature, s.File, s.Line, tags, s.Result, s.Reason, s.Seconds})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("encode results: %w", err)
	}
	return nil
}
