package emulator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/internal/clock"
)

// The phases of sptest, the script of the Python bindings, as far as its calls are emulated.

func TestSptestSetup(t *testing.T) {
	t.Parallel()
	a := asPython(t, Start(t))
	for _, list := range []string{"NetworkPeersList", "ServicesList", "ServersListBlocked", "DisksList", "PlacementGroupsList"} {
		assert.NotEmpty(t, a.get(t, list).object(t), list)
	}
	for _, list := range []string{"TasksList", "ClientsConfigDump", "VolumeTemplatesList", "VolumeTemplatesStatus"} {
		a.get(t, list).list(t)
	}
	var ssd, hdd string
	for id, d := range a.get(t, "DisksList").object(t) {
		disk, ok := d.(map[string]any)
		require.True(t, ok)
		if disk["ssd"] == true {
			ssd = id
		} else {
			hdd = id
		}
		assert.Equal(t, id, fmt.Sprint(disk["id"]))
	}
	a.post(t, "PlacementGroupUpdate/sptest-ssd", `{"addDisks":["`+ssd+`"],"rmDisks":[]}`)
	a.post(t, "PlacementGroupUpdate/sptest-hdd", `{"addDisks":[`+hdd+`],"rmDisks":[]}`)
	group := a.get(t, "PlacementGroupDescribe/sptest-ssd").object(t)
	assert.Equal(t, ssd, fmt.Sprint(group["disks"].([]any)[0]))
	for replication := 1; replication <= 3; replication++ {
		a.post(t, "VolumeTemplateCreate", fmt.Sprintf(
			`{"name":"sptest-%d","replication":%d,"size":10737418240,"placeAll":"hdd","placeTail":"ssd"}`, replication, replication))
	}
	template := a.get(t, "VolumeTemplateDescribe/sptest-2").object(t)
	assert.Equal(t, "2", fmt.Sprint(template["replication"]))
	assert.Equal(t, "10737418240", fmt.Sprint(template["size"]))
	assert.Equal(t, "hdd", template["placeHead"])
	a.refused(t, "POST", "VolumeTemplateCreate", `{"name":"sptest-1"}`, "objectExists")
	for replication := 1; replication <= 3; replication++ {
		a.post(t, fmt.Sprintf("VolumeTemplateDelete/sptest-%d", replication), "")
	}
	a.post(t, "PlacementGroupDelete/sptest-ssd", "")
	a.post(t, "PlacementGroupDelete/sptest-hdd", "")
	a.refused(t, "GET", "PlacementGroupDescribe/sptest-hdd", "", "objectDoesNotExist")
	a.refused(t, "POST", "PlacementGroupDelete/ssd", "", "busy")
}

func TestSptestVolumes(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asPython(t, s)
	a.post(t, "VolumeTemplateCreate", `{"name":"sptest","size":1073741824,"placeAll":"ssd"}`)
	assert.Equal(t, "sp", a.post(t, "VolumeCreate", `{"name":"sp","template":"sptest"}`).text(t, "name"))
	a.refused(t, "POST", "VolumeCreate", `{"name":"sp","template":"sptest"}`, "objectExists")
	for i := range 15 {
		clone := a.post(t, "VolumeCreate", fmt.Sprintf(`{"name":"sp-%d","baseOn":"sp"}`, i))
		assert.Contains(t, clone.text(t, "autoName"), "sp@")
	}
	for _, snap := range a.get(t, "SnapshotsList").list(t) {
		assert.NotEqual(t, true, snap["transient"], "transient snapshots vanish by themselves")
	}
	a.post(t, "VolumeSnapshot/sp", `{"name":"sp-snap"}`)
	auto := a.post(t, "VolumeSnapshot/sp", `{}`).text(t, "autoName")
	assert.Contains(t, auto, "sp@")
	a.post(t, "SnapshotUpdate/sp-snap", `{"iops":1000}`)
	assert.Equal(t, "1000", fmt.Sprint(a.get(t, "Snapshot/sp-snap").list(t)[0]["iops"]))
	chain := a.get(t, "VolumeListSnapshots/sp").list(t)
	assert.Equal(t, auto, chain[0]["name"])
	assert.Equal(t, "sp-snap", chain[1]["name"])

	for _, list := range []string{"VolumesGetStatus", "VolumesGetStatusQuick"} {
		status := a.get(t, list).object(t)
		for _, name := range []string{"sp", "sp-0", "sp-snap", auto} {
			entry, ok := status[name].(map[string]any)
			require.True(t, ok, name)
			assert.Equal(t, "up", entry["status"])
		}
	}
	for _, call := range []string{"VolumeDescribe/sp", "VolumeGetInfo/sp", "SnapshotDescribe/sp-snap", "SnapshotGetInfo/sp-snap"} {
		assert.Equal(t, "1073741824", fmt.Sprint(a.get(t, call).object(t)["size"]), call)
	}
	assert.Len(t, a.get(t, "VolumeDescribe/sp").object(t)["objects"], 32, "a GiB has 32 objects of 32 MiB")
	assert.Len(t, a.get(t, "VolumesSpace").list(t), 16)
	a.get(t, "SnapshotsSpace")
	everything := a.get(t, "VolumesAndSnapshotsList").object(t)["volumes"]
	assert.Len(t, everything, 16+2)

	for _, v := range a.get(t, "VolumesList").list(t) {
		a.post(t, "VolumeDelete/"+fmt.Sprint(v["name"]), "")
	}
	a.post(t, "SnapshotDelete/sp-snap", "")
	a.post(t, "SnapshotDelete/"+auto, "")
	s.AssertNoLeaks(t)
}

