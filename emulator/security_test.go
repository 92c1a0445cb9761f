package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/internal/clock"
)

// sources parses the Go files of the folders, without tests.
func sources(t *testing.T, folders ...string) map[string]*ast.File {
	t.Helper()
	out := map[string]*ast.File{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			require.NoError(t, err)
			out[name] = file
		}
	}
	return out
}

func TestTokenIsOnlyComparedInConstantTime(t *testing.T) {
	t.Parallel()
	compared := 0
	for name, file := range sources(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				for _, side := range []ast.Expr{n.X, n.Y} {
					if sel, ok := side.(*ast.SelectorExpr); ok && sel.Sel.Name == "token" {
						assert.Failf(t, "the token is compared", "%s: use subtle.ConstantTimeCompare", name)
					}
				}
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "subtle" && n.Sel.Name == "ConstantTimeCompare" {
					compared++
				}
			}
			return true
		})
	}
	assert.Equal(t, 1, compared)
	s := Start(t, WithToken("0123456789"))
	for _, header := range []string{"", "Storpool v1:", "Storpool v1:012345678", "Storpool v1:01234567890", "Storpool v1:0123456780", "0123456789"} {
		r := inProcess(t, s).raw(t, "GET", "VolumesList", "", header)
		require.NoError(t, r.Body.Close())
		assert.Equal(t, http.StatusUnauthorized, r.StatusCode, header)
	}
}

func TestTokenIsNeverLogged(t *testing.T) {
	t.Parallel()
	const secret = "8315550123456"
	var logs bytes.Buffer
	s := Start(t, WithToken(secret), WithLog(slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	a := inProcess(t, s)
	for header, body := range map[string]string{secret: `{"size":512,"token":"` + secret + `"}`, secret + "9": `{"size":512}`} {
		r := a.raw(t, "POST", "VolumeCreate", body, "Storpool v1:"+header)
		require.NoError(t, r.Body.Close())
	}
	_, calls := steer(t, a, "GET", AdminPrefix+"calls", "")
	_, model := steer(t, a, "GET", AdminPrefix+"model", "")
	for what, text := range map[string]string{"log": logs.String(), "call log": calls, "model": model} {
		assert.NotEmpty(t, text)
		assert.NotContains(t, text, secret, what)
	}
}

func TestAdminAPIAnswersNoPageOfAnotherSite(t *testing.T) {
	t.Parallel()
	s := Start(t)
	u, err := url.Parse(s.AdminURL())
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(u.Host)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		host, header, value string
		status              int
	}{
		"as it is":               {u.Host, "", "", http.StatusOK},
		"localhost":              {"localhost:" + port, "", "", http.StatusOK},
		"IPv6 loopback":          {"[::1]:" + port, "", "", http.StatusOK},
		"no port":                {"127.0.0.1", "", "", http.StatusOK},
		"rebound name":           {"evil.example:" + port, "", "", http.StatusForbidden},
		"name that looks local":  {"localhost.evil.example", "", "", http.StatusForbidden},
		"no host":                {"", "", "", http.StatusBadRequest},
		"other address":          {"192.0.2.1:" + port, "", "", http.StatusForbidden},
		"page of its own":        {u.Host, "Origin", "http://" + u.Host, http.StatusOK},
		"page of another origin": {u.Host, "Origin", "http://evil.example", http.StatusForbidden},
		"page of another port":   {u.Host, "Origin", "http://127.0.0.1:1", http.StatusForbidden},
		"opaque page":            {u.Host, "Origin", "null", http.StatusForbidden},
		"typed by its user":      {u.Host, "Sec-Fetch-Site", "none", http.StatusOK},
		"same origin":            {u.Host, "Sec-Fetch-Site", "same-origin", http.StatusOK},
		"same site":              {u.Host, "Sec-Fetch-Site", "same-site", http.StatusForbidden},
		"cross site":             {u.Host, "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
	} {
		conn, err := net.Dial("tcp", u.Host)
		require.NoError(t, err)
		lines := "GET " + AdminPrefix + "clock HTTP/1.1\r\nConnection: close\r\nAuthorization: Storpool v1:" + s.Token() + "\r\n"
		if c.host != "" {
			lines += "Host: " + c.host + "\r\n"
		}
		if c.header != "" {
			lines += c.header + ": " + c.value + "\r\n"
		}
		_, err = io.WriteString(conn, lines+"\r\n")
		require.NoError(t, err)
		answer, err := io.ReadAll(conn)
		require.NoError(t, errors.Join(err, conn.Close()))
		assert.Contains(t, string(answer), http.StatusText(c.status), name)
		assert.NotContains(t, string(answer), "Access-Control-Allow", name)
		if c.status == http.StatusForbidden {
			_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
			var out adminError
			require.NoError(t, json.Unmarshal([]byte(body), &out), body)
			assert.Equal(t, "accessDenied", out.Error.Name)
		}
	}
}

func TestPreflightOfABrowserIsRefused(t *testing.T) {
	t.Parallel()
	s := Start(t)
	r := httptest.NewRequestWithContext(t.Context(), "OPTIONS", AdminPrefix+"faults", http.NoBody)
	r.Header.Set("Access-Control-Request-Headers", "authorization")
	w := httptest.NewRecorder()
	s.AdminHandler().ServeHTTP(w, r)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
}

func TestAPISocketServesNothingOfTheAdminAPIButTheHealth(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for path, want := range map[string]int{"health": http.StatusOK, "clock": http.StatusNotFound, "faults": http.StatusNotFound} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", AdminPrefix+path, http.NoBody)
		r.Header.Set("Authorization", "Storpool v1:"+s.Token())
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		assert.Equal(t, want, w.Code, path)
	}
}

func TestAdminSocketIsOnLoopbackUnlessAHostIsWrittenOut(t *testing.T) {
	t.Parallel()
	for addr, loopback := range map[string]bool{":0": true, "127.0.0.1:0": true, "0.0.0.0:0": false} {
		s := Start(t, WithAdmin(addr))
		a, err := s.ListenAdmin(t.Context())
		require.NoError(t, err)
		tcp, ok := a.(*net.TCPAddr)
		require.True(t, ok)
		assert.Equal(t, loopback, tcp.IP.IsLoopback(), addr)
	}
	s := Start(t)
	s.Close()
	_, err := s.ListenAdmin(t.Context())
	require.Error(t, err)
	assert.Empty(t, s.AdminURL())
}

func TestHeadersAndBodiesHaveLimits(t *testing.T) {
	t.Parallel()
	a := overLoopback(t, Start(t, WithMaxBody(1000)))
	status, text := steer(t, a, "POST", AdminPrefix+"faults", `{"call":"`+strings.Repeat("x", maxAdminBody)+`"}`)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, text, "too large")
	a.refused(t, "POST", "VolumeCreate", strings.Repeat(" ", 1001), "invalidParam")
	for _, base := range []string{a.base, a.server.AdminURL()} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", base+"/", http.NoBody)
		require.NoError(t, err)
		req.Header.Set("X-Long", strings.Repeat("x", maxHeader+8192))
		r, err := a.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, r.StatusCode)
	}
}

