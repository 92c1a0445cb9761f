package emulator

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// adminStory is one call after the other on one server: what it makes of each is frozen. A line is method, path and
// body; one without a slash in front is a call of the StorPool API.
func adminStory() []string {
	return []string{
		"GET /health",
		"GET /unread",
		"GET /clock",
		`POST /clock/advance {"by":"1h"}`,
		`POST /clock/advance {"by":"-1h"}`,
		"GET /faults",
		`POST /faults {"call":"POST VolumeCreate","object":"w*","times":-1,"effect":{"kind":"refuse","error":"busy"}}`,
		`POST /faults {"call":"GET Volume","tag":"cs=*","nth":2,"effect":{"kind":"delay","delay":"1s","jitter":"500ms"}}`,
		`POST /faults {"call":"POST Nothing","effect":{"kind":"cut"}}`,
		`POST /faults {"call":"GET VolumesList","colour":1,"effect":{"kind":"cut"}}`,
		`POST VolumeCreate {"name":"w1","size":512}`,
		`POST VolumeCreate {"name":"v","size":1048576}`,
		"GET /faults",
		"GET /faults/1",
		"DELETE /faults/1",
		"DELETE /faults/1",
		"DELETE /faults",
		"GET /conditions",
		`POST /conditions {"kind":"clientDead","id":3}`,
		`POST /conditions {"kind":"noQuorum"}`,
		`POST /conditions {"kind":"diskGone","id":77777}`,
		`POST /conditions {"kind":"sunspots"}`,
		"DELETE /conditions?kind=noQuorum",
		"DELETE /conditions?kind=noQuorum",
		"DELETE /conditions",
		"PUT /contents/v?offset=4096 some bytes",
		"GET /contents/v?offset=4096&length=10",
		"GET /contents/v/extents",
		"GET /contents/v?offset=1048570&length=10",
		"GET /contents/none",
		"GET /contents/v?client=1",
		`POST VolumesReassign [{"volume":"v","rw":[1],"ro":[2]}]`,
		"GET /contents/v?offset=4096&length=10&client=1",
		"PUT /contents/v?offset=4096&client=2 other bytes",
		`POST /devices {"client":1,"path":"/dev/storpool/v"}`,
		`POST /devices {"client":2,"path":"/dev/storpool/v"}`,
		`POST /devices {"client":3,"path":"/dev/storpool/v"}`,
		"GET /devices",
		"GET /devices/1",
		"PUT /devices/1/contents?offset=4096 new bytes!",
		"PUT /devices/2/contents?offset=4096 refused",
		"GET /devices/2/contents?offset=4096&length=10",
		"GET /devices/1/extents?offset=4096",
		`POST /devices/1/discard {"offset":4096,"length":4096}`,
		"GET /devices/1/extents",
		`POST VolumesReassign [{"volume":"v","detach":[1]}]`,
		"DELETE /devices/1",
		"DELETE /devices/1",
		"DELETE /devices?client=2",
		`POST VolumesReassign [{"volume":"v","detach":"all"}]`,
		"GET /calls?after=2&limit=2",
		"GET /calls?request=none",
		"GET /calls?after=x",
		"GET /calls?cluster=elsewhere",
		"PUT /state nonsense",
		"POST /state/reset",
		"GET /contents/v",
		"GET /nothing",
		"PUT /faults",
		"POST /faults [",
		`POST VolumeCreate {"name":"u","size":512,"colour":1}`,
		"GET /unread",
	}
}

// TestAnswersOfTheAdminAPIAreFrozen compares with testdata/admin/v1.txt, which SPSIM_WRITE_GOLDEN=1 writes anew.
func TestAnswersOfTheAdminAPIAreFrozen(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	var got strings.Builder
	for _, line := range adminStory() {
		method, rest, _ := strings.Cut(line, " ")
		path, body, _ := strings.Cut(rest, " ")
		where := "/ctrl/1.0/" + path
		if strings.HasPrefix(path, "/") {
			where = AdminPrefix + path[1:]
		}
		status, text := steer(t, a, method, where, body)
		fmt.Fprintf(&got, "%s\n%d %s\n\n", line, status, strings.TrimSpace(strings.ReplaceAll(text, "\x00", ".")))
	}
	file := filepath.Join("testdata", "admin", "v1.txt")
	if os.Getenv("SPSIM_WRITE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())
}

// routesOf lists the calls of the admin API as ADMIN.md writes them.
func routesOf(t *testing.T, s *Server) []string {
	t.Helper()
	routes, ok := s.adminRouter().(chi.Routes)
	require.True(t, ok)
	var out []string
	require.NoError(t, chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		out = append(out, method+" "+strings.TrimPrefix(route, AdminPrefix))
		return nil
	}))
	return out
}

