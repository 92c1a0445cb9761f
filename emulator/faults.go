package emulator

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

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

// allowRule refuses rules that can never fire here.
func (s *Server) allowRule(r fault.Rule) error {
	o, err := s.opOfRule(r.Call)
	if err != nil {
		return err
	}
	if r.Cluster != "" && !s.serves(strings.TrimPrefix(r.Cluster, "~")) {
		return fmt.Errorf("%w: no cluster %q serves calls here: this is %s, %s", fault.ErrRule, r.Cluster, s.cluster.Name(), s.cfg.id)
	}
	if (r.Object != "" || r.Tag != "") && !o.Req.Implements(reflect.TypeFor[subjects]()) {
		return fmt.Errorf("%w: %q addresses no object by name or tag", fault.ErrRule, r.Call)
	}
	if r.Client == 0 {
		return nil
	}
	if !o.Req.Implements(reflect.TypeFor[clientSubjects]()) {
		return fmt.Errorf("%w: %q concerns no client", fault.ErrRule, r.Call)
	}
	if _, err := s.cluster.ClientConfig(r.Client); err != nil {
		return fmt.Errorf("%w: no client has the id %d", fault.ErrRule, r.Client)
	}
	return nil
}

// serves tells whether a cluster of this name or id, or none more than a sub-cluster away, serves calls of this server.
func (s *Server) serves(name string) bool {
	return slices.ContainsFunc(s.cluster.SubClusters(), func(c *cluster.Cluster) bool {
		return name == c.ID() || name == c.Name()
	})
}

// serving is the id and the name of the cluster that a call ends up on.
func (s *Server) serving(bound any, v *visit) [2]string {
	c := s.cluster
	if s.fed != nil && v.in.Multi && !v.all {
		c = s.place(bound)
	}
	return [2]string{c.ID(), c.Name()}
}

// opOfRule finds the call that a rule names. It must be emulated, since no other gets as far as a rule.
func (s *Server) opOfRule(call string) (*Op, error) {
	for i := range s.table.ops {
		o := &s.table.ops[i]
		if o.Call() != call {
			continue
		}
		if !o.Emulated() {
			return nil, fmt.Errorf("%w: %q is not emulated: %s", fault.ErrRule, call, o.Why)
		}
		return o, nil
	}
	return nil, fmt.Errorf("%w: no call is named %q: use the method and the query without arguments, "+
		"like \"POST VolumeCreate\"", fault.ErrRule, call)
}

// subject is what a request is about.
type subject struct {
	refs  []cluster.Ref     // volumes and snapshots that it addresses
	names []string          // other names: of new objects, templates, placement groups
	tags  map[string]string // that a new object gets
}

// subjects is implemented by requests that address something.
type subjects interface{ about() subject }

// clientSubjects is implemented by requests that concern StorPool clients; all stands for every client.
type clientSubjects interface{ clients() (ids []int, all bool) }

func clientsOf(bound any) (ids []int, all bool) {
	if q, ok := bound.(clientSubjects); ok {
		return q.clients()
	}
	return nil, false
}

func (q reassignArguments) clients() ([]int, bool)     { return clientsOfItems(q.Items) }
func (q reassignWaitArguments) clients() ([]int, bool) { return clientsOfItems(q.Items) }
func (q clientArguments) clients() ([]int, bool)       { return []int{q.Client}, false }

func clientsOfItems(items []reassignItem) (ids []int, all bool) {
	for _, i := range items {
		all = all || i.Detach.all
		ids = append(append(append(ids, i.RO...), i.RW...), i.Detach.clients...)
	}
	return ids, all
}

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
