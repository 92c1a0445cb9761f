package emulator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
)

// servicesList: every service; the clients of it are the registry for attachments (storpool-api 11). It fails
// while the cluster is down.
func servicesList(ctx context.Context, c *cluster.Cluster, q noArguments) (clusterStatus, error) {
	if err := c.Available(); err != nil {
		return clusterStatus{}, err
	}
	return serversListBlocked(ctx, c, q)
}

// serversListBlocked also answers while the cluster is down, and tells which disks the servers wait for.
func serversListBlocked(_ context.Context, c *cluster.Cluster, _ noArguments) (clusterStatus, error) {
	s := c.Services()
	out := clusterStatus{
		ClusterStatus: string(s.Cluster), Mgmt: map[int]mgmtService{}, Clients: map[int]service{},
		Servers: map[int]serverService{}, Bridges: map[int]service{}, ISCSITargets: map[int]service{},
	}
	for _, m := range s.Mgmt {
		out.Mgmt[m.ID] = mgmtService{service: serviceOf(m), Active: m.Active}
	}
	for _, x := range s.Clients {
		out.Clients[x.ID] = serviceOf(x)
	}
	for _, x := range s.Servers {
		out.Servers[x.ID] = serverService{
			service: serviceOf(x), MissingDisks: c.MissingDisks(x.ID), PendingDisks: []int{},
		}
	}
	for _, x := range s.Bridges {
		out.Bridges[x.ID] = serviceOf(x)
	}
	for _, x := range s.ISCSI {
		out.ISCSITargets[x.ID] = serviceOf(x)
	}
	return out, nil
}

func serviceOf(s cluster.Service) service {
	out := service{ID: s.ID, NodeID: s.Node, Version: s.Version, Status: string(s.Status)}
	if s.Status != cluster.Down {
		out.StartTime = &s.StartTime
	}
	return out
}

// serversList is servicesList without clients.
func serversList(ctx context.Context, c *cluster.Cluster, q noArguments) (clusterStatus, error) {
	out, err := servicesList(ctx, c, q)
	out.Clients = map[int]service{}
	return out, err
}

type serverArguments struct {
	In     scope
	Server int `sp:"serverId,path"`
}

func (q serverArguments) check(c *cluster.Cluster) error {
	for _, s := range c.Services().Servers {
		if s.ID == q.Server {
			return nil
		}
	}
	return &cluster.Error{Name: cluster.ObjectDoesNotExist, Descr: fmt.Sprintf("Server '%d' does not exist", q.Server)}
}

func serverDisksList(_ context.Context, c *cluster.Cluster, q serverArguments) (map[int]diskSummary, error) {
	if err := q.check(c); err != nil {
		return nil, err
	}
	out := map[int]diskSummary{}
	for _, d := range c.Disks() {
		if d.Server == q.Server {
			out[d.ID] = summaryOf(&d, q.In.At)
		}
	}
	return out, nil
}

type serverDiskArguments struct {
	diskArguments
	Server int `sp:"serverId,path"`
}

func serverDiskDescribe(ctx context.Context, c *cluster.Cluster, q serverDiskArguments) (diskDescription, error) {
	if err := (serverArguments{Server: q.Server}).check(c); err != nil {
		return diskDescription{}, err
	}
	d, err := diskDescribe(ctx, c, q.diskArguments)
	if err != nil {
		return diskDescription{}, err
	}
	if d.ServerID != q.Server {
		return diskDescription{}, &cluster.Error{
			Name: cluster.ObjectDoesNotExist, Descr: fmt.Sprintf("Server '%d' has no disk '%d'", q.Server, q.Disk),
		}
	}
	return d, nil
}

// clientsConfigDump compares every client's configuration with the cluster's, without waiting.
func clientsConfigDump(_ context.Context, c *cluster.Cluster, _ noArguments) ([]clientConfig, error) {
	out := []clientConfig{}
	for _, cc := range c.ClientsConfig() {
		out = append(out, clientConfigOf(cc))
	}
	return out, nil
}

func clientConfigOf(c cluster.ClientConfig) clientConfig {
	return clientConfig{
		ID: c.ID, Generation: c.Generation, ClientGeneration: c.ClientGeneration, ConfigStatus: c.Status, Delay: c.Delay,
	}
}

