package emulator

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const initiator = "iqn.2020-01.org.example:host1"

// exportByISCSI exports the volume v, which is there, and logs in.
func exportByISCSI(tb testing.TB, s *Server, a *api) {
	tb.Helper()
	for _, c := range []string{
		`{"createPortalGroup":{"name":"pg1"}}`,
		`{"portalGroupAddNetwork":{"portalGroup":"pg1","net":"10.0.0.1/24"}}`,
		`{"createPortal":{"portalGroup":"pg1","controller":"1","ip":"10.0.0.2","port":3260}}`,
		`{"createInitiator":{"name":"` + initiator + `","username":"","secret":"abcdefghijkl"}}`,
		`{"initiatorAddNetwork":{"initiator":"` + initiator + `","net":"0.0.0.0/0"}}`,
		`{"createTarget":{"volumeName":"v"}}`,
		`{"export":{"initiator":"` + initiator + `","portalGroup":"pg1","volumeName":"v"}}`,
	} {
		a.post(tb, "iSCSIConfig", `{"commands":[`+c+`]}`)
	}
	_, err := s.cluster.ISCSILogin(initiator, "iqn.2019-08.com.storpool:spsm.b:v",
		netip.MustParseAddrPort("10.9.0.1:50000"), netip.MustParseAddrPort("10.0.0.2:3260"))
	require.NoError(tb, err)
}

func TestISCSIConfigurationOverTheAPI(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	exportByISCSI(t, s, a)
	text, err := json.Marshal(a.get(t, "iSCSIConfig").Data)
	require.NoError(t, err)
	assert.JSONEq(t, `{"iscsi":{"baseName":"iqn.2019-08.com.storpool:spsm.b",
		"portalGroups":{"1":{"name":"pg1","networks":[{"address":"10.0.0.1","prefix":24}],
			"portals":[{"controller":1,"ip":"10.0.0.2","port":"3260"}]}},
		"targets":{"1":{"name":"iqn.2019-08.com.storpool:spsm.b:v","volume":"v","currentControllerId":1}},
		"initiators":{"1":{"name":"iqn.2020-01.org.example:host1","username":"","secret":"abcdefghijkl","nets":["0.0.0.0/0"],
			"exports":[{"portalGroup":"pg1","target":"iqn.2019-08.com.storpool:spsm.b:v"}]}}}}`, string(text))
	for _, call := range s.Calls() {
		assert.NotContains(t, call.Body, "abcdefghijkl", "the journal has no CHAP secret")
	}
	a.refused(t, "POST", "VolumeDelete/v", "", "busy")
}

func TestISCSICommandIsExactlyOne(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	for _, body := range []string{
		`{"commands":[{}]}`, `{"commands":[{"unknownCommand":{"name":"x"}}]}`,
		`{"commands":[{"createPortalGroup":{"name":"a"},"deletePortalGroup":{"name":"a"}}]}`,
		`{"commands":[{"createPortalGroup":{}}]}`, `{"commands":[{"createPortalGroup":"a"}]}`, `{"commands":{}}`,
		`{"commands":[{"createInitiator":{"name":"iqn.x"}}]}`,
		`{"commands":[{"createPortalGroup":{"name":"a"}},{"createPortalGroup":{"name":"a/b"}}]}`,
	} {
		a.refused(t, "POST", "iSCSIConfig", body, "invalidParam")
	}
	a.post(t, "iSCSIConfig", ``)
	a.post(t, "iSCSIConfig", `{"commands":[{"createPortalGroup":{"name":"a"}},{"deletePortalGroup":{"name":"a"}}]}`)
	a.refused(t, "POST", "iSCSIConfig", `{"commands":[{"createPortalGroup":{"name":"a","colour":1}},{}]}`, "invalidParam")
	calls := s.Calls()
	assert.Equal(t, []string{"commands.0.createPortalGroup.colour"}, calls[len(calls)-1].Unknown)
}

func TestISCSIControllersShowSessionsAndInterfaces(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	assert.Empty(t, a.get(t, "iSCSISessionsInfo").object(t)["sessions"])
	exportByISCSI(t, s, a)
	ask := func(query, arguments string) any {
		return a.get(t, query+"?json="+url.QueryEscape(arguments)).Data
	}
	text, err := json.Marshal(ask("iSCSISessionsInfo", `{"controllerIds":["1",77],"msecsTimeout":100}`))
	require.NoError(t, err)
	type session struct {
		ControllerID      int
		Status, Initiator string
		TCP               *iscsiTCP
	}
	var out struct{ Sessions []session }
	require.NoError(t, json.Unmarshal(text, &out))
	require.Len(t, out.Sessions, 2)
	assert.Equal(t, session{ControllerID: 77, Status: "timeout"}, out.Sessions[1])
	first := out.Sessions[0]
	assert.Equal(t, "ok", first.Status)
	assert.Equal(t, []any{initiator, "10.9.0.1", 50000, "10.0.0.2", 3260},
		[]any{first.Initiator, first.TCP.InitiatorIP, first.TCP.InitiatorPort, first.TCP.PortalIP, first.TCP.PortalPort})
	interfaces, ok := a.get(t, "iSCSInterfacesInfo").object(t)["controllers"].([]any)
	require.True(t, ok)
	assert.Len(t, interfaces, 3)
	assert.Equal(t, map[string]any{"controllers": []any{map[string]any{"controllerId": json.Number("77"), "status": "timeout"}}},
		ask("iSCSInterfacesInfo", `{"controllerIds":[77]}`))
	targets, ok := a.get(t, "ServicesList").object(t)["iscsiTargets"].(map[string]any)
	require.True(t, ok)
	assert.Len(t, targets, 3)
}
