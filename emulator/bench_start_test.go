package emulator

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkB8Start: InProcess is New, the first answer and Close against a bare httptest server and its first
// answer; Binary is the time from exec to the first answer against the least HTTP server in Go. Ratio: our time over
// theirs. The binaries run with an empty PATH, as on a machine without Go: where there is a go command, the package
// initialisation of godog, which spsim links for its suite, runs "go env" and takes longer than all the rest.
func BenchmarkB8Start(b *testing.B) {
	b.Run("InProcess", func(b *testing.B) {
		const starts = 100
		duel(b,
			func() float64 { return stopwatch(func() { repeat(b, starts, startInProcess) }) },
			func() float64 { return stopwatch(func() { repeat(b, starts, startBare) }) })
	})
	b.Run("Binary", func(b *testing.B) {
		dir := b.TempDir()
		spsim, plain := build(b, dir, "../cmd/spsim"), build(b, dir, "./testdata/plain")
		const starts = 10
		duel(b,
			func() float64 { return startBinary(b, starts, spsim, "serve", "--port", "0", "--log-level", "error") },
			func() float64 { return startBinary(b, starts, plain) })
	})
}

func repeat(b *testing.B, n int, f func(*testing.B)) {
	b.Helper()
	for range n {
		f(b)
	}
}

func startInProcess(b *testing.B) {
	b.Helper()
	s, err := New()
	require.NoError(b, err)
	defer s.Close()
	fetch(b, s.Client(), "http://localhost"+apiPrefix+"VolumesList")
}

func startBare(b *testing.B) {
	b.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[],"generation":1}`)
	}))
	defer s.Close()
	fetch(b, s.Client(), s.URL)
}

func fetch(b *testing.B, c *http.Client, url string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), "GET", url, nil)
	require.NoError(b, err)
	req.Header.Set("Authorization", "Storpool v1:"+DefaultToken)
	r, err := c.Do(req)
	require.NoError(b, err)
	_, err = io.Copy(io.Discard, r.Body)
	require.NoError(b, err)
	require.NoError(b, r.Body.Close())
	require.Equal(b, http.StatusOK, r.StatusCode)
}

// build compiles a command and returns the path of the binary.
func build(b *testing.B, dir, pkg string) string {
	b.Helper()
	out := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.CommandContext(b.Context(), "go", "build", "-o", out, pkg)
	text, err := cmd.CombinedOutput()
	require.NoError(b, err, "%s", text)
	return out
}

// startBinary returns the seconds from exec to the first answer of n servers, one after another. A server prints its
// address, or the variables that have it.
func startBinary(b *testing.B, n int, path string, args ...string) (seconds float64) {
	b.Helper()
	for range n {
		cmd := exec.CommandContext(b.Context(), path, args...)
		cmd.Env = []string{"PATH="}
		out, err := cmd.StdoutPipe()
		require.NoError(b, err)
		seconds += stopwatch(func() {
			require.NoError(b, cmd.Start())
			askFirst(b, out)
		})
		require.NoError(b, cmd.Process.Signal(os.Kill))
		_ = cmd.Wait() // it was killed
	}
	return seconds
}

// askFirst asks the server that prints its address there.
func askFirst(b *testing.B, printed io.Reader) {
	b.Helper()
	lines := bufio.NewScanner(printed)
	require.True(b, lines.Scan())
	addr := lines.Text()
	if host, ok := strings.CutPrefix(addr, "SP_API_HTTP_HOST="); ok {
		require.True(b, lines.Scan())
		addr = host + ":" + strings.TrimPrefix(lines.Text(), "SP_API_HTTP_PORT=")
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	fetch(b, c, "http://"+addr+apiPrefix+"VolumesList")
}
