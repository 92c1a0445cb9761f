package emulator

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The default cluster lets every known client work without preparation.

func TestDefaultClusterHasThreeServersWithDisksOfBothKindsAllUp(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	kinds := map[string]int{}
	for _, d := range a.get(t, "DisksList").object(t) {
		disk, ok := d.(map[string]any)
		require.True(t, ok)
		assert.Equal(t, "-1", fmt.Sprint(disk["generationLeft"]))
		assert.NotEqual(t, "0", fmt.Sprint(disk["agFree"]))
		kinds[fmt.Sprintf("server %v ssd %v", disk["serverId"], disk["ssd"])]++
	}
	for server := 1; server <= 3; server++ {
		for _, ssd := range []bool{true, false} {
			assert.Positive(t, kinds[fmt.Sprintf("server %d ssd %t", server, ssd)])
		}
	}
	assert.Len(t, kinds, 6)
}

func TestDefaultClusterHasPlacementGroupsAndTemplates(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	groups := a.get(t, "PlacementGroupsList").object(t)
	for _, name := range []string{"default", "hdd", "ssd"} {
		assert.Contains(t, groups, name)
	}
	var names []any
	for _, tmpl := range a.get(t, "VolumeTemplatesList").list(t) {
		names = append(names, tmpl["name"])
	}
	assert.Equal(t, []any{"hdd", "ssd", "hybrid"}, names)
	for _, st := range a.get(t, "VolumeTemplatesStatus").list(t) {
		stored, ok := st["stored"].(map[string]any)
		require.True(t, ok)
		assert.NotEqual(t, "0", fmt.Sprint(stored["capacity"]))
	}
}

func TestDefaultClusterHasClients1To5(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	services := a.get(t, "ServicesList").object(t)
	assert.Equal(t, "running", services["clusterStatus"])
	clients, ok := services["clients"].(map[string]any)
	require.True(t, ok)
	assert.Len(t, clients, 5)
	for id := 1; id <= 5; id++ {
		client, ok := clients[strconv.Itoa(id)].(map[string]any)
		require.True(t, ok)
		assert.Equal(t, "running", client["status"])
		assert.Equal(t, strconv.Itoa(id), fmt.Sprint(client["nodeId"]), "the agent compares it with its own node id")
	}
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	for _, unknown := range []int{99, 4000} {
		r := a.refused(t, "POST", "VolumesReassign", fmt.Sprintf(`[{"volume":"v","rw":[%d]}]`, unknown), "invalidParam")
		assert.Equal(t, "No such client registered", r.Error.Descr)
	}
}

func TestDefaultClusterTakesThinVolumesOfSomeHundredTiB(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	for _, tmpl := range []string{"hdd", "ssd", "hybrid"} {
		a.post(t, "VolumeCreate", fmt.Sprintf(`{"name":"big-%s","size":%d,"template":%q}`, tmpl, int64(200)<<40, tmpl))
	}
	a.refused(t, "POST", "VolumeCreate", `{"name":"huge","size":1152921504606846976}`, "insufficientResources")
}

func TestVolumeWithoutTemplateAndPlacementLandsInDefault(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	v := a.get(t, "Volume/v").list(t)[0]
	for _, member := range []string{"placeAll", "placeTail", "placeHead"} {
		assert.Equal(t, "default", v[member])
	}
	assert.Empty(t, v["templateName"])
	assert.Equal(t, "3", fmt.Sprint(v["replication"]))
}

func TestDefaultClusterKnowsItsOwnLocationAndARemoteOne(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	locations, ok := a.get(t, "LocationsList").object(t)["locations"].([]any)
	require.True(t, ok)
	assert.Len(t, locations, 2)
	clusters, ok := a.get(t, "ClustersList").object(t)["clusters"].([]any)
	require.True(t, ok)
	own, ok := clusters[0].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, DefaultClusterName, own["name"])
}

func TestSameSeedAndCallsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	var first []string
	for range 2 {
		a := inProcess(t, Start(t, WithSeed(7)))
		var answers []string
		for _, c := range [][2]string{
			{"VolumeCreate", `{"size":1048576,"tags":{"b":"1","a":"2"}}`},
			{"VolumeCreate", `{"name":"v","size":512}`},
			{"VolumeSnapshot/v", `{}`},
			{"VolumeCreate", `{"baseOn":"v"}`},
		} {
			answers = append(answers, fmt.Sprint(a.post(t, c[0], c[1]).Data))
		}
		for _, list := range []string{"VolumesList", "SnapshotsList", "DisksList", "ServicesList", "VolumeDescribe/v"} {
			answers = append(answers, fmt.Sprint(a.get(t, list).Data))
		}
		if first == nil {
			first = answers
		}
		assert.Equal(t, first, answers)
	}
}
