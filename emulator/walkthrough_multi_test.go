package emulator

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What CloudStack and CSI do with two clusters of one location (storpool-api 9, 15).

// siblings are two sub-clusters of one multi-cluster.
func siblings(t *testing.T) (f *Federation, one, two *api) {
	t.Helper()
	f = StartFederation(t, []Member{
		{ID: "sofi.a", Name: "sofia1", Location: "sofia"},
		{ID: "sofi.b", Name: "sofia2", Location: "sofia"},
	})
	return f, asCloudStack(t, f.Server("sofi.a")), asCloudStack(t, f.Server("sofi.b"))
}

func TestCloudStackLearnsTheClusterOfASnapshot(t *testing.T) {
	t.Parallel()
	_, one, two := siblings(t)
	v := two.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":1048576,"template":"ssd"}`).text(t, "name")
	gid := one.post(t, "MultiCluster/VolumeSnapshot/"+v, `{"name":"","tags":{"cs":"snapshot"}}`).text(t, "snapshotGlobalId")
	assert.Equal(t, "sofi.b", one.post(t, "MultiCluster/SnapshotUpdate/~"+gid, `{}`).ClusterID,
		"hosts of this cluster can copy it, whoever was asked")
	clone := one.post(t, "MultiCluster/VolumeCreate", `{"name":"","parent":"~`+gid+`","template":"ssd"}`)
	assert.Equal(t, "sofi.b", clone.ClusterID, "a clone is made where its source lives")
}

func TestCloudStackCollectorsGiveUpWhenOneClusterFails(t *testing.T) {
	t.Parallel()
	f, one, two := siblings(t)
	one.post(t, "VolumeCreate", `{"name":"","size":1048576,"template":"ssd"}`)
	two.post(t, "VolumeCreate", `{"name":"","size":1048576,"template":"ssd"}`)
	entries := func() map[string]map[string]any {
		out := map[string]map[string]any{}
		list, ok := one.get(t, "MultiCluster/AllClusters/VolumesSpace").object(t)["clusters"].([]any)
		require.True(t, ok)
		for _, e := range list {
			entry, ok := e.(map[string]any)
			require.True(t, ok)
			id, ok := entry["clusterId"].(string)
			require.True(t, ok)
			out[id] = entry
		}
		return out
	}
	both := entries()
	for _, id := range []string{"sofi.a", "sofi.b"} {
		response, ok := both[id]["response"].(map[string]any)
		require.True(t, ok, id)
		assert.Len(t, response["data"], 1)
		assert.NotContains(t, both[id], "error")
	}
	f.Server("sofi.b").Close()
	both = entries()
	assert.Contains(t, both["sofi.b"], "error")
	assert.NotContains(t, both["sofi.a"], "error")
}

func TestCSIPublishesOnANodeOfAnotherCluster(t *testing.T) {
	t.Parallel()
	f, one, two := siblings(t)
	v := "~" + one.post(t, "MultiCluster/VolumeCreate", `{"template":"ssd","size":1048576,"tags":{"csi_name":"pvc-1"}}`).text(t, "globalId")
	one.server.WriteContent(t, cref(v), 0, []byte("moved"))
	reassign := "RemoteCommand/~sofi.b/MultiCluster/VolumesReassignWait"
	one.post(t, reassign, `{"reassign":[{"volume":"`+v+`","rw":[3],"detach":"all","force":false}]}`)
	assert.Len(t, two.get(t, "AttachmentsList").list(t), 1, "the node belongs to the cluster that got the request")
	host, err := f.Server("sofi.b").Host(3).Open(v)
	require.NoError(t, err)
	data := make([]byte, 5)
	_, err = host.ReadAt(data, 0)
	require.NoError(t, err)
	assert.Equal(t, "moved", string(data))
	require.NoError(t, host.Close())
	one.post(t, reassign, `{"reassign":[{"volume":"`+v+`","detach":[3],"force":false}]}`)
	one.post(t, "MultiCluster/VolumeDelete/"+v, "")
	two.refused(t, "GET", "MultiCluster/Volume/"+v, "", "objectDoesNotExist")
}
