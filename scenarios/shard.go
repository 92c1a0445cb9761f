package scenarios

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spsim/spsim/scenarios/report"
)

// shard keeps every count-th of the chosen scenarios, beginning with the index-th; the others are left to other processes
// and reported as such.
func (p *plan) shard(text string) error {
	if text == "" {
		return nil
	}
	index, count, err := parseShard(text)
	if err != nil {
		return err
	}
	n := 0
	for i, s := range p.scenarios {
		if s.Result != "" {
			continue
		}
		if n++; (n-1)%count != index-1 {
			p.scenarios[i].Result, p.scenarios[i].Reason = report.Skipped, report.OtherShard(text)
			p.elsewhere[s.Title] = true
			p.selected--
		}
	}
	return nil
}

// leave takes scenarios out of the selection.
func (p *plan) leave(which func(report.Scenario) bool) {
	for i, s := range p.scenarios {
		if which != nil && s.Result == "" && which(s) {
			p.scenarios[i].Result, p.scenarios[i].Reason = report.Skipped, "left out of the sample"
			p.elsewhere[s.Title] = true
			p.selected--
		}
	}
}

func parseShard(text string) (index, count int, err error) {
	a, b, _ := strings.Cut(text, "/")
	index, err = strconv.Atoi(a)
	if err == nil {
		count, err = strconv.Atoi(b)
	}
	if err != nil || count < 1 || index < 1 || index > count {
		return 0, 0, fmt.Errorf("%w: shard %q is not of the form I/N with I from 1 to N, such as 2/4", ErrUsage, text)
	}
	return index, count, nil
}
