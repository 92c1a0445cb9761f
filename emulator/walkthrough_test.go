package emulator

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// The walk-throughs of storpool-api 15, over a socket as the clients go.

func TestCloudStackCreatesAPool(t *testing.T) {
	t.Parallel()
	a := asCloudStack(t, Start(t))
	template := a.get(t, "VolumeTemplateDescribe/ssd").object(t)
	assert.Equal(t, "ssd", template["name"])
	a.refused(t, "GET", "VolumeTemplateDescribe/none", "", "objectDoesNotExist")

	v := a.post(t, "MultiCluster/VolumeCreate",
		`{"name":"","size":512,"template":"ssd","tags":{"cs":"check-volume-is-on-host"}}`)
	name := v.text(t, "name")
	assert.Equal(t, "~"+v.text(t, "globalId"), name)
	assert.True(t, strings.HasPrefix(v.text(t, "globalId"), DefaultClusterID+"."))

	for client := 1; client <= 5; client++ {
		a.post(t, "VolumesReassignWait", fmt.Sprintf(`{"reassign":[{"volume":%q,"rw":[%d]}]}`, name, client))
	}
	locations := a.get(t, "LocationsList").object(t)["locations"]
	own, ok := locations.([]any)[0].(map[string]any)["id"].(string)
	require.True(t, ok)
	assert.Contains(t, DefaultClusterID, own, "an agent finds its location by its id within SP_CLUSTER_ID")

	for _, list := range []string{"VolumesSpace", "VolumeTemplatesStatus", "SnapshotsList"} {
		clusters, ok := a.get(t, "MultiCluster/AllClusters/"+list).object(t)["clusters"].([]any)
		require.True(t, ok)
		require.Len(t, clusters, 1)
		entry, ok := clusters[0].(map[string]any)
		require.True(t, ok)
		assert.Equal(t, DefaultClusterID, entry["clusterId"])
		response, ok := entry["response"].(map[string]any)
		require.True(t, ok, list)
		assert.IsType(t, []any{}, response["data"], list)
	}
	volumes := a.get(t, "MultiCluster/VolumesList")
	assert.Equal(t, DefaultClusterID, volumes.ClusterID)
	entry := named(t, volumes.list(t), name)
	assert.Equal(t, DefaultClusterID, entry["clusterId"])
	assert.Equal(t, map[string]any{"cs": "check-volume-is-on-host"}, entry["tags"])
	assert.Empty(t, a.get(t, "MultiCluster/SnapshotsList").list(t))
}

func TestCloudStackVolumeLife(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asCloudStack(t, s)
	v := a.post(t, "MultiCluster/VolumeCreate",
		`{"name":"","size":1048576,"template":"ssd","iops":100,"tags":{"cs":"volume","uuid":"u1"}}`).text(t, "name")
	a.post(t, "MultiCluster/VolumesReassignWait",
		`{"reassign":[{"volume":"`+v+`","rw":[1],"onRemoteAttached":"export"}]}`)
	host, err := s.Host(1).Open("/dev/storpool-byid/" + strings.TrimPrefix(v, "~"))
	require.NoError(t, err)
	before := bytes.Repeat([]byte("before--"), 512)
	_, err = host.WriteAt(before, 4096)
	require.NoError(t, err)

	a.post(t, "MultiCluster/VolumeUpdate/"+v, `{"size":2097152,"iops":0,"shrinkOk":false}`)
	size, err := host.Size()
	require.NoError(t, err)
	assert.EqualValues(t, 2097152, size)
	a.post(t, "MultiCluster/VolumeUpdate/"+v, `{"tags":{"cvm":"vm1","vc-policy":"p","disk":"0","qc":"gold"}}`)
	a.post(t, "MultiCluster/VolumeUpdate/"+v, `{"tags":{"cvm":"","vc-policy":"","disk":""}}`)
	entry := a.get(t, "MultiCluster/Volume/"+v).list(t)[0]
	assert.Equal(t, map[string]any{"cs": "volume", "uuid": "u1", "qc": "gold"}, entry["tags"])
	assert.Equal(t, "-", entry["iops"], "a limit of 0 is none")

	snap := a.post(t, "MultiCluster/VolumeSnapshot/"+v, `{"name":"","tags":{"cs":"snapshot","uuid":"s1"}}`)
	gid := snap.text(t, "snapshotGlobalId")
	assert.NotContains(t, snap.object(t), "autoName", "a snapshot of a nameless volume is nameless")
	empty := a.post(t, "MultiCluster/SnapshotUpdate/~"+gid, `{}`)
	assert.Equal(t, DefaultClusterID, empty.ClusterID)

	after := bytes.Repeat([]byte("after---"), 512)
	_, err = host.WriteAt(after, 4096)
	require.NoError(t, err)
	a.refused(t, "POST", "MultiCluster/VolumeRevert/"+v, `{"toSnapshot":"~`+gid+`"}`, "busy")
	a.post(t, "MultiCluster/VolumesReassign", `[{"volume":"`+v+`","detach":"all","force":true}]`)
	a.post(t, "MultiCluster/VolumeRevert/"+v, `{"toSnapshot":"~`+gid+`"}`)
	a.post(t, "MultiCluster/VolumeUpdate/"+v, `{"iops":100,"tags":{"uuid":"u1"}}`)
	assert.Equal(t, before, s.ReadContent(t, cref(v), 4096, len(before)))

	a.post(t, "MultiCluster/VolumeDelete/"+v, `{"onAttached":"detachForce"}`)
	a.refused(t, "POST", "MultiCluster/VolumeDelete/"+v, `{"onAttached":"detachForce"}`, "objectDoesNotExist")
	a.post(t, "MultiCluster/VolumesReassign", `[{"snapshot":"~`+gid+`","detach":"all","force":true}]`)
	a.post(t, "MultiCluster/SnapshotDelete/~"+gid, "")
	a.refused(t, "GET", "MultiCluster/Snapshot/~"+gid, "", "objectDoesNotExist")
	s.AssertNoLeaks(t)
}

