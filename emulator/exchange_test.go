package emulator

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/blocks"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// pair are two zones whose copies take a minute, with a volume of four pages in the first.
type pair struct {
	*testing.T
	f          *Federation
	here, away *api
	clock      *clock.Virtual
}

func newPair(t *testing.T, copying time.Duration) *pair {
	t.Helper()
	k := clock.NewVirtual(testStart())
	f := StartFederation(t, []Member{
		{ID: "sofi.a", Name: "sofia1", Location: "sofia"}, {ID: "vien.a", Name: "vienna1", Location: "vienna"},
	}, WithClock(k), WithBehaviour(cluster.Behaviour{RemoteCopy: copying}))
	p := &pair{t, f, inProcess(t, f.Server("sofia1")), inProcess(t, f.Server("vienna1")), k}
	p.here.post(t, "VolumeCreate", `{"name":"v","size":65536,"template":"ssd","tags":{"cs":"volume"}}`)
	for i := range 4 {
		f.Server("sofia1").WriteContent(t, "v", int64(i)*4096, bytes.Repeat([]byte{byte('a' + i)}, 4096))
	}
	return p
}

// snapshot takes a snapshot of the volume and returns its global id.
func (p *pair) snapshot(body string) string {
	p.Helper()
	return p.here.post(p, "VolumeSnapshot/v", body).object(p)["snapshotGlobalId"].(string)
}

