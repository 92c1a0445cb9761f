package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/spsim/spsim/emulator/cluster"
)

// maxState is the largest saved state that is loaded over the admin API, in bytes.
const maxState = 4 << 30

func (s *Server) stateRoutes(r chi.Router, post func(string, adminFunc)) {
	r.Get(AdminPrefix+"state", s.withToken(s.adminSaveState))
	r.Put(AdminPrefix+"state", s.adminCall(s.adminLoadState))
	post("state/reset", func(*http.Request) (any, error) {
		if err := s.Reset(); err != nil {
			return nil, err
		}
		s.closeLost()
		return adminDone{OK: true}, nil
	})
}

// adminSaveState sends the state as it is at this moment; it is made before the first byte goes out, so that half an
// answer cannot be taken for a state.
func (s *Server) adminSaveState(w http.ResponseWriter, _ *http.Request) {
	var text bytes.Buffer
	if err := s.SaveState(&text); err != nil {
		s.adminFail(w, err)
		return
	}
	s.headers.set(w.Header())
	send(w, http.StatusOK, text.Bytes())
}

func (s *Server) adminLoadState(r *http.Request) (any, error) {
	err := s.LoadState(http.MaxBytesReader(nil, r.Body, maxState))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, cluster.ErrState):
		return nil, invalid("%v", err)
	case errors.As(err, &tooLarge):
		return nil, invalid("The state is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		return nil, fmt.Errorf("load state: %w", err)
	}
	s.closeLost()
	return adminDone{OK: true}, nil
}

// closeLost closes the devices of a state that was replaced.
func (s *Server) closeLost() {
	for _, m := range s.members() {
		m.devices.remove(func(*openDevice) bool { return true })
	}
}
