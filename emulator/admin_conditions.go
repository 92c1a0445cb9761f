package emulator

import (
	"net/http"

	"github.com/spsim/spsim/emulator/cluster"
)

func (s *Server) conditionRoutes(get, post, del func(string, adminFunc)) {
	get("conditions", func(*http.Request) (any, error) { return s.shownConditions(), nil })
	post("conditions", s.adminSetCondition)
	del("conditions", s.adminClearCondition)
}

// shownConditions is never null.
func (s *Server) shownConditions() []cluster.Condition {
	if all := s.Conditions(); all != nil {
		return all
	}
	return []cluster.Condition{}
}

// adminSetCondition answers with everything that is wrong now.
func (s *Server) adminSetCondition(r *http.Request) (any, error) {
	var c cluster.Condition
	if err := adminBody(r, &c); err != nil {
		return nil, err
	}
	if err := s.SetCondition(c); err != nil {
		return nil, err
	}
	return s.shownConditions(), nil
}

// adminClearCondition ends the condition that the query names, or all; it answers with what is still wrong.
func (s *Server) adminClearCondition(r *http.Request) (any, error) {
	q := r.URL.Query()
	if q.Get("kind") == "" {
		s.ClearConditions()
		return s.shownConditions(), nil
	}
	id, err := countOf(r, "id", 0)
	if err != nil {
		return nil, err
	}
	c := cluster.Condition{Kind: cluster.ConditionKind(q.Get("kind")), ID: int(id), Group: q.Get("group")}
	if err := s.ClearCondition(c); err != nil {
		return nil, err
	}
	return s.shownConditions(), nil
}
