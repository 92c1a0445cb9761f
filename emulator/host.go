package emulator

import (
	"fmt"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
)

// Where a StorPool client shows its devices (storpool-cli 1).
const (
	devByID   = "/dev/storpool-byid/"
	devByName = "/dev/storpool/"
)

// Host is the view that one client has of the cluster's contents: what is attached to it, with its rights.
type Host struct {
	cluster *cluster.Cluster
	client  int
}

// Host returns the view of the client with this id. Opening a device of an unknown client fails.
func (s *Server) Host(client int) *Host { return &Host{cluster: s.cluster, client: client} }

// Open opens a device by its path, "/dev/storpool-byid/<globalId>" or "/dev/storpool/<name>", or by a bare
// reference ("~globalId" or a name). It fails when the object is not attached to this client; later accesses fail
// with [cluster.ErrDetached] once it no longer is, and writes with [cluster.ErrReadOnly] where the rights are ro.
func (h *Host) Open(path string) (*cluster.Device, error) {
	d, err := h.cluster.Device(h.client, refOfPath(path))
	if err != nil {
		return nil, fmt.Errorf("client %d: open %s: %w", h.client, path, err)
	}
	return d, nil
}

func refOfPath(path string) cluster.Ref {
	if gid, ok := strings.CutPrefix(path, devByID); ok {
		return cluster.Ref("~" + gid)
	}
	return cluster.Ref(strings.TrimPrefix(path, devByName))
}
