package world_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/remote"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
)

// far returns the devices of client 1 over a socket, and the path of a volume of 3 MiB that it has attached.
func far(t *testing.T, rights cluster.Assignment) (*emulator.Server, *remote.Devices, string) {
	t.Helper()
	s := emulator.Start(t)
	size := int64(3 << 20)
	v, err := s.Cluster().VolumeCreate(cluster.VolumeSpec{Name: "v", Size: &size})
	require.NoError(t, err)
	rights.Volume = "v"
	require.NoError(t, s.Cluster().Reassign([]cluster.Assignment{rights}))
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	d, err := remote.New(remote.Config{URL: s.AdminURL(), Token: s.Token(), Client: 1, HTTP: &http.Client{Transport: tr}})
	require.NoError(t, err)
	return s, d, "/dev/storpool-byid/" + v.GlobalID
}

func TestAnAgentInAnotherProcessReadsAndWritesADevice(t *testing.T) {
	t.Parallel()
	s, all, path := far(t, cluster.Assignment{RW: []int{1}})
	d, err := all.Open(t.Context(), path)
	require.NoError(t, err)
	size, err := d.Size()
	require.NoError(t, err)
	assert.Equal(t, int64(3<<20), size)
	data := bytes.Repeat([]byte("0123456789abcdef"), 80<<10) // more than one request moves
	n, err := d.WriteAt(data, 4096)
	require.NoError(t, err)
	assert.Equal(t, len(data), n)
	assert.True(t, bytes.Equal(data, s.ReadContent(t, "v", 4096, len(data))))
	got := make([]byte, len(data))
	_, err = d.ReadAt(got, 4096)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
	n, err = d.ReadAt(make([]byte, 1024), size-512)
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, 512, n)

	sparse, ok := d.(image.Extents)
	require.True(t, ok)
	from, to, err := sparse.NextData(0)
	require.NoError(t, err)
	assert.Equal(t, [2]int64{4096, 4096 + int64(len(data))}, [2]int64{from, to})
	from, to, err = sparse.NextData(to)
	require.NoError(t, err)
	assert.Equal(t, [2]int64{size, size}, [2]int64{from, to})
	require.NoError(t, d.Discard(0, size))
	assert.Equal(t, make([]byte, 4096), s.ReadContent(t, "v", 4096, 4096))
	require.NoError(t, d.Close())
	assert.Error(t, d.Close())
}

func TestADeviceInAnotherProcessKeepsItsRightsAndItsAttachment(t *testing.T) {
	t.Parallel()
	s, all, path := far(t, cluster.Assignment{RO: []int{1}})
	d, err := all.Open(t.Context(), path)
	require.NoError(t, err)
	_, err = d.WriteAt([]byte("x"), 0)
	require.ErrorIs(t, err, remote.ErrReadOnly)
	require.ErrorIs(t, d.Discard(0, 512), remote.ErrReadOnly)
	detach := []cluster.Assignment{{Volume: "v", Detach: []int{1}}}
	require.ErrorIs(t, s.Cluster().Reassign(detach), cluster.Busy)
	detach[0].Force = true
	require.NoError(t, s.Cluster().Reassign(detach))
	_, err = d.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, remote.ErrDetached)
	_, err = d.Size()
	require.ErrorIs(t, err, remote.ErrDetached)
	_, err = all.Open(t.Context(), path)
	require.ErrorIs(t, err, remote.ErrDetached)
}

func TestTheEndOfAHostClosesItsDevices(t *testing.T) {
	t.Parallel()
	s, all, path := far(t, cluster.Assignment{RW: []int{1}})
	_, err := all.Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, all.CloseAll(t.Context()))
	assert.NoError(t, s.Cluster().Reassign([]cluster.Assignment{{Volume: "v", Detach: []int{1}}}))
}

func TestADeviceNeedsTheTokenAndTheAddress(t *testing.T) {
	t.Parallel()
	s, _, path := far(t, cluster.Assignment{RW: []int{1}})
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	d, err := remote.New(remote.Config{URL: s.AdminURL() + "/", Token: "wrong", Client: 1, HTTP: &http.Client{Transport: tr}})
	require.NoError(t, err)
	_, err = d.Open(t.Context(), path)
	require.ErrorContains(t, err, "accessDenied")
	for _, cfg := range []remote.Config{{URL: "127.0.0.1:8082", Client: 1}, {URL: "http://127.0.0.1:8082"}} {
		_, err := remote.New(cfg)
		assert.Error(t, err)
	}
}
