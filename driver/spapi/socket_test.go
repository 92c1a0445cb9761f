package spapi_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/spapi"
)

// These tests use loopback sockets: they are about what the net package really says.

func socketClient(t *testing.T, hostPort string) *spapi.Client {
	t.Helper()
	c, err := spapi.New(spapi.Config{HostPort: hostPort, Token: token})
	require.NoError(t, err)
	return c
}

func TestARefusedConnectionIsKnownNotToHaveReachedStorPool(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, err = socketClient(t, addr).VolumesList(t.Context())
	var lost *spapi.TransportError
	require.ErrorAs(t, err, &lost)
	assert.False(t, lost.MayHaveRun)
}

func TestAConnectionThatBreaksMayHaveReachedStorPool(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(w http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"in the answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"data":`)) // cut short on purpose
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { cut(w) }))
			defer s.Close()
			err := socketClient(t, s.URL).VolumeDelete(t.Context(), "v", spapi.VolumeDelete{})
			var lost *spapi.TransportError
			require.ErrorAs(t, err, &lost)
			assert.True(t, lost.MayHaveRun)
			assert.False(t, lost.Timeout)
		})
	}
}

func TestCallsShareAConnectionAndTheTildeGoesOutAsItIs(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	peers, paths := map[string]bool{}, map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		peers[r.RemoteAddr], paths[r.RequestURI] = true, true
		_, _ = w.Write([]byte(okReply)) // a failure shows at the client
	}))
	defer s.Close()
	c := socketClient(t, s.URL)
	for range 5 {
		require.NoError(t, c.SnapshotDelete(t.Context(), "~a.b.c"))
	}
	assert.Len(t, peers, 1)
	assert.Equal(t, map[string]bool{"/ctrl/1.0/MultiCluster/SnapshotDelete/~a.b.c": true}, paths)
}

func TestTLSIsAnOption(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(okReply)) // a failure shows at the client
	}))
	defer s.Close()
	c, err := spapi.New(spapi.Config{HostPort: s.URL, Token: token, Transport: s.Client().Transport})
	require.NoError(t, err)
	require.NoError(t, c.SnapshotDelete(t.Context(), "~a.b.c"))
}
