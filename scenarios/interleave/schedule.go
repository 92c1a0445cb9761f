package interleave

import (
	"fmt"
	"strconv"
	"strings"
)

// Schedule decides who goes on when both operations could.
type Schedule struct {
	// SecondFirst has the second operation begin.
	SecondFirst bool
	// At are the points, counted from 1 over both operations, before which the one that runs makes room for the other.
	At []int
}

// preemptions is how many points a schedule names at most.
const preemptions = 2

// String is the schedule as [ParseSchedule] reads it: "3,7", or "0,3,7" when the second operation begins; "none" when the
// operations just follow one another.
func (s Schedule) String() string {
	var out []string
	if s.SecondFirst {
		out = append(out, "0")
	}
	for _, n := range s.At {
		out = append(out, strconv.Itoa(n))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ",")
}

// ParseSchedule reads what [Schedule.String] writes.
func ParseSchedule(text string) (s Schedule, err error) {
	if text == "none" {
		return s, nil
	}
	for i, part := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		switch {
		case err != nil || n < 0 || n == 0 && i > 0:
			return s, fmt.Errorf("%w: %q is no schedule: give points from 1 on, as in 3,7, with 0 in front when the second begins", ErrUsage, text)
		case n == 0:
			s.SecondFirst = true
		case len(s.At) > 0 && n <= s.At[len(s.At)-1]:
			return s, fmt.Errorf("%w: the points of schedule %q do not ascend", ErrUsage, text)
		default:
			s.At = append(s.At, n)
		}
	}
	return s, nil
}

// further are the schedules that name one more point, behind those of this one, at which free tells that it matters.
// The first point is left out: nothing was done before it, so it is the same as beginning with the other operation.
func (s Schedule) further(free []bool) (out []Schedule) {
	if len(s.At) == preemptions {
		return nil
	}
	from := 1
	if len(s.At) > 0 {
		from = s.At[len(s.At)-1]
	}
	for n := from + 1; n <= len(free); n++ {
		if free[n-1] {
			out = append(out, Schedule{s.SecondFirst, append(append([]int(nil), s.At...), n)})
		}
	}
	return out
}