// fetched exports a snapshot and starts its copy.
func (p *pair) fetched() string {
	p.Helper()
	gid := p.snapshot(`{"name":"s"}`)
	p.here.post(p, "SnapshotExport", `{"snapshot":"~`+gid+`","location":"vienna"}`)
	p.away.post(p, "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia","template":"ssd","name":"","tags":{"cs":"snapshot"}}`)
	return gid
}

func (p *pair) get(a *api, query string) map[string]any {
	p.Helper()
	return a.get(p, query).list(p)[0]
}

func (p *pair) exports() (out []string) {
	p.Helper()
	for _, e := range p.here.get(p, "ExportsList").object(p)["exports"].([]any) {
		x := e.(map[string]any)
		out = append(out, fmt.Sprint(x["snapshot"], " to ", x["location"], " ", x["backingUp"]))
	}
	return out
}

func (p *pair) offers(a *api) (out []map[string]any) {
	p.Helper()
	for _, e := range a.get(p, "SnapshotsRemoteList").object(p)["snapshots"].([]any) {
		out = append(out, e.(map[string]any))
	}
	return out
}

func TestAnExportedSnapshotShowsOnBothSides(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	gid := p.snapshot(`{"tags":{"cs":"snapshot"}}`)
	for body, want := range map[string]string{
		`{"snapshot":"~` + gid + `","location":"sofia"}`:    "invalidParam",
		`{"snapshot":"~` + gid + `","location":"nowhere"}`:  "objectDoesNotExist",
		`{"snapshot":"~sofi.a.zz","location":"vienna"}`:     "objectDoesNotExist",
		`{"snapshot":"~` + gid + `"}`:                       "invalidParam",
		`{"snapshot":"~` + gid + `","location":"bad name"}`: "invalidParam",
	} {
		p.here.refused(t, "POST", "SnapshotExport", body, want)
	}
	p.here.post(t, "SnapshotExport", `{"snapshot":"~`+gid+`","location":"vienna"}`)
	p.here.refused(t, "POST", "SnapshotExport", `{"snapshot":"~`+gid+`","location":"vienna"}`, "objectExists")
	snap := p.get(p.here, "Snapshot/~"+gid)
	assert.Equal(t, []string{fmt.Sprint(snap["name"], " to vienna false")}, p.exports())
	assert.Equal(t, "clusterLocalExported", snap["mcState"])
	offer := p.offers(p.away)[0]
	assert.Equal(t, []any{"~" + gid, "sofia", gid, "65536", map[string]any{"cs": "snapshot"}, nil, nil, fmt.Sprint(snap["createdFromGlobalId"])},
		[]any{
			offer["name"], offer["location"], offer["remoteId"], fmt.Sprint(offer["size"]), offer["tags"], offer["localSnapshot"], offer["onVolume"],
			fmt.Sprint(offer["createdFromGlobalId"]),
		})
	assert.Empty(t, p.offers(p.here))
}

func TestASnapshotIsNotDeletedWhileItIsExported(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	gid := p.snapshot(`{"name":"s","deleteAfter":60}`)
	p.here.post(t, "SnapshotExport", `{"snapshot":"s","location":"vienna"}`)
	r := p.here.refused(t, "POST", "SnapshotDelete/~"+gid, ``, "busy")
	assert.Contains(t, r.Error.Descr, "still exported")
	p.clock.Advance(2 * time.Minute)
	p.get(p.here, "Snapshot/s")
	for body, want := range map[string]string{
		`{"snapshot":"s"}`:                             "invalidParam",
		`{"snapshot":"s","location":"remote"}`:         "objectDoesNotExist",
		`{"snapshot":"s","location":"nowhere"}`:        "objectDoesNotExist",
		`{"snapshot":"other","all":true,"force":true}`: "objectDoesNotExist",
	} {
		p.here.refused(t, "POST", "SnapshotUnexport", body, want)
	}
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"s","force":true,"all":true}`)
	assert.Empty(t, p.exports())
	p.here.refused(t, "GET", "Snapshot/s", "", "objectDoesNotExist")

	again := p.snapshot(`{}`)
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"~`+again+`","force":true,"all":true}`)
}

func TestACopyKeepsTheGlobalIDAndIsUsableWhileItRecovers(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	gid := p.fetched()
	c := p.get(p.away, "Snapshot/~"+gid)
	assert.Equal(t, []any{"~" + gid, gid, true, "ssd", "slaveCopy", "-", map[string]any{"cs": "snapshot"}},
		[]any{c["name"], c["globalId"], c["recoveringFromRemote"], c["templateName"], c["mcState"], c["onVolume"], c["tags"]})
	p.away.refused(t, "POST", "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia"}`, "objectExists")
	assert.Equal(t, "~"+gid, p.offers(p.away)[0]["localSnapshot"])
	there := p.f.Server("vienna1")
	assert.Equal(t, "d", string(there.ReadContent(t, cluster.Ref("~"+gid), 4*4096-1, 1)), "what has not arrived is read through")
	p.away.post(t, "VolumeCreate", `{"name":"clone","parent":"~`+gid+`"}`)
	p.away.post(t, "SnapshotReconcile/~"+gid, ``)
	p.away.refused(t, "POST", "SnapshotReconcile/~sofi.a.zz", ``, "objectDoesNotExist")
	assert.Equal(t, "clusterLocal", p.get(p.away, "Snapshot/~"+gid)["mcState"])

	p.clock.Advance(time.Minute - 1)
	assert.Equal(t, true, p.get(p.away, "Snapshot/~"+gid)["recoveringFromRemote"])
	assert.Equal(t, "1", fmt.Sprint(p.away.get(t, "VolumeRelocatorStatus").object(t)["recoveringFromRemote"]))
	p.here.refused(t, "POST", "SnapshotUnexport", `{"snapshot":"s","location":"vienna"}`, "invalidParam")
	p.clock.Advance(1)
	assert.Equal(t, false, p.get(p.away, "Snapshot/~"+gid)["recoveringFromRemote"])
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"s","location":"vienna"}`)
	p.here.post(t, "SnapshotDelete/s", ``)
	assert.Equal(t, "d", string(there.ReadContent(t, cluster.Ref("~"+gid), 4*4096-1, 1)))
	assert.Equal(t, "a", string(there.ReadContent(t, "clone", 0, 1)))
}

func TestACopyBreaksWhenItsExportIsWithdrawnByForce(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	gid := p.fetched()
	there := p.f.Server("vienna1")
	p.away.post(t, "VolumeCreate", `{"name":"clone","parent":"~`+gid+`"}`)
	p.clock.Advance(30 * time.Second)
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"s","force":true,"all":true}`)
	for _, ref := range []cluster.Ref{cluster.Ref("~" + gid), "clone"} {
		assert.Equal(t, "ab", string(append(there.ReadContent(t, ref, 0, 1), there.ReadContent(t, ref, 4096, 1)...)), "this had arrived")
		assert.ErrorIs(t, there.Cluster().ReadContent(ref, 2*4096, make([]byte, 1)), blocks.ErrLost)
	}
	p.clock.Advance(time.Hour)
	assert.Equal(t, true, p.get(p.away, "Snapshot/~"+gid)["recoveringFromRemote"], "it never completes")
	states := p.away.get(t, "VolumesGetStatus").object(t)
	assert.Equal(t, "data lost", states["clone"].(map[string]any)["status"])
	p.here.post(t, "SnapshotDelete/s", ``)
	assert.Equal(t, "d", string(p.f.Server("sofia1").ReadContent(t, "v", 4*4096-1, 1)))
	p.away.post(t, "SnapshotDelete/~"+gid, ``)
	assert.ErrorIs(t, there.Cluster().ReadContent("clone", 2*4096, make([]byte, 1)), blocks.ErrLost)
}

