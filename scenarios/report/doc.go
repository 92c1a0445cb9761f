// Package report says how a run of the conformance suite went. A [Recorder] collects the [Scenario] results,
// [Recorder.Report] makes the [Report] with one [Row] for each row of the action matrix, and the report
// writes itself as Markdown, JSON, JUnit XML and as a table for a terminal ([Report.WriteFiles], [Report.Console]).
//
// Passed, failed, skipped with its reason, and "the target cannot tell" are four different results; a row that no
// scenario covers is pending. A row is as good as its worst scenario.
package report