func TestCloudStackVMSnapshot(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asCloudStack(t, s)
	v1 := a.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":1048576,"template":"ssd"}`).text(t, "name")
	v2 := a.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":1048576,"template":"hdd"}`).text(t, "name")
	r := a.post(t, "MultiCluster/VolumesGroupSnapshot", `{"tags":{"cs":"group","uuid":"g","cvm":"vm"},"volumes":[`+
		`{"name":"","volume":"`+v1+`"},{"name":"","volume":"`+v2+`","tags":{"disk":"1"}}]}`)
	members, ok := r.object(t)["snapshots"].([]any)
	require.True(t, ok)
	require.Len(t, members, 2)
	for i, v := range []string{v1, v2} {
		m, ok := members[i].(map[string]any)
		require.True(t, ok)
		assert.Equal(t, v, m["volume"])
		assert.Equal(t, v, "~"+fmt.Sprint(m["volumeGlobalId"]))
		snap := a.get(t, fmt.Sprintf("Snapshot/~%s", m["snapshotGlobalId"])).list(t)[0]
		assert.Equal(t, v, snap["onVolume"])
		want := map[string]any{"cs": "group", "uuid": "g", "cvm": "vm"}
		if i == 1 {
			want["disk"] = "1"
		}
		assert.Equal(t, want, snap["tags"])
	}
	before := len(a.get(t, "SnapshotsList").list(t))
	a.refused(t, "POST", "VolumesGroupSnapshot",
		`{"volumes":[{"volume":"`+v1+`"},{"volume":"nothing"}]}`, "objectDoesNotExist")
	assert.Len(t, a.get(t, "SnapshotsList").list(t), before, "all or nothing")
}

func TestCloudStackTemplate(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asCloudStack(t, s)
	v := a.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":1048576,"template":"ssd","tags":{"cs":"template"}}`).
		text(t, "name")
	a.post(t, "MultiCluster/VolumesReassignWait", `{"reassign":[{"volume":"`+v+`","rw":[2]}]}`)
	host, err := s.Host(2).Open(v)
	require.NoError(t, err)
	image := bytes.Repeat([]byte("template"), 8192)
	_, err = host.WriteAt(image, 0)
	require.NoError(t, err)
	snap := a.post(t, "MultiCluster/VolumeSnapshot/"+v, `{"name":"","tags":{"cs":"template"}}`).text(t, "snapshotGlobalId")
	a.refused(t, "POST", "MultiCluster/VolumeDelete/"+v, "", "busy")
	a.post(t, "MultiCluster/VolumesReassign", `[{"volume":"`+v+`","detach":"all","force":true}]`)
	a.post(t, "MultiCluster/VolumeDelete/"+v, "")

	clone := a.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":2097152,"template":"hdd","parent":"~`+snap+`"}`)
	entry := a.get(t, "MultiCluster/Volume/"+clone.text(t, "name")).list(t)[0]
	assert.Equal(t, "~"+snap, entry["parentName"])
	assert.Equal(t, "hdd", entry["templateName"])
	assert.Empty(t, entry["tags"], "tags are not inherited")
	assert.Equal(t, image, s.ReadContent(t, cref(clone.text(t, "name")), 0, len(image)))
	assert.Equal(t, make([]byte, 512), s.ReadContent(t, cref(clone.text(t, "name")), 1048576, 512))

	a.refused(t, "POST", "MultiCluster/VolumeCreate", `{"name":"","parent":"~spsm.b.zzz"}`, "objectDoesNotExist")
	a.post(t, "MultiCluster/SnapshotDelete/~"+snap, "")
	assert.Equal(t, image, s.ReadContent(t, cref(clone.text(t, "name")), 0, len(image)), "clones outlive the template")
}

func TestCloudStackDelayedDelete(t *testing.T) {
	t.Parallel()
	now := clock.NewVirtual(testStart())
	s := Start(t, WithClock(now))
	a := asCloudStack(t, s)
	v := a.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":1048576,"template":"ssd"}`).text(t, "name")
	snap := a.post(t, "MultiCluster/VolumeSnapshot/"+v, `{"deleteAfter":600,"tags":{"cs":"delayDelete"}}`).
		text(t, "snapshotGlobalId")
	a.post(t, "MultiCluster/VolumeDelete/"+v, `{"onAttached":"detachForce"}`)
	now.Advance(599 * time.Second)
	entry := named(t, a.get(t, "MultiCluster/SnapshotsList").list(t), "~"+snap)
	assert.Equal(t, map[string]any{"cs": "delayDelete"}, entry["tags"])
	assert.Equal(t, "-", entry["onVolume"], "the volume is gone")
	now.Advance(time.Second)
	assert.Empty(t, a.get(t, "MultiCluster/SnapshotsList").list(t))
	s.AssertNoLeaks(t)
}

// cref is a name as the cluster takes it.
func cref(name string) cluster.Ref { return cluster.Ref(name) }