func TestSptestAttachesInAllVariants(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asPython(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":1048576,"template":"ssd"}`)
	a.post(t, "VolumeSnapshot/v", `{"name":"s"}`)
	for _, variant := range []struct{ call, before, after string }{
		{"VolumesReassign", ``, ``},
		{"VolumesReassignWait", ``, ``},
		{"VolumesReassignWait", `{"reassign":`, `}`},
		{"VolumesReassignWait", `{"attachTimeout":1,"reassign":`, `}`},
		{"VolumesReassignWait", `{"attachTimeout":0,"reassign":`, `}`},
	} {
		a.post(t, variant.call, variant.before+`[{"volume":"v","rw":[1]},{"snapshot":"s","ro":["1"]}]`+variant.after)
		attached := a.get(t, "AttachmentsList").list(t)
		require.Len(t, attached, 2)
		for _, at := range attached {
			snapshot := at["volume"] == "s"
			assert.Equal(t, snapshot, at["snapshot"])
			assert.Equal(t, map[bool]string{false: "rw", true: "ro"}[snapshot], at["rights"])
		}
		a.refused(t, "POST", "VolumeDelete/v", "", "busy")
		a.refused(t, "POST", "SnapshotDelete/s", "", "busy")
		a.post(t, variant.call, variant.before+`[{"volume":"v","detach":"all"},{"snapshot":"s","detach":["1"]}]`+variant.after)
		assert.Empty(t, a.get(t, "AttachmentsList").list(t))
	}
	unknown := a.refused(t, "POST", "VolumesReassign", `[{"volume":"v","rw":[99]}]`, "invalidParam")
	assert.Equal(t, "No such client registered", unknown.Error.Descr)
	assert.Equal(t, "ok", a.get(t, "ClientConfigWait/1").list(t)[0]["configStatus"])
	a.refused(t, "GET", "ClientConfigWait/99", "", "objectDoesNotExist")
}

func TestSptestScrubbing(t *testing.T) {
	t.Parallel()
	now := clock.NewVirtual(testStart())
	a := asPython(t, Start(t, WithClock(now)))
	disk := func() map[string]any {
		return a.get(t, "DiskDescribe/"+anyDisk(t, a)).object(t)
	}
	id := anyDisk(t, a)
	a.post(t, "DiskScrubPause/"+id, "")
	assert.Equal(t, true, disk()["scrubbingPaused"])
	a.post(t, "DiskScrubStart/"+id, "")
	assert.Equal(t, true, disk()["scrubbingPaused"], "a paused disk stays paused")
	now.Advance(5 * time.Second)
	assert.Equal(t, "5", fmt.Sprint(disk()["scrubbingPausedFor"]))
	assert.Equal(t, disk()["scrubbingPausedFor"], disk()["scrubbingStartedBefore"])
	a.post(t, "DiskScrubContinue/"+id, "")
	assert.Equal(t, false, disk()["scrubbingPaused"])
	a.post(t, "DiskSoftEject/"+id, "")
	assert.Equal(t, "on", disk()["softEject"])
	a.post(t, "DiskSoftEjectPause/"+id, "")
	assert.Equal(t, "paused", disk()["softEject"])
	a.post(t, "DiskSoftEjectCancel/"+id, "")
	assert.Equal(t, "off", disk()["softEject"])
	a.get(t, "DiskActiveRequests/"+id)
	a.post(t, "DiskSetDescription/"+id, `{"description":"shelf 1"}`)
	assert.Equal(t, "shelf 1", disk()["description"])
	a.refused(t, "POST", "DiskSetDescription/"+id, `{"description":"a/b"}`, "invalidParam")
	a.refused(t, "GET", "DiskDescribe/4000", "", "objectDoesNotExist")
}

// anyDisk returns the lowest disk id.
func anyDisk(tb testing.TB, a *api) string {
	tb.Helper()
	disks := a.get(tb, "DisksList").object(tb)
	require.NotEmpty(tb, disks)
	return slices.MinFunc(slices.Collect(maps.Keys(disks)), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
}

func TestDiskThatIsAwayHasTheShortShape(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":1073741824,"template":"ssd"}`)
	info := a.get(t, "VolumeGetInfo/v").object(t)
	perDisk, ok := info["objectsPerDisk"].(map[string]any)
	require.True(t, ok)
	var used string
	for id := range perDisk {
		used = id
	}
	a.post(t, "DiskEject/"+used, "")
	disks := a.get(t, "DisksList").object(t)
	down, ok := disks[used].(map[string]any)
	require.True(t, ok)
	assert.NotContains(t, down, "agCount")
	assert.NotEqual(t, "-1", fmt.Sprint(down["generationLeft"]))
	a.refused(t, "GET", "DiskDescribe/"+used, "", "objectDoesNotExist")

	status, ok := a.get(t, "VolumesGetStatus").object(t)["v"].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, true, status["decreasedRedundancy"])
	assert.Equal(t, true, status["balancerBlocked"])
	assert.Equal(t, "up", status["status"], "the other replicas serve it")
	assert.Equal(t, used, fmt.Sprint(status["missingDrives"].([]any)[0]))
	a.post(t, "DiskForget/"+used, "")
	assert.NotContains(t, a.get(t, "DisksList").object(t), used)
}

func TestVolumeIsDownWhenEveryReplicaOfAnObjectIsAway(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	a.post(t, "VolumeCreate", `{"name":"v","size":512,"replication":1,"placeAll":"ssd"}`)
	perDisk, ok := a.get(t, "VolumeGetInfo/v").object(t)["objectsPerDisk"].(map[string]any)
	require.True(t, ok)
	require.Len(t, perDisk, 1)
	for id := range perDisk {
		a.post(t, "DiskEject/"+id, "")
	}
	status, ok := a.get(t, "VolumesGetStatusQuick").object(t)["v"].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, "down", status["status"])
	assert.Len(t, status["downDrives"], 1)
	assert.NotContains(t, status, "storedSize")
}

