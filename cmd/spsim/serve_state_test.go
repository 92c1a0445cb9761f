package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// post sends a change; the error is that of a process that is gone.
func (p *process) post(ctx context.Context, query, body string) error {
	url := "http://" + net.JoinHostPort(p.vars["SP_API_HTTP_HOST"], p.vars["SP_API_HTTP_PORT"]) + "/ctrl/1.0/" + query
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Storpool v1:"+p.vars["SP_AUTH_TOKEN"])
	r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", r.Status, text)
	}
	return err
}

func TestServeKeepsItsStateInAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	args := []string{"serve", "--port", "0", "--clients", "7", "--delete-delay", "1h"}
	env := []string{"SPSIM_STATE=" + file}
	p := start(t, env, args...)
	require.NoError(t, p.post(t.Context(), "VolumeCreate", `{"name":"v","size":1048576}`))
	p.stop(t, syscall.SIGTERM)
	p = start(t, env, "serve", "--port", "0")
	assert.Contains(t, p.get(t, "Volume/v"), `"name":"v"`)
	assert.Contains(t, p.get(t, "ServicesList"), `"7":{`)
	p.stop(t, syscall.SIGTERM)
	p = start(t, env, args...)
	p.stop(t, syscall.SIGTERM)
}

func TestServeRefusesFlagsThatTheStateFileContradicts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	start(t, nil, "serve", "--port", "0", "--state", file).stop(t, syscall.SIGTERM)
	for flag, what := range map[string]string{"clients=7": "model", "delete-delay=1h": "behaviour", "cluster-name=other": "name"} {
		_, _, err := execute(t.Context(), "serve", "--port", "0", "--state", file, "--"+flag)
		name, _, _ := strings.Cut(flag, "=")
		require.EqualError(t, err, file+" was saved with another "+what+": leave --"+name+" out, or give --state another file")
	}
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, _, err := execute(t.Context(), "serve", "--port", "0", "--state", file)
	require.ErrorContains(t, err, "state file "+file+": the saved state cannot be loaded")
}

// What a kill leaves is one whole state, and not an older one than was there before.
func TestAKillAtAnyMomentLeavesAWholeState(t *testing.T) {
	t.Parallel()
	const kills = 12
	file := filepath.Join(t.TempDir(), "state")
	draw := rand.New(rand.NewPCG(1, 2))
	volumes := 0
	for i := range kills {
		p := start(t, nil, "serve", "--port", "0", "--log-level", "error", "--state", file, "--state-delay", "0s")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for k := 0; ; k++ {
				if p.post(t.Context(), "VolumeCreate", fmt.Sprintf(`{"name":"v-%d-%d","size":1048576}`, i, k)) != nil {
					return
				}
			}
		}()
		moment := time.Duration(draw.IntN(60_000)) * time.Microsecond
		require.NoError(t, (clock.Real{}).Sleep(t.Context(), moment))
		require.NoError(t, p.cmd.Process.Kill())
		_ = p.cmd.Wait() // it was killed
		<-ended

		text, err := os.Open(file)
		require.NoError(t, err)
		f, err := cluster.Load(text, clock.Real{})
		require.NoError(t, err, "killed after %s", moment)
		require.NoError(t, text.Close())
		found := f.Clusters()[0].Volumes().Len()
		assert.GreaterOrEqual(t, found, volumes)
		volumes = found
	}
	assert.Positive(t, volumes, "nothing was saved between a start and a kill")
}