func TestACopyOfACopyBreaksWithIt(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	gid := p.snapshot(`{"name":"s"}`)
	p.here.post(t, "SnapshotExport", `{"snapshot":"s","location":"vienna"}`)
	p.away.post(t, "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia","export":true}`)
	assert.Equal(t, "clusterLocalExported", p.get(p.here, "Snapshot/s")["mcState"])
	p.away.post(t, "VolumeCreate", `{"name":"clone","parent":"~`+gid+`"}`)
	second := p.away.post(t, "VolumeSnapshot/clone", `{}`).object(t)["snapshotGlobalId"].(string)
	p.away.post(t, "SnapshotExport", `{"snapshot":"~`+second+`","location":"sofia"}`)
	p.here.post(t, "SnapshotFromRemote", `{"remoteId":"`+second+`","remoteLocation":"vienna"}`)
	p.clock.Advance(90 * time.Second)
	assert.Equal(t, true, p.get(p.here, "Snapshot/~"+second)["recoveringFromRemote"], "not before what it is made of")
	p.clock.Advance(30 * time.Second)
	assert.Equal(t, false, p.get(p.here, "Snapshot/~"+second)["recoveringFromRemote"])

	q := newPair(t, time.Minute)
	gid = q.fetched()
	q.away.post(t, "SnapshotExport", `{"snapshot":"~`+gid+`","location":"remote"}`)
	remote, err := q.f.Server("vienna1").Cluster().Remote("remote")
	require.NoError(t, err)
	require.NoError(t, remote.SnapshotFromRemote(cluster.RemoteSpec{GlobalID: gid, Location: "vienna"}))
	q.here.post(t, "SnapshotUnexport", `{"snapshot":"s","force":true,"all":true}`)
	assert.ErrorIs(t, remote.ReadContent(cluster.Ref("~"+gid), 0, make([]byte, 1)), blocks.ErrLost)
}

func TestDeletingARecoveringCopyWaitsForWhatItsChildrenNeed(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	gid := p.fetched()
	p.away.post(t, "VolumeCreate", `{"name":"clone","parent":"~`+gid+`"}`)
	p.away.refused(t, "POST", "VolumeRebase/clone", `{}`, "busy")
	p.away.post(t, "SnapshotDelete/~"+gid, ``)
	p.away.refused(t, "GET", "Snapshot/~"+gid, "", "objectDoesNotExist")
	assert.Equal(t, "recovering from remote", p.get(p.away, "SnapshotsList")["deleteBlocked"])
	p.away.refused(t, "POST", "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia"}`, "objectExists")
	p.clock.Advance(time.Minute)
	assert.Empty(t, p.away.get(t, "SnapshotsList").list(t))
	assert.Equal(t, "d", string(p.f.Server("vienna1").ReadContent(t, "clone", 4*4096-1, 1)))

	p.away.post(t, "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia"}`)
	p.away.post(t, "SnapshotDelete/~"+gid, ``)
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"s","location":"vienna"}`)
}

