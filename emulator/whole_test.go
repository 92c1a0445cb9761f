package emulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

// prepared is a call that succeeds on a populated cluster, after the calls before it.
type prepared struct {
	before     []change
	path, body string
}

// requests has a request for every POST of the catalogue whose query is known, by call and query.
func (p *zonePair) requests() map[string]prepared {
	all := map[string]prepared{}
	for query, body := range map[string]string{
		"DiskEject/{diskId}": "", "DiskIgnore/{diskId}": "", "DiskSoftEject/{diskId}": "",
		"DiskSetDescription/{diskId}": `{"description":"in row 7"}`, "DiskScrubStart/{diskId}": "", "DiskScrubPause/{diskId}": "",
		"DiskScrubContinue/{diskId}": "", "DiskRetrim/{diskId}": "",
		"VolumeCreate": `{"baseOn":"v","tags":{"a":"b"}}`, "VolumeUpdate/{volumeName}": `{"tags":{"a":"b"}}`,
		"VolumeRebase/{volumeName}": `{}`, "VolumeAbandonDisk/{volumeName}": `{"diskId":{diskId}}`,
		"VolumeBackup": `{"volume":"v","location":"away"}`, "VolumesGroupBackup": `{"volumes":["v","free"],"location":"away"}`,
		"VolumeSnapshot/{volumeName}": `{}`, "SnapshotUpdate/{snapshotName}": `{"bind":true}`,
		"SnapshotRebase/{snapshotName}": `{}`, "VolumeAbandonDisk/{snapshotName}": `{"diskId":{diskId}}`,
		"SnapshotDeleteById/{globalVolumeId}":       "",
		"VolumesGroupSnapshot":                      `{"volumes":[{"volume":"v"},{"volume":"free","name":"g","tags":{"a":"b"}}]}`,
		"SnapshotFromRemote":                        `{"remoteId":"{fs}","remoteLocation":"away"}`,
		"SnapshotExport":                            `{"snapshot":"plain","location":"away"}`,
		"SnapshotUnexport":                          `{"snapshot":"exported","location":"away"}`,
		"SnapshotsRemoteUnexport":                   `{"remoteSnapshots":[{"globalSnapshotId":"{fs}","location":"away"}]}`,
		"VolumesReassign":                           `[{"volume":"free","rw":[1]}]`,
		"VolumesReassignWait":                       `{"reassign":[{"volume":"free","rw":[1]}],"attachTimeout":1}`,
		"PlacementGroupUpdate/{placementGroupName}": `{"addDisks":[]}`,
		"VolumeUpdateVag/{volumeName}":              `{"vagId":"parent"}`, "SnapshotUpdateVag/{snapshotName}": `{"vagId":{vagName}}`,
		"VolumeTemplateCreate": `{"name":"new"}`, "VolumeTemplateUpdate/{templateName}": `{"bw":"-"}`,
		"VolumeTemplateDelete/{templateName}": "", "VolumeBalancerStatus": `{"cmd":"start"}`,
		"iSCSIConfig": `{"commands":[{"setBaseName":{"name":"iqn.x"}}]}`,
		"LocationAdd": `{"id":"third","name":"third"}`, "LocationUpdate": `{"location":"away","sendBufferSize":4096}`,
		"LocationRename": `{"location":"away","name":"renamed"}`, "ClusterAdd": `{"id":"q","location":"away","name":"away2"}`,
		"ClusterRename":   `{"cluster":"away1","name":"renamed"}`,
		"RemoteBridgeAdd": `{"location":"away","ip":"10.7.0.2","publicKey":"key"}`, "RemoteBridgeRemove": `{"ip":"10.7.0.1"}`,
		"MaintenanceComplete":    `{"nodeId":2}`,
		"KV/Delete/{bucketName}": "", "KV/Set/{bucketName}": `{"set":{"k":"v"}}`,
		"VolumeAcquire/{volumeName}": "",
	} {
		all["POST "+query] = prepared{path: query, body: body}
	}
	for query, r := range p.otherRequests() {
		all["POST "+query] = r
	}
	return all
}

