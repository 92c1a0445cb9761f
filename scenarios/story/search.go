package story

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// Check runs cases in a test, as many as -rapid.checks says.
func Check(t rapid.TB, o Options) { rapid.Check(t, o.property) }

// Plan is a search outside of a test.
type Plan struct {
	Options
	Seed  int64
	Cases int // stories
	Steps int // of a story, about
	// Shrink is how long a story is made shorter for, as text ("20s"); until it gets no shorter within half a minute when empty.
	Shrink string
	// Each, when set, is called after each case with the number of cases so far.
	Each func(n int)
}

// once lets rapid's flags be set, which are the process's.
var once sync.Mutex //nolint:gochecknoglobals // it guards what rapid keeps globally

// Search runs cases and returns the shortest story it can find that breaks a promise, nil when none does. The same seed
// gives the same cases. An error of another kind says why it could not be done.
func Search(p Plan) (*Failure, error) {
	once.Lock()
	defer once.Unlock()
	if !testing.Testing() && flag.Lookup("test.v") == nil {
		testing.Init() // rapid asks it whether the run is a short one
	}
	set := map[string]string{
		"rapid.seed": strconv.FormatInt(max(p.Seed, 1), 10), "rapid.checks": strconv.Itoa(p.Cases), "rapid.steps": strconv.Itoa(p.Steps),
		"rapid.nofailfile": "true",
	}
	if p.Shrink != "" {
		set["rapid.shrinktime"] = p.Shrink
	}
	for name, value := range set {
		f := flag.Lookup(name)
		before := f.Value.String()
		if err := flag.Set(name, value); err != nil {
			return nil, fmt.Errorf("search for a story: %w", err)
		}
		defer func() { _ = flag.Set(name, before) }() // it was accepted before
	}
	if !flag.Parsed() {
		if err := flag.CommandLine.Parse(nil); err != nil {
			return nil, fmt.Errorf("search for a story: %w", err)
		}
	}
	var n atomic.Int64
	found := &finding{}
	done := make(chan struct{})
	go func() { // rapid ends its goroutine as tests do
		defer close(done)
		rapid.Check(found, func(t *rapid.T) {
			p.property(t)
			if p.Each != nil {
				p.Each(int(n.Add(1)))
			}
		})
	}()
	<-done
	return found.story()
}

// finding takes the part of a test.
type finding struct {
	mu     sync.Mutex
	failed bool
	said   []string
	first  string // the error with which rapid reports
}

func (f *finding) story() (*Failure, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.failed {
		return nil, nil //nolint:nilnil // no story, no error: that is what is hoped for
	}
	text := strings.Join(f.said, "\n")
	begin := strings.LastIndex(text, "  Scenario: ")
	if begin < 0 {
		return nil, fmt.Errorf("the search broke off: %s", f.first)
	}
	return parse(text[begin:]), nil
}

// parse takes a told story apart.
func parse(text string) *Failure {
	out := &Failure{}
	to := &out.Given
	head, tail, _ := strings.Cut(text, "\n\n")
	for _, line := range strings.Split(head, "\n")[1:] {
		line = strings.TrimSpace(line)
		word, step, _ := strings.Cut(line, " ")
		if word == "When" {
			to = &out.Told
		}
		if word == "Given" || word == "When" || word == "And" {
			*to = append(*to, step)
		}
	}
	out.Err = errors.New(strings.TrimSpace(strings.ReplaceAll(tail, "\n  ", "\n")))
	return out
}

func (f *finding) say(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, text)
}

func (f *finding) fail(text string) {
	f.say(text)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed = true; f.first == "" {
		f.first = text
	}
}

// The methods of a test.
func (f *finding) Helper()                       {}
func (f *finding) Name() string                  { return "story" }
func (f *finding) Logf(format string, a ...any)  { f.say(fmt.Sprintf(format, a...)) }
func (f *finding) Log(a ...any)                  { f.say(fmt.Sprint(a...)) }
func (f *finding) Skipf(format string, a ...any) { f.Log(fmt.Sprintf(format, a...)); f.SkipNow() }
func (f *finding) Skip(a ...any)                 { f.Log(a...); f.SkipNow() }
func (f *finding) SkipNow()                      { runtime.Goexit() }
func (f *finding) Errorf(format string, a ...any) {
	f.fail(fmt.Sprintf(format, a...))
}
func (f *finding) Error(a ...any)                 { f.fail(fmt.Sprint(a...)) }
func (f *finding) Fatalf(format string, a ...any) { f.fail(fmt.Sprintf(format, a...)); f.FailNow() }
func (f *finding) Fatal(a ...any)                 { f.fail(fmt.Sprint(a...)); f.FailNow() }
func (f *finding) FailNow()                       { f.Fail(); runtime.Goexit() }
func (f *finding) Fail()                          { f.mu.Lock(); f.failed = true; f.mu.Unlock() }
func (f *finding) Failed() bool                   { f.mu.Lock(); defer f.mu.Unlock(); return f.failed }
