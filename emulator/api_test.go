package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// api is a client of a server as a test speaks it. Every successful answer is held against the catalogue.
type api struct {
	server *Server
	client *http.Client
	base   string
	cat    *catalogue
	dress  func(*http.Request) // makes a request look as one client's does; nil changes nothing
}

// inProcess returns a client without a socket.
func inProcess(tb testing.TB, s *Server) *api {
	tb.Helper()
	return speaking(s, loadCatalogue(tb))
}

// speaking is inProcess with a catalogue that is there.
func speaking(s *Server, cat *catalogue) *api {
	return &api{server: s, client: s.Client(), base: "http://emulator", cat: cat}
}

// overLoopback returns a client with a socket of its own.
func overLoopback(tb testing.TB, s *Server) *api {
	tb.Helper()
	tr := &http.Transport{}
	tb.Cleanup(tr.CloseIdleConnections)
	require.NotEmpty(tb, s.URL())
	return &api{server: s, client: &http.Client{Transport: tr}, base: s.URL(), cat: loadCatalogue(tb)}
}

// reply is an answer taken apart.
type reply struct {
	Status      int
	Data        any
	Error       *errorBody
	Generation  json.Number
	ClusterID   string
	ClusterName string
}

// object returns the data as an object.
func (r reply) object(tb testing.TB) map[string]any {
	tb.Helper()
	o, ok := r.Data.(map[string]any)
	require.Truef(tb, ok, "data is no object: %v (error %+v)", r.Data, r.Error)
	return o
}

// list returns the data as a list of objects.
func (r reply) list(tb testing.TB) []map[string]any {
	tb.Helper()
	items, ok := r.Data.([]any)
	require.Truef(tb, ok, "data is no array: %v (error %+v)", r.Data, r.Error)
	out := []map[string]any{}
	for _, i := range items {
		o, ok := i.(map[string]any)
		require.True(tb, ok)
		out = append(out, o)
	}
	return out
}

// text returns a member that is a string.
func (r reply) text(tb testing.TB, name string) string {
	tb.Helper()
	s, ok := r.object(tb)[name].(string)
	require.Truef(tb, ok, "%s is no string: %v", name, r.Data)
	return s
}

func (a *api) do(tb testing.TB, method, path, body string) reply {
	tb.Helper()
	r := a.raw(tb, method, path, body, "Storpool v1:"+a.server.Token())
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	require.NoError(tb, err)
	return a.parse(tb, r, text)
}

func (a *api) raw(tb testing.TB, method, path, body, auth string) *http.Response {
	tb.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, a.base+"/ctrl/1.0/"+path, in)
	require.NoError(tb, err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	if a.dress != nil {
		a.dress(req)
	}
	r, err := a.client.Do(req)
	require.NoError(tb, err)
	return r
}

func (a *api) parse(tb testing.TB, r *http.Response, text []byte) reply {
	tb.Helper()
	assert.Equal(tb, "application/json", r.Header.Get("Content-Type"))
	assert.Equal(tb, "private", r.Header.Get("Cache-Control"))
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	out := reply{Status: r.StatusCode}
	require.NoErrorf(tb, d.Decode(&out), "answer is no JSON: %s", text)
	assert.NotEmpty(tb, out.Generation, "an envelope has a generation")
	if out.Error != nil {
		assert.Nil(tb, out.Data, "an error has no data")
		return out
	}
	a.validate(tb, out)
	return out
}

// validate holds an answer against the catalogue's type of the call that was made last.
func (a *api) validate(tb testing.TB, out reply) {
	tb.Helper()
	calls := a.server.Calls()
	query := calls[len(calls)-1].Query
	method := calls[len(calls)-1].Method
	if strings.Contains(calls[len(calls)-1].Path, "AllClusters/") {
		query = allClustersQuery
	}
	for _, c := range a.cat.Calls {
		if c.Method == method && c.Query == query {
			assert.Empty(tb, a.cat.validate(a.cat.shapeOf(c.Answer), out.Data, "data"), "%s %s", method, query)
			return
		}
	}
	assert.Failf(tb, "not in the catalogue", "%s %s", method, query)
}

// get makes a GET that has to succeed.
func (a *api) get(tb testing.TB, path string) reply {
	tb.Helper()
	r := a.do(tb, http.MethodGet, path, "")
	require.Nilf(tb, r.Error, "GET %s: %+v", path, r.Error)
	require.Equal(tb, http.StatusOK, r.Status)
	return r
}

// post makes a POST that has to succeed.
func (a *api) post(tb testing.TB, path, body string) reply {
	tb.Helper()
	r := a.do(tb, http.MethodPost, path, body)
	require.Nilf(tb, r.Error, "POST %s %s: %+v", path, body, r.Error)
	require.Equal(tb, http.StatusOK, r.Status)
	require.Equal(tb, true, r.object(tb)["ok"])
	return r
}

// refused makes a call that has to fail with an error of this name.
func (a *api) refused(tb testing.TB, method, path, body, name string) reply {
	tb.Helper()
	before := a.server.Cluster().Generation()
	r := a.do(tb, method, path, body)
	require.NotNilf(tb, r.Error, "%s %s %s succeeded: %v", method, path, body, r.Data)
	assert.Equalf(tb, name, r.Error.Name, "%s %s %s: %s", method, path, body, r.Error.Descr)
	assert.Equal(tb, before, a.server.Cluster().Generation(), "a refused call changes nothing")
	return r
}

// named returns the entry of a list with this name.
func named(tb testing.TB, list []map[string]any, name string) map[string]any {
	tb.Helper()
	for _, e := range list {
		if e["name"] == name {
			return e
		}
	}
	require.Failf(tb, "not in the list", "%s in %v", name, list)
	return nil
}
