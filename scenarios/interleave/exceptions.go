package interleave

import (
	"path"
	"strings"
)

// Exception is a broken promise that is known. Pair and Text are patterns as [path.Match] has them, where a slash counts
// as any other character; an empty one matches everything.
type Exception struct {
	Pair, Text string
	Problem    Problem
	Reason     string
	// Known tells that it is no design but a finding that is not mended yet.
	Known bool
}

// Exceptions lists what is accepted. One that is not used is a violation of its own.
func Exceptions() []Exception { return nil }

// Covers tells whether the exception is about a violation.
func (e Exception) Covers(v Violation) bool {
	return e.Problem == v.Problem && fits(e.Pair, v.Pair) && fits(e.Text, v.Text)
}

func fits(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	flat := strings.NewReplacer("/", ".", "\n", " ")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(text))
	return ok && err == nil
}
