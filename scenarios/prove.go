package scenarios

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/scenarios/report"
)

// ProveOptions say what to prove.
type ProveOptions struct {
	// Seed decides order, ids and contents of every run.
	Seed int64
	// Defects limits the proof to these; all expressible ones when empty.
	Defects []string
	// Tags limits the scenarios that run, as in [Options]; all when empty, which is what a proof needs.
	Tags string
	// Concurrency is the number of scenarios at a time; the number of CPUs when 0.
	Concurrency int
	// Sample is "I/N" to run only the I-th of N parts of the scenarios without a defect's tag, for each defect others; those
	// with the tag all run. A stray can be missed in one part and is found in another. Everything when empty.
	Sample string
	// Each, when set, is called after each run.
	Each func(Finding)
}

// Finding is what the suite found with one defect put in.
type Finding struct {
	// Driver is the selection: a defect's number, or upstream for all of them.
	Driver string
	Defect Defect // zero for upstream
	// Seen are the failed scenarios that carry the defect's tag.
	Seen []report.Scenario
	// Stray are the failed ones that do not.
	Stray []report.Scenario
	// Blind are the scenarios that carry the tag and do not fail, outlines only if none of their examples does.
	Blind []report.Scenario
}

// OK tells whether the defect was seen, and by scenarios that say so only.
func (f Finding) OK() bool { return len(f.Seen) > 0 && len(f.Stray) == 0 }

// Proof is the outcome of [Prove].
type Proof struct {
	// Clean are the scenarios that fail without any defect; a proof needs none.
	Clean    []report.Scenario
	Findings []Finding
	// Upstream is the run with every defect at once; quirks mask each other, so only strays count.
	Upstream *Finding
}

// Seen counts the defects that were seen by scenarios with their tag.
func (p Proof) Seen() int {
	n := 0
	for _, f := range p.Findings {
		if len(f.Seen) > 0 {
			n++
		}
	}
	return n
}

// OK tells whether the suite passes without defects, sees every defect, and fails only where a tag says so.
func (p Proof) OK() bool {
	if len(p.Clean) > 0 || p.Upstream != nil && len(p.Upstream.Stray) > 0 {
		return false
	}
	return !slices.ContainsFunc(p.Findings, func(f Finding) bool { return !f.OK() })
}

// Prove runs the whole suite once per expressible defect with only that one put in, then once with all. An error says
// why it could not run to its end.
func Prove(ctx context.Context, o ProveOptions) (Proof, error) {
	defects, err := chosen(o.Defects)
	if err != nil {
		return Proof{}, err
	}
	base := Options{Seed: o.Seed, Tags: o.Tags, Concurrency: o.Concurrency}
	clean, err := proveRun(ctx, base, "correct")
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Clean: clean.With(report.Failed)}
	for _, d := range defects {
		run := base
		if run.leave, err = o.sample(d); err != nil {
			return p, err
		}
		r, err := proveRun(ctx, run, d.ID)
		if err != nil {
			return p, err
		}
		f := finding(r, d)
		p.Findings = append(p.Findings, f)
		if o.Each != nil {
			o.Each(f)
		}
	}
	if len(o.Defects) > 0 {
		return p, nil
	}
	r, err := proveRun(ctx, base, quirk.Upstream)
	if err != nil {
		return p, err
	}
	f := upstream(r, defects)
	p.Upstream = &f
	if o.Each != nil {
		o.Each(f)
	}
	return p, nil
}

// sample leaves out what a proof with a sample does not run for a defect; nil runs all.
func (o ProveOptions) sample(d Defect) (func(report.Scenario) bool, error) {
	if o.Sample == "" {
		return nil, nil
	}
	index, count, err := parseShard(o.Sample)
	if err != nil {
		return nil, err
	}
	return func(s report.Scenario) bool {
		h := fnv.New32a()
		_, _ = fmt.Fprintf(h, "%s %s", d.ID, s.Title) // a hash accepts everything
		return !carries(s, d) && int(h.Sum32())%count != index-1
	}, nil
}

func proveRun(ctx context.Context, o Options, driver string) (report.Report, error) {
	o.Driver = driver
	r, err := Run(ctx, o)
	if err != nil {
		return r, fmt.Errorf("run with driver %s: %w", driver, err)
	}
	if r.Interrupted {
		return r, fmt.Errorf("run with driver %s: %w", driver, context.Cause(ctx))
	}
	return r, nil
}

// chosen returns the expressible defects that the numbers name, all for none.
func chosen(ids []string) ([]Defect, error) {
	var out []Defect
	if len(ids) == 0 {
		out = Defects()
	}
	for _, id := range ids {
		found, err := FindDefects(strings.TrimSpace(id))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	out = slices.DeleteFunc(out, func(d Defect) bool { return d.Inexpressible != "" })
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: %s cannot be put in: see `spsim explain`", ErrUsage, strings.Join(ids, ", "))
	}
	return out, nil
}

func finding(r report.Report, d Defect) Finding {
	f := Finding{Driver: d.ID, Defect: d}
	type place struct {
		file string
		line int
	}
	shown := map[place]bool{}
	for _, s := range r.With(report.Failed) {
		shown[place{s.File, s.Line}] = true
		if carries(s, d) {
			f.Seen = append(f.Seen, s)
		} else {
			f.Stray = append(f.Stray, s)
		}
	}
	for _, s := range r.With(report.Passed) {
		if at := (place{s.File, s.Line}); carries(s, d) && !shown[at] {
			f.Blind = append(f.Blind, s)
			shown[at] = true // once is enough
		}
	}
	return f
}

func upstream(r report.Report, defects []Defect) Finding {
	f := Finding{Driver: quirk.Upstream}
	for _, s := range r.With(report.Failed) {
		if slices.ContainsFunc(defects, func(d Defect) bool { return carries(s, d) }) {
			f.Seen = append(f.Seen, s)
		} else {
			f.Stray = append(f.Stray, s)
		}
	}
	return f
}
