package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// guard is the transport of one caller of a scenario. Nothing passes it that would change what is not the scope's.
type guard struct {
	scope  *scope
	caller string
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func readCloser(raw []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(raw)) }

// RoundTrip makes the call as the fault rules have it.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, errors.Join(err, r.Body.Close())
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	c, err := parse(r, body)
	if err != nil {
		return nil, err
	}
	objects := func() []string { return g.scope.spellings(c) }
	out, err := g.scope.faults.Around(r.Context(), fault.Call{
		Name: c.method + " " + c.name, Objects: objects, Clients: c.clients, Caller: g.caller,
		Cluster: func() [2]string { return [2]string{g.scope.session.can.Cluster, ""} },
	}, func(ctx context.Context) (any, error) {
		return g.scope.pass(r.WithContext(ctx), c)
	})
	return respond(r, out, err)
}

// respond turns what the fault rules made of a call into an answer, as StorPool would have given it.
func respond(r *http.Request, out any, err error) (*http.Response, error) {
	var refusal *fault.Refusal
	var status *fault.StatusError
	var cut *fault.Truncation
	switch {
	case errors.As(err, &cut):
		if a, ok := out.(*reply); ok && cut.Err == nil {
			n := cut.Keep
			if n == 0 {
				n = len(a.body) / 2
			}
			resp := a.response(r)
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(a.body[:min(n, len(a.body))]), broken{}))
			return resp, nil
		}
		return nil, err
	case errors.As(err, &refusal):
		return refused(refusal).response(r), nil
	case errors.As(err, &status):
		return (&reply{status.Code, http.Header{"Content-Type": {"text/html"}}, []byte("<html>nobody is there</html>")}).response(r), nil
	case errors.Is(err, fault.ErrMalformed):
		return (&reply{http.StatusOK, http.Header{"Content-Type": {"application/json"}}, []byte(`{"data":`)}).response(r), nil
	case errors.Is(err, fault.ErrConnectionLost):
		return nil, fmt.Errorf("%s: %w", r.URL.Path, syscall.ECONNRESET)
	case err != nil:
		return nil, err
	}
	a, ok := out.(*reply)
	if !ok {
		return nil, fmt.Errorf("%s: no answer", r.URL.Path)
	}
	return a.response(r), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (a *reply) response(r *http.Request) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1, Header: a.header, Body: readCloser(a.body), ContentLength: int64(len(a.body)), Request: r,
	}
}

// refused is StorPool's answer of a refusal (storpool-api 2.3).
func refused(e *fault.Refusal) *reply {
	status := e.Status
	if status == 0 {
		status = emulator.StatusByName.Of(cluster.ErrorName(e.Name), e.Transient)
	}
	raw, err := json.Marshal(map[string]any{"error": map[string]any{"name": e.Name, "descr": e.Descr, "transient": e.Transient}})
	if err != nil {
		raw = []byte(`{"error":{"name":"internal"}}`) // of text and a truth value, it never fails
	}
	return &reply{status, http.Header{"Content-Type": {"application/json"}}, raw}
}

// clients are the StorPool clients whose attachments a call changes.
func (c call) clients() (out []int, all bool) {
	for _, item := range c.items("reassign") {
		for _, key := range []string{"rw", "ro", "detach"} {
			some, every := ids(item[key])
			out, all = append(out, some...), all || every
		}
	}
	return out, all
}

// send makes a call without any guard and reads its answer.
func send(next http.RoundTripper, r *http.Request) (*reply, error) {
	resp, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	header := resp.Header.Clone()
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Content-Encoding"} {
		header.Del(name)
	}
	return &reply{resp.StatusCode, header, body}, nil
}

// pass sends a call that is allowed, with the scope's tag, and gives its answer as the scenario is to see it.
func (s *scope) pass(r *http.Request, c call) (any, error) {
	creates, err := s.allow(&c)
	var foreign *ForeignError
	switch {
	case errors.As(err, &foreign) && s.nowhere(r.Context(), foreign.Object):
		return refused(&fault.Refusal{Name: "objectDoesNotExist", Descr: "'" + foreign.Object + "' is nowhere: spsim has not sent the call"}), nil
	case err != nil:
		s.session.note(err)
		return nil, err
	}
	out, err := c.request(r)
	if err != nil {
		return nil, err
	}
	out.URL.Scheme, out.URL.Host, out.Host = s.session.base.Scheme, s.session.base.Host, "" // whatever a pool calls it, it is this cluster
	if creates {
		if err := s.session.journal.write(line{Will: strings.TrimSpace(c.name + " " + c.arg), Scope: s.name}); err != nil {
			return nil, err
		}
	}
	if c.method != http.MethodGet {
		s.session.spoke(c.refs())
	}
	a, err := send(s.session.next, out)
	if err != nil {
		return nil, err
	}
	return a, s.take(c, a)
}

// nowhere tells that the cluster has no object of a global id. Names may become somebody's at any moment.
func (s *scope) nowhere(ctx context.Context, ref string) bool {
	if !strings.HasPrefix(ref, "~") {
		return false
	}
	_, volume := s.session.api.Volume(ctx, ref)
	_, snapshot := s.session.api.Snapshot(ctx, ref)
	return errors.Is(volume, spapi.ErrNotFound) && errors.Is(snapshot, spapi.ErrNotFound)
}
