package interleave

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spsim/spsim/scenarios/stage"
)

// stampPattern finds times in names, idPattern global ids, UUIDs and the row numbers of [turns.Number]. Both are compiled
// at the first use, so that a server, which has none, starts without.
var (
	stampPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`202\d{11}`) }) //nolint:gochecknoglobals // never changed
	idPattern    = sync.OnceValue(func() *regexp.Regexp {                                           //nolint:gochecknoglobals // never changed
		return regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|7[12]\d{13}|\b[a-z0-9]{1,8}\.[a-z]\.[a-z0-9]+\b`)
	})
)

// rounds is how far the neighbours of an id tell it from others.
const rounds = 4

// state is everything that counts, in an order that does not depend on who was first: ids that are made on the way are
// replaced by what they are ids of.
type state []string

// piece is a fact in parts: what is between the ids, and the ids; there is one of the former more.
type piece struct{ between, ids []string }

func pieces(texts []string) []piece {
	out := make([]piece, len(texts))
	for i, t := range texts {
		from := 0
		for _, at := range idPattern().FindAllStringIndex(t, -1) {
			out[i].between = append(out[i].between, t[from:at[0]])
			out[i].ids = append(out[i].ids, t[at[0]:at[1]])
			from = at[1]
		}
		out[i].between = append(out[i].between, t[from:])
	}
	return out
}

// text has labels in place of ids; the one that is looked at is called so.
func (p piece) text(label map[string]string, me string) string {
	var b strings.Builder
	for i, id := range p.ids {
		b.WriteString(p.between[i])
		switch {
		case id == me:
			b.WriteString("<this>")
		case label[id] != "":
			b.WriteString("<" + label[id] + ">")
		default:
			b.WriteString(id)
		}
	}
	b.WriteString(p.between[len(p.ids)])
	return b.String()
}

// stateOf is the state of facts.
func stateOf(f stage.Facts, known map[string]bool) state { return canonical(f.Texts(), known) }

// canonical renames in texts, which it changes, what known does not contain.
func canonical(texts []string, known map[string]bool) state {
	for i, t := range texts {
		texts[i] = stampPattern().ReplaceAllString(t, "<time>")
	}
	all := pieces(texts)
	label := map[string]string{}
	for _, p := range all {
		for _, id := range p.ids {
			if !known[id] {
				label[id] = "id"
			}
		}
	}
	for range rounds {
		label = refined(all, label)
	}
	for i, p := range all {
		texts[i] = p.text(label, "")
	}
	slices.Sort(texts)
	return texts
}

// refined gives each id a label that tells what is said of it.
func refined(all []piece, label map[string]string) map[string]string {
	seen := map[string][]string{}
	for _, p := range all {
		for i, id := range p.ids {
			if label[id] != "" && !slices.Contains(p.ids[:i], id) {
				seen[id] = append(seen[id], p.text(label, id))
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
	return next
}

// idsOf are the ids that facts contain.
func idsOf(f stage.Facts) map[string]bool {
	out := map[string]bool{}
	for _, p := range pieces(f.Texts()) {
		for _, id := range p.ids {
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
