package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// callerHeader names the caller of a request for fault rules and the journal. No StorPool client sends it.
const callerHeader = "X-Spsim-Caller"

// transport answers requests without a socket, on the goroutine of the caller.
type transport struct {
	server *Server
	caller string
}

// RoundTrip serves the request in process. A lost connection is the error that a socket would give.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // the contract of RoundTripper; nothing to do about a failure
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.server.isClosed() {
		return nil, socketError("dial", syscall.ECONNREFUSED)
	}
	served, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.server.ctx, cancel)() //nolint:contextcheck // the call ends with the server as well
	in := r.WithContext(served)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "in-process"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if t.caller != "" {
		in.Header = r.Header.Clone()
		in.Header.Set(callerHeader, t.caller)
	}
	w := &recorder{header: http.Header{}}
	if strings.HasPrefix(in.URL.Path, AdminPrefix) {
		t.server.admin().ServeHTTP(w, in)
	} else {
		t.server.ServeHTTP(w, in)
	}
	if w.lost != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, w.lost
	}
	return w.response(r), nil
}

// socketError is what the net package says when a connection fails.
func socketError(op string, errno syscall.Errno) error {
	syscallName := op
	if op == "dial" {
		syscallName = "connect"
	}
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(syscallName, errno)}
}

// recorder is the ResponseWriter of the in-process transport.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	lost   error
	// truncated: the connection broke behind what body holds.
	truncated bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.body.Write(p)
	if err != nil {
		return n, fmt.Errorf("record answer: %w", err)
	}
	return n, nil
}

// loseConnection makes the round trip fail as a reset connection does.
func (w *recorder) loseConnection() { w.lost = socketError("read", syscall.ECONNRESET) }

func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	var body io.Reader = bytes.NewReader(w.body.Bytes())
	length := int64(w.body.Len())
	if w.truncated {
		body = io.MultiReader(body, brokenReader{})
		length = -1
		if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.header,
		Body:          io.NopCloser(body),
		ContentLength: length,
		Request:       r,
	}
}

// brokenReader is the end of a body whose connection broke.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// loseConnection drops the connection under w so that the caller sees it reset instead of an answer.
func loseConnection(w http.ResponseWriter) {
	if r, ok := w.(interface{ loseConnection() }); ok {
		r.loseConnection()
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) || err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to drop a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset rather than an orderly end; without it the end is orderly
	}
	_ = conn.Close() // the caller is meant to lose it
}

// callerOf names the caller: what its transport said, else the host part of its address.
func callerOf(r *http.Request) string {
	if c := r.Header.Get(callerHeader); c != "" {
		return c
	}
	if host, _, ok := strings.Cut(r.RemoteAddr, ":"); ok {
		return host
	}
	return r.RemoteAddr
}

// requestHeader carries the id by which a caller knows a request of its own again in the call log.
const requestHeader = "X-Request-Id"

// requestID is the caller's id of a request, as far as it is printable and short.
func requestID(r *http.Request) string {
	const most = 128
	id := r.Header.Get(requestHeader)
	if id == "" {
		return ""
	}
	if len(id) > most {
		id = id[:most]
	}
	return strings.Map(func(c rune) rune {
		if c < '!' || c > '~' {
			return -1
		}
		return c
	}, id)
}
