package agentsim

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

func TestAGuestWritesWhileItsDiskMoves(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	data := contents(1, 16*mib)
	cmd := b.moving(t, data)
	b.one.SetThroughput(mib)
	g, err := b.Guest("v")
	require.NoError(t, err)
	d, err := g.DiskAt(0)
	require.NoError(t, err)
	b.clock.Run(func() {
		moved := b.clock.Event()
		b.clock.Go(func() {
			defer moved.Fire()
			ans, err := b.Send(context.Background(), "host-1", cmd)
			assert.NoError(t, err)
			assert.True(t, ans.OK, ans.Details)
		})
		for i := range 20 { // before, while and after the copy passes by
			require.NoError(t, b.clock.Sleep(context.Background(), 300*time.Millisecond))
			at := (i * 5 % 16) * mib
			copy(data[at:], pattern(uint64(i), 3000))
			_, err := d.WriteAt(pattern(uint64(i), 3000), int64(at))
			assert.NoError(t, err)
			if i == 3 {
				assert.Len(t, b.sp.attachments(), 2, "both are attached while the copy runs")
				clear(data[6*mib : 7*mib])
				assert.NoError(t, d.Discard(6*mib, mib))
			}
		}
		require.NoError(t, moved.Wait(context.Background()))
	})
	assert.Equal(t, "host-2", g.Host().Name())
	assert.Equal(t, byID+"a7k.b.2", d.Path())
	assert.Equal(t, []string{"~a7k.b.2 on 2"}, b.sp.attachments())
	assert.True(t, bytes.Equal(data, b.sp.get(d.Path()).data), "the copy is what the guest wrote")
	assert.True(t, bytes.Equal(data, read(t, d)))
	_, err = b.one.Guest("v")
	require.ErrorIs(t, err, ErrNoGuest)
	require.True(t, b.sendTo(t, "host-2", agentapi.Stop{VM: vm("v")}).OK)
	b.clean(t)
}

func TestAVMMovesOnTheSameStorage(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	plain, secret := b.sp.add("a7k.b.9", contents(2, mib), false), b.encryptedVolume(t, "a7k.b.1", contents(1, mib))
	v := agentapi.VM{Name: "v", State: "Running", Disks: []agentapi.Disk{
		{Path: plain, Pool: pool()}, {Path: secret, Pool: pool(), DeviceID: 1, Passphrase: key()},
	}}
	require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
	cmd := agentapi.Migrate{VM: v, To: "host-2"}
	ans := b.send(t, cmd)
	assert.False(t, ans.OK, "nothing is prepared")
	two, err := b.Host("host-2")
	require.NoError(t, err)
	ans = b.sendTo(t, "host-2", agentapi.PrepareForMigration{VM: v})
	require.True(t, ans.OK, ans.Details)
	assert.Len(t, two.State().Prepared, 2)
	assert.Len(t, b.sp.attachments(), 4)
	ans = b.send(t, cmd)
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, []string{"~a7k.b.1 on 2", "~a7k.b.9 on 2"}, b.sp.attachments())
	assert.Empty(t, b.one.State().Secrets)
	assert.Equal(t, []string{secret}, two.State().Secrets)
	assert.Empty(t, two.State().Prepared)
	g, err := b.Guest("v")
	require.NoError(t, err)
	d, err := g.DiskAt(1)
	require.NoError(t, err)
	assert.Equal(t, contents(1, mib), read(t, d))
	assert.Equal(t, agentapi.VMFound{Running: true}, b.sendTo(t, "host-2", agentapi.CheckVM{VM: "v"}).Payload)
	assert.Equal(t, agentapi.VMFound{}, b.send(t, agentapi.CheckVM{VM: "v"}).Payload)
	require.True(t, b.send(t, cmd).OK, "it can be repeated")
	require.True(t, b.sendTo(t, "host-2", agentapi.Stop{VM: v}).OK)
	b.clean(t)
}

