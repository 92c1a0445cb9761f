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
}

// inProcess returns a client without a socket.
func inProcess(t testing.TB, s *Server) *api {
	t.Helper()
	return &api{server: s, client: s.Client(), base: "http://emulator", cat: loadCatalogue(t)}
}

// overLoopback returns a client with a socket of its own.
func overLoopback(t testing.TB, s *Server) *api {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	require.NotEmpty(t, s.URL())
	return &api{server: s, client: &http.Client{Transport: tr}, base: s.URL(), cat: loadCatalogue(t)}
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
func (r reply) object(t testing.TB) map[string]any {
	t.Helper()
	o, ok := r.Data.(map[string]any)
	require.Truef(t, ok, "data is no object: %v (error %+v)", r.Data, r.Error)
	return o
}

// list returns the data as a list of objects.
func (r reply) list(t testing.TB) []map[string]any {
	t.Helper()
	items, ok := r.Data.([]any)
	require.Truef(t, ok, "data is no array: %v (error %+v)", r.Data, r.Error)
	out := []map[string]any{}
	for _, i := range items {
		o, ok := i.(map[string]any)
		require.True(t, ok)
		out = append(out, o)
	}
	return out
}

// text returns a member that is a string.
func (r reply) text(t testing.TB, name string) string {
	t.Helper()
	s, ok := r.object(t)[name].(string)
	require.Truef(t, ok, "%s is no string: %v", name, r.Data)
	return s
}

func (a *api) do(t testing.TB, method, path, body string) reply {
	t.Helper()
	r := a.raw(t, method, path, body, "Storpool v1:"+a.server.Token())
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return a.parse(t, r, text)
}

func (a *api) raw(t testing.TB, method, path, body, auth string) *http.Response {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, a.base+"/ctrl/1.0/"+path, in)
	require.NoError(t, err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	r, err := a.client.Do(req)
	require.NoError(t, err)
	return r
}

func (a *api) parse(t testing.TB, r *http.Response, text []byte) reply {
	t.Helper()
	assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
	assert.Equal(t, "private", r.Header.Get("Cache-Control"))
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	out := reply{Status: r.StatusCode}
	require.NoErrorf(t, d.Decode(&out), "answer is no JSON: %s", text)
	assert.NotEmpty(t, out.Generation, "an envelope has a generation")
	if out.Error != nil {
		assert.Nil(t, out.Data, "an error has no data")
		return out
	}
	a.validate(t, out)
	return out
}

// validate holds an answer against the catalogue's type of the call that was made last.
func (a *api) validate(t testing.TB, out reply) {
	t.Helper()
	calls := a.server.Calls()
	query := calls[len(calls)-1].Query
	method := calls[len(calls)-1].Method
	if strings.Contains(calls[len(calls)-1].Path, "AllClusters/") {
		query = allClustersQuery
	}
	for _, c := range a.cat.Calls {
		if c.Method == method && c.Query == query {
			assert.Empty(t, a.cat.validate(a.cat.shapeOf(c.Answer), out.Data, "data"), "%s %s", method, query)
			return
		}
	}
	assert.Failf(t, "not in the catalogue", "%s %s", method, query)
}

// get makes a GET that has to succeed.
func (a *api) get(t testing.TB, path string) reply {
	t.Helper()
	r := a.do(t, http.MethodGet, path, "")
	require.Nilf(t, r.Error, "GET %s: %+v", path, r.Error)
	require.Equal(t, http.StatusOK, r.Status)
	return r
}

// post makes a POST that has to succeed.
func (a *api) post(t testing.TB, path, body string) reply {
	t.Helper()
	r := a.do(t, http.MethodPost, path, body)
	require.Nilf(t, r.Error, "POST %s %s: %+v", path, body, r.Error)
	require.Equal(t, http.StatusOK, r.Status)
	require.Equal(t, true, r.object(t)["ok"])
	return r
}

// refused makes a call that has to fail with an error of this name.
func (a *api) refused(t testing.TB, method, path, body, name string) reply {
	t.Helper()
	before := a.server.Cluster().Generation()
	r := a.do(t, method, path, body)
	require.NotNilf(t, r.Error, "%s %s %s succeeded: %v", method, path, body, r.Data)
	assert.Equalf(t, name, r.Error.Name, "%s %s %s: %s", method, path, body, r.Error.Descr)
	assert.Equal(t, before, a.server.Cluster().Generation(), "a refused call changes nothing")
	return r
}

// named returns the entry of a list with this name.
func named(t testing.TB, list []map[string]any, name string) map[string]any {
	t.Helper()
	for _, e := range list {
		if e["name"] == name {
			return e
		}
	}
	require.Failf(t, "not in the list", "%s in %v", name, list)
	return nil
}
