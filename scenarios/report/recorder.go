package report

import (
	"sync"
	"time"
)

// Recorder collects results while scenarios run. It is safe for concurrent use.
type Recorder struct {
	progress Progress
	mu       sync.Mutex
	order    []string // titles as planned
	running  map[string]*run
}

type run struct {
	scenario Scenario
	started  time.Time
	worst    Result // of the steps so far
	ended    bool
}

// NewRecorder expects the planned scenarios; those that are planned with a result keep it unless they run.
// Progress may be nil.
func NewRecorder(plan []Scenario, p Progress) *Recorder {
	if p == nil {
		p = Quiet()
	}
	r := &Recorder{progress: p, running: make(map[string]*run, len(plan))}
	n := 0
	for _, s := range plan {
		r.order = append(r.order, s.Title)
		r.running[s.Title] = &run{scenario: s}
		if s.Result == "" {
			n++
		}
	}
	p.Start(n)
	return r
}

// Begin notes that the scenario of this title has begun.
func (r *Recorder) Begin(title string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.running[title]; ok {
		s.started, s.worst = time.Now(), Passed
	}
}

// Step notes a step's end. The first step that is not passed decides the result and the reason.
func (r *Recorder) Step(title, text string, err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.running[title]
	if !ok || s.worst != Passed {
		return
	}
	result, reason := Judge(err)
	s.worst, s.scenario.Reason = result, reason
	if text != "" {
		s.scenario.Reason = text + ": " + reason
	}
}

// End notes the scenario's end; err is what the end itself found wrong.
func (r *Recorder) End(title string, err error) {
	r.Step(title, "at the end", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.running[title]
	if !ok || s.ended || s.started.IsZero() {
		return
	}
	s.ended = true
	s.scenario.Result = s.worst
	s.scenario.Seconds = seconds(time.Since(s.started))
	r.progress.Ended(s.scenario)
}

// Report makes the report; scenarios that were planned and did not end are skipped.
func (r *Recorder) Report(seed int64, target, driver string, interrupted bool) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Done()
	out := Report{Seed: seed, Target: target, Driver: driver, Interrupted: interrupted}
	for _, title := range r.order {
		s := r.running[title].scenario
		if s.Result == "" {
			s.Result, s.Reason = Skipped, "did not run to its end: the run was stopped"
		}
		out.Scenarios = append(out.Scenarios, s)
	}
	out.Rows = rows(out.Scenarios)
	return out
}
