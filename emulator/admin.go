package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// adminPrefix is where the emulator itself is looked at and steered, beside the API of StorPool:
//
//	GET    /spsim/1.0/calls                     what was asked so far
//	GET    /spsim/1.0/faults                    the armed rules with their history
//	POST   /spsim/1.0/faults                    arm a rule, a fault.Rule as JSON; answers {"id":N}
//	DELETE /spsim/1.0/faults, .../faults/{id}   disarm all rules, or one
//	GET    /spsim/1.0/contents/{ref}?offset=N&length=N   bytes of a volume or snapshot
//	PUT    /spsim/1.0/contents/{ref}?offset=N   write the body into it
//
// It wants the same token. An error has the form of the API's errors.
const adminPrefix = "/spsim/1.0/"

// adminHandler is the router of the admin API.
func (s *Server) adminHandler() http.Handler {
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { s.adminFail(w, unknownQuery(r.URL.Path)) })
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		s.adminFail(w, unknownQuery(r.Method+" "+r.URL.Path))
	})
	r.Get(adminPrefix+"calls", func(w http.ResponseWriter, _ *http.Request) { s.adminAnswer(w, s.Calls(), nil) })
	r.Get(adminPrefix+"faults", func(w http.ResponseWriter, _ *http.Request) { s.adminAnswer(w, s.faults.Rules(), nil) })
	r.Post(adminPrefix+"faults", s.adminArm)
	r.Delete(adminPrefix+"faults", func(w http.ResponseWriter, _ *http.Request) {
		s.faults.Reset()
		s.adminAnswer(w, adminDone{OK: true}, nil)
	})
	r.Delete(adminPrefix+"faults/{id}", s.adminDisarm)
	r.Get(adminPrefix+"contents/{ref}", s.adminRead)
	r.Put(adminPrefix+"contents/{ref}", s.adminWrite)
	return r
}

// adminDone is the answer of a change of the emulator.
type adminDone struct {
	OK bool `json:"ok"`
	ID int  `json:"id,omitempty"`
}

// serveAdmin answers a request of the admin API.
func (s *Server) serveAdmin(w http.ResponseWriter, r *http.Request) {
	if !s.authorised(r) {
		s.adminFail(w, errWrongToken())
		return
	}
	s.admin().ServeHTTP(w, r)
}

func (s *Server) adminFail(w http.ResponseWriter, err error) {
	s.fail(w, envelope{generation: s.cluster.Generation()}, vendorError(err))
}

// adminAnswer sends v as JSON, without an envelope, or the error.
func (s *Server) adminAnswer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		s.adminFail(w, err)
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		s.adminFail(w, fmt.Errorf("encode answer: %w", err))
		return
	}
	s.headers.set(w.Header())
	send(w, http.StatusOK, append(text, '\n'))
}

func (s *Server) adminArm(w http.ResponseWriter, r *http.Request) {
	var rule fault.Rule
	d := json.NewDecoder(io.LimitReader(r.Body, s.cfg.maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&rule); err != nil {
		s.adminFail(w, invalid("The body is no fault rule: %v", err))
		return
	}
	id, err := s.Arm(rule)
	if errors.Is(err, fault.ErrRule) {
		err = invalid("%v", err)
	}
	s.adminAnswer(w, adminDone{OK: true, ID: id}, err)
}

func (s *Server) adminDisarm(w http.ResponseWriter, r *http.Request) {
	text := chi.URLParam(r, "id")
	id, err := strconv.Atoi(text)
	if err != nil || !s.faults.Disarm(id) {
		err = &cluster.Error{Name: cluster.ObjectDoesNotExist, Descr: "No fault rule has the number " + text}
	}
	s.adminAnswer(w, adminDone{OK: true}, err)
}

// span reads offset and length of a request for contents; both are bytes, and absent ones are 0 and 4096.
func span(r *http.Request) (offset, length int64, err error) {
	const page = 4096
	length = page
	for name, to := range map[string]*int64{"offset": &offset, "length": &length} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		if *to, err = strconv.ParseInt(text, 10, 64); err != nil || *to < 0 {
			return 0, 0, invalid("Invalid value of '%s': not a number of bytes", name)
		}
	}
	return offset, length, nil
}

func (s *Server) adminRead(w http.ResponseWriter, r *http.Request) {
	offset, length, err := span(r)
	if err == nil && length > s.cfg.maxBody {
		err = invalid("Invalid value of 'length': above %d", s.cfg.maxBody)
	}
	if err != nil {
		s.adminFail(w, err)
		return
	}
	data := make([]byte, length)
	if err := s.cluster.ReadContent(adminRef(r), offset, data); err != nil {
		s.adminFail(w, contentError(err))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	send(w, http.StatusOK, data)
}

func (s *Server) adminWrite(w http.ResponseWriter, r *http.Request) {
	offset, _, err := span(r)
	if err != nil {
		s.adminFail(w, err)
		return
	}
	data, err := s.readBody(r)
	if err == nil {
		err = contentError(s.cluster.WriteContent(adminRef(r), offset, data))
	}
	s.adminAnswer(w, adminDone{OK: true}, err)
}

// adminRef is the object of a request for contents. Chi hands escapes through, so they are undone here.
func adminRef(r *http.Request) cluster.Ref {
	t, err := parsePath(apiPrefix + "x/" + chi.URLParam(r, "ref"))
	if err != nil || len(t.segments) != 2 {
		return ""
	}
	return cluster.Ref(t.segments[1])
}

// contentError makes an access beyond the end of an object the caller's error.
func contentError(err error) error {
	var e *cluster.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return invalid("%v", err)
}
