package scenarios

import (
	"slices"
	"strings"

	"github.com/spsim/spsim/scenarios/report"
)

// spread lets the tag of a defect that has parts stand for all of them: @D-10 for @D-10a to @D-10e. A filter is a list of
// conditions that all hold, each a list of alternatives.
func spread(filter string, all []report.Scenario) string {
	if filter == "" {
		return ""
	}
	known := map[string]bool{}
	for _, s := range all {
		for _, tag := range s.Tags {
			known[tag] = true
		}
	}
	var out []string
	for part := range strings.SplitSeq(filter, "&&") {
		conditions := [][]string{nil}
		for word := range strings.SplitSeq(part, ",") {
			word = strings.TrimSpace(word)
			tag, without := strings.CutPrefix(word, "~")
			parts := partsOf("@"+strings.TrimPrefix(tag, "@"), known)
			conditions = alternatives(conditions, word, without, parts)
		}
		for _, c := range conditions {
			out = append(out, strings.Join(c, ","))
		}
	}
	return strings.Join(out, " && ")
}

// alternatives adds a word to each condition. "Neither a nor b, or x" is "not a, or x" and "not b, or x".
func alternatives(conditions [][]string, word string, without bool, parts []string) (out [][]string) {
	for _, c := range conditions {
		switch {
		case len(parts) == 0:
			out = append(out, append(c, word))
		case !without:
			out = append(out, append(c, parts...))
		default:
			for _, p := range parts {
				out = append(out, append(slices.Clone(c), "~"+p))
			}
		}
	}
	return out
}

// partsOf are the tags of a defect's parts, none when the tag itself is one.
func partsOf(tag string, known map[string]bool) (parts []string) {
	if known[tag] {
		return nil
	}
	for c := 'a'; c <= 'z'; c++ {
		if p := tag + string(c); known[p] {
			parts = append(parts, p)
		}
	}
	return parts
}

// conditions are parts of a filter that all have to hold, each with alternatives: tags, or tags that are not there.
type conditions [][]string

// fits tells whether tags meet the conditions.
func (c conditions) fits(tags []string) bool {
	for _, words := range c {
		if !slices.ContainsFunc(words, func(word string) bool {
			tag, without := strings.CutPrefix(word, "~")
			return slices.Contains(tags, "@"+strings.TrimPrefix(tag, "@")) != without
		}) {
			return false
		}
	}
	return true
}

// apart takes the parts of a filter out that name what steps need: those tags are not in the files, where godog looks.
func apart(filter string) (rest string, derived conditions) {
	var kept []string
	for part := range strings.SplitSeq(filter, "&&") {
		part = strings.TrimSpace(part)
		if strings.Contains(part, "needs-") {
			derived = append(derived, strings.Split(part, ","))
		} else if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, " && "), derived
}