// otherRequests are those that need another object than the others, or calls before them.
func (p *zonePair) otherRequests() map[string]prepared {
	before := func(path, body string) []change { return []change{{p.first, path, body}} }
	return map[string]prepared{
		"DiskForget/{diskId}":                       {before("DiskEject/{diskId}", ""), "DiskForget/{diskId}", ""},
		"DiskSoftEjectPause/{diskId}":               {before("DiskSoftEject/{diskId}", ""), "DiskSoftEjectPause/{diskId}", ""},
		"DiskSoftEjectCancel/{diskId}":              {before("DiskSoftEject/{diskId}", ""), "DiskSoftEjectCancel/{diskId}", ""},
		"VolumeFreeze/{volumeName}":                 {nil, "VolumeFreeze/free", ""},
		"VolumeDelete/{volumeName}":                 {nil, "VolumeDelete/free", ""},
		"VolumeRevert/{volumeName}":                 {nil, "VolumeRevert/free", `{"toSnapshot":"s"}`},
		"VolumeMoveToRemote/{volumeName}":           {nil, "VolumeMoveToRemote/free", `{"clusterId":"spsm.c"}`},
		"VolumeExport/{volumeName}":                 {nil, "VolumeExport/free", `{"clusterId":"spsm.c"}`},
		"VolumeFromRemote":                          {nil, "VolumeFromRemote", `{"name":"x","remoteId":"{fs}","remoteLocation":"away"}`},
		"SnapshotDelete/{snapshotName}":             {nil, "SnapshotDelete/plain", ""},
		"SnapshotMoveToRemote/{snapshotName}":       {nil, "SnapshotMoveToRemote/plain", `{"clusterId":"spsm.c"}`},
		"SnapshotReconcile/{snapshotName}":          {nil, "SnapshotReconcile/~{fs2}", ""},
		"PlacementGroupDelete/{placementGroupName}": {nil, "PlacementGroupDelete/spare", ""},
		"LocationRemove":                            {before("LocationAdd", `{"id":"third","name":"third"}`), "LocationRemove", `{"location":"third"}`},
		"ClusterRemove":                             {before("ClusterAdd", `{"id":"q","location":"away","name":"away2"}`), "ClusterRemove", `{"name":"away2"}`},
		"KV/Create/{bucketName}":                    {nil, "KV/Create/other", ""},
		"MaintenanceSet":                            {before("MaintenanceComplete", `{"nodeId":2}`), "MaintenanceSet", `{"nodeId":1,"duration":60,"description":"x"}`},
		"VagUpdate":                                 {nil, "VagUpdate", `{"vagId":"{vagName}","targetsCount":4}`},
	}
}

// Every answer is held against the catalogue where it is parsed; here it is made sure that there is one. The calls share
// what is populated until one stands in the way of another.
func TestEveryChangeAnswersByTheCatalogue(t *testing.T) {
	t.Parallel()
	cat := loadCatalogue(t)
	p := populate(t, cat)
	for _, o := range Operations() {
		if o.Method != http.MethodPost || !o.Emulated() {
			continue
		}
		r, ok := p.requests()["POST "+o.Query]
		require.Truef(t, ok, "no request for POST %s: add one", o.Query)
		if p.succeeds(t, r) {
			continue
		}
		p = populate(t, cat)
		r = p.requests()["POST "+o.Query] // on the new clusters
		for _, s := range r.before {
			require.True(t, p.attempt(t, s))
		}
		require.Truef(t, p.attempt(t, change{p.first, r.path, r.body}), "POST %s is not emulated", r.path)
	}
}

// succeeds makes a request with what comes before it.
func (p *zonePair) succeeds(tb testing.TB, r prepared) bool {
	tb.Helper()
	for _, s := range append(slices.Clone(r.before), change{p.first, r.path, r.body}) {
		if s.on.do(tb, http.MethodPost, p.fill(s.path), p.fill(s.body)).Error != nil {
			return false
		}
	}
	return true
}

