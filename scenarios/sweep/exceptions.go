package sweep

import "path"

// Exception is a broken promise that is on purpose. Operation, Step and Way are patterns as [path.Match] has them, where
// a slash counts as any other character; empty ones match everything.
type Exception struct {
	Operation, Step, Way string
	Problem              Problem
	Reason               string
}

// Exceptions lists what the sweep accepts. One that is not used is a violation of its own.
func Exceptions() []Exception {
	return []Exception{}
}

func (e Exception) covers(v Violation) bool {
	return e.Problem == v.Problem && fits(e.Operation, v.Operation) && fits(e.Step, v.Step) && fits(e.Way, string(v.Way))
}

func fits(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(flat(pattern), flat(text))
	return ok && err == nil
}

// flat has no separators, so that * stands for any text.
func flat(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '/' {
			b[i] = '.'
		}
	}
	return string(b)
}
