package scenarios

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spsim/spsim/scenarios/live"
	"github.com/spsim/spsim/scenarios/report"
)

// DryRun says what a run against a target outside of this process would do, and does nothing there: it asks the target what
// it can do, and plays the scenarios that would run against the embedded target to count their calls that change something.
func DryRun(ctx context.Context, o Options, w io.Writer) error {
	o.Say = w
	cfg, err := o.target()
	if err != nil {
		return err
	}
	p, err := newPlan(o)
	if err != nil {
		return err
	}
	can, err := live.Look(ctx, cfg)
	if err != nil {
		return usageOf(err)
	}
	o.introduce(cfg, can)
	p.lacking(cfg, can)
	o.Target, o.keep, o.Out, o.Progress = Embedded, true, "", nil
	planned := slices.Clone(p.scenarios)
	played, err := play(ctx, o, p)
	if err != nil {
		return err
	}
	calls := played.Calls()
	run, total := 0, map[string]int{}
	for _, s := range planned {
		if s.Result != "" {
			if !strings.HasPrefix(s.Reason, "not selected") {
				o.says("would skip  %s: %s", s.Title, s.Reason)
			}
			continue
		}
		run++
		changes := changing(calls[s.Title])
		for name, n := range changes {
			total[name] += n
		}
		o.says("would run   %s: %s", s.Title, counts(changes))
	}
	o.says("%d scenarios would run: %s", run, counts(total))
	return nil
}

// changing counts the calls of StorPool's API that change something.
func changing(calls []report.Call) map[string]int {
	out := map[string]int{}
	for _, c := range calls {
		if name, ok := strings.CutPrefix(c.Call, "POST "); ok {
			out[name]++
		}
	}
	return out
}

func counts(of map[string]int) string {
	if len(of) == 0 {
		return "nothing that changes StorPool"
	}
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", of[name], name)
	}
	return strings.Join(names, ", ")
}
