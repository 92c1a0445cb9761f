package report

import (
	"errors"
	"slices"
	"time"
)

// Result is how a scenario or a row ended.
type Result string

// The results, from the worst to the best.
const (
	// Failed is a scenario with a broken rule.
	Failed Result = "failed"
	// Pending is a row that no scenario covers, or a scenario with a step that is not built.
	Pending Result = "pending"
	// CannotTell is a scenario whose outcome the target does not let anyone see.
	CannotTell Result = "cannot-tell"
	// Skipped is a scenario that did not run or not to its end, with the reason.
	Skipped Result = "skipped"
	// Passed is a scenario in which every rule held.
	Passed Result = "passed"
)

// order lists the results from the worst to the best.
func order() [5]Result { return [...]Result{Failed, Pending, CannotTell, Skipped, Passed} }

// Worst returns the worst of results, Pending when there are none.
func Worst(results ...Result) Result {
	if len(results) == 0 {
		return Pending
	}
	for _, r := range order() {
		if slices.Contains(results, r) {
			return r
		}
	}
	return Failed // an unknown result is no success
}

var (
	// ErrCannotTell is wrapped by the error of a step whose outcome the target does not let anyone see.
	ErrCannotTell = errors.New("this target cannot tell")
	// ErrSkipped is wrapped by the error of a step that lacks something the scenario needs.
	ErrSkipped = errors.New("skipped")
	// ErrPending is wrapped by the error of a step that is not built.
	ErrPending = errors.New("not built yet")
)

// Judge turns a step's error into a result and its reason.
func Judge(err error) (Result, string) {
	switch {
	case err == nil:
		return Passed, ""
	case errors.Is(err, ErrCannotTell):
		return CannotTell, err.Error()
	case errors.Is(err, ErrSkipped):
		return Skipped, err.Error()
	case errors.Is(err, ErrPending):
		return Pending, err.Error()
	default:
		return Failed, err.Error()
	}
}

// Scenario is one scenario's result.
type Scenario struct {
	// Title is unique within the suite.
	Title string
	// Feature is the title of the feature that it belongs to.
	Feature string
	// File and Line say where the scenario, or the outline that it is an example of, begins.
	File string
	Line int
	// Tags are its tags with the leading @.
	Tags   []string
	Result Result
	// Reason says why the result is not Passed.
	Reason string
	// Seconds is the real time that it took.
	Seconds float64
}

// seconds rounds a duration to a tenth of a millisecond, which is as much as anyone reads.
func seconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Second)
}