func TestFromRemoteRefusesWhatIsNotOfferedAndBadPlaces(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	gid := p.snapshot(`{"name":"s"}`)
	ask := func(more string) string {
		return `{"remoteId":"` + gid + `","name":"w","remoteLocation":"sofia"` + more + `}`
	}
	for _, call := range []string{"SnapshotFromRemote", "VolumeFromRemote"} {
		p.away.refused(t, "POST", call, ask(``), "objectDoesNotExist")
	}
	p.here.post(t, "SnapshotExport", `{"snapshot":"s","location":"vienna"}`)
	p.away.post(t, "VolumeCreate", `{"name":"taken","size":512}`)
	for body, want := range map[string]string{
		`{"remoteId":"` + gid + `","name":"w","remoteLocation":"nowhere"}`:   "objectDoesNotExist",
		`{"remoteId":"` + gid + `","name":"w","remoteLocation":"vienna"}`:    "invalidParam",
		`{"remoteId":"nonsense","name":"w","remoteLocation":"sofia"}`:        "invalidParam",
		`{"remoteId":"` + gid + `","name":"taken","remoteLocation":"sofia"}`: "objectExists",
		`{"remoteId":"` + gid + `","name":"bad @","remoteLocation":"sofia"}`: "invalidParam",
		ask(`,"template":"none"`): "objectDoesNotExist", ask(`,"placeAll":"none"`): "objectDoesNotExist",
		ask(`,"replication":4`): "invalidParam", ask(`,"tags":{"a b":"c"}`): "invalidParam",
	} {
		p.away.refused(t, "POST", "SnapshotFromRemote", body, want)
		p.away.refused(t, "POST", "VolumeFromRemote", body, want)
	}
	p.f.Server("sofia1").Cluster().Isolate(true)
	p.away.refused(t, "POST", "SnapshotFromRemote", ask(``), "clusterUnreachable")
}

func TestVolumeFromRemoteEndsInAVolume(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	gid := p.snapshot(`{"name":"s"}`)
	p.here.post(t, "SnapshotExport", `{"snapshot":"s","location":"vienna"}`)
	p.away.post(t, "VolumeFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia","name":"w","replication":2,"tags":{"a":"b"}}`)
	there := p.f.Server("vienna1")
	assert.Equal(t, "c", string(there.ReadContent(t, "w", 2*4096, 1)))
	assert.Equal(t, true, p.get(p.away, "Snapshot/~"+gid)["transient"])
	p.away.refused(t, "POST", "VolumeFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia","name":"x"}`, "objectExists")
	p.clock.Advance(time.Minute)
	assert.Empty(t, p.away.get(t, "SnapshotsList").list(t))
	w := p.get(p.away, "Volume/w")
	assert.Equal(t, []any{"2", map[string]any{"a": "b"}, ""}, []any{fmt.Sprint(w["replication"]), w["tags"], w["parentName"]})
	assert.NotEqual(t, gid, w["globalId"])
	assert.Equal(t, "c", string(there.ReadContent(t, "w", 2*4096, 1)))

	p.away.post(t, "VolumeFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"sofia","name":"y"}`)
	p.away.post(t, "VolumeDelete/y", ``)
	assert.Empty(t, p.away.get(t, "SnapshotsList").list(t), "with the volume its copy is given up")
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"s","location":"vienna"}`)
}

func TestABackupGoesToTheLocationAndComesBack(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	v := p.get(p.here, "Volume/v")["globalId"]
	p.here.refused(t, "POST", "VolumeBackup", `{"volume":"v","location":"nowhere"}`, "objectDoesNotExist")
	p.here.refused(t, "POST", "VolumeBackup", `{"volume":"none","location":"vienna"}`, "objectDoesNotExist")
	gid := p.here.post(t, "VolumeBackup", `{"volume":"v","location":"vienna","tags":{"a":"b"}}`).object(t)["remoteId"].(string)
	assert.Equal(t, []string{"v@" + fmt.Sprint(p.get(p.here, "Snapshot/~"+gid)["visibleVolumeId"]) + " to vienna true"}, p.exports())
	c := p.get(p.away, "Snapshot/~"+gid)
	assert.Equal(t, []any{true, true, v, map[string]any{"a": "b"}}, []any{c["recoveringFromRemote"], c["backup"], c["backupOfGlobalId"], c["tags"]})
	assert.Empty(t, p.offers(p.here), "it is not complete")
	p.clock.Advance(time.Minute)
	assert.Empty(t, p.exports())
	p.here.refused(t, "GET", "Snapshot/~"+gid, "", "objectDoesNotExist")
	assert.Empty(t, p.get(p.here, "Volume/v")["parentName"])
	offer := p.offers(p.here)[0]
	assert.Equal(t, []any{"v", "vienna", gid, "v"}, []any{offer["name"], offer["location"], offer["remoteId"], offer["onVolume"]})

	p.here.post(t, "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"vienna"}`)
	p.clock.Advance(time.Minute)
	back := p.get(p.here, "Snapshot/~"+gid)
	assert.Equal(t, []any{"v", false}, []any{back["onVolume"], back["recoveringFromRemote"]})
	assert.Equal(t, "b", string(p.f.Server("sofia1").ReadContent(t, cluster.Ref("~"+gid), 4096, 1)))
}

