package agentsim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/emulator/fault"
)

// grown is a volume that StorPool has just resized, with a VM that runs on it when attached.
func (b *bench) grown(t *testing.T, attached bool, to int) agentapi.ResizeVolume {
	t.Helper()
	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	cmd := agentapi.ResizeVolume{Path: path, Pool: pool(), CurrentSize: mib, NewSize: int64(to), VM: "none"}
	if attached {
		require.True(t, b.send(t, agentapi.Start{VM: vm("v", path)}).OK)
		cmd.VM, cmd.Attached = "v", true
	}
	o := b.sp.get(path)
	b.sp.mu.Lock()
	defer b.sp.mu.Unlock()
	o.data = append(o.data[:min(to, mib)], make([]byte, max(0, to-mib))...)
	return cmd
}

func (b *bench) guestSize(t *testing.T) int64 {
	t.Helper()
	g, err := b.Guest("v")
	require.NoError(t, err)
	d, err := g.DiskAt(0)
	require.NoError(t, err)
	return d.Size()
}

func TestARunningGuestSeesTheNewSizeOnceItIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ to, guest int }{
		"grow": {2 * mib, 2 * mib}, "shrink": {mib / 2, mib / 2}, "not whole KiB": {mib + 1536, mib + 1024},
	} {
		b := newBench(t, "")
		cmd := b.grown(t, true, c.to)
		assert.Equal(t, int64(mib), b.guestSize(t), name)
		ans := b.send(t, cmd)
		assert.Equal(t, &agentapi.Answer{OK: true, Payload: agentapi.Resized{Size: int64(c.to), GuestNotified: true}}, ans, name)
		assert.Equal(t, int64(c.guest), b.guestSize(t), name)
		g, err := b.Guest("v")
		require.NoError(t, err)
		d, err := g.DiskAt(0)
		require.NoError(t, err)
		_, err = d.WriteAt([]byte{1}, int64(c.guest)-1)
		require.NoError(t, err, name)
	}
}

func TestADetachedVolumeIsLookedAtAndDetachedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ans := b.send(t, b.grown(t, false, 2*mib))
	assert.Equal(t, &agentapi.Answer{OK: true, Payload: agentapi.Resized{Size: 2 * mib}}, ans)
	assert.Equal(t, []string{"attach ~a7k.b.1", "detach ~a7k.b.1"}, b.sp.calls)
	b.clean(t)
}

func TestAnEqualSizeRunsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ans := b.send(t, agentapi.ResizeVolume{Path: byID + "a.b.1", CurrentSize: 5, NewSize: 5})
	assert.True(t, ans.OK)
	assert.Empty(t, b.sp.calls)
}

func TestAResizeOfWhichTheGuestIsNotToldSaysSo(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"script", "blockresize"} {
		b := newBench(t, "")
		cmd := b.grown(t, true, 2*mib)
		_, err := b.Arm(fault.Rule{Call: "agent ResizeVolume/" + step, Effect: fault.Effect{Kind: fault.Refuse}})
		require.NoError(t, err)
		ans := b.send(t, cmd)
		assert.True(t, ans.OK, step)
		assert.Equal(t, agentapi.Resized{Size: 2 * mib}, ans.Payload, step)
		assert.Contains(t, ans.Details, "after its next start", step)
		assert.Equal(t, int64(mib), b.guestSize(t), step)

		require.True(t, b.send(t, agentapi.Stop{VM: vm("v", cmd.Path)}).OK)
		require.True(t, b.send(t, agentapi.Start{VM: vm("v", cmd.Path)}).OK)
		assert.Equal(t, int64(2*mib), b.guestSize(t), step)
	}
}

func TestAResizeWithoutADeviceFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	cmd := agentapi.ResizeVolume{Path: byID + "a7k.b.9", Pool: pool(), CurrentSize: 1, NewSize: 2}
	assert.False(t, b.send(t, cmd).OK)
	cmd.Attached = true
	ans := b.send(t, cmd)
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "no such device")
	b.clean(t)
}
