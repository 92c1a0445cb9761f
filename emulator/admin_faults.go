package emulator

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

func (s *Server) faultRoutes(get, post, del func(string, adminFunc)) {
	get("faults", func(*http.Request) (any, error) { return s.faults.Rules(), nil })
	post("faults", s.adminArm)
	del("faults", func(*http.Request) (any, error) {
		s.faults.Reset()
		return adminDone{OK: true}, nil
	})
	get("faults/{id}", s.adminRule)
	del("faults/{id}", s.adminDisarm)
}

// adminArm arms a rule; the answer is the rule with its number.
func (s *Server) adminArm(r *http.Request) (any, error) {
	var rule fault.Rule
	if err := adminBody(r, &rule); err != nil {
		return nil, err
	}
	id, err := s.Arm(rule)
	if errors.Is(err, fault.ErrRule) {
		return nil, invalid("%v", err)
	}
	if err != nil {
		return nil, err
	}
	return fault.State{ID: id, Rule: rule}, nil
}

// ruleOf finds the rule whose number is in the path.
func (s *Server) ruleOf(r *http.Request) (fault.State, error) {
	text := chi.URLParam(r, "id")
	id, err := strconv.Atoi(text)
	if err == nil {
		for _, st := range s.faults.Rules() {
			if st.ID == id {
				return st, nil
			}
		}
	}
	return fault.State{}, &cluster.Error{Name: cluster.ObjectDoesNotExist, Descr: "No fault rule has the number " + text}
}

func (s *Server) adminRule(r *http.Request) (any, error) { return s.ruleOf(r) }

// adminDisarm answers with what the rule had done.
func (s *Server) adminDisarm(r *http.Request) (any, error) {
	st, err := s.ruleOf(r)
	if err == nil {
		s.faults.Disarm(st.ID)
	}
	return st, err
}