type clientArguments struct {
	Client int `sp:"clientId,path"`
}

// clientConfigWait waits until the client has the present configuration; the answer is an array of one.
func clientConfigWait(ctx context.Context, c *cluster.Cluster, q clientArguments) ([]clientConfig, error) {
	cc, err := c.ClientConfigWait(ctx, q.Client)
	if err != nil {
		return nil, err
	}
	return []clientConfig{clientConfigOf(cc)}, nil
}

func clientActiveRequests(_ context.Context, c *cluster.Cluster, q clientArguments) (clientRequests, error) {
	if _, err := c.ClientConfig(q.Client); err != nil {
		return clientRequests{}, err
	}
	return clientRequests{ClientID: q.Client, Requests: []activeRequest{}}, nil
}

// peersRequests is the answer of AllPeersActiveRequests.
type peersRequests struct {
	Requests []peerRequest `json:"requests"`
}

// peerRequest is what a peer says, or that it says nothing. Disk and LastState are those of a disk that is expected.
type peerRequest struct {
	PeerID    int         `json:"peerId"`
	Service   peerService `json:"service"`
	Status    string      `json:"status"`
	DiskID    *int        `json:"diskId,omitempty"`
	LastState string      `json:"lastState,omitempty"`
}

type peerService struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

type peersArguments struct {
	// Timeout is how long to wait for answers, in milliseconds. Every peer of the emulator answers at once.
	Timeout *int64 `sp:"msecsTimeout,ignored"`
}

// allPeersActiveRequests: calls of the emulator are done when they are answered, so none is ever in flight, and a
// healthy cluster has nothing to say. What is down shows, and which disks should be there.
func allPeersActiveRequests(_ context.Context, c *cluster.Cluster, _ peersArguments) (peersRequests, error) {
	out := peersRequests{Requests: []peerRequest{}}
	services := c.Services()
	for kind, list := range map[string][]cluster.Service{"server": services.Servers, "client": services.Clients} {
		for _, x := range list {
			p := peerRequest{PeerID: x.Node, Service: peerService{ID: strconv.Itoa(x.ID), Type: kind}, Status: "peer_down"}
			if x.Status == cluster.Down {
				out.Requests = append(out.Requests, p)
				continue
			}
			if kind != "server" {
				continue
			}
			for _, disk := range c.MissingDisks(x.ID) {
				p.Status, p.DiskID, p.LastState = "diskExpected", &disk, "up"
				out.Requests = append(out.Requests, p)
			}
		}
	}
	slices.SortStableFunc(out.Requests, func(a, b peerRequest) int {
		return cmp.Or(strings.Compare(b.Service.Type, a.Service.Type), cmp.Compare(a.PeerID, b.PeerID))
	})
	return out, nil
}

// networkPeers: one peer per node that runs a service.
func networkPeers(_ context.Context, c *cluster.Cluster, _ noArguments) (map[int]peer, error) {
	out := map[int]peer{}
	s := c.Services()
	quorum := s.Cluster == cluster.Running
	for _, kind := range [][]cluster.Service{s.Mgmt, s.Servers, s.ISCSI, s.Clients} {
		for _, x := range kind {
			if _, seen := out[x.Node]; seen && x.Status == cluster.Down {
				continue
			}
			out[x.Node] = peerOf(x, quorum)
		}
	}
	return out, nil
}

// peerOf shows a node; without quorum nobody counts it in, not even itself.
func peerOf(s cluster.Service, quorum bool) peer {
	p := peer{BeaconStatus: "NODE_UP", ClusterStatus: "CNODE_UP", Joined: true, Rdma: map[int]rdmaLink{}}
	if s.Status == cluster.Down {
		p.BeaconStatus, p.ClusterStatus, p.Joined = "NODE_DOWN", "CNODE_DOWN", false
	}
	if !quorum {
		p.ClusterStatus, p.Joined = "CNODE_DOWN", false
	}
	p.Networks = map[int]peerLink{0: {Mac: fmt.Sprintf("52:54:00:00:00:%02x", s.Node&0xff)}}
	return p
}
