package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// Limits of the sockets.
const (
	headerTimeout = 10 * time.Second // for the header of a request
	bodyTimeout   = time.Minute      // for its body
	idleTimeout   = 2 * time.Minute  // between two requests
	maxHeader     = 256 << 10        // bytes of the header, GET arguments included
)

// newHTTPServer is a server with limits. There is none on the time of an answer: some calls wait for long.
func newHTTPServer(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler: patient(h, bodyTimeout), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
}

// patient gives up on a body that does not come, and on nothing else: http.Server.ReadTimeout would end long calls.
func patient(next http.Handler, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			c := http.NewResponseController(w)
			if c.SetReadDeadline(clock.Real{}.Now().Add(limit)) == nil {
				r.Body = &body{r.Body, c}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// body is a request body whose time is limited until its end.
type body struct {
	io.ReadCloser
	on *http.ResponseController
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.on.SetReadDeadline(time.Time{}) // it could be set before
	}
	return n, err
}

// socket is a listener with its server.
type socket struct {
	http     *http.Server
	listener net.Listener
	served   chan struct{} // closed when the accept loop has ended
}

// ListenAdmin opens the socket of the admin API unless it is open, and returns its address; [WithAdmin] says where.
func (s *Server) ListenAdmin(ctx context.Context) (net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("listen: the server is closed")
	}
	if s.steered != nil {
		return s.steered.listener.Addr(), nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.admin)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	hosts := anyHost
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		hosts = loopbackHost
	}
	open := &socket{listener: l, served: make(chan struct{})}
	open.http = newHTTPServer(s.ctx, sameSite(s.admin(), hosts)) //nolint:contextcheck // calls end with the server
	go func() {
		defer close(open.served)
		_ = open.http.Serve(l) // always ends with ErrServerClosed, by Close
	}()
	s.steered = open
	return l.Addr(), nil
}

// AdminURL is "http://host:port" of the admin API, whose socket it opens if needed; empty when that fails, see
// [Server.ListenAdmin].
func (s *Server) AdminURL() string {
	a, err := s.ListenAdmin(s.ctx)
	if err != nil {
		return ""
	}
	return "http://" + a.String()
}

// closeAdmin ends the socket of the admin API and closes what was opened over it.
func (s *Server) closeAdmin() {
	s.mu.Lock()
	open := s.steered
	s.steered = nil
	s.mu.Unlock()
	if open != nil {
		_ = open.http.Close() // the socket is gone either way
		<-open.served
	}
	s.devices.remove(func(*openDevice) bool { return true })
}

// sameSite refuses what a browser sends for a page of another site, and names that somebody has pointed at this
// address: an admin API on the loopback interface is in reach of every page that its user opens.
func sameSite(next http.Handler, known func(host string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := foreign(r, known); why != "" {
			h := newHeaders()
			h.set(w.Header())
			refused := &cluster.Error{Name: cluster.AccessDenied, Descr: why}
			body := append([]byte(`{"error":{"name":`), appendText(nil, string(refused.Name))...)
			body = append(append(body, `,"descr":`...), appendText(nil, why)...)
			send(w, http.StatusForbidden, append(body, `,"transient":false}}`+"\n"...))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign tells why a request is not let in, or nothing.
func foreign(r *http.Request, known func(host string) bool) string {
	if !known(hostOf(r.Host)) {
		return "The admin API does not answer under this host name: use its address"
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "none", "same-origin":
	default:
		return "The admin API answers no page of another site"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return "The admin API answers no page of another origin"
		}
	}
	return ""
}

// hostOf is a Host header without its port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

func anyHost(string) bool { return true }

// loopbackHost tells whether a host name means this machine whoever answers for names.
func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
