package main

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/report"
)

func newProveCommand() *cobra.Command {
	var o scenarios.ProveOptions
	tag := ""
	c := &cobra.Command{
		Use:   "prove",
		Short: "Put each known defect in, one at a time, and see the suite find it",
		Long: `Runs the whole suite once with no defect, once per known defect with only that one put in, and once with all.
Each defect must make at least one scenario fail, and only scenarios with its tag. With all at once every failed
scenario must carry some defect's tag. The last line counts the defects that were seen.

Exit codes: 0 when all of that holds, 1 when it does not, 2 for wrong flags, 130 when stopped.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return prove(cmd, o, tag) },
	}
	f := c.Flags()
	f.Int64Var(&o.Seed, "seed", 1, "order, ids and contents of every run")
	f.StringSliceVar(&o.Defects, "defects", nil, "prove these only, by number")
	f.StringVar(&o.Tags, "tags", "", "run only the scenarios with these tags, to look at some defects quickly")
	f.StringVar(&tag, "tag", "", "write missing tags into the feature files in this folder, features in a checkout")
	f.StringVar(&o.Sample, "sample", "", "of the scenarios without the defect's tag run part I of N only, as I/N")
	f.IntVar(&o.Concurrency, "jobs", 0, "scenarios at a time; the number of CPUs when 0")
	return strict(c)
}

func prove(cmd *cobra.Command, o scenarios.ProveOptions, tag string) error {
	ctx := cmd.Context() // ends with Ctrl-C
	out := cmd.OutOrStdout()
	spendMemory()
	o.Each = func(f scenarios.Finding) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d scenarios see it\n", f.Driver, len(f.Seen))
	}
	p, err := scenarios.Prove(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			err = &exitError{exitInterrupted, err}
		}
		return usage(err)
	}
	if err := proof(out, p); err != nil {
		return err
	}
	if tag != "" {
		n, err := p.Tag(tag)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%d tags written\n", n)
	}
	if !p.OK() {
		return &exitError{exitFailed, errors.New("the proof fails")}
	}
	return nil
}

// spendMemory collects garbage less often: a suite makes thousands of short-lived worlds and holds few at a time.
func spendMemory() {
	const percent = 400
	debug.SetGCPercent(percent)
	const limit = 2 << 30 // bytes, from where on it is collected as often as it takes
	debug.SetMemoryLimit(limit)
}

// proof prints the table defect to scenarios, what is wrong with it, and the count as the last line.
func proof(w io.Writer, p scenarios.Proof) error {
	for _, s := range p.Clean {
		fmt.Fprintf(w, "FAILS WITHOUT ANY DEFECT: %s\n  %s\n", s.Title, s.Reason)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "Defect\tAlso\tScenarios\tFirst of them")
	for _, f := range p.Findings {
		first := "NOT SEEN"
		if len(f.Seen) > 0 {
			first = f.Seen[0].Title
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", f.Defect.ID, strings.Join(f.Defect.Also, " "), len(f.Seen), first)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	for _, f := range p.Findings {
		strays(w, f)
	}
	if p.Upstream != nil {
		strays(w, *p.Upstream)
		fmt.Fprintf(w, "with all defects at once %d scenarios fail, %d of them without a defect's tag\n",
			len(p.Upstream.Seen)+len(p.Upstream.Stray), len(p.Upstream.Stray))
	}
	if _, err := fmt.Fprintf(w, "%d of %d defects seen\n", p.Seen(), len(p.Findings)); err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	return nil
}

func strays(w io.Writer, f scenarios.Finding) {
	for _, s := range f.Stray {
		fmt.Fprintf(w, "WITH %s fails without its tag: %s\n  %s\n", f.Driver, s.Title, line(s))
	}
	for _, s := range f.Blind {
		fmt.Fprintf(w, "with %s does not fail in spite of its tag: %s\n", f.Driver, s.Title)
	}
}

func line(s report.Scenario) string {
	text, _, _ := strings.Cut(s.Reason, "\n")
	return text
}
