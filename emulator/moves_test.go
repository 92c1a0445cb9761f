package emulator

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

// seats lists what is attached in the multi-cluster as "cluster client rights name".
func seats(t *testing.T, a *api) (out []string) {
	t.Helper()
	for _, e := range a.get(t, "MultiCluster/AttachmentsList").list(t) {
		out = append(out, fmt.Sprint(e["clusterId"])+" "+fmt.Sprint(e["client"])+" "+fmt.Sprint(e["rights"])+" "+fmt.Sprint(e["volume"]))
	}
	return out
}

// home is the id of the cluster in which a volume lives.
func home(t *testing.T, a *api, volume string) any {
	t.Helper()
	return a.get(t, "MultiCluster/Volume/"+volume).list(t)[0]["clusterId"]
}

func TestAcquireMovesAVolumeWithItsContentsAndKeepsItsGlobalID(t *testing.T) {
	t.Parallel()
	f, one, two, vienna := zones(t)
	gid := two.post(t, "VolumeCreate", `{"name":"v","size":8192,"template":"ssd","tags":{"cs":"volume"},"iops":7}`).object(t)["globalId"].(string)
	f.Server("sofia2").WriteContent(t, "v", 4096, []byte("data"))
	two.post(t, "VolumeSnapshot/v", `{"name":"s"}`)
	one.refused(t, "POST", "VolumeAcquire/w", `{}`, "objectDoesNotExist")
	vienna.refused(t, "POST", "VolumeAcquire/~"+gid, `{}`, "objectDoesNotExist")
	r := one.post(t, "MultiCluster/VolumeAcquire/~"+gid, `{"onRemoteAttached":"detachForce"}`)
	assert.Equal(t, "sofi.a", r.ClusterID)
	v := one.get(t, "Volume/v").list(t)[0]
	assert.Equal(t, gid, v["globalId"])
	assert.Equal(t, "ssd", v["templateName"])
	assert.Equal(t, map[string]any{"cs": "volume"}, v["tags"])
	assert.Equal(t, "7", fmt.Sprint(v["iops"]))
	assert.Empty(t, v["parentName"])
	assert.Equal(t, "data", string(f.Server("sofia1").ReadContent(t, "v", 4096, 4)))
	two.refused(t, "GET", "Volume/~"+gid, "", "objectDoesNotExist")
	assert.Equal(t, "data", string(f.Server("sofia2").ReadContent(t, "s", 4096, 4)), "the snapshot stays, with what it holds")

	before := f.Server("sofia1").Cluster().Generation()
	one.post(t, "VolumeAcquire/v", `{}`)
	assert.Equal(t, before, f.Server("sofia1").Cluster().Generation(), "it is here already")

	two.post(t, "VolumeAcquire/v", ``)
	back := two.get(t, "Volume/~"+gid).list(t)[0]
	assert.Equal(t, gid, back["globalId"])
	two.post(t, "VolumeDelete/~"+gid, ``)
	one.refused(t, "GET", "MultiCluster/Volume/~"+gid, "", "objectDoesNotExist")
}

func TestAMovedVolumeNeedsAFreeName(t *testing.T) {
	t.Parallel()
	_, one, two, _ := zones(t)
	one.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	gid := two.post(t, "VolumeCreate", `{"name":"v","size":512}`).object(t)["globalId"].(string)
	one.refused(t, "POST", "VolumeAcquire/~"+gid, `{}`, "objectExists")
	two.refused(t, "POST", "VolumeMoveToRemote/v", `{"cluster":"sofia1"}`, "objectExists")
	one.refused(t, "POST", "MultiCluster/VolumesReassign", `[{"volume":"~`+gid+`","rw":[1]}]`, "objectExists")
	two.post(t, "VolumeUpdate/v", `{"rename":"w"}`)
	two.post(t, "VolumeMoveToRemote/w", `{"clusterId":"sofi.a"}`)
	assert.Equal(t, "sofi.a", home(t, two, "w"))
}

