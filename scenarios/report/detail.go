package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Step is a step that a scenario took, with what was asked in it.
type Step struct {
	Text   string `json:"text"`
	Result Result `json:"result"`
	// Reason says why the result is not Passed.
	Reason string `json:"reason,omitempty"`
	Calls  []Call `json:"calls,omitempty"`
}

// Call is a call of StorPool's API or a command to a host, without secrets.
type Call struct {
	At      time.Time `json:"at"`
	Caller  string    `json:"caller"`
	Call    string    `json:"call"` // "POST VolumeCreate", "agent BackupSnapshot"
	Object  string    `json:"object,omitempty"`
	Request string    `json:"request,omitempty"`
	Answer  string    `json:"answer,omitempty"`
	Err     string    `json:"error,omitempty"`
}

// Change is what the step that failed did to the world: the lines that were there before it and those after it.
type Change struct {
	Before []string `json:"before"`
	After  []string `json:"after"`
}

// Detail is what a scenario did. It is kept when the report asks for it ([Recorder.Keep]).
type Detail struct {
	Title  string  `json:"title"`
	Steps  []Step  `json:"steps"`
	Change *Change `json:"change,omitempty"`
}

// maxBody is how much of a body is kept, in bytes; lists of everything are long and tell little.
const maxBody = 4096

func clip(text string) string {
	if len(text) <= maxBody {
		return text
	}
	return fmt.Sprintf("%s ... and %d bytes more", text[:maxBody], len(text)-maxBody)
}

// Details writes details.json: steps, calls and changes of each scenario, for reports that are merged later.
func (r Report) Details(w io.Writer) error {
	all := r.details
	if all == nil {
		all = []Detail{}
	}
	if err := json.NewEncoder(w).Encode(all); err != nil {
		return fmt.Errorf("encode details: %w", err)
	}
	return nil
}

// Calls are what each scenario has asked, by its title; only what was kept ([Recorder.Keep]).
func (r Report) Calls() map[string][]Call {
	out := map[string][]Call{}
	for _, d := range r.details {
		for _, s := range d.Steps {
			out[d.Title] = append(out[d.Title], s.Calls...)
		}
	}
	return out
}
