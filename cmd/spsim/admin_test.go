package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// exitCode is what the process would end with.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if coded, ok := err.(interface{ ExitCode() int }); ok {
		return coded.ExitCode()
	}
	return 1
}

// verb runs a command against a server and returns what it printed.
func verb(t *testing.T, s *emulator.Server, args ...string) string {
	t.Helper()
	out, _, err := execute(t.Context(), append(args, "--admin", s.AdminURL())...)
	require.NoError(t, err, "%v", args)
	return out
}

func TestFaultRulesAreArmedListedAndCleared(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	assert.Equal(t, "rule 1 is armed\n", verb(t, s, "fault", "arm", "POST VolumesReassign", "refuse", "--error", "busy", "--descr", "no",
		"--status", "500", "--object", "v*", "--tag", "cs=*", "--client", "2", "--caller", "host", "--on-cluster", "spsim1",
		"--nth", "3", "--every"))
	verb(t, s, "fault", "arm", "GET VolumesList", "delay", "--delay", "2s", "--jitter", "1s", "--times", "4")
	verb(t, s, "fault", "arm", "GET VolumesList", "truncated", "--keep", "9")
	var rules []fault.State
	require.NoError(t, json.Unmarshal([]byte(verb(t, s, "fault", "list", "--json")), &rules))
	assert.Equal(t, s.Faults().Rules(), rules)
	assert.Equal(t, fault.Rule{
		Call: "POST VolumesReassign", Object: "v*", Tag: "cs=*", Client: 2, Caller: "host", Cluster: "spsim1", Nth: 3, Times: -1,
		Effect: fault.Effect{Kind: fault.Refuse, Error: "busy", Descr: "no", Status: 500},
	}, rules[0].Rule)
	assert.Equal(t, fault.Effect{
		Kind: fault.Delay, Delay: fault.Duration(2 * time.Second), Jitter: fault.Duration(time.Second),
	}, rules[1].Rule.Effect)
	text := verb(t, s, "fault", "list")
	assert.Contains(t, text, "object v*, tag cs=*, client 2, caller host, cluster spsim1, from 3, times every")
	assert.Contains(t, text, "delay, 2s, jitter 1s")
	assert.Equal(t, "rule 2 has changed 0 of 0 calls\n", verb(t, s, "fault", "clear", "2"))
	assert.Len(t, s.Faults().Rules(), 2)
	verb(t, s, "fault", "clear")
	assert.Empty(t, s.Faults().Rules())
}

func TestFaultRulesAreReadFromAFile(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	file := filepath.Join(t.TempDir(), "rules.json")
	for text, want := range map[string]int{
		`{"call":"GET VolumesList","effect":{"kind":"cut"}}`:                                                               1,
		`[{"call":"GET VolumesList","effect":{"kind":"cut"}},{"call":"GET Volume","object":"v","effect":{"kind":"hang"}}]`: 2,
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		verb(t, s, "fault", "arm", "--file", file)
		assert.Len(t, s.Faults().Rules(), want)
		s.Faults().Reset()
	}
	for _, text := range []string{`{"call":"x","colour":1}`, `{"call":"GET VolumesList","effect":{"kind":"explode"}}`, `nonsense`} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, _, err := execute(t.Context(), "fault", "arm", "--file", file, "--admin", s.AdminURL())
		require.ErrorContains(t, err, file)
		assert.Equal(t, exitUsage, exitCode(err))
	}
}

func TestConditionsAreSetListedAndCleared(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	assert.Equal(t, "nothing is wrong\n", verb(t, s, "condition", "list"))
	verb(t, s, "condition", "set", "clientDead", "3")
	verb(t, s, "condition", "set", "capacityExhausted")
	assert.Contains(t, verb(t, s, "condition", "set", "capacityExhausted", "ssd"), "capacityExhausted  ssd")
	want := []cluster.Condition{
		{Kind: cluster.ClientDead, ID: 3}, {Kind: cluster.CapacityExhausted}, {Kind: cluster.CapacityExhausted, Group: "ssd"},
	}
	assert.Equal(t, want, s.Conditions())
	var got []cluster.Condition
	require.NoError(t, json.Unmarshal([]byte(verb(t, s, "condition", "list", "--json")), &got))
	assert.Equal(t, want, got)
	verb(t, s, "condition", "clear", "capacityExhausted", "ssd")
	assert.Equal(t, want[:2], s.Conditions())
	verb(t, s, "condition", "clear")
	assert.Empty(t, s.Conditions())
}

