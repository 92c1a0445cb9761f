package emulator

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// rounds is how often the two sides of a benchmark alternate; the median of the ratios counts.
const rounds = 7

// duel reports the median of ours()/theirs() over alternating rounds, after one round to warm up.
func duel(b *testing.B, ours, theirs func() float64) {
	b.Helper()
	for b.Loop() {
		ours()
		theirs()
		ratios := make([]float64, rounds)
		for i := range ratios {
			if i%2 == 0 {
				ratios[i] = ours() / theirs()
			} else {
				t := theirs()
				ratios[i] = ours() / t
			}
		}
		report(b, ratios)
	}
}

// report reports the median of some ratios and their spread around it.
func report(b *testing.B, ratios []float64) {
	b.Helper()
	slices.Sort(ratios)
	median := ratios[len(ratios)/2]
	b.ReportMetric(median, "ratio")
	b.ReportMetric((ratios[len(ratios)-1]-ratios[0])/median, "spread")
}

// now is the machine's time.
func now() time.Time { return clock.Real{}.Now() }

// stopwatch returns the seconds that f takes.
func stopwatch(f func()) float64 {
	start := now()
	f()
	return now().Sub(start).Seconds()
}

// populated returns a server with n nameless volumes and their names.
func populated(b *testing.B, n int) (*Server, []string) {
	b.Helper()
	s, err := New()
	require.NoError(b, err)
	b.Cleanup(s.Close)
	names := make([]string, n)
	size := int64(1 << 30)
	for i := range names {
		v, err := s.cluster.VolumeCreate(cluster.VolumeSpec{
			Size: &size, Template: "ssd",
			Tags: map[string]string{"cs": "volume", "uuid": fmt.Sprintf("8a7c4b12-%08d", i), "cvm": "vm"},
		})
		require.NoError(b, err)
		names[i] = v.Name
	}
	return s, names
}

// plainServer serves h on a loopback port as the emulator serves its own handler.
func plainServer(b *testing.B, h http.Handler) string {
	b.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(b.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with ErrServerClosed
	}()
	b.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return l.Addr().String()
}

// conn is a connection of the load generator: it writes ready-made requests and skips answers, so that most of
// the time goes to the server.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(b *testing.B, addr string) *conn {
	b.Helper()
	var d net.Dialer
	c, err := d.DialContext(b.Context(), "tcp", addr)
	require.NoError(b, err)
	return &conn{Conn: c, in: bufio.NewReaderSize(c, 16<<10)}
}

// exchange sends a request and skips the answer, which has to be a 200 with a length.
func (c *conn) exchange(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Contains(line, []byte(" 200 ")) {
		return fmt.Errorf("answer %q", line)
	}
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= len("\r\n") {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	_, err = c.in.Discard(length)
	return err
}

// requestBytes is a request as it goes over a socket.
func requestBytes(method, path, body string) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Storpool v1:%s\r\n", method, path, DefaultToken)
	if body != "" {
		fmt.Fprintf(&out, "Content-Length: %d\r\n", len(body))
	}
	out.WriteString("\r\n" + body)
	return []byte(out.String())
}

// flood returns the requests per second of some connections that each send their share of n requests.
func flood(b *testing.B, addr string, connections, n int, request func(worker, i int) []byte) float64 {
	b.Helper()
	conns := make([]*conn, connections)
	for i := range conns {
		conns[i] = dial(b, addr)
	}
	errs := make([]error, connections)
	seconds := stopwatch(func() {
		var wg sync.WaitGroup
		for w, c := range conns {
			wg.Go(func() {
				for i := range n / connections {
					if err := c.exchange(request(w, i)); err != nil {
						errs[w] = err
						return
					}
				}
			})
		}
		wg.Wait()
	})
	for i, c := range conns {
		require.NoError(b, errs[i])
		require.NoError(b, c.Close())
	}
	return float64(n) / seconds
}

// inMemory makes a request on a handler without a socket, as the in-process transport does.
func inMemory(h http.Handler, method, path, body string) ([]byte, error) {
	req, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body)) //nolint:noctx // no socket
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Storpool v1:"+DefaultToken)
	req.RequestURI = req.URL.RequestURI()
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, req)
	r := w.response(req)
	defer func() { _ = r.Body.Close() }() // it is in memory
	text, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s %s: %d %s", method, path, body, r.StatusCode, text)
	}
	return text, err
}