func TestEveryCallOfTheAdminAPIIsDescribed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("ADMIN.md")
	require.NoError(t, err)
	described := map[string]bool{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if call, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`"); ok && strings.HasPrefix(line, "| `") {
			call, _, _ = strings.Cut(call, "?")
			described[call] = true
		}
	}
	routes := routesOf(t, Start(t))
	assert.Greater(t, len(routes), 20)
	for _, r := range routes {
		assert.Truef(t, described[r], "%s is not in ADMIN.md", r)
		delete(described, r)
	}
	assert.Empty(t, described, "these are in ADMIN.md only")
}

func TestModelIsWhatServeTakes(t *testing.T) {
	t.Parallel()
	s := Start(t, WithSeed(9), WithStrict())
	v, err := s.adminModel(nil)
	require.NoError(t, err)
	m, ok := v.(AdminModel)
	require.True(t, ok)
	assert.Equal(t, int64(9), m.Seed)
	assert.Equal(t, s.cfg.model, m.Model.Model)
	assert.True(t, m.Model.Behaviour.Strict)
	status, text := steer(t, inProcess(t, s), "GET", AdminPrefix+"model", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, text, `"model":{"servers":3,`)
}

func TestStateIsSavedLoadedAndResetOverHTTP(t *testing.T) {
	t.Parallel()
	s := Start(t, WithClock(clock.NewStill(testStart())))
	a := overLoopback(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	a.post(t, "VolumesReassign", `[{"volume":"v","rw":[1]}]`)
	s.WriteContent(t, "v", 0, []byte("kept"))
	status, saved := steer(t, a, "GET", AdminPrefix+"state", "")
	require.Equal(t, http.StatusOK, status)
	var text strings.Builder
	require.NoError(t, s.SaveState(&text))
	assert.Equal(t, text.String(), saved)
	_, open := steer(t, a, "POST", AdminPrefix+"devices", `{"client":1,"path":"v"}`)
	assert.Contains(t, open, `"id":1`)

	status, _ = steer(t, a, "POST", AdminPrefix+"state/reset", "")
	require.Equal(t, http.StatusOK, status)
	assert.Zero(t, s.Cluster().Volumes().Len())
	_, open = steer(t, a, "GET", AdminPrefix+"devices", "")
	assert.JSONEq(t, "[]", open)

	later := Start(t, WithClock(clock.NewStill(testStart().Add(-time.Hour)))) // whose clock goes to that of the state
	b := overLoopback(t, later)
	status, answer := steer(t, b, "PUT", AdminPrefix+"state", saved)
	require.Equal(t, http.StatusOK, status, answer)
	assert.Equal(t, []byte("kept"), later.ReadContent(t, "v", 0, 4))
	assert.Equal(t, testStart(), later.Clock().Now())
}

func TestMachineClockCannotBeMoved(t *testing.T) {
	t.Parallel()
	s, err := New()
	require.NoError(t, err)
	t.Cleanup(s.Close)
	status, text := steer(t, inProcess(t, s), "POST", AdminPrefix+"clock/advance", `{"by":"1s"}`)
	assert.Equal(t, http.StatusNotImplemented, status, text)
}

func TestWhatBecomesDueHappensWhenTheClockIsAdvanced(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	a.post(t, "VolumeSnapshot/v", `{"name":"s","deleteAfter":600}`)
	steer(t, a, "POST", AdminPrefix+"clock/advance", `{"by":"10m"}`)
	assert.Equal(t, 0, a.server.Cluster().Snapshots().Len())
}

func TestAdminCallsForAnotherMemberGoToItsServer(t *testing.T) {
	t.Parallel()
	f := StartFederation(t, []Member{{ID: "spsm.a", Name: "first"}, {ID: "spsm.b", Name: "second"}})
	a := inProcess(t, f.Server("first"))
	status, text := steer(t, a, "POST", AdminPrefix+"faults?cluster=second", `{"call":"GET VolumesList","effect":{"kind":"cut"}}`)
	require.Equal(t, http.StatusOK, status, text)
	assert.Empty(t, f.Server("first").Faults().Rules())
	assert.Len(t, f.Server("second").Faults().Rules(), 1)
	f.Server("second").Faults().Reset()
	_, text = steer(t, a, "GET", AdminPrefix+"health?cluster=~spsm.b", "")
	assert.Contains(t, text, `"name":"second"`)
}

func TestFaultsOfTheAdminAPIAreThoseOfGo(t *testing.T) {
	t.Parallel()
	s := Start(t)
	steer(t, inProcess(t, s), "POST", AdminPrefix+"faults", `{"call":"GET VolumesList","client":0,"cluster":"spsim1",
		"caller":"host","nth":3,"times":2,"effect":{"kind":"truncated","keep":9}}`)
	want := fault.Rule{
		Call: "GET VolumesList", Cluster: "spsim1", Caller: "host", Nth: 3, Times: 2,
		Effect: fault.Effect{Kind: fault.Truncated, Keep: 9},
	}
	require.Len(t, s.Faults().Rules(), 1)
	assert.Equal(t, want, s.Faults().Rules()[0].Rule)
	s.Faults().Reset()
}