func TestAMoveThatFailsLeavesTheGuestWhereItWas(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, b *bench, c *agentapi.Migrate){
		"copy refused": func(t *testing.T, b *bench, _ *agentapi.Migrate) {
			t.Helper()
			_, err := b.Arm(fault.Rule{Call: "agent Migrate/copy", Effect: fault.Effect{Kind: fault.Refuse}})
			require.NoError(t, err)
		},
		"switch refused": func(t *testing.T, b *bench, _ *agentapi.Migrate) {
			t.Helper()
			_, err := b.Arm(fault.Rule{Call: "agent Migrate/switch", Effect: fault.Effect{Kind: fault.Refuse}})
			require.NoError(t, err)
		},
		"time over": func(_ *testing.T, b *bench, c *agentapi.Migrate) {
			b.one.SetThroughput(mib / 100)
			c.Wait = 10 * second
		},
		"no such host": func(_ *testing.T, _ *bench, c *agentapi.Migrate) { c.To = "host-9" },
		"same host":    func(_ *testing.T, _ *bench, c *agentapi.Migrate) { c.To = "host-1" },
		"too small": func(_ *testing.T, b *bench, _ *agentapi.Migrate) {
			b.sp.get(byID + "a7k.b.2").data = make([]byte, 512)
		},
		"destination lost": func(_ *testing.T, b *bench, _ *agentapi.Migrate) {
			b.one.SetThroughput(mib)
			b.again = func() { b.Hosts()[1].Reboot() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			cmd := b.moving(t, contents(1, 4*mib))
			spoil(t, b, &cmd)
			ans := b.sendWhile(t, cmd, second, b.again)
			assert.False(t, ans.OK)
			g, err := b.one.Guest("v")
			require.NoError(t, err)
			assert.Equal(t, b.one, g.Host())
			d, err := g.DiskAt(0)
			require.NoError(t, err)
			before := bytes.Clone(b.sp.get(byID + "a7k.b.2").data)
			_, err = d.WriteAt([]byte("still here"), 0)
			require.NoError(t, err)
			assert.Equal(t, "still here", string(b.sp.get(byID + "a7k.b.1").data[:10]))
			assert.Equal(t, before, b.sp.get(byID+"a7k.b.2").data, "nothing is mirrored any more")
			assert.Equal(t, map[string]int{"~a7k.b.1": 1}, b.one.State().Uses)

			b.clock.Run(func() { require.NoError(t, b.clock.Settle(context.Background())) })
			require.True(t, b.sendTo(t, "host-2", agentapi.PrepareForMigration{VM: cmd.VM, Rollback: true}).OK)
			require.True(t, b.sendTo(t, "host-2", agentapi.ModifyTargets{Paths: []string{byID + "a7k.b.2"}, Pool: pool()}).OK)
			require.True(t, b.send(t, agentapi.Stop{VM: vm("v")}).OK)
			b.clean(t)
		})
	}
}

func TestAVMThatArrivedIsNotRolledBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	cmd := b.moving(t, contents(1, mib))
	require.True(t, b.send(t, cmd).OK)
	assert.False(t, b.sendTo(t, "host-2", agentapi.PrepareForMigration{VM: cmd.VM, Rollback: true}).OK)
	require.True(t, b.sendTo(t, "host-2", agentapi.ModifyTargets{Paths: []string{byID + "a7k.b.2"}}).OK)
	assert.Equal(t, []string{"~a7k.b.2 on 2"}, b.sp.attachments(), "its disk stays")
}

func TestTargetsAreConnectedAllOrNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	paths := []string{b.sp.add("a7k.b.1", make([]byte, 512), false), b.sp.add("a7k.b.2", make([]byte, 512), false)}
	b.sp.failing("attach ~a7k.b.2", &spapi.Error{Name: spapi.NameInvalid})
	add := agentapi.ModifyTargets{Add: true, Paths: paths, Pool: pool()}
	assert.False(t, b.send(t, add).OK)
	b.clean(t)
	for range 2 {
		assert.Equal(t, agentapi.Connected{Paths: paths}, b.send(t, add).Payload)
	}
	assert.Len(t, b.sp.attachments(), 2)
	add.Add = false
	for range 2 {
		assert.True(t, b.send(t, add).OK)
	}
	b.clean(t)
}
