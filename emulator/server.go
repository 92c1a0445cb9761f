package emulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// Server is one emulated StorPool cluster with its management API. Make it with [New] or, in a test, [Start].
type Server struct {
	cfg     config
	cluster *cluster.Cluster
	fed     *Federation // nil for a server on its own
	keeper  *keeper     // of the state file; nil without one, and for a member of a federation
	table   *table
	faults  *fault.Set
	journal journal
	buffers buffers
	headers headers
	admin   func() http.Handler // made at first use
	devices openDevices

	ctx    context.Context //nolint:containedctx // the life of the server; calls end with it
	cancel context.CancelFunc

	mu       sync.Mutex
	closed   bool
	http     *http.Server
	listener net.Listener
	served   chan struct{} // closed when the accept loop has ended
	steered  *socket       // of the admin API; nil until it is opened
}

// New returns a server for the cluster that the options describe; without any it is the default cluster, in which
// every known client works. No socket is opened before [Server.Listen], [Server.URL] or [Server.Addr].
func New(opts ...Option) (*Server, error) {
	cfg, err := configOf(opts)
	if err != nil {
		return nil, err
	}
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	if s.keeper, err = s.keep(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newServer(cfg config) (*Server, error) {
	c, err := cluster.New(cfg.cluster(cfg.federation))
	if err != nil {
		return nil, fmt.Errorf("create cluster: %w", err)
	}
	s := &Server{cfg: cfg, cluster: c, table: allCalls(), journal: journal{limit: cfg.journal}, headers: newHeaders()}
	s.admin = sync.OnceValue(s.adminHandler)
	s.faults = fault.NewSet(cfg.clock, s.allowRule)
	s.faults.Seed(cfg.seed)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.applyConditions(); err != nil {
		return nil, err
	}
	return s, nil
}

// Cluster is the state behind the API, for tests that look or prepare without HTTP.
func (s *Server) Cluster() *cluster.Cluster { return s.cluster }

// Clock is the time of the server.
func (s *Server) Clock() clock.Clock { return s.cfg.clock }

// Token is the token that is let in.
func (s *Server) Token() string { return s.cfg.token }

// Handler is the API as an [http.Handler], for a socket of one's own.
func (s *Server) Handler() http.Handler { return s }

// Client returns a client that reaches the server without a socket: handlers run on the caller's goroutine, and
// the end of the request's context ends them. It sends nothing by itself, so requests carry the token as with
// any client. The admin API is there as well, under [AdminPrefix].
func (s *Server) Client() *http.Client { return s.ClientFor("") }

// ClientFor is [Server.Client] for a named caller, such as a host; fault rules and the journal know it by that name.
func (s *Server) ClientFor(caller string) *http.Client {
	return &http.Client{Transport: &transport{server: s, caller: caller}}
}

// Calls returns what was asked so far, in order: the last ones when there were more than the journal keeps.
func (s *Server) Calls() []Call { return s.journal.calls() }

// Listen opens the socket unless it is open, and returns its address.
func (s *Server) Listen(ctx context.Context) (net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("listen: the server is closed")
	}
	if s.listener != nil {
		return s.listener.Addr(), nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s.listener, s.served = l, make(chan struct{})
	s.http = newHTTPServer(s.ctx, s) //nolint:contextcheck // calls end with the server
	go func(h *http.Server, served chan struct{}) {
		defer close(served)
		_ = h.Serve(l) // always ends with ErrServerClosed, by Close or Shutdown
	}(s.http, s.served)
	return l.Addr(), nil
}

// Addr is the host and port of the socket, which it opens if needed; empty when that fails, see [Server.Listen].
func (s *Server) Addr() string {
	a, err := s.Listen(s.ctx)
	if err != nil {
		return ""
	}
	return a.String()
}

// URL is "http://host:port" of the socket, which it opens if needed; empty when that fails, see [Server.Listen].
func (s *Server) URL() string {
	if a := s.Addr(); a != "" {
		return "http://" + a
	}
	return ""
}

// Close ends the server at once: calls in progress lose their connection. The state file is brought up to date, see
// [Server.Shutdown] for its errors. Closing again changes nothing.
func (s *Server) Close() {
	if err := s.close(); err != nil {
		s.cfg.log.Error("close", slog.String("error", err.Error()))
	}
}

func (s *Server) close() error {
	h, served := s.end()
	s.closeAdmin()
	if h != nil {
		_ = h.Close() // the sockets are gone either way
		<-served
	}
	return s.keeper.close()
}

// Shutdown ends the server after the calls in progress, or when ctx ends. Errors: the end of ctx, and those of writing
// the state file.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closeAdmin() // nobody follows a log to its end
	s.mu.Lock()
	h, served := s.http, s.served
	s.mu.Unlock()
	var err error
	if h != nil {
		if err = h.Shutdown(ctx); err != nil {
			err = fmt.Errorf("shut down: %w", err)
		} else {
			<-served
		}
	}
	return errors.Join(err, s.close())
}

func (s *Server) end() (*http.Server, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.cancel()
	if s.fed != nil { // the others miss it
		s.cluster.Isolate(true)
	}
	h, served := s.http, s.served
	s.http, s.served, s.listener = nil, nil, nil
	return h, served
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
