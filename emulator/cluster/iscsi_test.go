package cluster_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

const (
	host1 = "iqn.2020-01.org.example:host1"
	base  = "iqn.2019-08.com.storpool:spsm.b"
)

// exporting returns a cluster with a portal group, the volume v as a target, and an export of it to host1.
func exporting(t *testing.T) *bed {
	t.Helper()
	b := start(t)
	b.volume(cluster.VolumeSpec{Name: "v"})
	b.volume(cluster.VolumeSpec{Name: "w"})
	b.volume(cluster.VolumeSpec{Name: "Upper_case"})
	require.NoError(t, b.ISCSIConfigChange(
		cluster.ISCSICreatePortalGroup{Name: "pg"},
		cluster.ISCSIPortalGroupAddNetwork{PortalGroup: "pg", Net: "10.0.0.1/24"},
		cluster.ISCSICreatePortal{PortalGroup: "pg", Controller: 2, IP: "10.0.0.2"},
		cluster.ISCSICreatePortal{PortalGroup: "pg", Controller: 3, IP: "10.0.0.3", Port: 3261},
		cluster.ISCSICreateInitiator{Name: host1, Username: "user", Secret: "chap"},
		cluster.ISCSIInitiatorAddNetwork{Initiator: host1, Net: "10.1.0.0/16"},
		cluster.ISCSICreateTarget{Volume: "v"},
		cluster.ISCSIExport{Initiator: host1, PortalGroup: "pg", Volume: "v"},
	))
	return b
}

func TestISCSIConfigurationShowsWhatTheCommandsMade(t *testing.T) {
	t.Parallel()
	b := exporting(t)
	require.NoError(t, b.ISCSIConfigChange(
		cluster.ISCSISetBaseName{Name: "iqn.other"}, cluster.ISCSICreateTarget{Volume: "w"},
		cluster.ISCSICreatePortalGroup{Name: "b_2"},
	))
	require.NoError(t, b.VolumeUpdate("v", cluster.VolumeChange{Rename: new("renamed")}))
	v, err := b.Volume("renamed")
	require.NoError(t, err)
	w, err := b.Volume("w")
	require.NoError(t, err)
	assert.Equal(t, cluster.ISCSI{
		BaseName: "iqn.other",
		PortalGroups: []cluster.ISCSIPortalGroup{
			{
				ID: 1, Name: "pg", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")},
				Portals: []cluster.ISCSIPortal{
					{Controller: 2, Addr: netip.MustParseAddrPort("10.0.0.2:3260")},
					{Controller: 3, Addr: netip.MustParseAddrPort("10.0.0.3:3261")},
				},
			},
			{ID: 2, Name: "b_2"},
		},
		Targets: []cluster.ISCSITarget{
			{ID: 1, Name: base + ":v", Volume: "renamed", VolumeID: v.VisibleID, Controller: 2},
			{ID: 2, Name: "iqn.other:w", Volume: "w", VolumeID: w.VisibleID, Controller: 3},
		},
		Initiators: []cluster.ISCSIInitiator{{
			ID: 1, Name: host1, Username: "user", Secret: "chap", Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
			Exports: []cluster.ISCSIExportEntry{{PortalGroup: "pg", Target: base + ":v"}},
		}},
	}, b.ISCSIConfig())
}

func TestISCSICommandIsRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		command cluster.ISCSICommand
		want    cluster.ErrorName
	}{
		{"bad base name", cluster.ISCSISetBaseName{Name: "Iqn"}, cluster.InvalidParam},
		{"portal group there", cluster.ISCSICreatePortalGroup{Name: "pg"}, cluster.ObjectExists},
		{"portal group name", cluster.ISCSICreatePortalGroup{Name: "p g"}, cluster.InvalidParam},
		{"delete no portal group", cluster.ISCSIDeletePortalGroup{Name: "x"}, cluster.ObjectDoesNotExist},
		{"delete a used portal group", cluster.ISCSIDeletePortalGroup{Name: "pg"}, cluster.Busy},
		{"network of no group", cluster.ISCSIPortalGroupAddNetwork{PortalGroup: "x", Net: "10.0.0.0/8"}, cluster.ObjectDoesNotExist},
		{"network there", cluster.ISCSIPortalGroupAddNetwork{PortalGroup: "pg", Net: "10.0.0.1/24"}, cluster.ObjectExists},
		{"no network", cluster.ISCSIPortalGroupAddNetwork{PortalGroup: "pg", Net: "10.0.0.1"}, cluster.InvalidParam},
		{"portal of no group", cluster.ISCSICreatePortal{PortalGroup: "x", Controller: 1, IP: "10.0.0.9"}, cluster.ObjectDoesNotExist},
		{"portal of no controller", cluster.ISCSICreatePortal{PortalGroup: "pg", Controller: 4, IP: "10.0.0.9"}, cluster.ObjectDoesNotExist},
		{"portal of controller 0", cluster.ISCSICreatePortal{PortalGroup: "pg", IP: "10.0.0.9"}, cluster.ObjectDoesNotExist},
		{"portal there", cluster.ISCSICreatePortal{PortalGroup: "pg", Controller: 1, IP: "10.0.0.2", Port: 3260}, cluster.ObjectExists},
		{"portal without address", cluster.ISCSICreatePortal{PortalGroup: "pg", Controller: 1, IP: "host"}, cluster.InvalidParam},
		{"portal port", cluster.ISCSICreatePortal{PortalGroup: "pg", Controller: 1, IP: "10.0.0.9", Port: 65536}, cluster.InvalidParam},
		{"portal port below 0", cluster.ISCSICreatePortal{PortalGroup: "pg", Controller: 1, IP: "10.0.0.9", Port: -1}, cluster.InvalidParam},
		{"delete no portal", cluster.ISCSIDeletePortal{IP: "10.0.0.3"}, cluster.ObjectDoesNotExist},
		{"delete portal without address", cluster.ISCSIDeletePortal{IP: "10.0.0"}, cluster.InvalidParam},
		{"target there", cluster.ISCSICreateTarget{Volume: "v"}, cluster.ObjectExists},
		{"target of no volume", cluster.ISCSICreateTarget{Volume: "x"}, cluster.ObjectDoesNotExist},
		{"target of a name that iSCSI has not", cluster.ISCSICreateTarget{Volume: "Upper_case"}, cluster.InvalidParam},
		{"delete an exported target", cluster.ISCSIDeleteTarget{Volume: "v"}, cluster.InvalidParam},
		{"delete no target", cluster.ISCSIDeleteTarget{Volume: "w"}, cluster.ObjectDoesNotExist},
		{"delete target of no volume", cluster.ISCSIDeleteTarget{Volume: "x"}, cluster.ObjectDoesNotExist},
		{"initiator there", cluster.ISCSICreateInitiator{Name: host1}, cluster.ObjectExists},
		{"initiator name", cluster.ISCSICreateInitiator{Name: "Host_1"}, cluster.InvalidParam},
		{"delete no initiator", cluster.ISCSIDeleteInitiator{Name: "x"}, cluster.ObjectDoesNotExist},
		{"delete a used initiator", cluster.ISCSIDeleteInitiator{Name: host1}, cluster.Busy},
		{"network of no initiator", cluster.ISCSIInitiatorAddNetwork{Initiator: "x", Net: "0.0.0.0/0"}, cluster.ObjectDoesNotExist},
		{"network of initiator there", cluster.ISCSIInitiatorAddNetwork{Initiator: host1, Net: "10.1.0.0/16"}, cluster.ObjectExists},
		{"bad network of initiator", cluster.ISCSIInitiatorAddNetwork{Initiator: host1, Net: "10.1.0.0/33"}, cluster.InvalidParam},
		{"export there", cluster.ISCSIExport{Initiator: host1, PortalGroup: "pg", Volume: "v"}, cluster.ObjectExists},
		{"export to no initiator", cluster.ISCSIExport{Initiator: "x", PortalGroup: "pg", Volume: "v"}, cluster.ObjectDoesNotExist},
		{"export in no group", cluster.ISCSIExport{Initiator: host1, PortalGroup: "x", Volume: "v"}, cluster.ObjectDoesNotExist},
		{"export of no target", cluster.ISCSIExport{Initiator: host1, PortalGroup: "pg", Volume: "w"}, cluster.ObjectDoesNotExist},
		{"unexport of no target", cluster.ISCSIExportDelete{Initiator: host1, PortalGroup: "pg", Volume: "w"}, cluster.ObjectDoesNotExist},
	}
	b := exporting(t)
	before, generation := b.ISCSIConfig(), b.Generation()
	for _, c := range cases {
		err := b.ISCSIConfigChange(cluster.ISCSICreatePortalGroup{Name: "first"}, c.command)
		assert.ErrorIs(t, err, c.want, c.name)
	}
	assert.Equal(t, before, b.ISCSIConfig(), "all commands of a call are done or none")
	assert.Equal(t, generation, b.Generation())
}

