package agentsim

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

func busy(n int) []error {
	out := make([]error, n)
	for i := range out {
		out[i] = &spapi.Error{Name: spapi.NameBusy, Descr: "open"}
	}
	return out
}

func TestAVMReadsAndWritesItsDisksWhereItRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	root, data := b.sp.add("a7k.b.1", make([]byte, mib), false), b.sp.add("a7k.b.2", make([]byte, mib), false)
	require.True(t, b.send(t, agentapi.Start{VM: vm("i-2-3-VM", root)}).OK)
	require.True(t, b.send(t, agentapi.Attach{VM: "i-2-3-VM", Disk: agentapi.Disk{Path: data, Pool: pool(), DeviceID: 1}}).OK)
	assert.Equal(t, []string{"~a7k.b.1 on 1", "~a7k.b.2 on 1"}, b.sp.attachments())
	assert.Equal(t, map[string]int{"~a7k.b.1": 1, "~a7k.b.2": 1}, b.one.State().Uses)
	assert.Equal(t, []GuestState{{"i-2-3-VM", []string{root, data}}}, b.one.State().Guests)

	g, err := b.Guest("i-2-3-VM")
	require.NoError(t, err)
	assert.Equal(t, b.one, g.Host())
	d, err := g.DiskAt(1)
	require.NoError(t, err)
	assert.Equal(t, int64(mib), d.Size())
	_, err = d.WriteAt([]byte("hello"), 4096)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(b.sp.get(data).data[4096:4101]))
	p := make([]byte, 5)
	_, err = d.ReadAt(p, 4096)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(p))
	require.NoError(t, d.Discard(4096, 512))
	assert.Equal(t, make([]byte, 5), b.sp.get(data).data[4096:4101])
	_, err = d.WriteAt(p, mib-4)
	require.Error(t, err, "past the end")
	_, err = d.ReadAt(p, -1)
	require.Error(t, err)

	require.True(t, b.send(t, agentapi.Detach{VM: "i-2-3-VM", Disk: agentapi.Disk{Path: data, Pool: pool()}}).OK)
	assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments())
	_, err = d.ReadAt(p, 0)
	require.ErrorIs(t, err, ErrNoDisk)
	require.True(t, b.send(t, agentapi.Stop{VM: vm("i-2-3-VM", root)}).OK)
	_, err = b.Guest("i-2-3-VM")
	require.ErrorIs(t, err, ErrNoGuest)
	b.clean(t)
}

func TestAttachingAndDetachingCanBeRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	root, data := b.sp.add("a7k.b.1", make([]byte, mib), false), b.sp.add("a7k.b.2", make([]byte, mib), false)
	require.True(t, b.send(t, agentapi.Start{VM: vm("v", root)}).OK)
	plug := agentapi.Attach{VM: "v", Disk: agentapi.Disk{Path: data, Pool: pool()}}
	for range 2 {
		require.True(t, b.send(t, plug).OK)
	}
	assert.Equal(t, 1, b.one.State().Uses["~a7k.b.2"])
	for range 2 {
		require.True(t, b.send(t, agentapi.Detach{VM: "v", Disk: plug.Disk}).OK)
	}
	for range 2 {
		require.True(t, b.send(t, agentapi.Stop{VM: vm("v", root)}).OK)
	}
	assert.False(t, b.send(t, plug).OK, "the VM does not run any more")
	b.clean(t)
}

func TestAVMThatRunsCannotBeStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	v := vm("v", b.sp.add("a7k.b.1", make([]byte, mib), false))
	require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
	ans := b.send(t, agentapi.Start{VM: v})
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "already")
	assert.Equal(t, 1, b.one.State().Uses["~a7k.b.1"])
}