func TestMoveToRemoteNamesAnotherClusterOfTheMultiCluster(t *testing.T) {
	t.Parallel()
	f, one, _, _ := zones(t)
	one.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	for body, want := range map[string]string{
		`{}`: "invalidParam", `{"cluster":"sofia2","clusterId":"sofi.b"}`: "invalidParam", `{"cluster":"nobody"}`: "objectDoesNotExist",
		`{"cluster":"vienna1"}`: "invalidParam", `{"cluster":"sofia1"}`: "invalidParam", `{"clusterId":"x.y"}`: "objectDoesNotExist",
	} {
		one.refused(t, "POST", "VolumeMoveToRemote/v", body, want)
		one.refused(t, "POST", "VolumeExport/v", body, want)
	}
	f.Server("sofia2").Cluster().Isolate(true)
	one.refused(t, "POST", "VolumeMoveToRemote/v", `{"cluster":"sofia2"}`, "clusterUnreachable")
}

func TestAMovedSnapshotLeavesItsChildrenWithWhatTheyShow(t *testing.T) {
	t.Parallel()
	f, one, two, _ := zones(t)
	s := f.Server("sofia1")
	one.post(t, "VolumeCreate", `{"name":"v","size":4096}`)
	s.WriteContent(t, "v", 0, []byte("old"))
	one.post(t, "VolumeSnapshot/v", `{"name":"lower"}`)
	s.WriteContent(t, "v", 3, []byte("mid"))
	one.post(t, "VolumeSnapshot/v", `{"name":"upper"}`)
	one.post(t, "SnapshotMoveToRemote/upper", `{"cluster":"sofia2"}`)
	assert.Equal(t, "lower", one.get(t, "Volume/v").list(t)[0]["parentName"])
	assert.Equal(t, "oldmid", string(s.ReadContent(t, "v", 0, 6)))
	assert.Equal(t, "oldmid", string(f.Server("sofia2").ReadContent(t, "upper", 0, 6)))
	assert.Empty(t, two.get(t, "Snapshot/upper").list(t)[0]["parentName"])
	r := one.post(t, "MultiCluster/VolumeCreate", `{"name":"clone","parent":"upper"}`)
	assert.Equal(t, "sofi.b", r.ClusterID)
	one.post(t, "MultiCluster/VolumeRevert/v", `{"toSnapshot":"upper"}`)
	assert.Empty(t, one.get(t, "Volume/v").list(t)[0]["parentName"])
	one.post(t, "MultiCluster/SnapshotDelete/upper", ``)
	assert.Equal(t, "oldmid", string(s.ReadContent(t, "v", 0, 6)))
}

func TestReassignMovesAVolumeThatIsNotAttachedElsewhere(t *testing.T) {
	t.Parallel()
	_, one, two, _ := zones(t)
	two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	one.refused(t, "POST", "VolumesReassign", `[{"volume":"v","rw":[1]}]`, "objectDoesNotExist")
	one.post(t, "MultiCluster/VolumesReassign", `[{"volume":"v","rw":[1]}]`)
	assert.Equal(t, "sofi.a", home(t, one, "v"))
	assert.Equal(t, []string{"sofi.a 1 rw v"}, seats(t, one))
}

func TestMcModeExportLeavesTheVolumeWhereItIs(t *testing.T) {
	t.Parallel()
	f, one, two, _ := zones(t)
	two.post(t, "VolumeCreate", `{"name":"v","size":4096}`)
	one.post(t, "MultiCluster/VolumesReassignWait", `{"reassign":[{"volume":"v","rw":[1],"mcMode":"export"}]}`)
	assert.Equal(t, "sofi.b", home(t, one, "v"))
	d, err := f.Server("sofia1").Host(1).Open("v")
	require.NoError(t, err)
	_, err = d.WriteAt([]byte("through"), 0)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	assert.Equal(t, "through", string(f.Server("sofia2").ReadContent(t, "v", 0, 7)))
	two.refused(t, "POST", "VolumeDelete/v", ``, "busy")
	one.post(t, "VolumesReassign", `[{"volume":"v","detach":[1]}]`)
	assert.Empty(t, seats(t, one))
}

