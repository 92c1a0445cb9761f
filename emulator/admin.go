package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/spsim/spsim/emulator/cluster"
)

// AdminPrefix is where the emulator itself is looked at and steered, apart from the API of StorPool: the path of every
// call that ADMIN.md describes. The API's own socket serves nothing of it but the health; see [Server.ListenAdmin].
const AdminPrefix = "/_spsim/v1/"

const healthPath = AdminPrefix + "health"

// maxAdminBody is the largest JSON body of the admin API in bytes.
const maxAdminBody = 1 << 20

// AdminHandler is the admin API for a socket of one's own. It refuses calls that a browser makes for another site, and
// wants the token.
func (s *Server) AdminHandler() http.Handler { return sameSite(s.admin(), anyHost) }

// adminHandler is the admin API behind the check of the site.
func (s *Server) adminHandler() http.Handler { return s.forMember(s.adminRouter()) }

func (s *Server) adminRouter() http.Handler {
	r := chi.NewRouter()
	r.NotFound(s.adminCall(func(r *http.Request) (any, error) { return nil, unknownQuery(r.URL.Path) }))
	r.MethodNotAllowed(s.adminCall(func(r *http.Request) (any, error) { return nil, unknownQuery(r.Method + " " + r.URL.Path) }))
	get := func(path string, f adminFunc) { r.Get(AdminPrefix+path, s.adminCall(f)) }
	post := func(path string, f adminFunc) { r.Post(AdminPrefix+path, s.adminCall(f)) }
	del := func(path string, f adminFunc) { r.Delete(AdminPrefix+path, s.adminCall(f)) }

	r.Get(healthPath, s.adminHealth)
	get("model", s.adminModel)
	get("clock", s.adminClock)
	post("clock/advance", s.adminAdvance)
	r.Get(AdminPrefix+"calls", s.withToken(s.adminCalls))
	get("unread", func(*http.Request) (any, error) { return append([]UnreadCount{}, s.Unread()...), nil })
	s.faultRoutes(get, post, del)
	s.conditionRoutes(get, post, del)
	s.contentRoutes(r, get, post, del)
	s.stateRoutes(r, post)
	return r
}

// forMember hands calls that name another cluster of the federation (?cluster=) to its server, which has a token of its
// own.
func (s *Server) forMember(own http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Query().Get("cluster"), "~")
		if name == "" || name == s.cfg.id || name == s.cluster.Name() {
			own.ServeHTTP(w, r)
			return
		}
		if s.fed != nil {
			if peer := s.fed.Server(name); peer != nil {
				peer.admin().ServeHTTP(w, r)
				return
			}
		}
		if !s.authorised(r) {
			s.adminFail(w, errWrongToken())
			return
		}
		s.adminFail(w, &cluster.Error{Name: cluster.ObjectDoesNotExist, Descr: "There is no cluster '" + name + "' here"})
	})
}

// adminFunc serves a call of the admin API whose answer is JSON.
type adminFunc func(r *http.Request) (any, error)

// adminDone is the answer of a change that has nothing to tell.
type adminDone struct {
	OK bool `json:"ok"`
}

// adminCall makes a handler: it wants the token, and sends the answer without an envelope, or the error.
func (s *Server) adminCall(f adminFunc) http.HandlerFunc {
	return s.withToken(func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			s.adminFail(w, err)
			return
		}
		s.adminSend(w, v)
	})
}

// withToken lets requests with the server's token through.
func (s *Server) withToken(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.authorised(r) {
			s.adminFail(w, errWrongToken())
			return
		}
		f(w, r)
	}
}

// adminError is the form of an error; its status is that of [StatusByName].
type adminError struct {
	Error errorBody `json:"error"`
}

func (s *Server) adminFail(w http.ResponseWriter, err error) {
	e := vendorError(err)
	text, _ := json.Marshal(adminError{errorBodyOf(e)}) // three plain members always encode
	s.headers.set(w.Header())
	send(w, StatusByName.Of(e.Name, e.Transient), append(text, '\n'))
}

func (s *Server) adminSend(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		s.adminFail(w, fmt.Errorf("encode answer: %w", err))
		return
	}
	s.headers.set(w.Header())
	send(w, http.StatusOK, append(text, '\n'))
}

// adminBody reads the JSON body of a call; members that are not known are refused.
func adminBody(r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxAdminBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more behind it")
		}
	}
	if err != nil {
		return invalid("The body is not what this call takes: %v", err)
	}
	return nil
}

// adminRef is the object in the path of a call. Chi hands escapes through, so they are undone here.
func adminRef(r *http.Request) cluster.Ref {
	ref, err := url.PathUnescape(chi.URLParam(r, "ref"))
	if err != nil {
		return ""
	}
	return cluster.Ref(ref)
}
