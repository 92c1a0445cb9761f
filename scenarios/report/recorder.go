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
	keep     bool
}

type run struct {
	calls    []Call // of the step that is running
	detail   Detail
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

// Keep has the recorder keep the steps of each scenario with their calls, for [Report.HTML] and [Report.Details]. It is
// called before the first scenario begins.
func (r *Recorder) Keep() { r.keep = true }

// Calls adds to what was asked in the step that ends next.
func (r *Recorder) Calls(title string, calls []Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.running[title]; ok && r.keep {
		for _, c := range calls {
			c.Request, c.Answer, c.Err = clip(c.Request), clip(c.Answer), clip(c.Err)
			s.calls = append(s.calls, c)
		}
	}
}

// Changed notes what the step that failed did to the world.
func (r *Recorder) Changed(title string, c Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.running[title]; ok && r.keep && s.detail.Change == nil {
		s.detail.Change = &c
	}
}

// Step notes a step's end. The first step that is not passed decides the result and the reason.
func (r *Recorder) Step(title, text string, err error) {
	if err == nil && !r.keep {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.running[title]
	if !ok {
		return
	}
	if r.keep && (text != atEnd || err != nil && s.worst == Passed) {
		s.note(text, err)
	}
	if err == nil || s.worst != Passed {
		return
	}
	result, reason := Judge(err)
	s.worst, s.scenario.Reason = result, reason
	if text != "" {
		s.scenario.Reason = text + ": " + reason
	}
}

// note keeps a step and what was asked in it.
func (s *run) note(text string, err error) {
	step := Step{Text: text, Calls: s.calls}
	switch step.Result, step.Reason = Judge(err); {
	case s.worst != Passed:
		step.Result, step.Reason = Skipped, ""
	case text == "":
		step.Text = "before the first step"
	}
	s.calls = nil
	s.detail.Steps = append(s.detail.Steps, step)
}

// atEnd is the text of the step that is no step: what is judged when the last one has passed.
const atEnd = "at the end"

// End notes the scenario's end; err is what the end itself found wrong.
func (r *Recorder) End(title string, err error) {
	r.Step(title, atEnd, err)
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
		if d := r.running[title].detail; len(d.Steps) > 0 {
			d.Title = title
			out.details = append(out.details, d)
		}
	}
	out.Rows = rows(out.Scenarios)
	return out
}
