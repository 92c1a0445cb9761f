package emulator

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spsim/spsim/emulator/cluster"
)

// DefaultStateDelay is how long a change may wait until it is in the state file.
const DefaultStateDelay = time.Second

// WithState keeps the whole state in a file: it is loaded when the server is made, if it is there, and written a
// moment after changes and when the server is closed. The file always holds one whole state, the old one or the new
// one, whenever the process ends. What it holds wins over model, behaviour, seed, conditions and the name of the cluster in
// the other options; the id of the cluster must be the same. All members of a federation are in one file.
func WithState(path string) Option {
	return func(c *config) error {
		if path == "" {
			return errors.New("the path of the state file must not be empty")
		}
		c.state = path
		return nil
	}
}

// WithStateDelay sets how long a change may wait until it is in the state file; all changes meanwhile are written
// together. The delay is one of real time, whatever the clock of the server.
func WithStateDelay(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return errors.New("the delay of the state file must not be negative")
		}
		c.stateDelay = d
		return nil
	}
}

// SaveState writes the whole state, contents included, as it is at one moment: that of all members when the server is
// one of a federation. Fault rules and the journal are not part of it.
func (s *Server) SaveState(w io.Writer) error { return s.cluster.Federation().Save(w) }

// LoadState replaces the whole state by one that [Server.SaveState] has written, all of it or nothing. Devices that
// are open lose their attachment. A virtual clock that is behind that of the saved state moves there. Error:
// [cluster.ErrState] for what is damaged, not understood, or of other clusters.
func (s *Server) LoadState(r io.Reader) error {
	saved, err := cluster.ReadState(r)
	if err != nil {
		return err
	}
	fresh, err := saved.Federation(s.cfg.clock)
	if err != nil {
		return err
	}
	if err := s.cluster.Federation().Replace(fresh); err != nil {
		return err
	}
	if v, ok := s.cfg.clock.(advancer); ok {
		if ahead := saved.Clock().Sub(s.cfg.clock.Now()); ahead > 0 {
			v.Advance(ahead)
		}
	}
	return nil
}

// Reset gives the server the state that its options describe, as when it was made without a state file; that of all
// members when it is one of a federation. Fault rules, the journal and the clock stay.
func (s *Server) Reset() error {
	shared := cluster.NewFederation()
	for _, m := range s.members() {
		if _, err := cluster.New(m.cfg.cluster(shared)); err != nil {
			return fmt.Errorf("reset state: %w", err)
		}
	}
	if err := s.cluster.Federation().Replace(shared); err != nil {
		return fmt.Errorf("reset state: %w", err)
	}
	for _, m := range s.members() {
		if err := m.applyConditions(); err != nil {
			return fmt.Errorf("reset state: %w", err)
		}
	}
	return nil
}

// members lists the servers that share a state.
func (s *Server) members() []*Server {
	if s.fed == nil {
		return []*Server{s}
	}
	return s.fed.servers
}

// cluster is what the options say about the cluster.
func (c *config) cluster(shared *cluster.Federation) cluster.Options {
	return cluster.Options{
		ID: c.id, Name: c.name, Clock: c.clock, Seed: c.seed, Model: c.model, Behaviour: c.behaviour, Federation: shared,
	}
}
