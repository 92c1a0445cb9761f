package emulator

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

// zonePair are two sub-clusters and a remote location. The first cluster has an object of every kind that the calls can
// make, and the objects of others that calls on it can reach.
type zonePair struct {
	first, second, far *api
	names              map[string]string // what stands for {placeholders} of paths and bodies
}

// populate makes everything. Calls that are not emulated are left out.
func populate(tb testing.TB, cat *catalogue) *zonePair {
	tb.Helper()
	model := cluster.DefaultModel()
	model.FaultSets = []cluster.ModelFaultSet{{Name: "rack1", Servers: []int{1, 2}}}
	f := StartFederation(tb, []Member{
		{ID: "spsm.b", Name: "spsim1", Location: "home"},
		{ID: "spsm.c", Name: "spsim2", Location: "home"},
		{ID: "away.a", Name: "away1", Location: "away"},
	}, WithModel(model), WithBehaviour(eventfulBehaviour()))
	p := &zonePair{
		first: speaking(f.servers[0], cat), second: speaking(f.servers[1], cat), far: speaking(f.servers[2], cat),
		names: map[string]string{},
	}
	makeEventful(tb, f.servers[0], p.first)
	for _, s := range []change{
		{p.first, "VolumeSnapshot/clone", `{"name":"plain"}`},
		{p.first, "VolumeSnapshot/clone", `{"name":"exported"}`},
		{p.first, "SnapshotExport", `{"snapshot":"exported","location":"away"}`},
		{p.first, "VolumeCreate", `{"name":"free","size":1048576,"template":"hdd"}`},
		{p.first, "PlacementGroupUpdate/spare", `{"addDisks":[{diskId}]}`},
		{p.first, "RemoteBridgeAdd", `{"remote":"away1","ip":"10.7.0.1","publicKey":"key","noCrypto":true,"minimumDeleteDelay":60}`},
		{p.first, "MaintenanceSet", `{"nodeId":2,"duration":600,"description":"upgrade"}`},
		{p.first, "VolumeBackup", `{"volume":"free","location":"away","tags":{"a":"b"}}`},
		{p.first, "DiskScrubStart/{diskId}", ``},
		{p.second, "VolumeCreate", `{"name":"there","size":1048576}`},
		{p.second, "VolumeCreate", `{"name":"lent","size":1048576,"tags":{"a":"b"}}`},
		{p.second, "VolumeExport/lent", `{"clusterId":"spsm.b"}`},
		{p.first, "VolumeCreate", `{"name":"given","size":1048576}`},
		{p.first, "VolumeExport/given", `{"clusterId":"spsm.c"}`},
		{p.far, "VolumeCreate", `{"name":"fv","size":1048576,"tags":{"a":"b"}}`},
		{p.far, "VolumeSnapshot/fv", `{"name":"fs","tags":{"a":"b"}}`},
		{p.far, "VolumeSnapshot/fv", `{"name":"fs2","tags":{"a":"b"}}`},
		{p.far, "SnapshotExport", `{"snapshot":"fs","location":"home"}`},
		{p.far, "SnapshotExport", `{"snapshot":"fs2","location":"home"}`},
		{p.first, "SnapshotFromRemote", `{"remoteId":"{fs2}","remoteLocation":"away","name":"fetched"}`},
	} {
		p.learn(tb)
		p.attempt(tb, s)
	}
	p.learn(tb)
	return p
}

// change is a POST on one of the clusters.
type change struct {
	on         *api
	path, body string
}

// learn fills in the placeholders that can be filled by now.
func (p *zonePair) learn(tb testing.TB) {
	tb.Helper()
	for name, value := range map[string]string{
		"volumeName": "v", "snapshotName": "s", "templateName": "ssd", "placementGroupName": "ssd", "clientId": "1",
		"serverId": "1", "bucketName": "b", "keyName": "k", "query": "SnapshotsList",
	} {
		p.names[name] = value
	}
	p.names["diskId"] = anyDisk(tb, p.first)
	for name, at := range map[string]*api{"plain": p.first, "exported": p.first, "fs": p.far, "fs2": p.far} {
		if s, err := at.server.cluster.Snapshot(cluster.Ref(name)); err == nil {
			p.names[name] = s.GlobalID
		}
	}
	if v, err := p.first.server.cluster.Volume("v"); err == nil {
		p.names["vagName"] = strconv.FormatInt(v.VisibleID, 10)
	}
	p.names["globalVolumeId"] = p.names["plain"]
}

func (p *zonePair) fill(text string) string {
	for name, value := range p.names {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// attempt makes a POST, which has to succeed unless it is not emulated; it tells which.
func (p *zonePair) attempt(tb testing.TB, s change) bool {
	tb.Helper()
	path, body := p.fill(s.path), p.fill(s.body)
	r := s.on.do(tb, http.MethodPost, path, body)
	if r.Error != nil && r.Error.Name == string(NameNotSupported) {
		return false
	}
	require.Nilf(tb, r.Error, "POST %s %s: %+v", path, body, r.Error)
	return true
}
