package report

import (
	"fmt"
	"strings"
)

// Ending is how a run left a target outside of this process: what was there before it, compared with what is there
// afterwards.
type Ending struct {
	// Run is the run's name, with which the tag of each of its objects begins.
	Run string `json:"run"`
	// Volumes and Snapshots count what was there before the run.
	Volumes   int `json:"volumes"`
	Snapshots int `json:"snapshots"`
	// RemovedVolumes and RemovedSnapshots count what the run had left when its scenarios were over.
	RemovedVolumes   int `json:"removedVolumes"`
	RemovedSnapshots int `json:"removedSnapshots"`
	// Wrong says what is not as it was before, with its state before and after; empty when everything is.
	Wrong []string `json:"wrong"`
}

// String says in one line how the target was left.
func (e Ending) String() string {
	there := fmt.Sprintf("the %d volumes and %d snapshots that were there before", e.Volumes, e.Snapshots)
	if len(e.Wrong) > 0 {
		return "the target is not as it was, compared with " + there
	}
	return fmt.Sprintf("nothing of the run is left (%d volumes and %d snapshots were removed at the end); %s are as they were",
		e.RemovedVolumes, e.RemovedSnapshots, there)
}

// AsItWas tells whether the target was left as it was before the run; one in this process always is.
func (r Report) AsItWas() bool { return len(r.wrong()) == 0 }

func (r Report) wrong() []string {
	var out []string
	for _, e := range r.Endings {
		out = append(out, e.Wrong...)
	}
	return out
}

// target is the section of matrix.md about how the target was left.
func (r Report) target(b *strings.Builder) {
	for _, e := range r.Endings {
		fmt.Fprintf(b, "\n## The target after %s\n\n%s\n\n", e.Run, e)
		for _, line := range e.Wrong {
			fmt.Fprintf(b, "- %s\n", cell(line))
		}
	}
}
