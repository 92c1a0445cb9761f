package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
)

// execute runs the command line in process and returns what it printed.
func execute(ctx context.Context, args ...string) (out, logs string, err error) {
	var o, l bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&o)
	root.SetErr(&l)
	err = root.ExecuteContext(ctx)
	return o.String(), l.String(), err
}

// process is spsim as a process of its own.
type process struct {
	cmd  *exec.Cmd
	vars map[string]string
	logs bytes.Buffer
}

// start runs spsim and returns when it has printed its four variables.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return startFor(t, 4, env, args...)
}

// startFor is start for another number of variables.
func startFor(t *testing.T, variables int, env []string, args ...string) *process {
	t.Helper()
	p := &process{vars: map[string]string{}}
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], args...)
	p.cmd.Env = append(append(os.Environ(), asCommand+"=1"), env...)
	p.cmd.Stderr = &p.logs
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	lines := bufio.NewScanner(out)
	for len(p.vars) < variables && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		p.vars[name] = value
	}
	if len(p.vars) < variables {
		_ = p.cmd.Wait()
		require.Failf(t, "not ready", "%s", p.logs.String())
	}
	return p
}

// stop sends a signal and returns what the process left on standard error.
func (p *process) stop(t *testing.T, sig os.Signal) string {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(sig))
	require.NoError(t, p.cmd.Wait(), p.logs.String())
	return p.logs.String()
}

func (p *process) get(t *testing.T, query string) string {
	t.Helper()
	url := "http://" + net.JoinHostPort(p.vars["SP_API_HTTP_HOST"], p.vars["SP_API_HTTP_PORT"]) + "/ctrl/1.0/" + query
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Storpool v1:"+p.vars["SP_AUTH_TOKEN"])
	r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	return string(text)
}

func TestServeAnswersUntilSIGTERM(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "env")
	p := start(t, nil, "serve", "--port", "0", "--token", "4711", "--env-file", file, "--log-format", "json")
	assert.Equal(t, "127.0.0.1", p.vars["SP_API_HTTP_HOST"])
	assert.NotEqual(t, "0", p.vars["SP_API_HTTP_PORT"])
	assert.Equal(t, "4711", p.vars["SP_AUTH_TOKEN"])
	assert.Contains(t, p.get(t, "VolumeTemplateDescribe/ssd"), `"name":"ssd"`)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "SP_API_HTTP_HOST=127.0.0.1\nSP_API_HTTP_PORT="+p.vars["SP_API_HTTP_PORT"]+"\nSP_AUTH_TOKEN=4711\nSPSIM_ADMIN_URL="+
		p.vars["SPSIM_ADMIN_URL"]+"\n", string(text))

	var call struct{ Msg, Method, Path, Answer string }
	for line := range strings.SplitSeq(p.stop(t, syscall.SIGTERM), "\n") {
		if strings.Contains(line, `"msg":"call"`) {
			require.Empty(t, call.Msg, "one line per call")
			require.NoError(t, json.Unmarshal([]byte(line), &call))
		}
		assert.NotContains(t, line, "4711")
	}
	assert.Equal(t, "GET", call.Method)
	assert.Equal(t, "/ctrl/1.0/VolumeTemplateDescribe/ssd", call.Path)
	assert.Equal(t, "ok", call.Answer)
}

func TestServeEndsOnSIGINT(t *testing.T) {
	t.Parallel()
	start(t, nil, "serve", "--port", "0").stop(t, syscall.SIGINT)
}

func TestServeTakesItsSettingsFromTheEnvironmentButFlagsWin(t *testing.T) {
	t.Parallel()
	p := start(t, []string{
		"SPSIM_PORT=0", "SPSIM_TOKEN=fromenv", "SPSIM_CLUSTER_ID=abc.d", "SPSIM_CLIENTS=9",
		"SPSIM_TEMPLATE=one=ssd;two=hdd,tail=ssd,replication=2",
	}, "serve", "--cluster-id", "abc.e")
	assert.Equal(t, "fromenv", p.vars["SP_AUTH_TOKEN"])
	assert.Contains(t, p.get(t, "MultiCluster/VolumesList"), `"clusterId":"abc.e"`)
	assert.Contains(t, p.get(t, "ClientsConfigDump"), `"id":9`)
	templates := p.get(t, "VolumeTemplatesList")
	assert.Contains(t, templates, `"name":"one"`)
	assert.Contains(t, templates, `"placeTail":"ssd"`)
	assert.NotContains(t, templates, `"name":"hybrid"`)
	p.stop(t, syscall.SIGTERM)
}

func TestServeTellsWhatToDoAboutAPortInUse(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { assert.NoError(t, l.Close()) }()
	tcp, ok := l.Addr().(*net.TCPAddr)
	require.True(t, ok)
	out, _, err := execute(t.Context(), "serve", "--port", strconv.Itoa(tcp.Port))
	require.ErrorContains(t, err, "is in use")
	require.ErrorContains(t, err, "--port")
	assert.Empty(t, out)
}

