package emulator

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestWithoutQuorumEveryChangeIsRefusedForNow(t *testing.T) {
	t.Parallel()
	s, a := eventful(t)
	require.NoError(t, s.SetCondition(cluster.Condition{Kind: cluster.NoQuorum}))
	before := s.Cluster().Generation()
	for _, o := range Operations() {
		if o.Form&Changes == 0 || !o.Emulated() {
			continue
		}
		q, err := o.decode(&request{args: make([]string, len(pathArguments(o.Query)))})
		if err == nil {
			_, err = o.serve(t.Context(), s.Cluster(), q.Interface())
			require.ErrorIs(t, err, cluster.ClusterDown, o.Call())
		}
	}
	assert.Equal(t, before, s.Cluster().Generation())
	r := a.refused(t, "POST", "VolumeCreate", `{"size":512}`, "clusterDown")
	assert.True(t, r.Error.Transient)
	assert.Equal(t, http.StatusServiceUnavailable, r.Status)
	a.refused(t, "GET", "ServicesList", "", "clusterDown")
	a.refused(t, "GET", "ServersList", "", "clusterDown")
	assert.Equal(t, "waiting", a.get(t, "ServersListBlocked").text(t, "clusterStatus"))
	a.get(t, "VolumesList")
	for _, p := range into[map[string]peer](t, a.get(t, "NetworkPeersList")) {
		assert.False(t, p.Joined)
	}
	s.ClearConditions()
	for _, p := range into[map[string]peer](t, a.get(t, "NetworkPeersList")) {
		assert.True(t, p.Joined || p.BeaconStatus == "NODE_DOWN")
	}
	a.post(t, "VolumeCreate", `{"size":512}`)
}

func TestObjectsAndServicesReportWhatIsWrong(t *testing.T) {
	t.Parallel()
	s, err := New(WithCondition(cluster.Condition{Kind: cluster.ServerDown, ID: 2}),
		WithCondition(cluster.Condition{Kind: cluster.DiskGone, ID: 101}))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	a := inProcess(t, s)
	a.post(t, "PlacementGroupUpdate/two", `{"addDisks":[101,102]}`)
	a.post(t, "VolumeCreate", `{"name":"single","size":134217728,"placeAll":"two","replication":1}`)
	a.post(t, "VolumeCreate", `{"name":"triple","size":134217728,"template":"ssd"}`)
	status := a.get(t, "VolumesGetStatus").object(t)
	single, triple := status["single"].(map[string]any), status["triple"].(map[string]any)
	assert.Equal(t, []any{"down", "67108864", "[101]"}, []any{single["status"], fmt.Sprint(single["downBytes"]), fmt.Sprint(single["downDrives"])})
	assert.Equal(t, []any{"up", true, "0"}, []any{triple["status"], triple["decreasedRedundancy"], fmt.Sprint(triple["downBytes"])})
	assert.Contains(t, fmt.Sprint(triple["missingDrives"]), "202")
	servers := a.get(t, "ServersListBlocked").object(t)["servers"].(map[string]any)
	assert.Equal(t, "down", servers["2"].(map[string]any)["status"])
	assert.Equal(t, "[101]", fmt.Sprint(servers["1"].(map[string]any)["missingDisks"]))
	a.post(t, "DiskIgnore/101", "")
	servers = a.get(t, "ServersListBlocked").object(t)["servers"].(map[string]any)
	assert.Equal(t, "[]", fmt.Sprint(servers["1"].(map[string]any)["missingDisks"]))
	assert.Equal(t, []peerRequest{
		{PeerID: 2, Service: peerService{ID: "2", Type: "server"}, Status: "peer_down"},
	}, into[peersRequests](t, a.get(t, "AllPeersActiveRequests")).Requests, "nobody waits for the ignored disk")
	require.NoError(t, s.SetCondition(cluster.Condition{Kind: cluster.DiskGone, ID: 102}))
	require.NoError(t, s.SetCondition(cluster.Condition{Kind: cluster.ClientDead, ID: 3}))
	assert.Equal(t, []peerRequest{
		{PeerID: 1, Service: peerService{ID: "1", Type: "server"}, Status: "diskExpected", DiskID: new(102), LastState: "up"},
		{PeerID: 2, Service: peerService{ID: "2", Type: "server"}, Status: "peer_down"},
		{PeerID: 3, Service: peerService{ID: "3", Type: "client"}, Status: "peer_down"},
	}, into[peersRequests](t, a.get(t, "AllPeersActiveRequests")).Requests)
	assert.NotContains(t, a.get(t, "DisksList").object(t)["201"], "agCount")
}

func TestABadConditionIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New(WithCondition(cluster.Condition{Kind: cluster.DiskGone, ID: 1}))
	require.ErrorIs(t, err, cluster.ObjectDoesNotExist)
	s := Start(t)
	require.ErrorIs(t, s.SetCondition(cluster.Condition{Kind: "flood"}), cluster.InvalidParam)
	require.ErrorIs(t, s.ClearCondition(cluster.Condition{Kind: cluster.NoQuorum}), cluster.ObjectDoesNotExist)
	require.NoError(t, s.SetCondition(cluster.Condition{Kind: cluster.ClientDead, ID: 1}))
	assert.Len(t, s.Conditions(), 1)
	require.NoError(t, s.ClearCondition(cluster.Condition{Kind: cluster.ClientDead, ID: 1}))
	assert.Empty(t, s.Conditions())
}
