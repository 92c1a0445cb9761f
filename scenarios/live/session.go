package live

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/internal/clock"
)

// Session is a run against a StorPool. Its methods are safe for concurrent use.
type Session struct {
	cfg     Config
	can     Capabilities
	run     string
	next    http.RoundTripper
	base    *url.URL
	api     *spapi.Client // passes no guard: it only reads, and removes what carries the run's tag
	all     []int         // every client that the cluster has
	journal *journal
	before  survey
	shadow  *shadow

	mu      sync.Mutex
	scopes  int
	refused []error
	named   map[string]bool // what calls of the run have named
}

// Ending is how a session ended.
type Ending struct {
	Removed Removed
	// Differences are foreign objects that are not as they were.
	Differences []Difference
	// Left are global ids of the run's objects that could not be removed.
	Left []string
	// Refused are the calls that were not sent, since they would have changed what is not the run's.
	Refused []error
}

// Err is what is wrong with the ending; nil when everything is as it was before.
func (e Ending) Err() error { return errors.Join(e.Wrong()...) }

// Wrong lists what is wrong with the ending.
func (e Ending) Wrong() []error {
	var errs []error
	for _, d := range e.Differences {
		errs = append(errs, errors.New("an object that was there before is not as it was: "+d.String()))
	}
	for _, gid := range e.Left {
		errs = append(errs, fmt.Errorf("~%s, which this run has made, is still there", gid))
	}
	for _, err := range e.Refused {
		errs = append(errs, fmt.Errorf("a call was not sent: %w", err))
	}
	return errs
}

func client(cfg Config, next http.RoundTripper) (*spapi.Client, error) {
	c, err := spapi.New(spapi.Config{HostPort: cfg.API, Token: cfg.Token, Transport: next, Timeout: patience})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return c, nil
}

// patience is how long a call of the session itself may take.
const patience = 30 * time.Second

// Look asks a cluster what it is and can do. It changes nothing and writes no journal.
func Look(ctx context.Context, cfg Config) (Capabilities, error) {
	s, err := dial(ctx, cfg)
	if err != nil {
		return Capabilities{}, err
	}
	return s.can, nil
}

// Connect begins a run: it asks the cluster what it is and can do, takes down what is there and begins the journal. An
// error that wraps [ErrUsage] says what to give otherwise.
func Connect(ctx context.Context, cfg Config) (*Session, error) {
	s, err := dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("name the run: %w", err)
	}
	s.run = "run" + hex.EncodeToString(random[:])
	now := time.Now().UTC()
	if s.journal, err = newJournal(cfg.Journal, line{Run: s.run, API: cfg.API, Began: &now}); err != nil {
		return nil, err
	}
	return s, nil
}

func dial(ctx context.Context, cfg Config) (*Session, error) {
	s := &Session{cfg: cfg, next: cfg.Transport, named: map[string]bool{}}
	if s.next == nil {
		s.next = spapi.NewTransport(clock.Real{})
	}
	var err error
	if s.api, err = client(cfg, s.next); err != nil {
		return nil, err
	}
	where := cfg.API
	if !strings.Contains(where, "://") {
		where = "http://" + where
	}
	if s.base, err = url.Parse(where); err != nil {
		return nil, fmt.Errorf("%w: the address %q of the API: %w", ErrUsage, cfg.API, err)
	}
	if s.can, err = detect(ctx, cfg, s.api); err != nil {
		return nil, err
	}
	services, err := s.api.ServicesList(ctx)
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	for _, c := range services.Clients {
		s.all = append(s.all, c.ID)
	}
	if s.before, _, err = look(ctx, s.api, ""); err != nil {
		return nil, fmt.Errorf("take down what is there: %w", err)
	}
	for _, t := range s.before {
		if t.Snapshot {
			s.can.Snapshots++
		} else {
			s.can.Volumes++
		}
	}
	s.shadow = newShadow(s)
	return s, nil
}

// Capabilities are what the target can do.
func (s *Session) Capabilities() Capabilities { return s.can }

// Run is the run's name; the tag of each of its objects begins with it.
func (s *Session) Run() string { return s.run }

// note remembers a call that was not sent.
func (s *Session) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.refused, func(e error) bool { return e.Error() == err.Error() }) { // retries say it again
		s.refused = append(s.refused, err)
	}
}

// spoke remembers what a call that was sent has named.
func (s *Session) spoke(refs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range refs {
		s.named[strings.TrimPrefix(ref, "~")] = true
	}
}

func (s *Session) localTemplate(name string) string {
	for local, real := range s.can.Templates {
		if real == name {
			return local
		}
	}
	return name
}

// End removes what is left of the run and compares everything else with what was there before. It is to be called also
// after the run was stopped, with a context that has not ended. The journal's file is removed when nothing is left.
func (s *Session) End(ctx context.Context) (Ending, error) {
	out := Ending{Removed: Removed{Run: s.run}}
	_, ours, err := look(ctx, s.api, s.run)
	if err != nil {
		return out, fmt.Errorf("look for what the run has left: %w", err)
	}
	bad := remove(ctx, s.api, ours, &out.Removed)
	now, ours, err := look(ctx, s.api, s.run)
	if err != nil {
		return out, errors.Join(bad, fmt.Errorf("look for what the run has left: %w", err))
	}
	for _, o := range ours {
		out.Left = append(out.Left, o.gid)
	}
	s.mu.Lock()
	out.Refused = s.refused
	out.Differences = s.before.compare(now, func(gid, name string) bool { return s.named[gid] || s.named[name] })
	s.mu.Unlock()
	if len(out.Left) == 0 {
		bad = errors.Join(bad, s.journal.write(line{Ended: true}), s.journal.remove())
	}
	return out, errors.Join(bad, s.journal.close())
}
