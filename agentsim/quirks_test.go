package agentsim

import (
	"context"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

func TestEveryRuleIsSetAndReplacedByAQuirk(t *testing.T) {
	t.Parallel()
	replaced := map[string]bool{}
	right := reflect.ValueOf(correct())
	for _, q := range quirks() {
		if q.Apply == nil {
			require.NotEmpty(t, q.Inexpressible, q.ID)
			continue
		}
		require.NotEmpty(t, q.Reason, q.ID)
		r := correct()
		q.Apply(&r)
		changed, v := 0, reflect.ValueOf(r)
		for i := range v.NumField() {
			if v.Field(i).Pointer() != right.Field(i).Pointer() {
				replaced[v.Type().Field(i).Name] = true
				changed++
			}
		}
		assert.Positive(t, changed, "%s changes nothing", q.ID)
	}
	for i := range right.NumField() {
		name := right.Type().Field(i).Name
		assert.False(t, right.Field(i).IsNil(), "%s is not set", name)
		assert.True(t, replaced[name], "no quirk replaces %s", name)
	}
}

func TestA4AFailedCallCountsAsDownAndReboots(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-4")
	b.sp.failing("services", fault.ErrConnectionLost)
	assert.Equal(t, agentapi.Heartbeat{State: agentapi.HostDown}, b.send(t, agentapi.CheckHeartbeat{NodeID: "1"}).Payload)
	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	require.True(t, b.send(t, agentapi.Start{VM: vm("v", path)}).OK)
	for range 5 {
		b.sp.failing("services", fault.ErrConnectionLost)
	}
	b.clock.Run(func() {
		_, err := b.one.Heartbeat(context.Background())
		require.NoError(t, err)
	})
	assert.Equal(t, 1, b.one.Reboots())
}

func TestA5AMissingIDEndsTheHeartbeat(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-5")
	h, err := b.AddHost(HostConfig{UUID: "h", ClusterID: "a7k.b", API: b.sp, Devices: devices{b.sp, 3}})
	require.NoError(t, err)
	h.Adaptor().CreateStoragePool(pool())
	for range 2 {
		_, err = h.Heartbeat(context.Background())
		require.Error(t, err)
	}
	assert.Equal(t, 1, b.sp.took("services"), "the thread is dead")
	b.sp.clients = nil
	assert.False(t, b.send(t, agentapi.CheckHeartbeat{}).OK)
}

func TestA6TheFirstToFinishDetachesUnderTheSecond(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-6")
	b.one.SetThroughput(mib / 2)
	answers := b.both(t, b.sp.add("a7k.b.1", pattern(1, 12*mib), true))
	assert.True(t, answers[0].OK)
	assert.Greater(t, b.sp.took("detach"), 2, "seconds are burnt on an open device")
}

func TestA7AnImageIsWrittenToAFileInDev(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-7")
	require.True(t, b.send(t, backupOf(b.sp.add("a7k.b.1", contents(1, mib), true))).OK)
	b.one.SetDeviceDelay(time.Hour)
	dst := b.sp.add("a7k.b.2", make([]byte, mib), false)
	ans := b.send(t, restoreTo(dst))
	assert.True(t, ans.OK, "success with nothing written: %s", ans.Details)
	assert.Equal(t, make([]byte, mib), b.sp.get(dst).data)
	assert.Equal(t, map[string]int64{dst: mib}, b.one.State().Stray)
}

func TestA8AFailedDetachReplacesTheAnswerAndLeavesTheMount(t *testing.T) {
	t.Parallel()
	for _, quirk := range []string{"", "A-8"} {
		b := newBench(t, quirk)
		b.sp.failing("detach", busy(10)...)
		ans := b.send(t, backupOf(b.sp.add("a7k.b.1", contents(1, mib), true)))
		assert.Len(t, b.files(t), 1)
		if quirk == "" {
			assert.True(t, ans.OK)
			assert.Contains(t, ans.Details, "warning: detach snapshot ~a7k.b.1")
			b.clean(t)
			continue
		}
		assert.False(t, ans.OK)
		assert.Equal(t, map[string]int{store: 1}, b.one.State().Mounts)
		assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments())
	}
}

func TestA10AResizeSaysWhatIsNotSo(t *testing.T) {
	t.Parallel()
	for quirk, c := range map[string]struct {
		step string
		want agentapi.Resized
	}{
		"A-10a": {"blockresize", agentapi.Resized{Size: 2 * mib, GuestNotified: true}},
		"A-10b": {"script", agentapi.Resized{}},
	} {
		b := newBench(t, quirk)
		cmd := b.grown(t, true, 2*mib)
		_, err := b.Arm(fault.Rule{Call: "agent ResizeVolume/" + c.step, Effect: fault.Effect{Kind: fault.Refuse}})
		require.NoError(t, err)
		ans := b.send(t, cmd)
		assert.True(t, ans.OK, quirk)
		assert.Equal(t, c.want, ans.Payload, quirk)
		assert.Equal(t, int64(mib), b.guestSize(t), quirk)
	}
}

