package agentsim

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

func TestAHostThatOnlyRecordsItsRebootsStaysUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.one.cfg.RecordReboots = true
	require.True(t, b.send(t, b.connect()).OK)
	b.sp.clients = map[string]spapi.Service{"1": {ID: 1, NodeID: 1, Status: "down"}}
	b.clock.Run(func() {
		state, err := b.one.Heartbeat(context.Background())
		require.NoError(t, err)
		assert.Equal(t, agentapi.HostDown, state)
	})
	assert.Equal(t, 1, b.one.RebootWishes())
	assert.Zero(t, b.one.Reboots())
	assert.NotEmpty(t, b.one.State().Pools, "nothing is reset")
}

func TestAHostAsksForItselfWhileItHasAPoolOfStorPool(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.sp.clients = map[string]spapi.Service{"1": {ID: 1, NodeID: 1, Status: "down"}}
	beat := func() agentapi.HostState {
		var state agentapi.HostState
		b.clock.Run(func() {
			var err error
			state, err = b.one.Heartbeat(context.Background())
			require.NoError(t, err)
		})
		return state
	}
	a := b.one.Adaptor()
	a.DeleteStoragePool(pool().UUID)
	assert.Equal(t, agentapi.HostUnknown, beat())
	assert.Zero(t, b.sp.took("services"))
	a.CreateStoragePool(pool())
	assert.Equal(t, agentapi.HostDown, beat())
	assert.Equal(t, 1, b.one.Reboots())
	assert.Equal(t, agentapi.HostUnknown, beat(), "a reboot forgets the pools")
	assert.Equal(t, 5, b.sp.took("services"))
}

func TestAdaptorsOfNeighboursTellWhetherAHostIsAlive(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	a, ctx := b.one.Adaptor(), context.Background()
	assert.True(t, a.HasHeartbeat(ctx, ""))
	assert.True(t, a.HasVMActivity(ctx, "1"))
	assert.False(t, a.HasHeartbeat(ctx, "2"))
	assert.False(t, a.CreateHeartbeatCommand(ctx, false))
	b.sp.failing("services", fault.ErrConnectionLost)
	assert.True(t, a.HasHeartbeat(ctx, "2"), "an outage of the API is no death")
	b.sp.clients = map[string]spapi.Service{"1": {ID: 1, NodeID: 1, Status: "down"}}
	assert.True(t, a.CreateHeartbeatCommand(ctx, true))
	assert.Zero(t, b.one.Reboots(), "a validation reboots nothing")
	assert.True(t, a.CreateHeartbeatCommand(ctx, false))
	assert.Equal(t, 1, b.one.Reboots())
}

func TestARebootForgetsSecretsAndWhatWasPrepared(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	path := b.encryptedVolume(t, "a7k.b.1", contents(1, mib))
	v := agentapi.VM{Name: "v", Disks: []agentapi.Disk{{Path: path, Pool: pool(), Passphrase: key()}}}
	require.True(t, b.send(t, agentapi.PrepareForMigration{VM: v}).OK)
	assert.Equal(t, []string{path}, b.one.State().Secrets)
	b.one.RestartAgent()
	assert.Equal(t, []string{path}, b.one.State().Secrets, "libvirt's, not the agent's")
	b.one.Reboot()
	s := b.one.State()
	assert.Empty(t, s.Secrets)
	assert.Empty(t, s.Prepared)
	assert.Empty(t, s.Pools)
	assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments(), "StorPool keeps its attachments")
}
