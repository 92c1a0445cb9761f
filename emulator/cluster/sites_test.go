package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func bridgeOf(ip, location, remote string) cluster.Bridge {
	return cluster.Bridge{
		BridgeSpec: cluster.BridgeSpec{IP: ip, PublicKey: "nonoxyz.123"}, Location: location, Remote: remote,
	}
}

func TestLocationsClustersAndBridgesFollowTheirNames(t *testing.T) {
	t.Parallel()
	b := start(t)
	before := b.Generation()
	require.NoError(t, b.LocationAdd("lab", "Lab-D"))
	require.NoError(t, b.ClusterAdd(cluster.Peer{ID: "c", Location: "Lab-D"}))
	require.NoError(t, b.ClusterAdd(cluster.Peer{ID: "d", Name: "second", Location: "Lab-D"}))
	first := bridgeOf("10.0.0.1", "", "second")
	first.MinimumDeleteDelay, first.NoCrypto = new(int64(86400)), true
	require.NoError(t, b.RemoteBridgeAdd(first))
	require.NoError(t, b.RemoteBridgeAdd(bridgeOf("fd00::1", "Lab-D", "")))
	require.NoError(t, b.RemoteBridgeAdd(bridgeOf("10.0.0.2", "", "Lab-D")))
	require.NoError(t, b.LocationRename("Lab-D", "Lab"))
	require.NoError(t, b.LocationUpdate("Lab", new(int64(1<<20)), nil))
	require.NoError(t, b.LocationUpdate("Lab", nil, new(int64(1<<21))))
	require.NoError(t, b.ClusterRename("second", "other"))
	require.NoError(t, b.ClusterRename("spsim", "first"))
	assert.Equal(t, before+11, b.Generation())
	assert.Equal(t, "first", b.Name())
	assert.Equal(t, cluster.Location{ID: "lab", Name: "Lab", SendBufferSize: 1 << 20, RecvBufferSize: 1 << 21}, b.Locations()[2])
	assert.Equal(t, []cluster.Peer{
		{ID: "b", Name: "first", Location: "home"},
		{ID: "c", Name: "lab.c", Location: "Lab"},
		{ID: "d", Name: "other", Location: "Lab"},
	}, b.Peers())
	first.Location, first.Remote, first.Cluster = "Lab", "other", "other"
	second, third := bridgeOf("fd00::1", "Lab", "Lab"), bridgeOf("10.0.0.2", "Lab", "Lab")
	assert.Equal(t, []cluster.Bridge{first, second, third}, b.Bridges())
}

func TestALocationOrClusterInUseCannotBeRemoved(t *testing.T) {
	t.Parallel()
	b := start(t)
	refused(t, b.LocationRemove("home"), cluster.Busy, "Location 'home' is in use")
	refused(t, b.ClusterRemove(cluster.Peer{Name: "spsim"}, true), cluster.Busy, "")
	require.NoError(t, b.ClusterAdd(cluster.Peer{ID: "c", Name: "c", Location: "remote"}))
	refused(t, b.LocationRemove("remote"), cluster.Busy, "")
	require.NoError(t, b.RemoteBridgeAdd(bridgeOf("10.0.0.1", "", "c")))
	require.NoError(t, b.RemoteBridgeAdd(bridgeOf("10.0.0.2", "remote", "")))
	refused(t, b.ClusterRemove(cluster.Peer{ID: "c", Location: "remote"}, false), cluster.Busy, "Cluster 'c' is in use")
	require.NoError(t, b.ClusterRemove(cluster.Peer{ID: "c", Location: "remote"}, true))
	assert.Len(t, b.Bridges(), 1, "those to the cluster went with it")
	refused(t, b.LocationRemove("remote"), cluster.Busy, "")
	require.NoError(t, b.RemoteBridgeRemove("10.0.0.2"))
	require.NoError(t, b.LocationRemove("remote"))
	assert.Len(t, b.Locations(), 1)
}

func TestBadSiteRequestsAreRefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	b := start(t)
	require.NoError(t, b.ClusterAdd(cluster.Peer{ID: "c", Name: "c", Location: "remote"}))
	require.NoError(t, b.RemoteBridgeAdd(bridgeOf("10.0.0.1", "remote", "")))
	before := b.Generation()
	noKey := bridgeOf("10.0.0.9", "remote", "")
	noKey.PublicKey = ""
	short := bridgeOf("10.0.0.9", "remote", "")
	short.MinimumDeleteDelay = new(int64(-1))
	for name, c := range map[string]struct {
		err  error
		want cluster.ErrorName
	}{
		"location id":            {b.LocationAdd("LAB", "lab"), cluster.InvalidParam},
		"location name":          {b.LocationAdd("lab", "a b"), cluster.InvalidParam},
		"reserved name":          {b.LocationAdd("lab", "list"), cluster.InvalidParam},
		"known location id":      {b.LocationAdd("rmte", "lab"), cluster.ObjectExists},
		"known location":         {b.LocationAdd("lab", "remote"), cluster.ObjectExists},
		"remove unknown":         {b.LocationRemove("lab"), cluster.ObjectDoesNotExist},
		"remove bad":             {b.LocationRemove(""), cluster.InvalidParam},
		"update unknown":         {b.LocationUpdate("lab", nil, nil), cluster.ObjectDoesNotExist},
		"negative buffer":        {b.LocationUpdate("remote", nil, new(int64(-1))), cluster.InvalidParam},
		"rename unknown":         {b.LocationRename("lab", "x"), cluster.ObjectDoesNotExist},
		"rename to taken":        {b.LocationRename("remote", "home"), cluster.ObjectExists},
		"rename to bad":          {b.LocationRename("remote", "a b"), cluster.InvalidParam},
		"cluster id":             {b.ClusterAdd(cluster.Peer{ID: "C", Location: "remote"}), cluster.InvalidParam},
		"cluster of unknown":     {b.ClusterAdd(cluster.Peer{ID: "e", Location: "lab"}), cluster.ObjectDoesNotExist},
		"known cluster id":       {b.ClusterAdd(cluster.Peer{ID: "c", Name: "e", Location: "remote"}), cluster.ObjectExists},
		"known cluster":          {b.ClusterAdd(cluster.Peer{ID: "e", Name: "c", Location: "remote"}), cluster.ObjectExists},
		"cluster name":           {b.ClusterAdd(cluster.Peer{ID: "e", Name: "a b", Location: "remote"}), cluster.InvalidParam},
		"remove no cluster":      {b.ClusterRemove(cluster.Peer{}, false), cluster.InvalidParam},
		"remove by half an id":   {b.ClusterRemove(cluster.Peer{ID: "c"}, false), cluster.InvalidParam},
		"remove by everything":   {b.ClusterRemove(cluster.Peer{ID: "c", Name: "c", Location: "remote"}, false), cluster.InvalidParam},
		"remove unknown cluster": {b.ClusterRemove(cluster.Peer{Name: "e"}, false), cluster.ObjectDoesNotExist},
		"remove unknown id":      {b.ClusterRemove(cluster.Peer{ID: "e", Location: "remote"}, false), cluster.ObjectDoesNotExist},
		"rename unknown cluster": {b.ClusterRename("e", "f"), cluster.ObjectDoesNotExist},
		"rename cluster taken":   {b.ClusterRename("c", "spsim"), cluster.ObjectExists},
		"bridge of nothing":      {b.RemoteBridgeAdd(bridgeOf("10.0.0.9", "", "")), cluster.InvalidParam},
		"bridge of both":         {b.RemoteBridgeAdd(bridgeOf("10.0.0.9", "remote", "c")), cluster.InvalidParam},
		"bridge address":         {b.RemoteBridgeAdd(bridgeOf("10.0.0", "remote", "")), cluster.InvalidParam},
		"bridge of unknown":      {b.RemoteBridgeAdd(bridgeOf("10.0.0.9", "", "lab")), cluster.ObjectDoesNotExist},
		"bridge of a cluster":    {b.RemoteBridgeAdd(bridgeOf("10.0.0.9", "c", "")), cluster.ObjectDoesNotExist},
		"known bridge":           {b.RemoteBridgeAdd(bridgeOf("10.0.0.1", "", "c")), cluster.ObjectExists},
		"bridge without key":     {b.RemoteBridgeAdd(noKey), cluster.InvalidParam},
		"negative delay":         {b.RemoteBridgeAdd(short), cluster.InvalidParam},
		"remove unknown bridge":  {b.RemoteBridgeRemove("10.0.0.9"), cluster.ObjectDoesNotExist},
		"remove bad bridge":      {b.RemoteBridgeRemove("x"), cluster.InvalidParam},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, c.err, c.want, "")
		})
	}
	assert.Equal(t, before, b.Generation())
}
