package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// second is the process as its second cluster shows.
func (p *process) second() *process {
	return &process{vars: map[string]string{
		"SP_API_HTTP_HOST": p.vars["SP_API_HTTP_HOST_2"], "SP_API_HTTP_PORT": p.vars["SP_API_HTTP_PORT_2"],
		"SP_AUTH_TOKEN": p.vars["SP_AUTH_TOKEN_2"],
	}}
}

func TestServeServesAZonePair(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"location":"sofia","members":[{"id":"vien.a","name":"vienna1","location":"vienna"}]}`), 0o600))
	for _, args := range [][]string{
		{"--location", "sofia", "--member", "vien.a=vienna1,location=vienna,token=4712"}, {"--model", file},
	} {
		p := startFor(t, 7, nil, append([]string{"serve", "--port", "0", "--cluster-id", "sofi.a", "--cluster-name", "sofia1"}, args...)...)
		q := p.second()
		assert.NotEqual(t, p.vars["SP_API_HTTP_PORT"], q.vars["SP_API_HTTP_PORT"])
		assert.Contains(t, p.get(t, "LocationsList"), `"name":"vienna"`)
		assert.Contains(t, q.get(t, "ClustersList"), `{"id":"a","name":"sofia1","location":"sofia"}`)
		assert.Contains(t, p.get(t, "RemoteCommand/vienna1/MultiCluster/VolumesList"), `"clusterId":"vien.a"`)
		assert.Equal(t, len(args) == 2 && args[0] == "--model", p.vars["SP_AUTH_TOKEN"] == q.vars["SP_AUTH_TOKEN"])
		p.stop(t, syscall.SIGTERM)
	}
}

func TestAZonePairKeepsItsStateInOneFile(t *testing.T) {
	t.Parallel()
	args := []string{
		"serve", "--port", "0", "--location", "sofia", "--member", "vien.a=vienna1", "--state", filepath.Join(t.TempDir(), "state"),
	}
	for range 2 {
		p := startFor(t, 7, nil, args...)
		assert.Contains(t, p.second().get(t, "LocationsList"), `"name":"sofia"`)
		p.stop(t, syscall.SIGTERM)
	}
}

func TestBadMembersAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a.b", "=x", "a.b=", "a.b=x,port=y", "a.b=x,colour=red"} {
		_, err := parseMember(text)
		assert.ErrorContains(t, err, "--member", text)
	}
	_, _, err := execute(t.Context(), "serve", "--port", "0", "--member", "nodot=x")
	assert.ErrorContains(t, err, "nodot")
}
