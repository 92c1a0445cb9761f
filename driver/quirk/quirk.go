// Package quirk says what a quirk is: a known defect of an existing implementation that replaces one
// named decision of ours. A room keeps its decisions in a struct of functions (its rules), correct by
// default; [Apply] puts the chosen defects in their place.
package quirk

import (
	"fmt"
	"strings"
)

// Info describes a known defect.
type Info struct {
	// ID is the defect's number in the specification, with a letter for one of several parts: D-11, D-10a, A-7.
	ID string
	// Also lists further numbers under which the same defect is known, such as SUS-9.
	Also []string
	// Severity is A (data loss, wrong data, false success), B (leak, stuck state) or C (robustness, accuracy).
	Severity string
	// Source is the section that describes it, such as "driver-management 9.7".
	Source string
	// Reason says in one line what goes wrong.
	Reason string
	// Inexpressible says why the defect cannot be shown here; it is empty for a quirk that can be switched on.
	Inexpressible string
}

// Quirk replaces a decision in rules of type R. Apply is nil when the defect is inexpressible.
type Quirk[R any] struct {
	Info
	Apply func(*R)
}

// Apply returns r with every quirk applied that on selects, in the order of all.
func Apply[R any](r R, all []Quirk[R], on func(id string) bool) R {
	for _, q := range all {
		if q.Apply != nil && on(q.ID) {
			q.Apply(&r)
		}
	}
	return r
}

// Infos returns the descriptions of all.
func Infos[R any](all []Quirk[R]) []Info {
	out := make([]Info, len(all))
	for i, q := range all {
		out[i] = q.Info
	}
	return out
}

// Set selects quirks. The zero value selects none.
type Set struct {
	all bool
	ids map[string]bool
}

// Upstream is the word that selects every quirk.
const Upstream = "upstream"

// Parse reads a selection: "" or "correct" (none), "upstream" (all), or ids parted by commas. An id that
// no quirk has by itself selects its parts (D-10 selects D-10a); an unknown word is an error that lists what is known.
func Parse(text string, known []Info) (Set, error) {
	s := Set{ids: map[string]bool{}}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		switch word {
		case "", "correct":
		case Upstream:
			s.all = true
		default:
			hits := matching(word, known)
			if len(hits) == 0 {
				return Set{}, fmt.Errorf("no quirk %q: use correct, %s or ids out of %s", word, Upstream, ids(known))
			}
			for _, id := range hits {
				s.ids[id] = true
			}
		}
	}
	return s, nil
}

// matching returns the ids that word names: itself alone if it is one, else its parts and those known by that other
// number.
func matching(word string, known []Info) []string {
	var hits []string
	for _, k := range known {
		if k.ID == word && k.Inexpressible == "" {
			return []string{word}
		}
	}
	for _, k := range known {
		if k.Inexpressible != "" {
			continue
		}
		if is(word, k.ID) {
			hits = append(hits, k.ID)
			continue
		}
		for _, also := range k.Also {
			if is(word, also) {
				hits = append(hits, k.ID)
				break
			}
		}
	}
	return hits
}

// is tells whether word names id or the whole of which id is a lettered part.
func is(word, id string) bool {
	if word == id {
		return true
	}
	rest, ok := strings.CutPrefix(id, word)
	return ok && len(rest) == 1 && rest[0] >= 'a' && rest[0] <= 'z'
}

func ids(known []Info) string {
	out := make([]string, 0, len(known))
	for _, k := range known {
		if k.Inexpressible == "" {
			out = append(out, k.ID)
		}
	}
	return strings.Join(out, ", ")
}

// Has tells whether the quirk of this id is selected.
func (s Set) Has(id string) bool { return s.all || s.ids[id] }

// Empty tells whether nothing is selected: behaviour is correct.
func (s Set) Empty() bool { return !s.all && len(s.ids) == 0 }
