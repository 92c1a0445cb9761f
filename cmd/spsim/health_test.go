package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator"
)

// at splits the address of a server into the flags that name it.
func at(t *testing.T, addr string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return []string{"health", "--host", host, "--port", port}
}

func TestHealthOfAServerThatAnswers(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	out, _, err := execute(t.Context(), at(t, s.Addr())...)
	require.NoError(t, err)
	assert.Equal(t, s.Addr()+" answers\n", out)
	assert.Empty(t, s.Calls(), "a health check is no call")
}

func TestHealthFindsAServerOnAllAddresses(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t, emulator.WithListen("0.0.0.0:0"))
	_, port, err := net.SplitHostPort(s.Addr())
	require.NoError(t, err)
	f := newServeFlags()
	f.host = "0.0.0.0"
	f.port, err = strconv.Atoi(port)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, health(t.Context(), &out, f))
	assert.Contains(t, out.String(), "127.0.0.1:")
}

func TestHealthFailsWithoutOurServer(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	_, _, err := execute(t.Context(), at(t, other.Listener.Addr().String())...)
	assert.ErrorContains(t, err, "is it spsim")

	s := emulator.Start(t, emulator.WithToken("another"))
	_, _, err = execute(t.Context(), at(t, s.Addr())...)
	assert.ErrorContains(t, err, "with this token")
	addr := s.Addr()
	s.Close()
	_, _, err = execute(t.Context(), at(t, addr)...)
	require.Error(t, err)
	assert.Regexp(t, `connection (refused|reset)`, err.Error(), "nobody is there, or somebody who just goes")
}
