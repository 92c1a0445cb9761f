package emulator

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

// zones are two sub-clusters of one location and a cluster of another.
func zones(tb testing.TB, opts ...Option) (f *Federation, sofia1, sofia2, vienna *api) {
	tb.Helper()
	f = StartFederation(tb, []Member{
		{ID: "sofi.a", Name: "sofia1", Location: "sofia"},
		{ID: "sofi.b", Name: "sofia2", Location: "sofia"},
		{ID: "vien.a", Name: "vienna1", Location: "vienna"},
	}, opts...)
	return f, inProcess(tb, f.Server("sofia1")), inProcess(tb, f.Server("sofia2")), inProcess(tb, f.Server("vien.a"))
}

func namesOf(list []map[string]any) (names []any) {
	for _, e := range list {
		names = append(names, e["name"])
	}
	return names
}

func TestMembersKnowTheLocationsAndClustersOfEachOther(t *testing.T) {
	t.Parallel()
	_, sofia, _, vienna := zones(t)
	locations := func(a *api) []any {
		var out []map[string]any
		for _, l := range a.get(t, "LocationsList").object(t)["locations"].([]any) {
			out = append(out, l.(map[string]any))
		}
		return namesOf(out)
	}
	assert.Equal(t, []any{"sofia", "vienna", "remote"}, locations(sofia))
	assert.Equal(t, []any{"vienna", "sofia", "remote"}, locations(vienna))
	assert.Len(t, sofia.get(t, "ClustersList").object(t)["clusters"], 3)
}

func TestRemoteCommandIsExecutedAsIfSentThere(t *testing.T) {
	t.Parallel()
	f, sofia, _, vienna := zones(t)
	sofia.post(t, "RemoteCommand/~vien.a/VolumeCreate", `{"name":"v","size":512}`)
	vienna.get(t, "Volume/v")
	sofia.refused(t, "GET", "Volume/v", "", "objectDoesNotExist")
	r := sofia.get(t, "RemoteCommand/vienna1/MultiCluster/Volume/v")
	assert.Equal(t, "vien.a", r.ClusterID)
	assert.Equal(t, "vien.a", r.list(t)[0]["clusterId"])
	sofia.refused(t, "GET", "RemoteCommand/nobody/VolumesList", "", "objectDoesNotExist")
	_, err := f.Server("vienna1").Arm(fault.Rule{Call: "GET VolumesList", Times: 1, Effect: fault.Effect{Kind: fault.Refuse, Error: "busy"}})
	require.NoError(t, err)
	sofia.get(t, "VolumesList")
	sofia.refused(t, "GET", "RemoteCommand/vienna1/VolumesList", "", "busy")
	f.Server("vienna1").Close()
	sofia.refused(t, "GET", "RemoteCommand/vienna1/VolumesList", "", "clusterUnreachable")
}

func TestObjectsAreFoundWhereverTheyLiveInTheMultiCluster(t *testing.T) {
	t.Parallel()
	f, one, two, vienna := zones(t)
	two.post(t, "VolumeCreate", `{"name":"v","size":1024}`)
	two.post(t, "VolumeSnapshot/v", `{"name":"s"}`)
	one.refused(t, "GET", "Volume/v", "", "objectDoesNotExist")
	vienna.refused(t, "GET", "MultiCluster/Volume/v", "", "objectDoesNotExist")
	r := one.get(t, "MultiCluster/Volume/v")
	assert.Equal(t, "sofi.b", r.ClusterID)
	assert.Equal(t, "sofia2", r.list(t)[0]["clusterName"])
	assert.Equal(t, "sofi.b", one.post(t, "MultiCluster/SnapshotUpdate/s", `{}`).ClusterID)

	one.post(t, "VolumeCreate", `{"name":"w","size":512}`)
	assert.Equal(t, []any{"w", "v"}, namesOf(one.get(t, "MultiCluster/VolumesList").list(t)))
	assert.Equal(t, []any{"v", "w"}, namesOf(two.get(t, "MultiCluster/VolumesList").list(t)))
	assert.Equal(t, []any{"w"}, namesOf(one.get(t, "VolumesList").list(t)))

	clone := one.post(t, "MultiCluster/VolumeCreate", `{"name":"clone","parent":"s"}`)
	assert.Equal(t, "sofi.b", clone.ClusterID, "a clone is where its source is")
	assert.Equal(t, "sofi.a", one.post(t, "MultiCluster/VolumeCreate", `{"name":"new","size":512}`).ClusterID)
	one.post(t, "MultiCluster/VolumesReassign", `[]`)

	f.Server("sofia2").Cluster().Isolate(true)
	one.refused(t, "GET", "MultiCluster/Volume/v", "", "objectDoesNotExist")
	assert.Equal(t, []any{"w", "new"}, namesOf(one.get(t, "MultiCluster/VolumesList").list(t)))
}

func TestListsOfSeveralClustersKeepKeysApart(t *testing.T) {
	t.Parallel()
	_, one, two, _ := zones(t)
	one.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	states := one.get(t, "MultiCluster/VolumesGetStatus").object(t)
	require.Len(t, states, 2)
	assert.Contains(t, states, "v")
	for key, s := range states {
		if key != "v" {
			assert.Equal(t, "sofi.b", s.(map[string]any)["clusterId"])
		}
	}
}

func TestAllClustersTellsTheErrorOfOneThatFails(t *testing.T) {
	t.Parallel()
	f, one, two, _ := zones(t)
	two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	ask := func(query string) (out []map[string]any) {
		for _, e := range one.get(t, "MultiCluster/AllClusters/"+query).object(t)["clusters"].([]any) {
			out = append(out, e.(map[string]any))
		}
		return out
	}
	both := ask("VolumesSpace")
	require.Len(t, both, 2)
	assert.Equal(t, "sofi.a", both[0]["clusterId"])
	assert.Equal(t, "sofi.b", both[1]["clusterId"])
	assert.Len(t, both[1]["response"].(map[string]any)["data"], 1)

	_, err := f.Server("sofia2").Arm(fault.Rule{Call: "GET VolumesSpace", Times: 1, Effect: fault.Effect{Kind: fault.Refuse, Error: "busy"}})
	require.NoError(t, err)
	failing := ask("VolumesSpace")
	assert.Contains(t, failing[0], "response")
	assert.Equal(t, "busy", failing[1]["error"].(map[string]any)["name"])
	assert.NotContains(t, failing[1], "response")

	f.Server("sofia2").Close()
	assert.Equal(t, "clusterUnreachable", ask("SnapshotsList")[1]["error"].(map[string]any)["name"])
}

func TestABadMemberMakesNoFederation(t *testing.T) {
	t.Parallel()
	for _, members := range [][]Member{
		nil, {{ID: "a.b"}, {ID: "a.b"}}, {{ID: "nodot"}}, {{ID: "a.b"}, {ID: "a.c", Options: []Option{WithToken("")}}},
	} {
		_, err := NewFederation(members)
		assert.Error(t, err)
	}
}