// emptyParts are the parts of answers that are always empty, by path or last member, with the reason.
func emptyParts() map[string]string {
	return map[string]string{
		"requests":                   "calls are done when they are answered, so that none is in flight",
		"rdma":                       "the emulated nodes have no RDMA devices",
		"ServersList.clients":        "the list is for servers",
		"bridges":                    "bridges to other clusters are configuration only, and no service",
		"overrides":                  "the emulator places by settings alone",
		"pendingDisks":               "a disk is there or not, at once",
		"DiskDescribe.objects":       "the emulator does not place single objects",
		"ServerDiskDescribe.objects": "the emulator does not place single objects",
	}
}

func TestEveryReadAnswersWithEveryPartOfItsType(t *testing.T) {
	t.Parallel()
	cat := loadCatalogue(t)
	healthy, ill := populate(t, cat), populate(t, cat)
	ill.makeIll(t)
	seen := map[string]bool{}
	for _, call := range cat.Calls {
		o := operation(t, call)
		if o.Method != http.MethodGet || !o.Emulated() {
			continue
		}
		for _, p := range []*zonePair{healthy, ill} {
			cat.visit(cat.shapeOf(call.Answer), p.first.get(t, p.fill(o.Query)).Data, o.Name(), seen)
		}
	}
	empty := emptyParts()
	for part, filled := range seen {
		why := empty[part[strings.LastIndexByte(part, '.')+1:]] + empty[part]
		if filled {
			assert.Empty(t, empty[part], "%s is not empty: take it off the list", part)
		} else {
			assert.NotEmpty(t, why, "%s is empty, so that nothing is known of its members", part)
		}
	}
}

// makeIll makes what is empty on a healthy cluster.
func (p *zonePair) makeIll(tb testing.TB) {
	tb.Helper()
	disks := p.first.server.cluster.Disks()
	var ids []int
	for _, d := range disks {
		ids = append(ids, d.ID)
	}
	p.names["diskId"] = strconv.Itoa(ids[0])
	p.attempt(tb, change{p.first, "DiskSoftEject/" + strconv.Itoa(ids[1]), ""})
	require.NoError(tb, p.first.server.SetCondition(cluster.Condition{Kind: cluster.DiskGone, ID: ids[2]}))
	for _, id := range ids[3:] {
		p.attempt(tb, change{p.first, "DiskEject/" + strconv.Itoa(id), ""})
	}
}

// visit notes which arrays and maps of a value have entries.
func (c *catalogue) visit(s shape, v any, at string, seen map[string]bool) {
	switch {
	case s.Any != nil:
		for _, one := range s.Any {
			if len(c.validate(one, v, at)) == 0 {
				c.visit(one, v, at, seen)
				return
			}
		}
	case s.Items != nil:
		items, _ := v.([]any)
		seen[at] = seen[at] || len(items) > 0
		for _, i := range items {
			c.visit(*s.Items, i, at+"[]", seen)
		}
	case s.Map != nil:
		fields, _ := v.(map[string]any)
		seen[at] = seen[at] || len(fields) > 0
		for _, f := range fields {
			c.visit(s.Map[1], f, at+"{}", seen)
		}
	case s.Members != nil:
		fields, _ := v.(map[string]any)
		for name, m := range s.Members {
			if inner, there := fields[name]; there {
				c.visit(m.shape, inner, at+"."+name, seen)
			}
		}
	}
}

func TestEveryChangeOfTheCatalogueHasARequest(t *testing.T) {
	t.Parallel()
	have := (&zonePair{}).requests()
	want := []string{}
	for _, call := range loadCatalogue(t).Calls {
		if call.Method == http.MethodPost && call.Query != "" && !strings.HasPrefix(call.Query, "__") {
			want = append(want, "POST "+call.Query)
		}
	}
	got := []string{}
	for call := range have {
		got = append(got, call)
	}
	slices.Sort(want)
	slices.Sort(got)
	assert.Equal(t, want, got)
}
