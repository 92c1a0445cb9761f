package steps

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/emulator/fault"
)

// pair is a line of a two-column table.
type pair struct{ key, value string }

// pairs reads a table of two columns.
func pairs(t *godog.Table) ([]pair, error) {
	out := make([]pair, 0, len(t.Rows))
	for _, row := range t.Rows {
		if len(row.Cells) != 2 {
			return nil, fmt.Errorf("the table has %d columns: it needs a name and a value", len(row.Cells))
		}
		out = append(out, pair{row.Cells[0].Value, row.Cells[1].Value})
	}
	return out, nil
}

var reSize = expression(`^(\d+) (B|KiB|MiB|GiB|TiB)$`)

// size reads "2 GiB" as bytes.
func size(text string) (int64, error) {
	m := reSize().FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no size: write it like 2 GiB", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("size %q: %w", text, err)
	}
	return n << map[string]uint{"B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[m[2]], nil
}

// inWords writes bytes as [size] reads them.
func inWords(n int64) string {
	for _, u := range []struct {
		name  string
		shift uint
	}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if n != 0 && n%(1<<u.shift) == 0 {
			return fmt.Sprintf("%d %s", n>>u.shift, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

var (
	reRefused = expression(`^refused(?: with "([^"]+)")?(?:, saying "([^"]+)")?( in passing)?$`)
	reSpan    = expression(`^(delayed|late) by (\d+ (?:ms|s|min|h))(?: to (\d+ (?:ms|s|min|h)))?$`)
	reStatus  = expression(`^answered with HTTP status (\d+)$`)
)

// effect reads what a fault rule does: "refused with "noSpace"", "refused in passing", "lost", "cut", "hung",
// "malformed", "truncated", "answered with HTTP status 502", "delayed by 20 s", "late by 3 s to 5 s".
func effect(text string) (fault.Effect, error) {
	if m := reRefused().FindStringSubmatch(text); m != nil {
		e := fault.Effect{Kind: fault.Refuse, Error: m[1], Descr: m[2]}
		if m[3] != "" {
			e.Kind = fault.Transient
		}
		return e, nil
	}
	if m := reSpan().FindStringSubmatch(text); m != nil {
		return later(m[1], m[2], m[3])
	}
	if m := reStatus().FindStringSubmatch(text); m != nil {
		code, err := strconv.Atoi(m[1])
		if err != nil {
			return fault.Effect{}, fmt.Errorf("status %q: %w", m[1], err)
		}
		return fault.Effect{Kind: fault.Status, Status: code}, nil
	}
	switch text {
	case "lost":
		return fault.Effect{Kind: fault.Lose}, nil
	case "cut":
		return fault.Effect{Kind: fault.Cut}, nil
	case "hung":
		return fault.Effect{Kind: fault.Hang}, nil
	case "malformed":
		return fault.Effect{Kind: fault.Malformed}, nil
	case "truncated":
		return fault.Effect{Kind: fault.Truncated}, nil
	}
	return fault.Effect{}, fmt.Errorf("no effect %q", text)
}

// later reads an effect that takes time, a fixed one or one within bounds.
func later(how, least, most string) (fault.Effect, error) {
	e := fault.Effect{Kind: fault.Delay}
	if how == "late" {
		e.Kind = fault.Late
	}
	span, err := duration(least)
	if err != nil {
		return fault.Effect{}, err
	}
	e.Delay = fault.Duration(span)
	if most == "" {
		return e, nil
	}
	bound, err := duration(most)
	if err != nil {
		return fault.Effect{}, err
	}
	if bound <= span {
		return fault.Effect{}, fmt.Errorf("%s to %s is no span of time", least, most)
	}
	e.Jitter = fault.Duration(bound - span)
	return e, nil
}

// duration reads "20 s".
func duration(text string) (time.Duration, error) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, " ", ""), "min", "m")
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time: write it like 20 s: %w", text, err)
	}
	return d, nil
}

var reDetail = expression(`^(?:(tier|template) "([^"]+)"|(\d+) IOPS|the size (\d+ \w+)|no details|encryption)$`)

// offering is what an offering asks for.
type offering struct {
	tier, template string
	iops           int64
	encrypt        bool
	size           int64
}

// details reads a list like: tier "gold", template "ssd", 500 IOPS, the size 2 GiB.
func details(text string) (o offering, err error) {
	for part := range strings.SplitSeq(text, ", ") {
		m := reDetail().FindStringSubmatch(part)
		switch {
		case m == nil:
			return o, fmt.Errorf("no detail %q: use tier, template, IOPS, the size, encryption or no details", part)
		case m[1] == "tier":
			o.tier = m[2]
		case m[1] == "template":
			o.template = m[2]
		case m[3] != "":
			if o.iops, err = strconv.ParseInt(m[3], 10, 64); err != nil {
				return o, fmt.Errorf("limit %q: %w", part, err)
			}
		case part == "encryption":
			o.encrypt = true
		case m[4] != "":
			if o.size, err = size(m[4]); err != nil {
				return o, err
			}
		}
	}
	return o, nil
}
