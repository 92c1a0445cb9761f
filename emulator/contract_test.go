package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

// eventful returns a server whose lists have an entry of every kind.
func eventful(tb testing.TB) (*Server, *api) {
	tb.Helper()
	s := Start(tb, WithBehaviour(eventfulBehaviour()))
	a := inProcess(tb, s)
	makeEventful(tb, s, a)
	return s, a
}

func eventfulBehaviour() cluster.Behaviour {
	return cluster.Behaviour{DeleteDelay: 3600e9, TransientLifetime: 3600e9, MaxVolumeSize: 1 << 40}
}

// makeEventful makes the entries.
func makeEventful(tb testing.TB, s *Server, a *api) {
	tb.Helper()
	for _, c := range [][2]string{
		{"VolumeCreate", `{"name":"v","size":1073741824,"template":"hybrid","iops":100,"bw":200,"tags":{"cs":"volume"}}`},
		{"VolumeCreate", `{"size":1048576}`},
		{"VolumeSnapshot/v", `{"name":"s","tags":{"cs":"snapshot"}}`},
		{"VolumeSnapshot/v", `{"deleteAfter":3600,"bind":true}`},
		{"VolumeCreate", `{"name":"clone","parent":"s","size":2147483648}`},
		{"VolumeCreate", `{"name":"copy","baseOn":"v"}`},
		{"VolumeSnapshot/v", `{"name":"going"}`},
		{"VolumeCreate", `{"name":"child1","parent":"going"}`},
		{"VolumeCreate", `{"name":"child2","parent":"going"}`},
		{"SnapshotDelete/going", ``},
		{"VolumesReassign", `[{"volume":"v","rw":[1,2],"ro":[3]},{"snapshot":"s","ro":[4]}]`},
		{"VolumeTemplateCreate", `{"name":"t","size":1048576,"parent":"s"}`},
		{"ClusterAdd", `{"id":"z","location":"remote"}`},
		{"RemoteBridgeAdd", `{"ip":"10.0.0.1","publicKey":"k","remote":"rmte.z","minimumDeleteDelay":60,"noCrypto":true}`},
		{"MaintenanceSet", `{"nodeId":4,"duration":60,"description":"kernel update"}`},
		{"KV/Create/b", ``},
		{"KV/Set/b", `{"set":{"k":"v"}}`},
	} {
		a.post(tb, c[0], c[1])
	}
	s.WriteContent(tb, "v", 0, []byte(strings.Repeat("data", 1<<16)))
	exportByISCSI(tb, s, a)
	require.NoError(tb, s.cluster.SetClientDown(5, true))
}

// argumentsOf are arguments that exist on an eventful server.
func argumentsOf(t *testing.T, a *api, query string) string {
	t.Helper()
	disk := anyDisk(t, a)
	return strings.NewReplacer("{vagName}", fmt.Sprint(a.get(t, "Volume/v").list(t)[0]["visibleVolumeId"]), "{volumeName}", "v", "{snapshotName}", "s", "{templateName}", "ssd", "{placementGroupName}", "ssd",
		"{clientId}", "1", "{serverId}", "1", "{diskId}", disk, "{bucketName}", "b", "{keyName}", "k", "{query}", "SnapshotsList").Replace(query)
}

func TestEveryReadAnswersByTheCatalogue(t *testing.T) {
	t.Parallel()
	_, a := eventful(t)
	for _, o := range Operations() {
		if o.Method != http.MethodGet || !o.Emulated() {
			continue
		}
		path := argumentsOf(t, a, o.Query)
		a.get(t, path) // held against the catalogue there
		if o.Query == allClustersQuery {
			continue
		}
		assert.Equal(t, DefaultClusterID, a.get(t, wordMulti+"/"+path).ClusterID)
		a.get(t, wordMulti+"/"+wordAll+"/"+path)
	}
}

func TestEventfulListsShowEveryKindOfEntry(t *testing.T) {
	t.Parallel()
	_, a := eventful(t)
	seen := map[string]bool{}
	for _, s := range a.get(t, "SnapshotsList").list(t) {
		for _, flag := range []string{"autoName", "bound", "transient", "deleted"} {
			seen[flag] = seen[flag] || s[flag] == true
		}
		seen["parent"] = seen["parent"] || s["parentName"] != ""
		seen["blocked"] = seen["blocked"] || s["deleteBlocked"] == "multiple children"
		seen["gone"] = seen["gone"] || s["name"] == "*going"
		if s["deleted"] == true {
			assert.Empty(t, s["tags"])
		}
	}
	assert.Equal(t, map[string]bool{
		"autoName": true, "bound": true, "transient": true, "deleted": true, "parent": true, "blocked": true, "gone": true,
	}, seen)
	configs := a.get(t, "ClientsConfigDump").list(t)
	assert.Equal(t, "down", configs[4]["configStatus"])
	clients, ok := a.get(t, "ServicesList").object(t)["clients"].(map[string]any)
	require.True(t, ok)
	assert.Nil(t, clients["5"].(map[string]any)["startTime"], "a service that is down has not started")
	assert.Empty(t, a.get(t, "ServersList").object(t)["clients"])
}

func TestEveryAbsentCallTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, a := eventful(t)
	for _, o := range Operations() {
		if o.Emulated() || strings.HasPrefix(o.Query, "(") {
			continue
		}
		path := strings.NewReplacer("{", "", "}", "").Replace(o.Query)
		r := a.refused(t, o.Method, path, "{}", "notSupported")
		assert.Contains(t, r.Error.Descr, o.Why, path)
		assert.Equal(t, http.StatusNotImplemented, r.Status)
	}
}

func TestGetTakesItsArgumentsFromTheQueryString(t *testing.T) {
	t.Parallel()
	s, a := eventful(t)
	a.get(t, "AllPeersActiveRequests?json="+url.QueryEscape(`{"msecsTimeout":100,"colour":1}`))
	calls := s.Calls()
	assert.Equal(t, []string{"colour"}, calls[len(calls)-1].Unknown)
	assert.JSONEq(t, `{"msecsTimeout":100,"colour":1}`, calls[len(calls)-1].Body)
	a.refused(t, "GET", "AllPeersActiveRequests?json="+url.QueryEscape(`{"msecsTimeout":{}}`), "", "invalidParam")
	a.refused(t, "GET", "AllPeersActiveRequests?json=%7B", "", "invalidParam")
}

func TestSecondSnapshotUnderDeletionOfOneNameHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	_, a := eventful(t)
	before := len(a.get(t, "VolumesGetStatus").object(t))
	for _, c := range [][2]string{
		{"VolumeSnapshot/v", `{"name":"going"}`},
		{"VolumeCreate", `{"name":"child3","parent":"going"}`},
		{"VolumeCreate", `{"name":"child4","parent":"going"}`},
		{"SnapshotDelete/going", ``},
	} {
		a.post(t, c[0], c[1])
	}
	assert.Len(t, a.get(t, "VolumesGetStatus").object(t), before+3)
}

func TestBehaviourReachesTheCluster(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t, WithBehaviour(cluster.Behaviour{SizeGranularity: 4096})))
	a.refused(t, "POST", "VolumeCreate", `{"size":512}`, "invalidParam")
	a.post(t, "VolumeCreate", `{"size":4096}`)
}

// Whatever is asked, the answer is one JSON envelope, and a refusal changes nothing.
func FuzzServe(f *testing.F) {
	f.Add("GET", "/ctrl/1.0/VolumesList", "", "")
	f.Add("POST", "/ctrl/1.0/VolumeCreate", "", `{"name":"x","size":"512","tags":"","parent":"s"}`)
	f.Add("POST", "/ctrl/1.0/MultiCluster/VolumesReassignWait", "", `[{"volume":"v","rw":["1"],"detach":"all"}]`)
	f.Add("POST", "/ctrl/1.0/RemoteCommand/~spsm.b/VolumeUpdate/%7Espsm.b.1", "", `{"rename":"@","sizeAdd":1e3}`)
	f.Add("GET", "/ctrl/1.0/AllPeersActiveRequests", "json=%7B%7D", "")
	f.Add("PUT", "/_spsim/v1/contents/v", "offset=1", "x")
	f.Add("POST", "/ctrl/1.0/VolumesGroupSnapshot", "", `{"volumes":[{"volume":"v","name":"","tags":{"a":"b"}}]}`)
	s, _ := eventful(f)
	require.NoError(f, s.cluster.SetClientDown(5, false)) // a reassign waits for ever for a client that is down
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		u.RawQuery = query
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL = method, u
		r.Header.Set("Authorization", "Storpool v1:"+s.Token())
		before := s.Cluster().Generation()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Header().Get("Content-Type") != "application/json" {
			require.Equal(t, "application/octet-stream", w.Header().Get("Content-Type"))
			return
		}
		require.Truef(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
		if w.Code != http.StatusOK {
			var out struct{ Error errorBody }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
			require.NotEmpty(t, out.Error.Name)
			require.NotEqual(t, NameInternal, cluster.ErrorName(out.Error.Name), "%s %s %s: %s", method, path, body, w.Body)
			require.Equal(t, before, s.Cluster().Generation())
		}
	})
}
