package emulator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

func TestTruncatedAnswerBreaksOffAfterTheChange(t *testing.T) {
	t.Parallel()
	for door, open := range doors() {
		s := Start(t)
		a := open(t, s)
		for _, keep := range []int{0, 5, 1 << 20} {
			_, err := s.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Truncated, Keep: keep}})
			require.NoError(t, err)
			text, err := attempt(t, a, "POST", "VolumeCreate", `{"size":512}`)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, door)
			assert.True(t, strings.HasPrefix(text, `{"dat`), text)
			assert.NotContains(t, text, "generation\":2}", door)
			if keep == 5 {
				assert.Len(t, text, keep)
			}
		}
		assert.Equal(t, 3, s.Cluster().Volumes().Len(), door)
		assert.Equal(t, "truncated", s.Calls()[0].Answer, door)
		assert.Equal(t, 1, s.Calls()[0].Fault, door)
	}
}

func TestTruncatedListAndErrorBreakOff(t *testing.T) {
	t.Parallel()
	for door, open := range doors() {
		s := Start(t)
		a := open(t, s)
		for range 70 {
			a.post(t, "VolumeCreate", `{"size":512}`)
		}
		for _, call := range []string{"VolumesList", "MultiCluster/AllClusters/VolumesList"} {
			_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Effect: fault.Effect{Kind: fault.Truncated}})
			require.NoError(t, err)
			text, err := attempt(t, a, "GET", call, "")
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, door)
			assert.NotEmpty(t, text)
		}
		_, err := s.Arm(fault.Rule{Call: "GET Volume", Effect: fault.Effect{Kind: fault.Truncated, Keep: 20}})
		require.NoError(t, err)
		text, err := attempt(t, a, "GET", "Volume/none", "")
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, door)
		assert.True(t, strings.HasPrefix(text, `{"error":{"name":"ob`) && len(text) == 20, text)
	}
}

func TestBareStatusIsNoAnswerOfTheAPI(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	for _, path := range []string{"VolumesList", "MultiCluster/AllClusters/VolumesList"} {
		_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Effect: fault.Effect{Kind: fault.Status, Status: 502}})
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), "GET", a.base+"/ctrl/1.0/"+path, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Storpool v1:"+s.Token())
		r, err := a.client.Do(req)
		require.NoError(t, err)
		text, err := io.ReadAll(r.Body)
		require.NoError(t, errors.Join(err, r.Body.Close()))
		assert.Equal(t, http.StatusBadGateway, r.StatusCode)
		assert.Equal(t, "text/html", r.Header.Get("Content-Type"))
		assert.Contains(t, string(text), "502 Bad Gateway")
	}
	assert.Equal(t, "status", s.Calls()[0].Answer)
}

func TestRefusalHasTheStatusOfTheRule(t *testing.T) {
	t.Parallel()
	s := Start(t)
	_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Effect: fault.Effect{Kind: fault.Refuse, Error: "busy", Status: 200}})
	require.NoError(t, err)
	r := inProcess(t, s).refused(t, "GET", "VolumesList", "", "busy")
	assert.Equal(t, http.StatusOK, r.Status)
	assert.Equal(t, http.StatusOK, s.Calls()[0].Status)
}

func TestRuleFindsTheClientThatACallIsAbout(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	arm := func(call string) {
		_, err := s.Arm(fault.Rule{Call: call, Client: 2, Effect: fault.Effect{Kind: fault.Refuse}})
		require.NoError(t, err)
	}
	arm("POST VolumesReassign")
	a.post(t, "VolumesReassign", `[{"volume":"v","ro":[1]}]`)
	a.refused(t, "POST", "VolumesReassign", `[{"volume":"v","ro":[3,2]}]`, "busy")
	arm("POST VolumesReassignWait")
	a.post(t, "VolumesReassignWait", `{"reassign":[{"volume":"v","ro":[3]}]}`)
	a.refused(t, "POST", "VolumesReassignWait", `{"reassign":[{"volume":"v","detach":[2]}]}`, "busy")
	arm("POST VolumesReassign")
	a.refused(t, "POST", "VolumesReassign", `[{"volume":"v","detach":"all"}]`, "busy")
	arm("GET ClientConfigWait")
	a.get(t, "ClientConfigWait/1")
	a.refused(t, "GET", "ClientConfigWait/2", "", "busy")
}

func TestRuleOfAnotherClusterFiresThereOnly(t *testing.T) {
	t.Parallel()
	f := StartFederation(t, []Member{{ID: "spsm.a", Name: "first"}, {ID: "spsm.b", Name: "second"}})
	first, second := inProcess(t, f.Server("first")), inProcess(t, f.Server("second"))
	first.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	second.post(t, "VolumeCreate", `{"name":"w","size":512}`)
	_, err := f.Server("first").Arm(fault.Rule{Call: "POST VolumeUpdate", Cluster: "second", Effect: fault.Effect{Kind: fault.Refuse}})
	require.NoError(t, err)
	first.post(t, "MultiCluster/VolumeUpdate/v", `{}`)
	first.refused(t, "POST", "MultiCluster/VolumeUpdate/w", `{}`, "busy")
}

func TestRuleThatCanNeverMatchIsRefused(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for name, r := range map[string]fault.Rule{
		"no such cluster":       {Call: "GET VolumesList", Cluster: "elsewhere"},
		"a list has no object":  {Call: "GET VolumesList", Object: "v"},
		"a list has no tags":    {Call: "GET VolumesList", Tag: "cs=volume"},
		"a create has no host":  {Call: "POST VolumeCreate", Client: 1},
		"no such client":        {Call: "POST VolumesReassign", Client: 99},
		"all clusters together": {Call: "GET MultiCluster/AllClusters", Object: "v"},
	} {
		r.Effect = fault.Effect{Kind: fault.Cut}
		_, err := s.Arm(r)
		assert.ErrorIs(t, err, fault.ErrRule, name)
	}
	for _, r := range []fault.Rule{
		{Call: "GET VolumesList", Cluster: "~" + DefaultClusterID},
		{Call: "POST VolumesReassign", Client: 5, Object: "v*", Tag: "cs=*"},
	} {
		r.Effect = fault.Effect{Kind: fault.Cut}
		id, err := s.Arm(r)
		require.NoError(t, err)
		assert.True(t, s.Faults().Disarm(id))
	}
}
