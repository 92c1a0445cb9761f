package emulator

import (
	"net/http"
	"time"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// AdminHealth says that the server is there and which one it is.
type AdminHealth struct {
	OK      bool   `json:"ok"`
	API     string `json:"api"` // version of the admin API
	Cluster string `json:"cluster"`
	Name    string `json:"name"`
	// Generation is that of the cluster.
	Generation int64 `json:"generation"`
}

// AdminClock is the time of the server.
type AdminClock struct {
	Now time.Time `json:"now"`
	// Virtual time can be advanced; else it is the machine's.
	Virtual bool `json:"virtual"`
}

// AdminModel is what the server was made of.
type AdminModel struct {
	Cluster string   `json:"cluster"`
	Name    string   `json:"name"`
	Seed    int64    `json:"seed"`
	Model   Document `json:"model"` // as spsim serve --model takes it
}

// AdminAdvance is how far to move the clock.
type AdminAdvance struct {
	By fault.Duration `json:"by"`
}

// adminHealth needs no token, since it tells nothing that matters; a wrong one is refused, so that a caller can check its own.
func (s *Server) adminHealth(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" && !s.authorised(r) {
		s.adminFail(w, errWrongToken())
		return
	}
	s.adminSend(w, AdminHealth{OK: true, API: "v1", Cluster: s.cfg.id, Name: s.cluster.Name(), Generation: s.cluster.Generation()})
}

func (s *Server) adminModel(*http.Request) (any, error) {
	return AdminModel{
		Cluster: s.cfg.id, Name: s.cluster.Name(), Seed: s.cfg.seed,
		Model: Document{Model: s.cfg.model, Behaviour: BehaviourOf(s.cfg.behaviour, s.cfg.status, s.cfg.strict)},
	}, nil
}

// advancer is a clock that can be moved.
type advancer interface{ Advance(d time.Duration) }

func (s *Server) adminClock(*http.Request) (any, error) {
	_, virtual := s.cfg.clock.(advancer)
	return AdminClock{Now: s.cfg.clock.Now(), Virtual: virtual}, nil
}

// adminAdvance moves a virtual clock; what becomes due on the way happens.
func (s *Server) adminAdvance(r *http.Request) (any, error) {
	var q AdminAdvance
	if err := adminBody(r, &q); err != nil {
		return nil, err
	}
	by := time.Duration(q.By)
	if by <= 0 || by > clock.Forever {
		return nil, invalid("Invalid value of 'by': not above 0s and up to %s", clock.Forever)
	}
	virtual, ok := s.cfg.clock.(advancer)
	if !ok {
		return nil, &cluster.Error{
			Name: NameNotSupported, Descr: "The clock is the machine's and cannot be moved: start the server with a virtual one",
		}
	}
	virtual.Advance(by)
	s.cluster.Tick()
	return s.adminClock(r)
}
