package interleave

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"

	"github.com/spsim/spsim/scenarios/stage"
)

// stampPattern finds times in names, idPattern global ids, UUIDs and the row numbers of [turns.Number].
var (
	stampPattern = regexp.MustCompile(`20\d{12}`)
	idPattern    = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|7[12]\d{13}|\b[a-z0-9]{1,8}\.[a-z]\.[a-z0-9]+\b`)
)

// rounds is how far the neighbours of an id tell it from others.
const rounds = 4

// state is everything that counts, in an order that does not depend on who was first: ids that are made on the way are
// replaced by what they are ids of.
type state []string

// stateOf renames what known does not contain.
func stateOf(f stage.Facts, known map[string]bool) state {
	texts := f.Texts()
	for i, t := range texts {
		texts[i] = stampPattern.ReplaceAllString(t, "<time>")
	}
	label := map[string]string{}
	for _, t := range texts {
		for _, id := range idPattern.FindAllString(t, -1) {
			if !known[id] {
				label[id] = "id"
			}
		}
	}
	for range rounds {
		seen := map[string][]string{}
		for _, t := range texts {
			for _, id := range idPattern.FindAllString(t, -1) {
				if label[id] != "" {
					seen[id] = append(seen[id], renamed(t, label, id))
				}
			}
		}
		next := map[string]string{}
		for id, around := range seen {
			slices.Sort(around)
			h := fnv.New32a()
			_, _ = h.Write([]byte(strings.Join(around, "\n"))) // a hash accepts everything
			next[id] = fmt.Sprintf("new-%06x", h.Sum32()&0xffffff)
		}
		label = next
	}
	for i, t := range texts {
		texts[i] = renamed(t, label, "")
	}
	slices.Sort(texts)
	return texts
}

// renamed has labels in place of ids; the one that is looked at is called so.
func renamed(text string, label map[string]string, me string) string {
	return idPattern.ReplaceAllStringFunc(text, func(id string) string {
		switch {
		case id == me:
			return "<this>"
		case label[id] != "":
			return "<" + label[id] + ">"
		}
		return id
	})
}

// idsOf are the ids that facts contain.
func idsOf(f stage.Facts) map[string]bool {
	out := map[string]bool{}
	for _, t := range f.Texts() {
		for _, id := range idPattern.FindAllString(t, -1) {
			out[id] = true
		}
	}
	return out
}

// changes lists what another state has not, and what it has beyond this one.
func (s state) changes(want state) (out []string) {
	left := slices.Clone(s)
	for _, t := range want {
		if i := slices.Index(left, t); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			out = append(out, "- "+t)
		}
	}
	for _, t := range left {
		out = append(out, "+ "+t)
	}
	return out
}
