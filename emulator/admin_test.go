package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// steer makes a call of the admin API.
func steer(t *testing.T, a *api, method, path, body string) (int, string) {
	t.Helper()
	base := a.base
	if strings.HasPrefix(base, "http://127.") {
		base = a.server.AdminURL()
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Storpool v1:"+a.server.Token())
	r, err := a.client.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	return r.StatusCode, string(text)
}

func TestFaultRulesAreArmedAndDisarmedOverHTTP(t *testing.T) {
	t.Parallel()
	a := overLoopback(t, Start(t))
	status, text := steer(t, a, "POST", "/_spsim/v1/faults",
		`{"call":"POST VolumeCreate","times":2,"effect":{"kind":"refuse","error":"nope"}}`)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"id":1,"rule":{"call":"POST VolumeCreate","times":2,"effect":{"kind":"refuse","error":"nope"}},
		"seen":0,"fired":0}`, text)
	a.refused(t, "POST", "VolumeCreate", `{"size":512}`, "nope")
	_, text = steer(t, a, "GET", "/_spsim/v1/faults", "")
	assert.JSONEq(t, `[{"id":1,"rule":{"call":"POST VolumeCreate","times":2,"effect":{"kind":"refuse","error":"nope"}},
		"seen":1,"fired":1}]`, text)
	status, _ = steer(t, a, "DELETE", "/_spsim/v1/faults/1", "")
	assert.Equal(t, http.StatusOK, status)
	a.post(t, "VolumeCreate", `{"size":512}`)

	steer(t, a, "POST", "/_spsim/v1/faults", `{"call":"GET VolumesList","effect":{"kind":"cut"}}`)
	steer(t, a, "DELETE", "/_spsim/v1/faults", "")
	a.get(t, "VolumesList")
}

func TestAdminAPIRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t, WithMaxBody(8192)))
	a.post(t, "VolumeCreate", `{"name":"v","size":8192}`)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "faults", `{`, 400},
		{"POST", "faults", `{"call":"POST Nothing","effect":{"kind":"cut"}}`, 400},
		{"POST", "faults", `{"call":"GET VolumesList","effect":{"kind":"explode"}}`, 400},
		{"POST", "faults", `{"call":"GET VolumesList","colour":1,"effect":{"kind":"cut"}}`, 400},
		{"DELETE", "faults/7", "", 404},
		{"DELETE", "faults/x", "", 404},
		{"PUT", "faults", "", 404},
		{"GET", "nothing", "", 404},
		{"GET", "contents/none", "", 404},
		{"GET", "contents/v?length=8193", "", 400},
		{"GET", "contents/v?offset=8192", "", 400},
		{"GET", "contents/v?offset=-1", "", 400},
		{"GET", "contents/v?length=x", "", 400},
		{"PUT", "contents/v?offset=8190", "abc", 400},
		{"PUT", "contents/v", strings.Repeat("x", 8193), 400},
	} {
		status, text := steer(t, a, c.method, "/_spsim/v1/"+c.path, c.body)
		assert.Equal(t, c.status, status, "%s %s: %s", c.method, c.path, text)
		var out struct{ Error errorBody }
		require.NoError(t, json.Unmarshal([]byte(text), &out), text)
		assert.NotEmpty(t, out.Error.Name)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", a.base+"/_spsim/v1/calls", nil)
	require.NoError(t, err)
	r, err := a.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, r.StatusCode)
}

func TestContentsAreReadAndWrittenOverHTTP(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := overLoopback(t, s)
	gid := a.post(t, "VolumeCreate", `{"size":1048576}`).text(t, "globalId")
	for _, ref := range []string{"~" + gid, "%7E" + gid} {
		status, text := steer(t, a, "PUT", "/_spsim/v1/contents/"+ref+"?offset=4096", "bytes of "+ref)
		require.Equal(t, http.StatusOK, status, text)
		status, text = steer(t, a, "GET", "/_spsim/v1/contents/"+ref+"?offset=4096&length=8", "")
		require.Equal(t, http.StatusOK, status)
		assert.Equal(t, "bytes of", text)
	}
	_, text := steer(t, a, "GET", "/_spsim/v1/contents/~"+gid, "")
	assert.Equal(t, strings.Repeat("\x00", 4096), text)
}

func TestCallsAreListedOverHTTP(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	_, text := steer(t, a, "GET", "/_spsim/v1/calls", "")
	var page AdminCalls
	require.NoError(t, json.Unmarshal([]byte(text), &page))
	assert.Equal(t, AdminCalls{Calls: s.Calls(), Next: 1}, page)
	assert.Len(t, page.Calls, 1, "the admin API is not in the journal")
}
