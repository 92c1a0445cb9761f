package emulator

import (
	"fmt"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// Arm adds a fault rule and returns its number. A rule that can never fire, since no emulated call has that
// name, is refused with an error that wraps [fault.ErrRule].
func (s *Server) Arm(r fault.Rule) (int, error) {
	id, err := s.faults.Arm(r)
	if err != nil {
		return 0, fmt.Errorf("arm fault rule on %q: %w", r.Call, err)
	}
	return id, nil
}

// Faults is the set of armed rules.
func (s *Server) Faults() *fault.Set { return s.faults }

// allowRule refuses rules for calls that are not in the table or never get as far as a rule.
func (s *Server) allowRule(r fault.Rule) error {
	for i := range s.table.ops {
		o := &s.table.ops[i]
		if o.Call() != r.Call {
			continue
		}
		if !o.Emulated() {
			return fmt.Errorf("%w: %q is not emulated: %s", fault.ErrRule, r.Call, o.Why)
		}
		return nil
	}
	return fmt.Errorf("%w: no call is named %q: use the method and the query without arguments, "+
		"like \"POST VolumeCreate\"", fault.ErrRule, r.Call)
}

// subject is what a request is about.
type subject struct {
	refs  []cluster.Ref     // volumes and snapshots that it addresses
	names []string          // other names: of new objects, templates, placement groups
	tags  map[string]string // that a new object gets
}

// subjects is implemented by requests that address something.
type subjects interface{ about() subject }

// objects returns all spellings of what a bound request is about, for rules that name an object: names, global
// ids with a tilde, and tags as key=value.
func (s *Server) objects(bound any) []string {
	q, ok := bound.(subjects)
	if !ok {
		return nil
	}
	a := q.about()
	out := a.names
	for k, v := range a.tags {
		out = append(out, k+"="+v)
	}
	for _, ref := range a.refs {
		out = append(out, string(ref))
		c := s.cluster.Find(ref)
		if c == nil {
			continue
		}
		o, err := c.Volume(ref)
		if err != nil {
			o, err = c.Snapshot(ref)
		}
		if err != nil {
			continue
		}
		out = append(out, o.Name, "~"+o.GlobalID)
		for k, v := range o.Tags.All() {
			out = append(out, k+"="+v)
		}
	}
	return out
}
