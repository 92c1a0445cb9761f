package emulator

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// What clients do with two locations (storpool-api 10, 15), over a socket of each.

// copyRoute is two locations whose clusters reach each other.
type copyRoute struct {
	here, there     *api
	hereID, thereID string
	clock           *clock.Virtual
}

// copyRouteOf starts both; a copy between them takes a minute.
func copyRouteOf(t *testing.T, wire func(testing.TB, *Server) *api) *copyRoute {
	t.Helper()
	p := &copyRoute{hereID: "sofi.a", thereID: "vien.a", clock: clock.NewVirtual(testStart())}
	f := StartFederation(t, []Member{
		{ID: p.hereID, Name: "sofia1", Location: "sofia"},
		{ID: p.thereID, Name: "vienna1", Location: "vienna"},
	}, WithClock(p.clock), WithBehaviour(cluster.Behaviour{RemoteCopy: time.Minute}))
	p.here, p.there = wire(t, f.Server(p.hereID)), wire(t, f.Server(p.thereID))
	return p
}

// source makes a volume with a snapshot and returns the global id of the snapshot.
func (p *copyRoute) source(t *testing.T, data []byte) (gid string) {
	t.Helper()
	v := p.here.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":1048576,"template":"ssd","tags":{"cs":"volume"}}`).text(t, "name")
	p.here.server.WriteContent(t, cref(v), 0, data)
	return p.here.post(t, "MultiCluster/VolumeSnapshot/"+v, `{"name":"","tags":{"cs":"snapshot","uuid":"s1"}}`).text(t, "snapshotGlobalId")
}

// remote is what other locations export to a, by global id.
func remote(t *testing.T, a *api) map[string]map[string]any {
	t.Helper()
	list, ok := a.get(t, "SnapshotsRemoteList").object(t)["snapshots"].([]any)
	require.True(t, ok)
	out := map[string]map[string]any{}
	for _, e := range list {
		entry, ok := e.(map[string]any)
		require.True(t, ok)
		out[fmt.Sprint(entry["remoteId"])] = entry
	}
	return out
}

func TestCloudStackCopiesATemplateToAnotherZone(t *testing.T) {
	t.Parallel()
	p := copyRouteOf(t, asCloudStack)
	data := bytes.Repeat([]byte("template"), 1024)
	gid := p.source(t, data)
	p.here.post(t, "SnapshotExport", `{"snapshot":"~`+gid+`","location":"vienna"}`)
	exports, ok := p.here.get(t, "ExportsList").object(t)["exports"].([]any)
	require.True(t, ok)
	require.Len(t, exports, 1)
	entry, ok := exports[0].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, "vienna", entry["location"])
	assert.Equal(t, gid, entry["globalId"])
	offer := remote(t, p.there)[gid]
	require.NotNil(t, offer, "the other side sees what it may copy")
	assert.Equal(t, "sofia", offer["location"])
	assert.Equal(t, map[string]any{"cs": "snapshot", "uuid": "s1"}, offer["tags"])

	p.there.post(t, "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia","template":"hdd","tags":{"cs":"template"}}`)
	p.there.post(t, "SnapshotReconcile/~"+gid, "")
	p.there.refused(t, "POST", "SnapshotReconcile/~sofi.a.zzz", "", "objectDoesNotExist")
	copied := named(t, p.there.get(t, "MultiCluster/SnapshotsList").list(t), "~"+gid)
	assert.Equal(t, true, copied["recoveringFromRemote"])
	assert.Equal(t, "hdd", copied["templateName"])
	exported := p.here.do(t, "POST", "MultiCluster/SnapshotDelete/~"+gid, "")
	require.NotNil(t, exported.Error)
	assert.Contains(t, exported.Error.Descr, "still exported", "the words that CloudStack looks for")

	p.clock.Advance(time.Minute)
	copied = named(t, p.there.get(t, "MultiCluster/SnapshotsList").list(t), "~"+gid)
	assert.Equal(t, false, copied["recoveringFromRemote"])
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"~`+gid+`","force":true,"all":true}`)
	p.here.post(t, "MultiCluster/SnapshotDelete/~"+gid, "")
	clone := p.there.post(t, "MultiCluster/VolumeCreate", `{"name":"","size":2097152,"template":"ssd","parent":"~`+gid+`"}`).text(t, "name")
	assert.Equal(t, data, p.there.server.ReadContent(t, cref(clone), 0, len(data)), "the copy stands by itself")
}