func TestOnRemoteAttachedDecidesAboutAVolumeThatIsAttachedElsewhere(t *testing.T) {
	t.Parallel()
	type outcome struct {
		refusal string
		home    string
		seats   []string
	}
	for name, c := range map[string]struct {
		item string
		open bool
		want outcome
	}{
		"export by default":         {``, true, outcome{"", "sofi.b", []string{"sofi.a 1 rw v", "sofi.b 2 rw v"}}},
		"export":                    {`,"onRemoteAttached":"export"`, true, outcome{"", "sofi.b", []string{"sofi.a 1 rw v", "sofi.b 2 rw v"}}},
		"fail":                      {`,"onRemoteAttached":"fail"`, false, outcome{"busy", "sofi.b", []string{"sofi.b 2 rw v"}}},
		"fail, with mcMode export":  {`,"onRemoteAttached":"fail","mcMode":"export"`, false, outcome{"busy", "sofi.b", []string{"sofi.b 2 rw v"}}},
		"detach":                    {`,"onRemoteAttached":"detach"`, false, outcome{"", "sofi.a", []string{"sofi.a 1 rw v"}}},
		"detach an open one":        {`,"onRemoteAttached":"detach"`, true, outcome{"busy", "sofi.b", []string{"sofi.b 2 rw v"}}},
		"detach with force":         {`,"onRemoteAttached":"detachForce"`, true, outcome{"", "sofi.a", []string{"sofi.a 1 rw v"}}},
		"detach all":                {`,"detach":"all"`, false, outcome{"", "sofi.a", []string{"sofi.a 1 rw v"}}},
		"detach all of an open one": {`,"detach":"all"`, true, outcome{"busy", "sofi.b", []string{"sofi.b 2 rw v"}}},
		"detach and mcMode export":  {`,"onRemoteAttached":"detach","mcMode":"export"`, false, outcome{"", "sofi.b", []string{"sofi.a 1 rw v"}}},
		"mcMode move":               {`,"mcMode":"move"`, true, outcome{"", "sofi.b", []string{"sofi.a 1 rw v", "sofi.b 2 rw v"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, one, two, _ := zones(t)
			two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
			two.post(t, "VolumesReassign", `[{"volume":"v","rw":[2]}]`)
			if c.open {
				_, err := f.Server("sofia2").Host(2).Open("v")
				require.NoError(t, err)
			}
			body := `[{"volume":"v","rw":[1]` + c.item + `}]`
			if c.want.refusal != "" {
				one.refused(t, "POST", "MultiCluster/VolumesReassign", body, c.want.refusal)
			} else {
				one.post(t, "MultiCluster/VolumesReassign", body)
			}
			assert.Equal(t, c.want, outcome{c.want.refusal, home(t, one, "v").(string), seats(t, one)})
		})
	}
}

func TestDetachAllActsInAllClusters(t *testing.T) {
	t.Parallel()
	_, one, two, _ := zones(t)
	two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	two.post(t, "VolumesReassign", `[{"volume":"v","rw":[2]}]`)
	one.post(t, "MultiCluster/VolumesReassign", `[{"volume":"v","ro":[1,2]}]`)
	assert.Len(t, seats(t, one), 3)
	one.post(t, "MultiCluster/VolumesReassign", `[{"volume":"v","detach":[2]}]`)
	assert.Equal(t, []string{"sofi.a 1 ro v", "sofi.b 2 rw v"}, seats(t, one), "ids are those of the receiver")
	one.post(t, "MultiCluster/VolumesReassign", `[{"volume":"v","detach":"all","force":true}]`)
	assert.Empty(t, seats(t, one))
}

func TestAnExportedVolumeMayBeAttachedWithAllowRemoteExported(t *testing.T) {
	t.Parallel()
	_, one, two, _ := zones(t)
	two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	const attach = `[{"volume":"v","rw":[1],"allowRemoteExported":true}]`
	one.refused(t, "POST", "VolumesReassign", attach, "objectDoesNotExist")
	two.post(t, "VolumeExport/v", `{"cluster":"sofia1"}`)
	two.refused(t, "POST", "VolumeExport/v", `{"cluster":"sofia1"}`, "objectExists")
	one.refused(t, "POST", "VolumesReassign", `[{"volume":"v","rw":[1]}]`, "objectDoesNotExist")
	one.post(t, "VolumesReassign", attach)
	assert.Equal(t, "sofi.b", home(t, one, "v"))
	one.post(t, "VolumeAcquire/v", `{"onRemoteAttached":"export"}`)
	assert.Equal(t, "sofi.a", home(t, one, "v"))
	assert.Equal(t, []string{"sofi.a 1 rw v"}, seats(t, one))
}

func TestASnapshotOfAnotherClusterIsAttachedWhereItIs(t *testing.T) {
	t.Parallel()
	f, one, two, _ := zones(t)
	two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	two.post(t, "VolumeSnapshot/v", `{"name":"s"}`)
	one.post(t, "MultiCluster/VolumesReassign", `[{"snapshot":"s","rw":[3],"onRemoteAttached":"export"}]`)
	assert.Equal(t, []string{"sofi.a 3 ro s"}, seats(t, two))
	_, err := f.Server("sofia1").Host(3).Open("s")
	require.NoError(t, err)
	two.refused(t, "POST", "SnapshotDelete/s", ``, "busy")
	two.refused(t, "POST", "SnapshotMoveToRemote/s", `{"cluster":"sofia1"}`, "busy")
	two.refused(t, "POST", "SnapshotMoveToRemote/s", `{"cluster":"sofia1","onAttached":"detach"}`, "busy")
	two.post(t, "SnapshotMoveToRemote/s", `{"cluster":"sofia1","onAttached":"export"}`)
	assert.Equal(t, []string{"sofi.a 3 ro s"}, seats(t, two))
	one.post(t, "SnapshotUpdate/s", `{"rename":"t"}`)
	one.post(t, "VolumesReassign", `[{"snapshot":"t","detach":"all","force":true}]`)
	one.post(t, "SnapshotDelete/t", ``)
}

func TestAGroupSnapshotSpansTheMultiCluster(t *testing.T) {
	t.Parallel()
	_, one, two, _ := zones(t)
	one.post(t, "VolumeCreate", `{"name":"a","size":512}`)
	two.post(t, "VolumeCreate", `{"name":"b","size":512}`)
	one.refused(t, "POST", "VolumesGroupSnapshot", `{"volumes":[{"volume":"a"},{"volume":"b"}]}`, "objectDoesNotExist")
	one.post(t, "MultiCluster/VolumesGroupSnapshot", `{"volumes":[{"volume":"a","name":"sa"},{"volume":"b","name":"sb"}]}`)
	one.get(t, "Snapshot/sa")
	two.get(t, "Snapshot/sb")
	one.refused(t, "GET", "Snapshot/sb", "", "objectDoesNotExist")
}

func TestAVolumeIsFoundWhileAnotherSubClusterIsCutOff(t *testing.T) {
	t.Parallel()
	f, one, _, _ := zones(t)
	f.Server("sofia2").Cluster().Isolate(true)
	one.post(t, "MultiCluster/VolumeCreate", `{"name":"v","size":512}`)
	one.post(t, "MultiCluster/VolumesReassign", `[{"volume":"v","rw":[1]}]`)
	assert.Nil(t, f.Server("sofia2").Cluster().Find("v"))
	assert.Equal(t, f.Server("sofia1").Cluster(), f.Server("sofia1").Cluster().Find("v"))
	var c *cluster.Cluster
	assert.Equal(t, c, f.Server("sofia1").Cluster().Find("w"))
}
