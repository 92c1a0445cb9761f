package report

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
)

// Progress is told how a run goes on. Its methods are not called concurrently.
type Progress interface {
	// Start is called once with the number of scenarios that will run.
	Start(n int)
	// Ended is called for each scenario.
	Ended(s Scenario)
	// Done is called once.
	Done()
}

// Quiet shows nothing.
func Quiet() Progress { return quiet{} }

type quiet struct{}

func (quiet) Start(int)      {}
func (quiet) Ended(Scenario) {}
func (quiet) Done()          {}

// Lines prints a line after each tenth of the run and for each scenario that is not passed, for logs.
func Lines(w io.Writer) Progress { return &lines{w: w} }

type lines struct {
	w           io.Writer
	n, done, at int
}

func (l *lines) Start(n int) {
	l.n = n
	fmt.Fprintf(l.w, "running %d scenarios\n", n)
}

func (l *lines) Ended(s Scenario) {
	l.done++
	if s.Result != Passed {
		fmt.Fprintf(l.w, "%s: %s: %s\n", s.Result, s.Title, firstLine(s.Reason))
	}
	if tenth := l.done * 10 / max(l.n, 1); tenth > l.at {
		l.at = tenth
		fmt.Fprintf(l.w, "%d of %d scenarios\n", l.done, l.n)
	}
}

func (*lines) Done() {}

// Bar draws a bar on a terminal and prints failures above it.
func Bar(w io.Writer) Progress { return &bar{w: w} }

type bar struct {
	w      io.Writer
	bar    *progressbar.ProgressBar
	failed int
}

func (b *bar) Start(n int) {
	b.bar = progressbar.NewOptions(n,
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription("scenarios"),
		progressbar.OptionShowCount(),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(),
	)
}

func (b *bar) Ended(s Scenario) {
	if s.Result == Failed {
		b.failed++
		_ = b.bar.Clear() // a bar that cannot be drawn is no reason to stop
		fmt.Fprintf(b.w, "failed: %s: %s\n", s.Title, firstLine(s.Reason))
		b.bar.Describe(fmt.Sprintf("scenarios, %d failed", b.failed))
	}
	_ = b.bar.Add(1) // a bar that cannot be drawn is no reason to stop
}

func (b *bar) Done() {
	if b.bar != nil {
		_ = b.bar.Finish() // a bar that cannot be drawn is no reason to stop
	}
}
