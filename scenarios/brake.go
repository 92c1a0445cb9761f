package scenarios

import (
	"sync/atomic"

	"github.com/spsim/spsim/scenarios/report"
)

// brake lets a run with [Options.FailFast] begin no scenario once one has failed.
type brake struct {
	report.Progress
	on     bool
	pulled atomic.Bool
}

// newBrake tells the progress of o how the run goes on.
func newBrake(o Options) *brake {
	b := &brake{Progress: o.Progress, on: o.FailFast}
	if b.Progress == nil {
		b.Progress = report.Quiet()
	}
	return b
}

// Ended pulls the brake when a scenario failed.
func (b *brake) Ended(s report.Scenario) {
	if b.on && s.Result == report.Failed {
		b.pulled.Store(true)
	}
	b.Progress.Ended(s)
}
