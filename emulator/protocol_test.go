package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

func TestEveryErrorIsAnEnvelopeWithTheStatusOfItsName(t *testing.T) {
	t.Parallel()
	a := overLoopback(t, Start(t, WithMaxBody(1024)))
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	a.post(t, "VolumesReassign", `[{"volume":"v","rw":[1]}]`)
	for _, c := range []struct {
		method, path, body, name string
		status                   int
	}{
		{"GET", "Nothing", "", "unknownQuery", 404},
		{"GET", "", "", "unknownQuery", 404},
		{"GET", "volumeslist", "", "unknownQuery", 404},
		{"POST", "VolumesList", "", "unknownQuery", 404},
		{"PUT", "VolumesList", "", "unknownQuery", 404},
		{"DELETE", "Volume/v", "", "unknownQuery", 404},
		{"GET", "Volume", "", "unknownQuery", 404},
		{"GET", "Volume/v/w", "", "unknownQuery", 404},
		{"GET", "RemoteCommand/elsewhere/VolumesList", "", "objectDoesNotExist", 404},
		{"GET", "RemoteCommand/~else.b/VolumesList", "", "objectDoesNotExist", 404},
		{"POST", "MultiCluster/AllClusters/VolumeCreate", "{}", "unknownQuery", 404},
		{"POST", "VolumeUpdate/v", "{", "invalidParam", 400},
		{"POST", "VolumeUpdate/v", `{"size":"big"}`, "invalidParam", 400},
		{"POST", "VolumeUpdate/v", `{"size":513}`, "invalidParam", 400},
		{"POST", "VolumeUpdate/v", `{"rename":"` + strings.Repeat("x", 1024) + `"}`, "invalidParam", 400},
		{"POST", "VolumeCreate", `{"name":"w","size":512}` + strings.Repeat(" ", 1024), "invalidParam", 400},
		{"POST", "VolumeCreate", `{"name":"a b","size":512}`, "invalidParam", 400},
		{"POST", "VolumeCreate", `{"name":"w"}`, "invalidParam", 400},
		{"POST", "VolumeCreate", `{"name":"v","size":512}`, "objectExists", 409},
		{"POST", "VolumeCreate", `{"name":"w","template":"none"}`, "objectDoesNotExist", 404},
		{"POST", "VolumeCreate", `{"name":"w","size":9223372036854775296}`, "insufficientResources", 507},
		{"POST", "VolumeDelete/v", "", "busy", 409},
		{"POST", "VolumesReassign", `[{"rw":[1]}]`, "invalidParam", 400},
		{"POST", "VolumesReassignWait", `[{"volume":"v","snapshot":"v","rw":[1]}]`, "invalidParam", 400},
		{"GET", "Volume/nothing", "", "objectDoesNotExist", 404},
		{"POST", "__BalancerDiskSetsUpdate", "{}", "notSupported", 501},
	} {
		r := a.refused(t, c.method, c.path, c.body, c.name)
		assert.Equal(t, c.status, r.Status, "%s %s", c.method, c.path)
		assert.NotEmpty(t, r.Error.Descr)
		assert.False(t, r.Error.Transient)
	}
}

func TestAlways500ProfileGivesEveryErrorThatStatus(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t, WithStatus(StatusAlways500)))
	assert.Equal(t, 500, a.refused(t, "GET", "Volume/v", "", "objectDoesNotExist").Status)
	assert.Equal(t, 500, a.refused(t, "GET", "Nothing", "", "unknownQuery").Status)
	assert.Equal(t, 200, a.get(t, "VolumesList").Status)
}

func TestOnlyTheRightTokenIsLetIn(t *testing.T) {
	t.Parallel()
	a := overLoopback(t, Start(t, WithToken("123456")))
	for _, auth := range []string{"", "Storpool v1:", "Storpool v1:12345", "Storpool v1:1234567", "123456", "Bearer 123456", "storpool v1:123456"} {
		for _, path := range []string{"VolumesList", "Nothing"} {
			r := a.raw(t, "GET", path, "", auth)
			text, err := io.ReadAll(r.Body)
			require.NoError(t, errors.Join(err, r.Body.Close()))
			got := a.parse(t, r, text)
			require.NotNil(t, got.Error, auth)
			assert.Equal(t, "accessDenied", got.Error.Name, auth)
			assert.Equal(t, http.StatusUnauthorized, got.Status)
			assert.NotContains(t, string(text), "123456")
		}
	}
	a.get(t, "VolumesList")
}

func TestRemoteCommandReachesTheClusterByNameAndID(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	a.post(t, "RemoteCommand/~"+DefaultClusterID+"/VolumeCreate", `{"name":"v","size":512}`)
	a.post(t, "RemoteCommand/"+DefaultClusterName+"/MultiCluster/VolumesReassignWait", `{"reassign":[{"volume":"v","rw":[4]}]}`)
}

