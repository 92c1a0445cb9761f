package spapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spsim/spsim/internal/clock"
)

const (
	prefix         = "/ctrl/1.0/"
	defaultTimeout = 5 * time.Minute
	connectTimeout = 8 * time.Second
	maxAnswer      = 1 << 30 // bytes; a list of a million volumes fits
)

// Config says how to reach StorPool. HostPort and Token are required.
type Config struct {
	// HostPort is host:port, or https://host:port for TLS.
	HostPort string
	Token    string
	// Transport carries the calls; [NewTransport] when nil.
	Transport http.RoundTripper
	// Clock times waits and timeouts; the machine's clock when nil.
	Clock clock.Clock
	// Retry is the policy of repeating; one attempt when nil.
	Retry *Retry
	// Timeout is the longest time for one attempt: 5 minutes when 0, none when negative.
	Timeout time.Duration
	// Log receives one line for each attempt, without the token; nothing when nil.
	Log *slog.Logger
}

// Client speaks to one StorPool endpoint. It is safe for concurrent use.
type Client struct {
	base    string
	token   string
	http    http.RoundTripper
	clock   clock.Clock
	retry   *Retry
	timeout time.Duration
	log     *slog.Logger
}

// New returns a client, or an error that names the missing part of cfg.
func New(cfg Config) (*Client, error) {
	scheme, host, ok := strings.Cut(cfg.HostPort, "://")
	if !ok {
		scheme, host = "http", cfg.HostPort
	}
	switch {
	case host == "":
		return nil, errors.New("storpool client: the API address (host:port) is missing")
	case scheme != "http" && scheme != "https":
		return nil, fmt.Errorf("storpool client: %s is not http or https", scheme)
	case cfg.Token == "":
		return nil, errors.New("storpool client: the authentication token is missing")
	}
	c := &Client{
		base: scheme + "://" + host + prefix, token: cfg.Token, http: cfg.Transport, clock: cfg.Clock,
		retry: cfg.Retry, timeout: cfg.Timeout, log: cfg.Log,
	}
	if c.clock == nil {
		c.clock = clock.Real{}
	}
	if c.http == nil {
		c.http = NewTransport(c.clock)
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// NewTransport returns a transport over TCP that keeps connections alive and gives up connecting after 8 seconds.
func NewTransport(c clock.Clock) *http.Transport {
	dialer := &net.Dialer{}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := c.WithTimeout(ctx, connectTimeout)
			defer cancel()
			return dialer.DialContext(ctx, network, addr)
		},
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
	}
}

// call is one call with its spelling on the wire.
type call struct {
	name   string // in the catalogue: VolumeCreate
	method string
	prefix string // "", multi or allClusters
	arg    string // path argument: a name or ~globalId
	body   any    // nil sends no body at all
	// create marks a call that makes something new each time it is executed.
	create bool
}

const (
	multi       = "MultiCluster/"
	allClusters = "MultiCluster/AllClusters/"
)

func get(name string) call  { return call{name: name, method: http.MethodGet} }
func post(name string) call { return call{name: name, method: http.MethodPost} }

func (q call) multi() call { q.prefix = multi; return q }

func (q call) all() call { q.prefix = allClusters; return q }

func (q call) of(arg string) call { q.arg = arg; return q }

func (q call) with(body any) call { q.body = body; return q }

func (q call) creating() call { q.create = true; return q }

func (q call) path() string {
	if q.arg == "" {
		return q.prefix + q.name
	}
	return q.prefix + q.name + "/" + url.PathEscape(q.arg)
}

// envelope is what StorPool answers (storpool-api 2.2, 2.3).
type envelope struct {
	Data        json.RawMessage `json:"data"`
	Error       *wireError      `json:"error"`
	Generation  int64           `json:"generation"`
	ClusterID   string          `json:"clusterId"`
	ClusterName string          `json:"clusterName"`
}

type wireError struct {
	Name      string `json:"name"`
	Descr     string `json:"descr"`
	Transient bool   `json:"transient"`
}

// attempt makes the call once.
func (c *Client) attempt(ctx context.Context, q call) (envelope, error) {
	var body []byte
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return envelope{}, fmt.Errorf("%s: encode request: %w", q.name, err)
		}
	}
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = c.clock.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	begun := c.clock.Now()
	status, answer, err := c.exchange(ctx, q, body)
	var env envelope
	if err == nil {
		env, err = read(q, status, answer)
	}
	if c.log.Enabled(ctx, slog.LevelDebug) {
		c.log.DebugContext(ctx, "storpool call", "method", q.method, "path", q.path(), "request", string(body),
			"status", status, "took", c.clock.Now().Sub(begun), "error", err)
	}
	return env, err
}

// exchange sends the request and reads the whole answer.
func (c *Client) exchange(ctx context.Context, q call, body []byte) (int, []byte, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path(), reader)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", q.name, err)
	}
	req.Header.Set("Authorization", "Storpool v1:"+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	resp, err := c.http.RoundTrip(req)
	if err != nil {
		return 0, nil, q.broken(ctx, err, !neverSent(err))
	}
	defer func() { _ = resp.Body.Close() }() // the answer has been read or is given up
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return resp.StatusCode, nil, q.broken(ctx, err, true)
	}
	return resp.StatusCode, answer, nil
}

// read makes an envelope or an error of an answer.
func read(q call, status int, answer []byte) (envelope, error) {
	var env envelope
	if err := json.Unmarshal(answer, &env); err != nil {
		return env, &AnswerError{Call: q.name, Object: q.arg, Status: status, Err: fmt.Errorf("no JSON envelope: %w", err)}
	}
	if e := env.Error; e != nil {
		return env, &Error{Name: e.Name, Descr: e.Descr, Transient: e.Transient, Call: q.name, Object: q.arg, Status: status}
	}
	if status != http.StatusOK {
		return env, &AnswerError{Call: q.name, Object: q.arg, Status: status, Err: errors.New("a failure without an error")}
	}
	if len(env.Data) == 0 || bytes.Equal(env.Data, []byte("null")) {
		return env, &AnswerError{Call: q.name, Object: q.arg, Status: status, Err: errors.New("neither data nor error")}
	}
	return env, nil
}

// do makes the call under the retry policy and decodes its data.
func do[T any](ctx context.Context, c *Client, q call, again *Again[T]) (T, envelope, error) {
	return repeat(ctx, c, q, again, func(ctx context.Context) (T, envelope, error) {
		var data T
		env, err := c.attempt(ctx, q)
		if err != nil {
			return data, env, err
		}
		if err := json.Unmarshal(env.Data, &data); err != nil {
			return data, env, &AnswerError{Call: q.name, Object: q.arg, Status: http.StatusOK, Err: fmt.Errorf("data of another shape: %w", err)}
		}
		return data, env, nil
	})
}

// data is do for calls that may be repeated.
func data[T any](ctx context.Context, c *Client, q call) (T, error) {
	out, _, err := do[T](ctx, c, q, nil)
	return out, err
}

// change is data for calls whose answer says nothing but that it is done.
func change(ctx context.Context, c *Client, q call) error {
	_, _, err := do[done](ctx, c, q, nil)
	return err
}

// done is the data of a change.
type done struct {
	OK         bool  `json:"ok"`
	Generation int64 `json:"generation"`
}
