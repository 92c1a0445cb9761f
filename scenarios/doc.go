// Package scenarios runs the conformance suite: the feature files of package features, with the steps of package
// steps, in one process, each scenario in a world of its own. [Run] makes a report; [Prove] puts each known upstream
// defect in, one at a time, and sees which scenarios find it.
//
// Rooms: mgmt (a small management server), world (everything a scenario lives in), check (invariants), steps, report.
package scenarios