func TestABackupInterruptedByForceLeavesNothingHere(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	gid := p.here.post(t, "VolumeBackup", `{"volume":"v","location":"vienna"}`).object(t)["remoteId"].(string)
	p.here.refused(t, "POST", "SnapshotUnexport", `{"snapshot":"~`+gid+`","all":true}`, "invalidParam")
	p.here.post(t, "SnapshotUnexport", `{"snapshot":"~`+gid+`","all":true,"force":true}`)
	assert.Empty(t, p.here.get(t, "SnapshotsList").list(t))
	assert.Equal(t, true, p.get(p.away, "Snapshot/~"+gid)["recoveringFromRemote"])
	assert.Equal(t, "1", fmt.Sprint(p.away.get(t, "VolumeRelocatorStatus").object(t)["recoveringFromRemote"]))
	assert.Empty(t, p.offers(p.here))
}

func TestAGroupBackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	w := p.here.post(t, "VolumeCreate", `{"size":512}`).object(t)["name"].(string)
	p.here.refused(t, "POST", "VolumesGroupBackup", `{"volumes":["v","v"],"location":"vienna"}`, "invalidParam")
	p.here.refused(t, "POST", "VolumesGroupBackup", `{"volumes":["v","none"],"location":"vienna"}`, "objectDoesNotExist")
	assert.Empty(t, p.here.get(t, "SnapshotsList").list(t))
	backups := p.here.post(t, "VolumesGroupBackup", `{"volumes":["v","`+w+`"],"location":"vienna"}`).object(t)["backups"].(map[string]any)
	require.Len(t, backups, 2)
	assert.Len(t, p.offers(p.here), 2)
	for _, name := range []string{"v", w[1:]} {
		b := backups[name].(map[string]any)
		assert.Equal(t, b["remoteId"], b["snapshotGlobalId"])
		assert.Equal(t, false, p.get(p.away, "Snapshot/~"+b["remoteId"].(string))["recoveringFromRemote"])
	}
}

func TestTheDefaultClusterHasARemoteLocationThatBehavesAsOne(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":4096}`)
	s.WriteContent(t, "v", 0, []byte("kept"))
	gid := a.post(t, "VolumeBackup", `{"volume":"v","location":"remote"}`).object(t)["remoteId"].(string)
	a.post(t, "VolumeDelete/v", ``)
	a.post(t, "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"remote","name":"back"}`)
	assert.Equal(t, "kept", string(s.ReadContent(t, "back", 0, 4)))
	assert.Len(t, a.get(t, "ClustersList").object(t)["clusters"], 1, "the stand-in does not show")
	a.refused(t, "GET", "RemoteCommand/~rmte.a/VolumesList", "", "objectDoesNotExist")

	a.post(t, "LocationAdd", `{"id":"lab","name":"lab"}`)
	a.post(t, "SnapshotExport", `{"snapshot":"back","location":"lab"}`)
	lab, err := s.Cluster().Remote("lab")
	require.NoError(t, err)
	assert.Equal(t, gid, lab.RemoteSnapshots()[0].GlobalID)
}

func TestADeferredDeletionOverThereNeedsAGrant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		grant    int64
		schedule string
		want     int64 // seconds from now, 0 for none
	}{
		{0, `,"deleteAfter":3600`, 0},
		{60, ``, 0},
		{60, `,"deleteAfter":0`, 0},
		{60, `,"deleteAfter":3600`, 3600},
		{60, `,"deleteAfter":10`, 60},
		{60, `,"targetDeleteDate":1700000001`, 60},
	} {
		model := cluster.DefaultModel()
		model.Locations[0].MinimumDeleteDelay = c.grant
		s := Start(t, WithModel(model))
		a := inProcess(t, s)
		a.post(t, "VolumeCreate", `{"name":"v","size":4096}`)
		gid := a.post(t, "VolumeBackup", `{"volume":"v","location":"remote"}`).object(t)["remoteId"].(string)
		item := `{"remoteSnapshots":[{"location":"remote","globalSnapshotId":"` + gid + `"` + c.schedule + `}]}`
		a.post(t, "SnapshotsRemoteUnexport", item)
		a.refused(t, "POST", "SnapshotsRemoteUnexport", item, "objectDoesNotExist")
		remote, err := s.Cluster().Remote("remote")
		require.NoError(t, err)
		left, err := remote.Snapshot(cluster.Ref("~" + gid))
		require.NoError(t, err)
		want := c.want
		if want != 0 {
			want += testStart().Unix()
		}
		assert.Equal(t, want, left.Snap.TargetDeleteDate, "%+v", c)
	}
}