func TestClockIsShownAndAdvanced(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t, emulator.WithClock(clock.NewStill(time.Unix(1_700_000_000, 0))))
	assert.Equal(t, "2023-11-14T22:13:20Z virtual\n", verb(t, s, "clock", "show"))
	assert.Equal(t, "2023-11-14T22:14:50Z virtual\n", verb(t, s, "clock", "advance", "90s"))
	machine, err := emulator.New()
	require.NoError(t, err)
	t.Cleanup(machine.Close)
	assert.Contains(t, verb(t, machine, "clock", "show"), " real\n")
	_, _, err = execute(t.Context(), "clock", "advance", "1s", "--admin", machine.AdminURL())
	require.ErrorContains(t, err, "start the server with a virtual one")
	assert.Equal(t, 1, exitCode(err))
}

func TestStateIsSavedLoadedAndReset(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	size := int64(4096)
	_, err := s.Cluster().VolumeCreate(cluster.VolumeSpec{Name: "v", Size: &size})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "state")
	assert.Empty(t, verb(t, s, "state", "save", file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(text), verb(t, s, "state", "save", "-"))
	verb(t, s, "state", "reset")
	assert.Zero(t, s.Cluster().Volumes().Len())
	verb(t, s, "state", "load", file)
	assert.Equal(t, 1, s.Cluster().Volumes().Len())
	require.NoError(t, os.WriteFile(file, text[:len(text)/2], 0o600))
	_, _, err = execute(t.Context(), "state", "load", file, "--admin", s.AdminURL())
	require.ErrorContains(t, err, "cut off")
	_, _, err = execute(t.Context(), "state", "save", "/nothing/state", "--admin", s.AdminURL())
	require.ErrorContains(t, err, "/nothing/state")
	assert.Equal(t, 1, s.Cluster().Volumes().Len())
}

// ask makes a call of the API with a request id.
func ask(t *testing.T, s *emulator.Server, query, id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://spsim/ctrl/1.0/"+query, http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Storpool v1:"+s.Token())
	req.Header.Set("X-Request-Id", id)
	r, err := s.ClientFor("host").Do(req)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, id, r.Header.Get("X-Request-Id"))
}

func TestLogShowsWhatWasAsked(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	ask(t, s, "VolumesList", "one")
	ask(t, s, "Volume/none", "two")
	ask(t, s, "DisksList", "one")
	assert.Equal(t, `1 2023-11-14T22:13:20Z GET /ctrl/1.0/VolumesList ok 0s (request one, caller host)
2 2023-11-14T22:13:20Z GET /ctrl/1.0/Volume/none objectDoesNotExist 0s (request two, caller host)
3 2023-11-14T22:13:20Z GET /ctrl/1.0/DisksList ok 0s (request one, caller host)
`, verb(t, s, "log"))
	assert.Equal(t, 2, strings.Count(verb(t, s, "log", "--request", "one"), "\n"))
	last := verb(t, s, "log", "--last", "1", "--json")
	var c emulator.Call
	require.NoError(t, json.Unmarshal([]byte(last), &c))
	assert.Equal(t, s.Calls()[2], c)
	_, _, err := execute(t.Context(), "log", "--last", "-1", "--admin", s.AdminURL())
	assert.Equal(t, exitUsage, exitCode(err))
}

// lines hands over what is written to it.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestLogIsFollowedUntilItIsStopped(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	ask(t, s, "VolumesList", "before")
	ctx, stop := context.WithCancel(t.Context())
	out := make(lines)
	root := newRootCommand()
	root.SetArgs([]string{"log", "--follow", "--admin", s.AdminURL()})
	root.SetOut(out)
	ended := make(chan error)
	go func() { ended <- root.ExecuteContext(ctx) }()
	assert.Contains(t, <-out, "request before")
	ask(t, s, "DisksList", "after")
	assert.Contains(t, <-out, "request after")
	stop()
	assert.NoError(t, <-ended)
}

func TestVerbsSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	gone := emulator.Start(t)
	away := gone.AdminURL()
	gone.Close()
	for name, c := range map[string]struct {
		code  int
		wants string
		args  []string
	}{
		"no call":             {exitUsage, "give a call and an effect", []string{"fault", "arm"}},
		"call and file":       {exitUsage, "not both", []string{"fault", "arm", "GET Volume", "cut", "--file", "x"}},
		"no file":             {exitUsage, "no such file", []string{"fault", "arm", "--file", "/nothing"}},
		"unknown effect":      {exitUsage, "use refuse, transient", []string{"fault", "arm", "GET Volume", "explode"}},
		"unknown call":        {1, "no call is named", []string{"fault", "arm", "GET Nothing", "cut"}},
		"unknown rule":        {1, "No fault rule has the number 9", []string{"fault", "clear", "9"}},
		"no number":           {exitUsage, "spsim fault list shows them", []string{"fault", "clear", "x"}},
		"unknown flag":        {exitUsage, "unknown flag", []string{"fault", "list", "--colour"}},
		"unknown condition":   {exitUsage, "there is no condition", []string{"condition", "set", "sunspots"}},
		"no condition":        {exitUsage, "give a condition", []string{"condition", "set"}},
		"no id":               {exitUsage, "needs the id", []string{"condition", "set", "diskGone"}},
		"id that is none":     {exitUsage, "is no id", []string{"condition", "set", "diskGone", "x"}},
		"id too many":         {exitUsage, "takes nothing", []string{"condition", "set", "noQuorum", "1"}},
		"unknown disk":        {1, "Disk 9 does not exist", []string{"condition", "set", "diskGone", "9"}},
		"condition not there": {1, "is not set", []string{"condition", "clear", "noQuorum"}},
		"span of nothing":     {exitUsage, "write it like 90s", []string{"clock", "advance", "0s"}},
		"no span":             {exitUsage, "give a span", []string{"clock", "advance"}},
		"no state file":       {1, "no such file", []string{"state", "load", "/nothing"}},
		"other cluster":       {1, "There is no cluster 'far'", []string{"clock", "show", "--cluster", "far"}},
		"wrong token":         {1, "give --token", []string{"clock", "show", "--token", "wrong"}},
		"not an address":      {exitUsage, "write it like http://", []string{"clock", "show", "--admin", "here"}},
		"another server":      {1, "is the address right", []string{"clock", "show", "--admin", other.URL}},
		"nobody":              {exitUnreachable, "is spsim serve running", []string{"clock", "show", "--admin", away}},
	} {
		args := slices.Clone(c.args)
		if !strings.Contains(strings.Join(args, " "), "--admin") {
			args = append(args, "--admin", s.AdminURL())
		}
		_, _, err := execute(t.Context(), args...)
		require.ErrorContains(t, err, c.wants, name)
		assert.Equal(t, c.code, exitCode(err), name)
	}
	_, _, err := execute(t.Context(), "fault", "throw")
	require.ErrorContains(t, err, "unknown command")
	assert.Equal(t, exitUsage, exitCode(err))
}

func TestVerbsFindTheServerInTheEnvironment(t *testing.T) {
	t.Parallel()
	var f adminFlags
	_, err := f.client(func(string) string { return "" })
	require.ErrorContains(t, err, adminURLVariable)
	s := emulator.Start(t, emulator.WithToken("4711"))
	vars := map[string]string{adminURLVariable: s.AdminURL(), "SP_AUTH_TOKEN": "4711"}
	c, err := f.client(func(name string) string { return vars[name] })
	require.NoError(t, err)
	h, err := c.Health(t.Context())
	require.NoError(t, err)
	assert.True(t, h.OK)
}

func TestServeLetsItsClockBeAdvanced(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "serve", "--port", "0", "--clock", "virtual", "--clock-start", "2026-01-31T12:00:00Z")
	out, _, err := execute(t.Context(), "clock", "advance", "1h", "--admin", p.vars[adminURLVariable])
	require.NoError(t, err)
	assert.Equal(t, "2026-01-31T13:00:00Z virtual\n", out)
	p.stop(t, syscall.SIGTERM)
}

func TestServeWithoutAnAdminAPIPrintsNoAddress(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out := &trigger{f: stop}
	f := newServeFlags()
	require.NoError(t, f.set.Parse([]string{"--port", "0", "--admin", ""}))
	require.NoError(t, serve(ctx, f, out, &strings.Builder{}))
	assert.NotContains(t, out.got.String(), adminURLVariable)
}

func TestHelpOfTheVerbsTellsEffectsConditionsAndExitCodes(t *testing.T) {
	t.Parallel()
	for args, wants := range map[string][]string{
		"fault arm --help":     {"truncated", "malformed", "--jitter", adminURLVariable, "Exit codes"},
		"condition set --help": {"capacityExhausted", "Exit codes"},
		"fault":                {"arm", "list", "clear"},
		"state":                {"save", "load", "reset"},
	} {
		out, _, err := execute(t.Context(), strings.Fields(args)...)
		require.NoError(t, err)
		for _, w := range wants {
			assert.Contains(t, out, w, args)
		}
	}
}