func TestAStartThatFailsDisconnectsEveryDisk(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	root, data := b.sp.add("a7k.b.1", make([]byte, mib), false), b.sp.add("a7k.b.2", make([]byte, mib), false)
	b.sp.failing("attach ~a7k.b.2", &spapi.Error{Name: spapi.NameInvalid, Descr: "no"})
	ans := b.send(t, agentapi.Start{VM: vm("v", root, data)})
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "attach volume ~a7k.b.2: invalidParam: no")
	b.clean(t)

	for name, disk := range map[string]agentapi.Disk{
		"encrypted":      {Path: root, Pool: pool(), Passphrase: agentapi.NewSecret([]byte("k"))},
		"no such export": {Path: "x", Pool: agentapi.Pool{UUID: "n", Type: agentapi.NetworkFilesystem, Host: "nas", Path: "/n"}},
		"other pool":     {Path: "x", Pool: agentapi.Pool{UUID: "n", Type: "RBD"}},
		"not StorPool's": {Path: "/dev/sda", Pool: pool()},
		"no object":      {Path: byID, Pool: pool()},
		"no pool":        {Path: root, Pool: agentapi.Pool{Type: agentapi.StorPool}},
		"missing":        {Path: byID + "a7k.b.77", Pool: pool()},
	} {
		ans := b.send(t, agentapi.Start{VM: agentapi.VM{Name: "v", Disks: []agentapi.Disk{{Path: data, Pool: pool()}, disk}}})
		assert.False(t, ans.OK, name)
		b.clean(t)
	}
	assert.True(t, b.send(t, agentapi.Start{VM: vm("v", root, data)}).OK)
}

func TestAnAttachWhoseAnswerIsLostIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	data := b.sp.add("a7k.b.2", make([]byte, mib), false)
	b.sp.failing("attach", &spapi.TransportError{Call: "VolumesReassignWait", MayHaveRun: true, Err: fault.ErrConnectionLost})
	assert.False(t, b.send(t, agentapi.Start{VM: vm("v", data)}).OK)
	assert.Equal(t, 1, b.sp.took("detach ~a7k.b.2"))
	b.clean(t)
}

func TestTheAttachIsTriedOnceAndTheDetachTenTimesASecondApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	v := vm("v", b.sp.add("a7k.b.1", make([]byte, mib), false))
	b.sp.failing("attach", busy(1)...)
	assert.Zero(t, b.took(func() { require.False(t, b.send(t, agentapi.Start{VM: v}).OK) }))
	assert.Equal(t, 1, b.sp.took("attach"))

	require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
	b.sp.failing("detach", busy(9)...)
	assert.Equal(t, 9*time.Second, b.took(func() { require.True(t, b.send(t, agentapi.Stop{VM: v}).OK) }))
	assert.Equal(t, 10, b.sp.took("detach"))
	b.clean(t)
}

func TestADiskThatStaysOpenIsDetachedInTheBackground(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	root, data := b.sp.add("a7k.b.1", make([]byte, mib), false), b.sp.add("a7k.b.2", make([]byte, mib), false)
	v := vm("v", root, data)
	require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
	b.sp.failing("detach ~a7k.b.1", busy(12)...)
	var ans *agentapi.Answer
	b.clock.Run(func() {
		begun := b.clock.Now()
		var err error
		ans, err = b.Send(context.Background(), "host-1", agentapi.Stop{VM: v})
		require.NoError(t, err)
		assert.Equal(t, 10*time.Second, b.clock.Now().Sub(begun))
		assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments(), "one failing disk does not stop the others")
	})
	assert.True(t, ans.OK)
	assert.Contains(t, ans.Details, "warning: detach volume ~a7k.b.1: busy: open")
	b.clean(t)
}

func TestWhatIsUsedAgainIsNotDetachedInTheBackground(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	v := vm("v", b.sp.add("a7k.b.1", make([]byte, mib), false))
	b.clock.Run(func() {
		for _, cmd := range []agentapi.Command{agentapi.Start{VM: v}, agentapi.Stop{VM: v}, agentapi.Start{VM: v}} {
			if cmd.Command() == "Stop" {
				b.sp.failing("detach ~a7k.b.1", busy(11)...)
			}
			ans, err := b.Send(context.Background(), "host-1", cmd)
			require.NoError(t, err)
			require.True(t, ans.OK, ans.Details)
		}
		require.NoError(t, b.clock.Settle(context.Background()))
	})
	assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments())
}

func TestADetachThatFailsSaysSoAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	root, data := b.sp.add("a7k.b.1", make([]byte, mib), false), b.sp.add("a7k.b.2", make([]byte, mib), false)
	require.True(t, b.send(t, agentapi.Start{VM: vm("v", root, data)}).OK)
	b.sp.failing("detach ~a7k.b.2", busy(10)...)
	cmd := agentapi.Detach{VM: "v", Disk: agentapi.Disk{Path: data}}
	assert.False(t, b.send(t, cmd).OK)
	assert.True(t, b.send(t, cmd).OK)
	assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments())
}

func TestADeviceIsWaitedForASecond(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	v := vm("v", b.sp.add("a7k.b.1", make([]byte, mib), false))
	b.one.SetDeviceDelay(850 * time.Millisecond)
	assert.Equal(t, 900*time.Millisecond, b.took(func() { require.True(t, b.send(t, agentapi.Start{VM: v}).OK) }))
	require.True(t, b.send(t, agentapi.Stop{VM: v}).OK)

	b.one.SetDeviceDelay(1100 * time.Millisecond)
	ans := b.send(t, agentapi.Start{VM: v})
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "has not appeared")
	snap := b.sp.add("a7k.b.3", contents(1, mib), true)
	ans = b.send(t, backupOf(snap))
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "has not appeared")
	assert.Empty(t, b.files(t))
	b.clean(t)
}

func TestDisksOfAVMThatMigratesAreNotConnectedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	b.sp.get(path).on[1] = true
	v := vm("v", path)
	v.State = "Migrating"
	require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
	assert.Zero(t, b.sp.took("attach"))
	require.True(t, b.send(t, agentapi.Stop{VM: v}).OK)
	b.clean(t)
}

func TestAGuestLosesItsDiskWhenStorPoolDetachesItByForce(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	require.True(t, b.send(t, agentapi.Start{VM: vm("v", path)}).OK)
	clear(b.sp.get(path).on)
	g, err := b.one.Guest("v")
	require.NoError(t, err)
	d, err := g.Disk(path)
	require.NoError(t, err)
	_, err = d.WriteAt([]byte{1}, 0)
	require.ErrorContains(t, err, "I/O error")
	assert.Zero(t, b.one.Adaptor().GetPhysicalDisk(context.Background(), path).Size)
	require.True(t, b.send(t, agentapi.Stop{VM: vm("v", path)}).OK)
	b.clean(t)
}

func TestTwoCommandsShareOneAttachment(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.one.SetThroughput(mib)
	snap := b.sp.add("a7k.b.1", pattern(1, 4*mib), true)
	answers := b.both(t, snap)
	assert.True(t, answers[0].OK, answers[0].Details)
	assert.True(t, answers[1].OK, answers[1].Details)
	assert.Equal(t, 2, b.sp.took("attach"))
	assert.Equal(t, 1, b.sp.took("detach"), "the last user detaches")
	assert.Len(t, b.files(t), 2)
	b.clean(t)
}

// both backs one snapshot up twice at the same time, the second a second later.
func (b *bench) both(t *testing.T, snap string) (answers [2]*agentapi.Answer) {
	t.Helper()
	b.clock.Run(func() {
		done := [2]func(){}
		for i := range done {
			end := b.clock.Event()
			done[i] = func() { _ = end.Wait(context.Background()) }
			b.clock.Go(func() {
				defer end.Fire()
				_ = b.clock.Sleep(context.Background(), time.Duration(i)*time.Second)
				cmd := backupOf(snap)
				cmd.Dest.Name += string(rune('a' + i))
				answers[i], _ = b.Send(context.Background(), "host-1", cmd)
			})
		}
		done[0]()
		done[1]()
	})
	require.NotNil(t, answers[0])
	require.NotNil(t, answers[1])
	return answers
}
