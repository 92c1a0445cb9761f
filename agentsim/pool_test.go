package agentsim

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

func (b *bench) connect() agentapi.ModifyStoragePool {
	return agentapi.ModifyStoragePool{
		Add: true, Pool: pool(), LocalPath: "/mnt/p", CheckVolume: b.sp.add("a7k.b.check", make([]byte, 512), false),
	}
}

func TestAHostConnectsToAPoolAndLeavesTheCheckVolumeAsItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ans := b.send(t, b.connect())
	assert.Equal(t, &agentapi.Answer{OK: true, Payload: agentapi.PoolInfo{
		Pool: pool(), LocalPath: "/mnt/p", Capacity: 112589990684262400, ClusterID: "a7k.b", ClientNodeID: "1",
		ClusterLocation: "sofia",
	}}, ans)
	assert.Equal(t, []string{"ssd;1"}, b.one.State().Pools)
	assert.Equal(t, []string{"locations", "attach ~a7k.b.check", "detach ~a7k.b.check"}, b.sp.calls)
	b.clean(t)
}

func TestAHostWithoutStorPoolSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.AddHost(HostConfig{UUID: "bare", API: b.sp, Devices: devices{b.sp, 3}})
	require.NoError(t, err)
	b.clock.Run(func() {
		ans, err := b.Send(context.Background(), "bare", b.connect())
		require.NoError(t, err)
		assert.Equal(t, &agentapi.Answer{Details: "spNotFound"}, ans)
	})
	assert.Empty(t, b.sp.calls)
}

func TestAConnectThatFailsNamesStorPoolsError(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	cmd := b.connect()
	cmd.CheckVolume = byID + "a7k.b.none"
	assert.Equal(t, &agentapi.Answer{Details: "objectDoesNotExist"}, b.send(t, cmd))
	assert.Empty(t, b.one.State().Pools)

	_, err := b.Arm(fault.Rule{Call: "agent ModifyStoragePool/attach", Effect: fault.Effect{Kind: fault.Hang}})
	require.NoError(t, err)
	took := b.took(func() { assert.Equal(t, &agentapi.Answer{Details: "timeout"}, b.send(t, b.connect())) })
	assert.Equal(t, 5*time.Minute, took)

	b.sp.failing("attach", &spapi.TransportError{Call: "VolumesReassignWait", Err: fault.ErrConnectionLost})
	ans := b.send(t, b.connect())
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "connection lost")
	b.clean(t)

	cmd.CheckVolume = ""
	assert.True(t, b.send(t, cmd).OK, "without a check volume there is nothing to find out")
}

func TestTheLocationIsThatOfTheClusterOrUnknown(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"refused":    &spapi.Error{Name: "notSupported"},
		"unreadable": &spapi.AnswerError{Call: "LocationsList", Err: fault.ErrMalformed},
	} {
		b := newBench(t, "")
		b.sp.failing("locations", err)
		ans := b.send(t, b.connect())
		require.True(t, ans.OK, name)
		info, ok := ans.Payload.(agentapi.PoolInfo)
		require.True(t, ok)
		assert.Empty(t, info.ClusterLocation, name)
	}
}

func TestPoolsAreMadeAnewAfterARestartOfTheAgent(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	require.True(t, b.send(t, b.connect()).OK)
	require.True(t, b.send(t, agentapi.Start{VM: vm("v", path)}).OK)
	b.one.RestartAgent()
	assert.Empty(t, b.one.State().Pools)
	assert.Equal(t, map[string]int{"~a7k.b.1": 1}, b.one.State().Uses, "guests and attachments stay")
	_, err := b.Guest("v")
	require.NoError(t, err)
	data := b.sp.add("a7k.b.2", make([]byte, mib), false)
	require.True(t, b.send(t, agentapi.Attach{VM: "v", Disk: agentapi.Disk{Path: data, Pool: pool()}}).OK)
	assert.Equal(t, []string{"ssd;1"}, b.one.State().Pools)
}

func TestATemplateIsDestroyedBySnapshotDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	snap := b.sp.add("a7k.b.1", nil, true)
	require.True(t, b.send(t, agentapi.DestroyTemplate{Path: snap, Pool: pool()}).OK)
	assert.Nil(t, b.sp.get(snap))
	require.True(t, b.send(t, agentapi.DestroyTemplate{Path: snap, Pool: pool()}).OK, "what is gone is destroyed")
	assert.False(t, b.send(t, agentapi.DestroyTemplate{Path: "/mnt/x", Pool: pool()}).OK)
	assert.Equal(t, []string{"delete ~a7k.b.1", "delete ~a7k.b.1"}, b.sp.calls)
}

func TestTheAdaptorAnswersAsThePluginDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx, a := context.Background(), b.one.Adaptor()
	_, ok := a.GetStoragePool("ssd;1")
	assert.False(t, ok)
	made := a.CreateStoragePool(pool())
	assert.Equal(t, "1", made.NodeID)
	got, ok := a.GetStoragePool("ssd;1")
	assert.True(t, ok)
	assert.Equal(t, made, got)
	assert.True(t, a.Refresh(got))
	assert.True(t, a.DeleteStoragePool("ssd;1"))
	assert.False(t, a.DeleteStoragePool("ssd;1"))

	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	assert.Equal(t, PhysicalDisk{Name: path, Path: path}, a.GetPhysicalDisk(ctx, path), "not attached: size 0")
	ok, err := a.ConnectPhysicalDisk(ctx, path)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, PhysicalDisk{Name: path, Path: path, Size: mib}, a.GetPhysicalDisk(ctx, path))
	ok, err = a.DisconnectPhysicalDiskOf(ctx, DiskDetails{UUID: "0f-1", Path: path})
	require.NoError(t, err)
	assert.True(t, ok)
	for _, f := range []func(context.Context, string) (bool, error){
		a.ConnectPhysicalDisk, a.DisconnectPhysicalDisk, a.DisconnectPhysicalDiskByPath,
	} {
		ok, err := f(ctx, "/mnt/foreign")
		require.NoError(t, err)
		assert.False(t, ok, "a foreign path is none of ours")
		_, err = f(ctx, byID)
		require.ErrorIs(t, err, ErrBadPath)
	}
	require.ErrorIs(t, a.DeletePhysicalDisk(ctx, "/mnt/foreign"), ErrUnsupported)
	assert.False(t, a.CreateFolder("u", "p", "l"))
	assert.Nil(t, a.CreatePhysicalDisk())
	_, err = a.ListPhysicalDisks()
	require.ErrorIs(t, err, ErrUnsupported)
	for _, f := range []func() (*PhysicalDisk, error){a.CreateTemplateFromDisk, a.CopyPhysicalDisk, a.CreateDiskFromSnapshot} {
		_, err := f()
		require.ErrorIs(t, err, ErrUnsupported)
	}
	_, err = a.CreateTemplateFromDirectDownloadFile(context.Background(), agentapi.DirectDownload{})
	require.ErrorContains(t, err, "direct downloads")
	b.clean(t)
}

func TestAPathNamesAnObjectOrNothing(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"": "", "/dev/sda": "", "/dev/storpool": "", "/dev/storpool-byid": "", "storpool": "",
		"/dev/storpool/name": "name", "/dev/storpool/name/p1": "name",
		"/dev/storpool-byid/a7k.b.1": "~a7k.b.1", "/dev/storpool-byid/a7k.b.1/x": "~a7k.b.1",
	} {
		got, err := ObjectName(path)
		require.NoError(t, err, path)
		assert.Equal(t, want, got, path)
	}
	for _, path := range []string{byID, byName, byName + "/x"} {
		_, err := ObjectName(path)
		require.ErrorIs(t, err, ErrBadPath, path)
	}
}

func TestAHeartbeatTellsUnknownFromDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		node  string
		setUp func(*storpool)
		want  agentapi.HostState
	}{
		"own, running":    {"", nil, agentapi.HostUp},
		"another, down":   {"2", nil, agentapi.HostDown},
		"not listed":      {"77", nil, agentapi.HostUnknown},
		"no number":       {"x", nil, agentapi.HostUnknown},
		"no answer":       {"2", func(s *storpool) { s.failing("services", fault.ErrConnectionLost) }, agentapi.HostUnknown},
		"no client list":  {"2", func(s *storpool) { s.clients = nil }, agentapi.HostUnknown},
		"node id matters": {"9", func(s *storpool) { s.clients["1"] = spapi.Service{ID: 1, NodeID: 9, Status: "down"} }, agentapi.HostDown},
	} {
		b := newBench(t, "")
		if c.setUp != nil {
			c.setUp(b.sp)
		}
		ans := b.send(t, agentapi.CheckHeartbeat{NodeID: c.node})
		assert.Equal(t, &agentapi.Answer{OK: true, Payload: agentapi.Heartbeat{State: c.want}}, ans, name)
	}
}

func TestOnlyAHostThatIsReallyDownReboots(t *testing.T) {
	t.Parallel()
	down := func(s *storpool) { s.clients["1"] = spapi.Service{ID: 1, NodeID: 1, Status: "down"} }
	for name, c := range map[string]struct {
		setUp   func(*storpool)
		took    time.Duration
		reboots int
		want    agentapi.HostState
	}{
		"up":             {func(*storpool) {}, 0, 0, agentapi.HostUp},
		"API outage":     {func(s *storpool) { s.failing("services", fault.ErrConnectionLost) }, 0, 0, agentapi.HostUnknown},
		"up again":       {func(s *storpool) { down(s); s.failing("services", nil, fault.ErrConnectionLost) }, 10 * time.Second, 0, agentapi.HostUnknown},
		"device answers": {down, 40 * time.Second, 0, agentapi.HostUnknown},
		"down":           {func(s *storpool) { down(s); clear(s.objects["~a7k.b.1"].on) }, 40 * time.Second, 1, agentapi.HostDown},
	} {
		b := newBench(t, "")
		path := b.sp.add("a7k.b.1", make([]byte, mib), false)
		require.True(t, b.send(t, agentapi.Start{VM: vm("v", path)}).OK)
		c.setUp(b.sp)
		b.clock.Run(func() {
			begun := b.clock.Now()
			state, err := b.one.Heartbeat(context.Background())
			require.NoError(t, err)
			assert.Equal(t, c.want, state, name)
			assert.Equal(t, c.took, b.clock.Now().Sub(begun), name)
		})
		assert.Equal(t, c.reboots, b.one.Reboots(), name)
		_, err := b.Guest("v")
		assert.Equal(t, c.reboots > 0, err != nil, name)
	}
}

func TestTheMonitorAsksEveryMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	require.True(t, b.send(t, b.connect()).OK)
	b.clock.Run(func() {
		ctx, cancel := b.clock.WithTimeout(context.Background(), 150*time.Second)
		defer cancel()
		require.ErrorIs(t, b.one.Monitor(ctx), context.DeadlineExceeded)
	})
	assert.Equal(t, 3, b.sp.took("services"))
}

func TestTheConfigurationIsReadByLines(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	h, err := b.AddHost(HostConfig{
		UUID: "h", OurID: 4, ClusterID: "a7k.b", API: b.sp, Devices: devices{b.sp, 4},
		Conf: []string{"SP_AUTH_TOKEN=a=b", "NOTHING", "SP_CLUSTER_ID=first.x"},
	})
	require.NoError(t, err)
	assert.Equal(t, "a=b", h.conf("SP_AUTH_TOKEN"))
	assert.Equal(t, "first.x", h.conf("SP_CLUSTER_ID"), "the first match wins")
	assert.Equal(t, strconv.Itoa(4), h.conf("SP_OURID"))
	assert.Empty(t, h.conf("NOTHING"))
}