func TestServeRefusesWrongFlags(t *testing.T) {
	t.Parallel()
	for wants, args := range map[string][]string{
		"--port 70000":             {"--port", "70000"},
		"unknown flag":             {"--bogus"},
		"--clock \"sun\"":          {"--clock", "sun"},
		"--clock-start needs":      {"--clock-start", "2026-01-31T12:00:00Z"},
		"write it like 2026":       {"--clock", "virtual", "--clock-start", "now"},
		"missing port":             {"--admin", "nowhere"},
		"--log-format":             {"--log-format", "xml"},
		"--log-level":              {"--log-level", "loud"},
		"status profile":           {"--status", "never"},
		"token":                    {"--token", ""},
		"servers":                  {"--servers", "0"},
		"--template":               {"--template", "ssd"},
		"--remote-location":        {"--remote-location", "x"},
		"no such file":             {"--model", "/nothing"},
		"unknown command":          {"extra"},
		`invalid argument "x" for`: {"--seed", "x"},
		"journal":                  {"--journal", "-1"},
		"id":                       {"--cluster-id", "nodot"},
	} {
		_, _, err := execute(t.Context(), append([]string{"serve", "--port", "0"}, args...)...)
		assert.ErrorContains(t, err, wants, "%v", args)
	}
}

func TestServeReadsTheModelFromAFileAndFlagsChangeIt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"clients":2,"replication":2}`), 0o600))
	f := newServeFlags()
	require.NoError(t, f.set.Parse([]string{"--model", file, "--clients", "7", "--remote-location", "xyz=far"}))
	m, err := f.wholeModel()
	require.NoError(t, err)
	want := cluster.DefaultModel()
	want.Clients, want.Replication = 7, 2
	want.Locations = []cluster.ModelLocation{{ID: "xyz", Name: "far"}}
	assert.Equal(t, want, m)
}

func TestEnvFileThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	_, _, err := execute(t.Context(), "serve", "--port", "0", "--env-file", "/nothing/env")
	assert.ErrorContains(t, err, "/nothing/env")
}

func TestShellWordsAreQuotedWhereNeeded(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"": "''", "123": "123", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "::1": "::1",
	} {
		assert.Equal(t, want, shellWord(word))
	}
}

func TestOpsPrintsEveryCall(t *testing.T) {
	t.Parallel()
	out, _, err := execute(t.Context(), "ops", "--json")
	require.NoError(t, err)
	var rows []opRow
	require.NoError(t, json.Unmarshal([]byte(out), &rows))
	assert.Equal(t, opRows(emulator.Operations()), rows)
	for _, r := range rows {
		assert.Equal(t, r.Emulated, r.Why == "", r.Query)
	}
	for _, form := range []string{"--markdown", ""} {
		out, _, err := execute(t.Context(), strings.Fields("ops "+form)...)
		require.NoError(t, err)
		for _, r := range rows {
			assert.Contains(t, out, r.Query)
			assert.Contains(t, out, r.state())
		}
	}
	_, _, err = execute(t.Context(), "ops", "--json", "--markdown")
	assert.Error(t, err)
}

func TestVersionNamesTheProgramAndGo(t *testing.T) {
	t.Parallel()
	out, _, err := execute(t.Context(), "version")
	require.NoError(t, err)
	assert.Regexp(t, `^spsim \S.* \(go1\..*\)\n$`, out)
}

// trigger is a writer that calls f at its first write.
type trigger struct {
	got bytes.Buffer
	f   func()
}

func (w *trigger) Write(p []byte) (int, error) {
	w.f()
	return w.got.Write(p)
}

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out := &trigger{f: stop}
	var logs bytes.Buffer
	f := newServeFlags()
	require.NoError(t, f.set.Parse([]string{"--port", "0"}))
	require.NoError(t, serve(ctx, f, out, &logs))
	assert.Contains(t, out.got.String(), "SP_API_HTTP_PORT=")
	assert.Contains(t, logs.String(), "shutting down")
}

func TestServeReadsTheDecisionsFromAFileAndFlagsChangeThem(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"clients":2,"behaviour":{"deleteDelay":"90s","remoteCopy":"5s","strict":true,
		"revertAttached":true,"status":"always500","sizeGranularity":4096}}`), 0o600))
	f := newServeFlags()
	require.NoError(t, f.set.Parse([]string{"--model", file, "--remote-copy", "7s", "--strict=false", "--revert-attached=false"}))
	require.NoError(t, f.fromEnvironment(func(name string) (string, bool) { return "8192", name == "SPSIM_SIZE_GRANULARITY" }))
	m, err := f.wholeModel()
	require.NoError(t, err)
	assert.Equal(t, 2, m.Clients)
	assert.Equal(t, cluster.Behaviour{DeleteDelay: 90e9, RemoteCopy: 7e9, SizeGranularity: 8192}, f.behaviour)
	assert.Equal(t, "always500", f.status)
	assert.False(t, f.strict)
}
