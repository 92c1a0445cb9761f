package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spsim/spsim/scenarios/live"
	"github.com/spsim/spsim/scenarios/report"
	"github.com/spsim/spsim/scenarios/steps"
)

// The targets outside of this process.
const (
	// Emulator is a running emulator.
	Emulator = live.Emulator
	// Live is a StorPool cluster.
	Live = live.Live
)

// ErrTarget is wrapped by the error about a target that is not as it was before the run. The report is whole.
var ErrTarget = errors.New("the target is not as it was before the run")

// lacks is why a target cannot run a scenario; empty when it can.
func lacks(s report.Scenario, hosts int, host bool, c live.Capabilities) string {
	has := func(tag string) bool { return slices.Contains(s.Tags, tag) }
	switch {
	case has(steps.NeedsTwoClusters):
		return "needs two StorPool clusters: the target is one"
	case has(steps.NeedsEmulator):
		return "needs an emulator in this process: it puts something into StorPool, or looks at what no call tells"
	case has(steps.NeedsThirdTemplate) && c.Templates["hybrid"] == "":
		return "needs a third placement template: the target has none that stands for hybrid"
	case has(steps.NeedsSecondTemplate) && c.Templates["ssd"] == "":
		return "needs a second placement template: give --second-template"
	case hosts > len(c.Clients):
		return fmt.Sprintf("needs %d hosts: the target has %d clients that may be used", hosts, len(c.Clients))
	case has(steps.NeedsClock) && !c.Clock:
		return "needs a clock that can be moved: the target's is the machine's"
	case has(steps.NeedsFaults) && host:
		return "needs fault injection on a clock that can be moved: with the tools of the host waits take their time"
	}
	return ""
}

// lacking takes the scenarios out of the selection that the target cannot run.
func (p *plan) lacking(cfg live.Config, c live.Capabilities) {
	for i, s := range p.scenarios {
		if s.Result != "" {
			continue
		}
		if why := lacks(s, p.hosts[s.Title], cfg.Host != nil, c); why != "" {
			p.scenarios[i].Result, p.scenarios[i].Reason = report.Skipped, why
			p.elsewhere[s.Title] = true
			p.selected--
		}
	}
}

// says writes lines about the target.
func (o Options) says(format string, args ...any) {
	if o.Say != nil {
		_, _ = fmt.Fprintf(o.Say, format+"\n", args...) // a terminal that is gone stops no run
	}
}

// target is the outside target of o, checked.
func (o Options) target() (live.Config, error) {
	cfg := o.Live
	cfg.Name = o.Target
	switch {
	case o.Target != Emulator && o.Target != Live:
		return cfg, fmt.Errorf("%w: no target %q: there are %s, %s and %s", ErrUsage, o.Target, Embedded, Emulator, Live)
	case cfg.API == "" || cfg.Token == "":
		return cfg, fmt.Errorf("%w: the target %s needs --api HOST:PORT and --token", ErrUsage, o.Target)
	case o.Target == Live && cfg.Template == "":
		return cfg, fmt.Errorf("%w: the target live needs --template, the placement template for everything that it creates", ErrUsage)
	case cfg.Host != nil && cfg.Admin != "":
		return cfg, fmt.Errorf("%w: --tools host opens this machine's devices, --admin those of an emulator: give one", ErrUsage)
	}
	return cfg, nil
}

// outside runs the plan against a target outside of this process, and leaves it as it was.
func outside(ctx context.Context, o Options, p *plan) (out report.Report, err error) {
	cfg, err := o.target()
	if err != nil {
		return out, err
	}
	session, err := live.Connect(ctx, cfg)
	if err != nil {
		return out, usageOf(err)
	}
	o.introduce(cfg, session.Capabilities())
	o.says("run %s, every object of it has the tag %s=%s.N; after a kill: spsim conform --cleanup %s", session.Run(), live.Tag,
		session.Run(), cfg.Journal)
	p.lacking(cfg, session.Capabilities())
	o.newTarget = session.Target
	if cfg.Host != nil {
		o.Concurrency = 1 // they share the machine
	}
	out, err = play(ctx, o, p)
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	end, bad := session.End(clean)
	told := ending(session, end, bad)
	out.Endings = []report.Ending{told}
	if bad = errors.Join(bad, end.Err()); bad != nil {
		return out, errors.Join(err, fmt.Errorf("%w: %w", ErrTarget, bad))
	}
	o.says("%s", told)
	return out, err
}

// ending is what the report says about how a session ended; bad is why it could not end as it should.
func ending(s *live.Session, end live.Ending, bad error) report.Ending {
	c := s.Capabilities()
	out := report.Ending{
		Run: s.Run(), Volumes: c.Volumes, Snapshots: c.Snapshots,
		RemovedVolumes: end.Removed.Volumes, RemovedSnapshots: end.Removed.Snapshots, Wrong: []string{},
	}
	if bad != nil {
		out.Wrong = append(out.Wrong, bad.Error())
	}
	for _, err := range end.Wrong() {
		out.Wrong = append(out.Wrong, err.Error())
	}
	return out
}

// endTime is how long the clean-up at the end may take.
const endTime = 10 * time.Minute

func usageOf(err error) error {
	if errors.Is(err, live.ErrUsage) {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return err
}

// introduce says what the target is and can do.
func (o Options) introduce(cfg live.Config, c live.Capabilities) {
	yes := map[bool]string{true: "yes", false: "no"}
	var placed []string
	for _, name := range []string{"hdd", "ssd", "hybrid"} {
		if theirs := c.Templates[name]; theirs != "" {
			placed = append(placed, theirs+" for "+name)
		}
	}
	o.says("target %s at %s: cluster %s, %s; clients %v; templates %s; devices: %s; a clock that can be moved: %s", cfg.Name, cfg.API,
		c.Cluster, c.Status, c.Clients, strings.Join(placed, ", "), yes[c.Devices], yes[c.Clock])
	o.says("it has %d volumes and %d snapshots, which stay untouched", c.Volumes, c.Snapshots)
}

// Cleanup removes what a run against a target has left that was killed, by its journal, and says what it did.
func Cleanup(ctx context.Context, cfg live.Config, journal string, w io.Writer) error {
	out, err := live.Cleanup(ctx, cfg, journal)
	if out.Run != "" {
		_, _ = fmt.Fprintf(w, "run %s: removed %d volumes and %d snapshots\n", out.Run, out.Volumes, out.Snapshots)
	}
	for _, gid := range out.Kept {
		_, _ = fmt.Fprintf(w, "~%s is in the journal and does not carry the run's tag: it was kept\n", gid)
	}
	return usageOf(err)
}