func TestABridgeGrantsDeferredDeletions(t *testing.T) {
	t.Parallel()
	p := newPair(t, time.Minute)
	gid := p.fetched()
	p.here.post(t, "RemoteBridgeAdd", `{"location":"vienna","ip":"10.0.0.1","publicKey":"k.1","minimumDeleteDelay":100}`)
	item := `{"remoteSnapshots":[{"location":"sofia","globalSnapshotId":"` + gid + `","deleteAfter":5}]}`
	p.away.refused(t, "POST", "SnapshotsRemoteUnexport", item, "invalidParam")
	p.clock.Advance(time.Minute)
	p.get(p.away, "Snapshot/~"+gid) // the end of the copy is a change as well
	for _, bad := range []string{
		`{"remoteSnapshots":[{"location":"sofia","globalSnapshotId":"` + gid + `","deleteAfter":5,"targetDeleteDate":6}]}`,
		`{"remoteSnapshots":[{"location":"sofia","globalSnapshotId":"` + gid + `","deleteAfter":-5}]}`,
		`{"remoteSnapshots":[{"location":"vienna","globalSnapshotId":"` + gid + `"}]}`,
		`{"remoteSnapshots":[{"location":"sofia","globalSnapshotId":"` + gid + `"},{"location":"sofia","globalSnapshotId":"` + gid + `"}]}`,
	} {
		p.away.refused(t, "POST", "SnapshotsRemoteUnexport", bad, "invalidParam")
	}
	p.away.post(t, "SnapshotsRemoteUnexport", item)
	p.get(p.here, "Snapshot/~"+gid)
	p.clock.Advance(100 * time.Second)
	p.here.get(t, "SnapshotsList")
	p.here.refused(t, "GET", "Snapshot/~"+gid, "", "objectDoesNotExist")
	p.get(p.away, "Snapshot/~"+gid)
}

func TestExportedVolumesShowInTheListsOfBothClusters(t *testing.T) {
	t.Parallel()
	_, one, two, _ := zones(t)
	list := func(a *api, query, key string) (out []string) {
		for _, e := range a.get(t, query).object(t)[key].([]any) {
			x := e.(map[string]any)
			out = append(out, fmt.Sprint(x["name"], x["snapshot"], " ", x["location"]))
		}
		return out
	}
	two.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	two.post(t, "VolumeCreate", `{"name":"w","size":512}`)
	two.post(t, "VolumeExport/v", `{"clusterId":"sofi.a"}`)
	one.post(t, "MultiCluster/VolumesReassign", `[{"volume":"w","ro":[1],"mcMode":"export"}]`)
	assert.Equal(t, []string{"<nil>v sofia", "<nil>w sofia"}, list(two, "VolumeExportsList", "exports"))
	assert.Equal(t, []string{"v<nil> sofia", "w<nil> sofia"}, list(one, "VolumesRemoteList", "volumes"))
	assert.Empty(t, list(two, "VolumesRemoteList", "volumes"))
	one.post(t, "MultiCluster/VolumesReassign", `[{"volume":"w","detach":"all"}]`)
	assert.Equal(t, []string{"<nil>v sofia"}, list(two, "VolumeExportsList", "exports"))
	two.refused(t, "POST", "SnapshotExport", `{"snapshot":"v","location":"vienna"}`, "objectDoesNotExist")
}