func TestISCSIConfigurationIsTakenDownFromTheTop(t *testing.T) {
	t.Parallel()
	b := exporting(t)
	_, err := b.ISCSILogin(host1, base+":v", netip.MustParseAddrPort("10.1.2.3:4000"), netip.MustParseAddrPort("10.0.0.2:3260"))
	require.NoError(t, err)
	for _, c := range []struct {
		want    cluster.ErrorName // before the command that follows
		refused cluster.ISCSICommand
		done    cluster.ISCSICommand
	}{
		{cluster.InvalidParam, cluster.ISCSIDeleteTarget{Volume: "v"}, cluster.ISCSIExportDelete{Initiator: host1, PortalGroup: "pg", Volume: "v"}},
		{cluster.ObjectDoesNotExist, cluster.ISCSIExportDelete{Initiator: host1, PortalGroup: "pg", Volume: "v"}, cluster.ISCSIDeleteTarget{Volume: "v"}},
		{cluster.Busy, cluster.ISCSIDeletePortalGroup{Name: "pg"}, cluster.ISCSIDeletePortal{IP: "10.0.0.3", Port: 3261}},
		{cluster.Busy, cluster.ISCSIDeletePortalGroup{Name: "pg"}, cluster.ISCSIDeletePortal{IP: "10.0.0.2"}},
		{cluster.ObjectDoesNotExist, cluster.ISCSIDeletePortal{IP: "10.0.0.2"}, cluster.ISCSIDeletePortalGroup{Name: "pg"}},
		{cluster.ObjectDoesNotExist, cluster.ISCSIDeletePortalGroup{Name: "pg"}, cluster.ISCSIDeleteInitiator{Name: host1}},
	} {
		require.ErrorIs(t, b.ISCSIConfigChange(c.refused), c.want)
		require.NoError(t, b.ISCSIConfigChange(c.done))
	}
	assert.Equal(t, cluster.ISCSI{BaseName: base}, b.ISCSIConfig())
	for _, one := range b.ISCSIControllers() {
		assert.Empty(t, one.Sessions, "a session ends with its export")
	}
}

func TestVolumeThatIsATargetStays(t *testing.T) {
	t.Parallel()
	b := exporting(t)
	for _, on := range []cluster.OnAttached{"", cluster.OnAttachedDetachForce} {
		require.ErrorIs(t, b.VolumeDelete("v", on), cluster.Busy)
	}
	require.ErrorIs(t, b.VolumeFreeze("v", cluster.Schedule{}), cluster.Busy)
	require.NoError(t, b.ISCSIConfigChange(
		cluster.ISCSIExportDelete{Initiator: host1, PortalGroup: "pg", Volume: "v"}, cluster.ISCSIDeleteTarget{Volume: "v"},
	))
	require.NoError(t, b.VolumeDelete("v", ""))
	require.NoError(t, b.VolumeFreeze("w", cluster.Schedule{}))
}

func TestISCSILoginNeedsAnExportAndTheRightNetwork(t *testing.T) {
	t.Parallel()
	b := exporting(t)
	in, out := netip.MustParseAddrPort("10.1.2.3:4000"), netip.MustParseAddrPort("10.2.2.3:4000")
	portal, none := netip.MustParseAddrPort("10.0.0.3:3261"), netip.MustParseAddrPort("10.0.0.3:3260")
	require.NoError(t, b.ISCSIConfigChange(cluster.ISCSICreateTarget{Volume: "w"}))
	for _, c := range []struct {
		initiator, target string
		from, portal      netip.AddrPort
		want              cluster.ErrorName
	}{
		{"x", base + ":v", in, portal, cluster.ObjectDoesNotExist},
		{host1, base + ":v", in, none, cluster.ObjectDoesNotExist},
		{host1, base + ":w", in, portal, cluster.AccessDenied},
		{host1, base + ":v", out, portal, cluster.AccessDenied},
	} {
		_, err := b.ISCSILogin(c.initiator, c.target, c.from, c.portal)
		assert.ErrorIs(t, err, c.want)
	}
	s, err := b.ISCSILogin(host1, base+":v", in, portal)
	require.NoError(t, err)
	want := cluster.ISCSISession{
		Controller: 3, Connection: 1, Initiator: host1, Target: base + ":v", Portal: portal, From: in, Created: b.clock.Now().Unix(),
	}
	assert.Equal(t, want, s)
	assert.Equal(t, []cluster.ISCSIController{
		{ID: 3, Answers: true, Sessions: []cluster.ISCSISession{want}}, {ID: 9}, {ID: 1, Answers: true},
	}, b.ISCSIControllers(3, 9, 1))
	again, err := b.ISCSILogin(host1, base+":v", in, portal)
	require.NoError(t, err)
	assert.Equal(t, 2, again.Connection)
	require.NoError(t, b.ISCSILogout(1))
	require.ErrorIs(t, b.ISCSILogout(1), cluster.ObjectDoesNotExist)
	require.NoError(t, b.ISCSIConfigChange(cluster.ISCSIDeletePortal{IP: "10.0.0.3", Port: 3261}))
	assert.Empty(t, b.ISCSIControllers(3)[0].Sessions)
}