func TestDiskBelongsToItsServer(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	all := a.get(t, "DisksList").object(t)
	seen := 0
	for server := 1; server <= 3; server++ {
		for id, d := range a.get(t, fmt.Sprintf("ServerDisksList/%d", server)).object(t) {
			disk, ok := d.(map[string]any)
			require.True(t, ok)
			assert.Equal(t, strconv.Itoa(server), fmt.Sprint(disk["serverId"]))
			assert.Equal(t, all[id], d)
			seen++
		}
	}
	assert.Len(t, all, seen)
	for id := range a.get(t, "ServerDisksList/2").object(t) {
		a.get(t, "ServerDiskDescribe/2/"+id)
		a.refused(t, "GET", "ServerDiskDescribe/1/"+id, "", "objectDoesNotExist")
		unknown := a.refused(t, "GET", "ServerDiskDescribe/9/"+id, "", "objectDoesNotExist")
		assert.Equal(t, "Server '9' does not exist", unknown.Error.Descr)
	}
	a.refused(t, "GET", "ServerDisksList/9", "", "objectDoesNotExist")
}

func TestSptestRelocator(t *testing.T) {
	t.Parallel()
	a := asPython(t, Start(t))
	a.post(t, "VolumeCreate", `{"name":"v","size":1073741824,"template":"ssd"}`)
	a.post(t, "VolumeSnapshot/v", `{"name":"s"}`)
	status := a.get(t, "VolumeRelocatorStatus").object(t)
	assert.Equal(t, "on", status["status"])
	assert.Equal(t, "0", fmt.Sprint(status["volumesToRelocate"]))
	disks := a.get(t, "DisksList").object(t)
	for _, call := range []string{"VolumeRelocatorDisksList", "VolumeRelocatorVolumeDisks/v", "VolumeRelocatorSnapshotDisks/s"} {
		targets := a.get(t, call).object(t)
		assert.NotEmpty(t, targets, call)
		for id, d := range targets {
			assert.Contains(t, disks, id)
			target, ok := d.(map[string]any)
			require.True(t, ok)
			assert.Equal(t, "0", fmt.Sprint(entryOf(t, target, "objectsAllocated")["delta"]), "nothing has to move")
		}
	}
}
