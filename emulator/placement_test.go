package emulator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// into decodes the data of an answer, which the catalogue has accepted.
func into[T any](t *testing.T, r reply) T {
	t.Helper()
	text, err := json.Marshal(r.Data)
	require.NoError(t, err)
	var out T
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

// estimate is what tests read of a disk in estimates.
type estimate struct {
	ID               int
	GenerationLeft   int64
	ObjectsAllocated *figure
	OnDiskSize       *figure
	StoredSize       *figure
}

func TestEstimatesOfASettledClusterEqualThePresentPlacement(t *testing.T) {
	t.Parallel()
	s, a := eventful(t)
	require.NoError(t, s.SetCondition(cluster.Condition{Kind: cluster.DiskGone, ID: 301}))
	disks := into[map[string]upDisk](t, a.get(t, "DisksList"))
	for _, call := range []string{"VolumeRelocatorDisksList", "VolumeBalancerDisksList"} {
		all := into[map[string]estimate](t, a.get(t, call))
		require.Len(t, all, len(disks))
		for id, e := range all {
			if id == "301" {
				assert.Nil(t, e.ObjectsAllocated)
				continue
			}
			d := disks[id]
			assert.Equal(t, &figure{Current: d.ObjectsAllocated, Target: d.ObjectsAllocated}, e.ObjectsAllocated)
			assert.Equal(t, &figure{Current: d.ObjectsOnDiskSize, Target: d.ObjectsOnDiskSize}, e.OnDiskSize)
			assert.Equal(t, e.OnDiskSize, e.StoredSize)
		}
	}
	info := into[diskCounts](t, reply{Data: a.get(t, "VolumeGetInfo/v").Data})
	for _, call := range []string{"VolumeRelocatorVolumeDisks/v", "VolumeBalancerVolumeDisks/v"} {
		for _, e := range into[map[string]estimate](t, a.get(t, call)) {
			if e.GenerationLeft == -1 {
				assert.Equal(t, info.ObjectsPerDisk[e.ID], e.ObjectsAllocated.Current, "disk %d", e.ID)
			}
		}
	}
	assert.NotEmpty(t, a.get(t, "VolumeRelocatorSnapshotDisks/s").object(t))
	sets := into[balancerSets](t, a.get(t, "VolumeBalancerVolumeDiskSets/v"))
	assert.NotEmpty(t, sets.CurrentDiskSets)
	assert.Equal(t, sets.CurrentDiskSets, sets.BalancerDiskSets)
	assert.Equal(t, []bool{true, false, false}, []bool{sets.Blocked, sets.Reallocated, sets.Snapshot}, "a disk is away")
	assert.Equal(t, true, a.get(t, "VolumeBalancerSnapshotDiskSets/s").object(t)["snapshot"])
	assert.Len(t, a.get(t, "VolumeBalancerVolumesStatus").list(t), len(a.get(t, "VolumesGetStatus").object(t)))
	for _, call := range []string{
		"VolumeRelocatorVolumeDisks/none", "VolumeRelocatorSnapshotDisks/none", "VolumeBalancerVolumeDiskSets/none",
		"VolumeBalancerSnapshotDiskSets/none", "VagList/999", "DiskGetInfo/1", "DiskDescribe/1", "DiskGetInfo/301",
	} {
		a.refused(t, "GET", call, "", "objectDoesNotExist")
	}
}

func TestASoftEjectShowsInTasksRelocatorAndStatus(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(testStart())
	s := Start(t, WithClock(v))
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", fmt.Sprintf(`{"name":"v","size":%d,"template":"ssd"}`, int64(12)<<40))
	a.post(t, "DiskSoftEject/101", "")
	status := func() fullStatus { return into[map[string]fullStatus](t, a.get(t, "VolumesGetStatus"))["v"] }
	assert.Equal(t, []task{{
		DiskID: 101, TransactionID: s.Cluster().Generation() - 1, AllObjects: 98304, DispatchedObjects: 98304,
	}}, into[[]task](t, a.get(t, "TasksList")))
	assert.Equal(t, relocatorStatus{Status: "on", VolumesToRelocate: 1}, into[relocatorStatus](t, a.get(t, "VolumeRelocatorStatus")))
	assert.True(t, status().Migrating)
	assert.Equal(t, []int{101}, status().SoftEjectingDrives)
	assert.Equal(t, "on", into[map[string]upDisk](t, a.get(t, "DisksList"))["101"].SoftEject)
	a.post(t, "VolumeBalancerStatus", `{"cmd":"start"}`)
	assert.True(t, into[balancerSets](t, a.get(t, "VolumeBalancerVolumeDiskSets/v")).Reallocated)
	v.Advance(2 * time.Second)
	assert.Equal(t, "ready", a.get(t, "VolumeBalancerStatus").text(t, "status"))
	assert.Empty(t, a.get(t, "TasksList").list(t))
	assert.False(t, status().Migrating)
	assert.Empty(t, status().SoftEjectingDrives)
	assert.True(t, into[map[string]upDisk](t, a.get(t, "DisksList"))["101"].Empty)
	a.post(t, "DiskSoftEjectCancel/101", "")
	assert.False(t, into[map[string]upDisk](t, a.get(t, "DisksList"))["101"].Empty)
	a.refused(t, "POST", "VolumeBalancerStatus", `{"cmd":"jump"}`, "invalidParam")
	a.post(t, "VolumeBalancerStatus", `{"cmd":"commit"}`)
	assert.Equal(t, string(cluster.BalancerCommitting), a.get(t, "VolumeBalancerStatus").text(t, "status"))
}

func TestADiskListsWhatItHolds(t *testing.T) {
	t.Parallel()
	_, a := eventful(t)
	found := false
	for id, d := range into[map[string]upDisk](t, a.get(t, "DisksList")) {
		described := into[diskDescription](t, a.get(t, "DiskDescribe/"+id))
		info := into[diskInfo](t, a.get(t, "DiskGetInfo/"+id))
		var ofObjects, ofVolumes, objects int64
		for _, o := range described.Objects {
			ofObjects += o.OnDiskSize
			found = found || o.Volume == "v" && o.ParentVolume != ""
		}
		for name, v := range info.VolumeInfos {
			ofVolumes += v.OnDiskSize
			objects += v.ObjectsCount
			assert.Equal(t, map[int]int64{objectOK: v.ObjectsCount}, v.ObjectStates, name)
		}
		assert.Equal(t, []int64{d.ObjectsOnDiskSize, d.ObjectsOnDiskSize, d.ObjectsAllocated}, []int64{ofObjects, ofVolumes, objects})
		assert.Equal(t, d.ObjectsAllocated, info.ObjectStates[objectOK])
	}
	assert.True(t, found, "v has data")
}

func TestAllocationGroupsAreListedAndChanged(t *testing.T) {
	t.Parallel()
	_, a := eventful(t)
	id := fmt.Sprint(a.get(t, "Volume/v").list(t)[0]["visibleVolumeId"])
	g := into[vag](t, a.get(t, "VagList/"+id))
	assert.Equal(t, []any{id, "hybrid", "hdd", "ssd", 3}, []any{strconv.FormatInt(g.Name, 10), g.TemplateName, g.PlaceAll, g.PlaceTail, g.Replication})
	a.post(t, "VagUpdate", `{"vagId":"`+id+`","targetsCount":4}`)
	g = into[vag](t, a.get(t, "VagList/"+id))
	assert.Len(t, g.TargetDiskSets, 4)
	a.post(t, "VolumeUpdateVag/clone", `{"vagId":"parent"}`)
	a.post(t, "SnapshotUpdateVag/s", `{"vagId":`+id+`}`)
	for _, body := range []string{`{}`, `{"vagId":0}`, `{"vagId":"own"}`, `{"vagId":-1}`, `{"vagId":1.5}`, `{"vagId":true}`} {
		a.refused(t, "POST", "VolumeUpdateVag/clone", body, "invalidParam")
	}
	a.refused(t, "POST", "VolumeUpdateVag/clone", `{"vagId":18446744073709551615}`, "objectDoesNotExist")
	a.refused(t, "POST", "VagUpdate", `{"vagId":"`+id+`","targetsCount":3}`, "invalidParam")
	a.refused(t, "GET", "VagList/0", "", "invalidParam")
	a.refused(t, "GET", "VagList/x", "", "invalidParam")
}

func TestFaultSetsAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	m := cluster.DefaultModel()
	m.FaultSets = []cluster.ModelFaultSet{{Name: "rack", Servers: []int{1, 2}}}
	a := inProcess(t, Start(t, WithModel(m)))
	assert.Equal(t, map[string]faultSet{"rack": {Name: "rack", Servers: []int{1, 2}}}, into[map[string]faultSet](t, a.get(t, "FaultSetsList")))
	assert.Empty(t, inProcess(t, Start(t)).get(t, "FaultSetsList").object(t))
}