func TestCloudStackDRRevertsAVolumeToACopyThatIsStillArriving(t *testing.T) {
	t.Parallel()
	p := copyRouteOf(t, asPython)
	data := bytes.Repeat([]byte("disaster"), 1024)
	gid := p.source(t, data)
	p.here.post(t, "SnapshotExport", `{"snapshot":"~`+gid+`","location":"vienna"}`)
	from := `{"remoteId":"` + gid + `","remoteLocation":"sofia"}`
	p.there.post(t, "SnapshotFromRemote", from)
	p.there.refused(t, "POST", "SnapshotFromRemote", from, "objectExists")
	assert.Equal(t, "1048576", fmt.Sprint(p.there.get(t, "SnapshotDescribe/~"+gid).object(t)["size"]))

	clone := "~" + p.there.post(t, "VolumeCreate", `{"parent":"~`+gid+`","tags":{"cs":"volume","vc_policy":"daily"}}`).text(t, "globalId")
	v := "~" + p.there.post(t, "VolumeCreate", `{"size":2097152,"template":"hdd","tags":{"cs":"volume"}}`).text(t, "globalId")
	p.there.post(t, "VolumesReassignWait", `{"reassign":[{"volume":"`+v+`","detach":"all"},{"volume":"`+clone+`","detach":"all"}]}`)
	p.there.post(t, "VolumeRevert/"+v, `{"toSnapshot":"~`+gid+`"}`)
	p.there.post(t, "SnapshotDelete/~"+gid, "")
	p.there.refused(t, "GET", "Snapshot/~"+gid, "", "objectDoesNotExist")
	for _, ref := range []string{v, clone} {
		assert.Equal(t, data, p.there.server.ReadContent(t, cref(ref), 0, len(data)))
	}
	assert.Equal(t, "2097152", fmt.Sprint(p.there.get(t, "Volume/"+v).list(t)[0]["size"]), "the size of the volume stays")
	p.clock.Advance(time.Minute)
	assert.Equal(t, data, p.there.server.ReadContent(t, cref(v), 0, len(data)))
}

func TestSptestBacksUpAndRestores(t *testing.T) {
	t.Parallel()
	p := copyRouteOf(t, asPython)
	p.here.post(t, "VolumeCreate", `{"name":"sptest","size":1048576,"template":"ssd"}`)
	data := bytes.Repeat([]byte("sptest--"), 512)
	p.here.server.WriteContent(t, "sptest", 0, data)
	require.NotEmpty(t, p.here.get(t, "LocationsList").object(t)["locations"], "sptest skips this phase without locations")
	id := p.here.post(t, "VolumeBackup", `{"volume":"sptest","location":"vienna","tags":{"sptest":"1"}}`).text(t, "remoteId")
	p.clock.Advance(time.Minute)
	entry := remote(t, p.here)[id]
	require.NotNil(t, entry)
	assert.Equal(t, "sptest", entry["name"], "sptest looks for the name of the volume")
	assert.Equal(t, "vienna", entry["location"])
	backup := named(t, p.there.get(t, "SnapshotsList").list(t), fmt.Sprint(p.there.get(t, "Snapshot/~"+id).list(t)[0]["name"]))
	assert.Equal(t, true, backup["backup"])

	p.here.post(t, "SnapshotFromRemote", `{"remoteId":"`+id+`","remoteLocation":"vienna","name":"restored","template":"hdd"}`)
	p.here.server.WriteContent(t, "sptest", 0, bytes.Repeat([]byte("changed-"), 512))
	p.clock.Advance(time.Minute)
	assert.Equal(t, false, p.here.get(t, "Snapshot/restored").list(t)[0]["recoveringFromRemote"])
	assert.Equal(t, data, p.here.server.ReadContent(t, "restored", 0, len(data)))
	p.here.post(t, "SnapshotsRemoteUnexport", `{"remoteSnapshots":[{"location":"vienna","globalSnapshotId":"`+id+`"}]}`)
	assert.NotContains(t, remote(t, p.here), id)
}

func TestOneMiscToolsMigrateAGroup(t *testing.T) {
	t.Parallel()
	p := copyRouteOf(t, asPython)
	volumes := []string{"one-img-1", "one-img-2"}
	for _, v := range volumes {
		p.here.post(t, "VolumeCreate", `{"name":"`+v+`","size":1048576,"template":"hybrid"}`)
		p.here.server.WriteContent(t, cref(v), 0, []byte(v))
	}
	r := p.here.post(t, "VolumesGroupBackup", `{"location":"vienna","volumes":["one-img-1","one-img-2"],"tags":{"nloc":"7"}}`)
	backups, ok := r.object(t)["backups"].(map[string]any)
	require.True(t, ok)
	p.clock.Advance(time.Minute)
	for _, v := range volumes {
		made, ok := backups[v].(map[string]any)
		require.True(t, ok)
		gid := fmt.Sprint(made["remoteId"])
		var copied map[string]any
		for _, s := range p.there.get(t, "SnapshotsList").list(t) {
			if s["globalId"] == gid {
				copied = s
			}
		}
		require.NotNil(t, copied, "the tool polls the list of the target for %s", gid)
		assert.Equal(t, false, copied["recoveringFromRemote"])
		p.there.post(t, "VolumeCreate", `{"name":"`+v+`","parent":"~`+gid+`"}`)
		assert.Equal(t, []byte(v), p.there.server.ReadContent(t, cref(v), 0, len(v)))
	}
}
