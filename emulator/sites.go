package emulator

import (
	"context"

	"github.com/spsim/spsim/emulator/cluster"
)

// locationsList includes the cluster's own location, by which an agent finds its name (storpool-api A.16).
func locationsList(_ context.Context, c *cluster.Cluster, _ noArguments) (locations, error) {
	out := locations{Locations: []location{}}
	for _, l := range c.Locations() {
		out.Locations = append(out.Locations, location{
			ID: l.ID, Name: l.Name, SendBufferSize: l.SendBufferSize, RecvBufferSize: l.RecvBufferSize,
		})
	}
	return out, nil
}

type locationAddArguments struct {
	ID   string `sp:"id,required"`
	Name string `sp:"name,required"`
}

func (q locationAddArguments) about() subject { return subject{names: []string{q.Name}} }

func locationAdd(_ context.Context, c *cluster.Cluster, q locationAddArguments) (apiOK, error) {
	return ok(c, c.LocationAdd(q.ID, q.Name))
}

type locationArguments struct {
	Location string `sp:"location,required"`
}

func (q locationArguments) about() subject { return subject{names: []string{q.Location}} }

func locationRemove(_ context.Context, c *cluster.Cluster, q locationArguments) (apiOK, error) {
	return ok(c, c.LocationRemove(q.Location))
}

type locationUpdateArguments struct {
	locationArguments
	SendBufferSize *int64 `sp:"sendBufferSize"`
	RecvBufferSize *int64 `sp:"recvBufferSize"`
}

func locationUpdate(_ context.Context, c *cluster.Cluster, q locationUpdateArguments) (apiOK, error) {
	return ok(c, c.LocationUpdate(q.Location, q.SendBufferSize, q.RecvBufferSize))
}

type locationRenameArguments struct {
	locationArguments
	Name string `sp:"name,required"`
}

func locationRename(_ context.Context, c *cluster.Cluster, q locationRenameArguments) (apiOK, error) {
	return ok(c, c.LocationRename(q.Location, q.Name))
}

func clustersList(_ context.Context, c *cluster.Cluster, _ noArguments) (clusters, error) {
	out := clusters{Clusters: []remoteCluster{}}
	for _, p := range c.Peers() {
		out.Clusters = append(out.Clusters, remoteCluster{ID: p.ID, Name: p.Name, Location: p.Location})
	}
	return out, nil
}

type clusterAddArguments struct {
	ID       string `sp:"id,required"`
	Location string `sp:"location,required"`
	Name     string `sp:"name"`
}

func (q clusterAddArguments) about() subject { return subject{names: []string{q.Name, q.Location}} }

func clusterAdd(_ context.Context, c *cluster.Cluster, q clusterAddArguments) (apiOK, error) {
	return ok(c, c.ClusterAdd(cluster.Peer{ID: q.ID, Name: q.Name, Location: q.Location}))
}

type clusterRemoveArguments struct {
	ID       string `sp:"id"`
	Location string `sp:"location"`
	Name     string `sp:"name"`
	ForGood  bool   `sp:"clusterWillNotBeComingBack"`
}

func (q clusterRemoveArguments) about() subject { return subject{names: []string{q.Name, q.Location}} }

func clusterRemove(_ context.Context, c *cluster.Cluster, q clusterRemoveArguments) (apiOK, error) {
	return ok(c, c.ClusterRemove(cluster.Peer{ID: q.ID, Name: q.Name, Location: q.Location}, q.ForGood))
}

type clusterRenameArguments struct {
	Cluster string `sp:"cluster,required"`
	Name    string `sp:"name,required"`
}

func (q clusterRenameArguments) about() subject { return subject{names: []string{q.Cluster}} }

func clusterRename(_ context.Context, c *cluster.Cluster, q clusterRenameArguments) (apiOK, error) {
	return ok(c, c.ClusterRename(q.Cluster, q.Name))
}

func remoteBridgesList(_ context.Context, c *cluster.Cluster, _ noArguments) (remoteBridges, error) {
	out := remoteBridges{RemoteBridges: []remoteBridge{}}
	for _, b := range c.Bridges() {
		out.RemoteBridges = append(out.RemoteBridges, remoteBridge{
			IP: b.IP, PublicKey: b.PublicKey, Location: b.Location, Remote: b.Remote, Cluster: b.Cluster,
			NoCrypto: b.NoCrypto, MinimumDeleteDelay: b.MinimumDeleteDelay,
		})
	}
	return out, nil
}

type bridgeArguments struct {
	IP string `sp:"ip,required"`
}

func (q bridgeArguments) about() subject { return subject{names: []string{q.IP}} }

type bridgeAddArguments struct {
	bridgeArguments
	PublicKey          string `sp:"publicKey,required"`
	Location           string `sp:"location"`
	Remote             string `sp:"remote"`
	NoCrypto           bool   `sp:"noCrypto"`
	MinimumDeleteDelay *int64 `sp:"minimumDeleteDelay"`
}

// remoteBridgeAdd: the member location is for a bridge of a location, remote for one of a cluster.
func remoteBridgeAdd(_ context.Context, c *cluster.Cluster, q bridgeAddArguments) (apiOK, error) {
	return ok(c, c.RemoteBridgeAdd(cluster.Bridge{
		BridgeSpec: cluster.BridgeSpec{
			IP: q.IP, PublicKey: q.PublicKey, NoCrypto: q.NoCrypto, MinimumDeleteDelay: q.MinimumDeleteDelay,
		},
		Location: q.Location, Remote: q.Remote,
	}))
}

func remoteBridgeRemove(_ context.Context, c *cluster.Cluster, q bridgeArguments) (apiOK, error) {
	return ok(c, c.RemoteBridgeRemove(q.IP))
}