func TestA12ALocationIsMatchedBySubstring(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-12")
	info, ok := b.send(t, b.connect()).Payload.(agentapi.PoolInfo)
	require.True(t, ok)
	assert.Equal(t, "wrong", info.ClusterLocation)
}

func TestA13ConfigurationAndLocationsAreReadBadly(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-13a")
	h, err := b.AddHost(HostConfig{UUID: "h", Conf: []string{"SP_CLUSTER_ID=a7k.b=x"}, API: b.sp, Devices: devices{b.sp, 3}})
	require.NoError(t, err)
	assert.Empty(t, h.conf("SP_CLUSTER_ID"))
	b = newBench(t, "A-13b")
	b.sp.failing("locations", &spapi.AnswerError{Call: "LocationsList", Err: fault.ErrMalformed}, &spapi.Error{Name: "x"})
	assert.False(t, b.send(t, b.connect()).OK)
	assert.True(t, b.send(t, b.connect()).OK, "a refusal is guarded")
}

func TestA14PoolsAreForgottenUntilTheNextConnect(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-14")
	v := vm("v", b.sp.add("a7k.b.1", make([]byte, mib), false))
	require.True(t, b.send(t, b.connect()).OK)
	b.one.RestartAgent()
	assert.False(t, b.send(t, agentapi.Start{VM: v}).OK)
	require.True(t, b.send(t, b.connect()).OK)
	assert.True(t, b.send(t, agentapi.Start{VM: v}).OK)
}

func TestA15TheCheckVolumeStaysAttached(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-15")
	b.one.SetDeviceDelay(time.Hour)
	assert.Zero(t, b.took(func() { require.True(t, b.send(t, b.connect()).OK) }))
	assert.Equal(t, []string{"~a7k.b.check on 1"}, b.sp.attachments())
	assert.Empty(t, b.one.State().Uses)
}

func TestA18AnUnwritableLogFailsStorage(t *testing.T) {
	t.Parallel()
	for _, quirk := range []string{"", "A-18"} {
		b := newBench(t, quirk)
		b.one.BreakLog(true)
		ans := b.send(t, backupOf(b.sp.add("a7k.b.1", contents(1, mib), true)))
		assert.Equal(t, quirk == "", ans.OK, ans.Details)
		b.one.BreakLog(false)
		assert.True(t, b.send(t, backupOf(byID+"a7k.b.1")).OK)
	}
}

func TestA19TheStoreIsCheckedAfterTheAttach(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-19")
	cmd := backupOf(b.sp.add("a7k.b.1", contents(1, mib), true))
	cmd.Dest.Store.URL = "s3://bucket"
	assert.False(t, b.send(t, cmd).OK)
	assert.Equal(t, []string{"attach ~a7k.b.1", "detach ~a7k.b.1"}, b.sp.calls)
}

func TestA20PartialFilesStay(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-20")
	b.one.SetThroughput(mib)
	cmd := backupOf(b.sp.add("a7k.b.1", pattern(1, 8*mib), true))
	cmd.Wait = 3 * time.Second
	assert.False(t, b.send(t, cmd).OK)
	files := b.files(t)
	require.Len(t, files, 1)
	assert.Equal(t, "snapshots/2/17/s-20260101", files[0].Name)
}

func TestA21WhatWasNotFlushedIsLostWithTheHost(t *testing.T) {
	t.Parallel()
	for _, quirk := range []string{"", "A-21", "A-20,A-21"} {
		b := newBench(t, quirk)
		require.True(t, b.send(t, backupOf(b.sp.add("a7k.b.1", contents(1, mib), true))).OK)
		b.one.Reboot()
		files := b.files(t)
		require.Len(t, files, 1)
		assert.Equal(t, quirk == "", files[0].Size > 0, quirk)
	}
}

func TestA23ADisconnectLooksAtABareUUID(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-23")
	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	_, err := b.one.Adaptor().ConnectPhysicalDisk(context.Background(), path)
	require.NoError(t, err)
	ok, err := b.one.Adaptor().DisconnectPhysicalDiskOf(context.Background(), DiskDetails{UUID: "0f-1", Path: path})
	require.NoError(t, err)
	assert.False(t, ok)
	assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments())
}

func TestEveryDefectOfTheAgentIsListed(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, q := range Quirks() {
		listed[strings.TrimRight(q.ID, "abcd")] = true
	}
	for n := 1; n <= 24; n++ {
		assert.True(t, listed["A-"+strconv.Itoa(n)], "A-%d", n)
	}
}