func TestSocketsGiveUpOnClientsThatSendNothing(t *testing.T) {
	t.Parallel()
	h := newHTTPServer(t.Context(), http.NotFoundHandler())
	assert.Equal(t, headerTimeout, h.ReadHeaderTimeout)
	assert.Equal(t, idleTimeout, h.IdleTimeout)
	assert.Equal(t, maxHeader, h.MaxHeaderBytes)
	assert.Zero(t, h.ReadTimeout, "it would end calls that wait")
	assert.Zero(t, h.WriteTimeout, "it would end calls that wait")

	got := make(chan error, 2)
	server := httptest.NewServer(patient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if err == nil && r.URL.Path == "/waits" {
			err = clock.Real{}.Sleep(r.Context(), 100*time.Millisecond) // longer than a body may take
		}
		got <- err
	}), 30*time.Millisecond))
	t.Cleanup(server.Close)
	send := func(text string) net.Conn {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, text)
		require.NoError(t, err)
		return conn
	}
	slow := send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	require.ErrorIs(t, <-got, os.ErrDeadlineExceeded)
	whole := send("POST /waits HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
	require.NoError(t, <-got)
	assert.NoError(t, errors.Join(slow.Close(), whole.Close()))
}

// hostile are names that mean something to a file system, a shell or a terminal.
func hostile() []string {
	return []string{
		"../../etc/passwd", "/etc/passwd", "..", ".", "//", "~root", "a/../b", "C:\\boot.ini", "\\\\host\\share", "v\x00.txt",
		"file:///etc/passwd", "$(touch x)", "`id`", "%2e%2e%2f", "\x1b[2J", "con", "v\n", "-rf",
	}
}

func TestHostileNamesAreNamesAndNoPaths(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	for _, name := range hostile() {
		body, err := json.Marshal(map[string]any{"name": name, "size": 512})
		require.NoError(t, err)
		r := a.do(t, "POST", "VolumeCreate", string(body))
		status, text := steer(t, a, "GET", AdminPrefix+"contents/"+url.PathEscape(name)+"?length=512", "")
		if r.Error == nil {
			assert.Equal(t, strings.Repeat("\x00", 512), text, name)
		} else {
			assert.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, status, "%q: %s", name, text)
		}
		opening, err := json.Marshal(adminOpening{Client: 1, Path: name})
		require.NoError(t, err)
		status, text = steer(t, a, "POST", AdminPrefix+"devices", string(opening))
		assert.NotEqual(t, http.StatusOK, status, "%q: %s", name, text)
	}
}

// Only the state file, whose path is an option, is ever opened.
func TestNothingButTheStateFileIsOpened(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"statefile.go": true}
	files := sources(t, ".", "cluster", "blocks", "fault")
	require.Greater(t, len(files), 40)
	for name, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if ok && (pkg.Name == "os" || pkg.Name == "exec" || pkg.Name == "ioutil") && call.Sel.Name != "NewSyscallError" && !allowed[name] {
				assert.Failf(t, "the file system is in reach", "%s uses %s.%s", name, pkg.Name, call.Sel.Name)
			}
			return true
		})
	}
}
