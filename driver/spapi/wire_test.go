package spapi_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/spapi"
)

const token = "t0k3n"

// exchange is one request as it went over the wire.
type exchange struct{ method, path, body string }

// reply is what the wire does with a request.
type reply struct {
	status int // 200 when 0
	body   string
	err    error
	before func()
}

const okReply = `{"data":{"ok":true,"generation":1},"generation":1}`

// wire is a transport that records requests and answers from a list, the last one again and again.
type wire struct {
	mu      sync.Mutex
	seen    []exchange
	headers []http.Header
	replies []reply
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	w.mu.Lock()
	w.seen = append(w.seen, exchange{r.Method, strings.TrimPrefix(r.URL.RequestURI(), "/ctrl/1.0/"), body})
	w.headers = append(w.headers, r.Header.Clone())
	at := w.replies[min(len(w.seen), len(w.replies))-1]
	w.mu.Unlock()
	if at.before != nil {
		at.before()
	}
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	if at.err != nil {
		return nil, at.err
	}
	status := at.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewBufferString(at.body)), Request: r}, nil
}

// client returns a client on a wire with these replies.
func client(t *testing.T, cfg spapi.Config, replies ...reply) (*spapi.Client, *wire) {
	t.Helper()
	w := &wire{replies: replies}
	cfg.HostPort, cfg.Token, cfg.Transport = "sp.example:81", token, w
	c, err := spapi.New(cfg)
	require.NoError(t, err)
	return c, w
}