func TestMultiClusterFormIsTakenBeforeEveryQueryAndNamesTheCluster(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t, WithCluster("abc.d", "dogs")))
	a.post(t, "MultiCluster/VolumeCreate", `{"name":"v","size":512}`)
	plain, multi := a.get(t, "Volume/v"), a.get(t, "MultiCluster/Volume/v")
	assert.Empty(t, plain.ClusterID)
	assert.NotContains(t, plain.list(t)[0], "clusterId")
	assert.Equal(t, "abc.d", multi.ClusterID)
	assert.Equal(t, "dogs", multi.ClusterName)
	assert.Equal(t, "abc.d", multi.list(t)[0]["clusterId"])
	assert.Equal(t, "dogs", multi.list(t)[0]["clusterName"])
	assert.Equal(t, "abc.d", a.get(t, "MultiCluster/DisksList").ClusterID, "also where the catalogue has no such form")
	a.post(t, "VolumesReassign", `[{"volume":"v","rw":[1]}]`)
	assert.Equal(t, "abc.d", a.get(t, "MultiCluster/AttachmentsList").list(t)[0]["clusterId"])
	assert.Equal(t, "abc.d", a.refused(t, "GET", "MultiCluster/Volume/x", "", "objectDoesNotExist").ClusterID)
}

func TestErrorOfOneClusterIsAnEntryOfAllClusters(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	_, err := s.Arm(fault.Rule{Call: "GET SnapshotsList", Effect: fault.Effect{Kind: fault.Transient, Error: "busy"}})
	require.NoError(t, err)
	clusters, ok := a.get(t, "MultiCluster/AllClusters/SnapshotsList").object(t)["clusters"].([]any)
	require.True(t, ok)
	entry, ok := clusters[0].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, map[string]any{"name": "busy", "descr": "refused by a fault rule", "transient": true}, entry["error"])
	assert.NotContains(t, entry, "response")
}

func TestContentTypeIsIgnored(t *testing.T) {
	t.Parallel()
	a := overLoopback(t, Start(t))
	for i, ct := range []string{"", "application/x-www-form-urlencoded", "application/json", "text/plain", "nonsense"} {
		body := `{"name":"v` + string(rune('a'+i)) + `","size":512}`
		req, err := http.NewRequestWithContext(t.Context(), "POST", a.base+"/ctrl/1.0/VolumeCreate", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Storpool v1:"+DefaultToken)
		if ct != "" {
			req.Header.Set("Content-Type", ct)
		}
		r, err := a.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		assert.Equal(t, http.StatusOK, r.StatusCode, ct)
	}
}

func TestIntegersArePrintedAsIntegers(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":1099511627776,"template":"hdd"}`)
	r := a.raw(t, "GET", "VolumeDescribe/v", "", "Storpool v1:"+DefaultToken)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, errors.Join(err, r.Body.Close()))
	assert.Contains(t, string(text), `"size":1099511627776,`)
}

func TestGenerationGrowsWithChangesOnly(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	last := int64(-1)
	for _, c := range []struct {
		method, path, body string
		grows              bool
	}{
		{"GET", "VolumesList", "", false},
		{"POST", "VolumeCreate", `{"name":"v","size":512}`, true},
		{"GET", "Volume/v", "", false},
		{"POST", "VolumesReassign", `[{"volume":"v","rw":[1]}]`, true},
		{"POST", "VolumeSnapshot/v", `{}`, true},
		{"GET", "SnapshotsList", "", false},
	} {
		r := a.do(t, c.method, c.path, c.body)
		require.Nil(t, r.Error)
		now, err := r.Generation.Int64()
		require.NoError(t, err)
		if c.grows {
			assert.Greater(t, now, last, c.path)
			assert.Equal(t, r.Generation, r.object(t)["generation"].(json.Number))
		} else if last >= 0 {
			assert.Equal(t, last, now, c.path)
		}
		last = now
	}
}

func TestStrictServerRefusesUnknownMembers(t *testing.T) {
	t.Parallel()
	lenient, strict := Start(t), Start(t, WithStrict())
	body := `{"name":"v","size":512,"colour":"red"}`
	inProcess(t, lenient).post(t, "VolumeCreate", body)
	assert.Equal(t, []string{"colour"}, lenient.Calls()[0].Unknown)
	r := inProcess(t, strict).refused(t, "POST", "VolumeCreate", body, "invalidParam")
	assert.Contains(t, r.Error.Descr, "colour")
}

func TestJournalHasEveryCallInOrderWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := Start(t, WithToken("777777"))
	a := inProcess(t, s)
	a.client = s.ClientFor("host-1")
	a.post(t, "MultiCluster/VolumeCreate", `{"name":"v","size":512,"secret":"hush","in":[{"passphrase":"hush"}]}`)
	a.refused(t, "GET", "Volume/%7Espsm.b.zz", "", "objectDoesNotExist")
	a.refused(t, "GET", "Nothing", "", "unknownQuery")
	calls := s.Calls()
	require.Len(t, calls, 3)
	first := calls[0]
	assert.Equal(t, "POST", first.Method)
	assert.Equal(t, "VolumeCreate", first.Query)
	assert.Equal(t, "/ctrl/1.0/MultiCluster/VolumeCreate", first.Path)
	assert.Equal(t, "host-1", first.Caller)
	assert.Equal(t, "ok", first.Answer)
	assert.Equal(t, 200, first.Status)
	assert.Equal(t, s.Cluster().Generation(), first.Generation)
	assert.JSONEq(t, `{"name":"v","size":512,"secret":"***","in":[{"passphrase":"***"}]}`, first.Body)
	assert.Equal(t, []string{"~spsm.b.zz"}, calls[1].Args)
	assert.Equal(t, "objectDoesNotExist", calls[1].Answer)
	assert.Empty(t, calls[2].Query)
	for i, c := range calls {
		assert.EqualValues(t, i+1, c.Seq)
	}
}

func TestSecretsAreTakenOutOfBodiesEncodedTwiceAndOfBrokenOnes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`"{\"secret\":\"hush\",\"a\":1}"`:   `{"a":1,"secret":"***"}`,
		`{"secret":"hush"`:                  "***",
		`{"CHAPSecret":"hush"}`:             `{"CHAPSecret":"***"}`,
		`{"a":[{"Password":{"x":"hush"}}]}`: `{"a":[{"Password":"***"}]}`,
		`{"name":"v"}`:                      `{"name":"v"}`,
	} {
		assert.Equal(t, want, redact([]byte(body)))
	}
}

func TestLongListIsStreamedAndAShortOneHasItsLength(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := overLoopback(t, s)
	for _, volumes := range []int{1, 200} {
		for s.cluster.Volumes().Len() < volumes {
			a.post(t, "VolumeCreate", `{"size":512}`)
		}
		r := a.raw(t, "GET", "VolumesList", "", "Storpool v1:"+DefaultToken)
		text, err := io.ReadAll(r.Body)
		require.NoError(t, errors.Join(err, r.Body.Close()))
		assert.Len(t, a.parse(t, r, text).list(t), volumes)
		if volumes == 1 {
			assert.EqualValues(t, len(text), r.ContentLength)
		} else {
			assert.EqualValues(t, -1, r.ContentLength)
		}
	}
}

func TestAcquireOfAVolumeThatIsHereChangesNothing(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	before := s.cluster.Generation()
	a.post(t, "MultiCluster/VolumeAcquire/v", `{"onRemoteAttached":"detachForce"}`)
	assert.Equal(t, before, s.cluster.Generation())
	a.refused(t, "POST", "MultiCluster/VolumeAcquire/none", "", "objectDoesNotExist")
	a.refused(t, "POST", "MultiCluster/VolumeAcquire/v", `{"onRemoteAttached":"x"}`, "invalidParam")
}

func TestJournalCutsLongBodies(t *testing.T) {
	t.Parallel()
	s := Start(t)
	inProcess(t, s).post(t, "VolumeCreate", `{"size":512,"x":"`+strings.Repeat("y", 1<<15)+`"}`)
	assert.Len(t, s.Calls()[0].Body, 16<<10+len("..."))
}

func TestJournalKeepsTheLastCalls(t *testing.T) {
	t.Parallel()
	s := Start(t, WithJournal(3))
	a := inProcess(t, s)
	for range 5 {
		a.get(t, "VolumesList")
	}
	var seqs []uint64
	for _, c := range s.Calls() {
		seqs = append(seqs, c.Seq)
	}
	assert.Equal(t, []uint64{3, 4, 5}, seqs)

	none := Start(t, WithJournal(0))
	attempted, err := attempt(t, inProcess(t, none), "GET", "VolumesList", "")
	require.NoError(t, err)
	assert.NotEmpty(t, attempted)
	assert.Empty(t, none.Calls())
}

func TestClosedServerRefusesConnections(t *testing.T) {
	t.Parallel()
	s := Start(t)
	url := s.URL()
	s.Close()
	s.Close()
	for _, c := range []*http.Client{s.Client(), {Transport: &http.Transport{DisableKeepAlives: true}}} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/ctrl/1.0/VolumesList", nil)
		require.NoError(t, err)
		r, err := c.Do(req)
		if err == nil {
			_ = r.Body.Close()
		}
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	_, err := s.Listen(t.Context())
	assert.Error(t, err)
	assert.Empty(t, s.URL())
}

func TestCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := Start(t)
	_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Effect: fault.Effect{Kind: fault.Hang}})
	require.NoError(t, err)
	ctx, cancel := s.Clock().WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://emulator/ctrl/1.0/VolumesList", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Storpool v1:"+s.Token())
	r, err := s.Client().Do(req)
	if err == nil {
		_ = r.Body.Close()
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, "lost", s.Calls()[0].Answer)
	assert.Equal(t, time.Minute, s.Calls()[0].Took)
}
