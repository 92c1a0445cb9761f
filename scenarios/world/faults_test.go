package world_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

func TestRulesGoToStorPoolOrToTheHosts(t *testing.T) {
	t.Parallel()
	w := build(t, world.Options{})
	refuse := fault.Effect{Kind: fault.Refuse}
	require.NoError(t, w.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: refuse}))
	require.NoError(t, w.Arm(fault.Rule{Call: "agent Start/run", Effect: refuse}))
	require.ErrorIs(t, w.Arm(fault.Rule{Call: "POST Nonsense", Effect: refuse}), fault.ErrRule)
	require.ErrorIs(t, w.Arm(fault.Rule{Call: "agent Start/nonsense", Effect: refuse}), fault.ErrRule)
	assert.Len(t, w.Unfired(), 2)
	w.Disarm()
	assert.Empty(t, w.Unfired())
}

func vmSpec(w *world.World) mgmt.VMSpec {
	return mgmt.VMSpec{Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: 1 << 20}
}

func TestAKilledServerWritesAndSendsNothing(t *testing.T) {
	t.Parallel()
	w := build(t, world.Options{})
	w.Do(func(ctx context.Context) {
		w.CrashAt("createAsync", "create volume")
		dead := w.Mgmt
		_, err := dead.DeployVM(ctx, vmSpec(w))
		require.ErrorIs(t, err, mgmt.ErrKilled)
		require.True(t, w.Crashed())
		require.NoError(t, w.Check(ctx), "nothing is judged before the restart")
		revision := w.Inventory.Revision()
		_, err = dead.AddZone("another")
		require.ErrorIs(t, err, mgmt.ErrKilled)
		assert.Equal(t, revision, w.Inventory.Revision())
		require.NoError(t, w.Restart(ctx))
		_, err = dead.AddZone("another")
		require.ErrorIs(t, err, mgmt.ErrKilled, "the old one stays dead")
		require.NoError(t, w.Check(ctx))
		_, err = w.Mgmt.AddZone("another")
		require.NoError(t, err)
	})
}

func TestWhatStorPoolStillRefusesIsNotJudgedYet(t *testing.T) {
	t.Parallel()
	w := build(t, world.Options{})
	w.Do(func(ctx context.Context) {
		vm, err := w.Mgmt.DeployVM(ctx, vmSpec(w))
		require.NoError(t, err)
		v, err := w.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "data", Zone: w.Zone.ID, Offering: w.Disk.ID, Size: 1 << 20})
		require.NoError(t, err)
		_, err = w.Mgmt.AttachVolume(ctx, v.ID, vm.ID, mgmt.FreeDevice)
		require.NoError(t, err)
		rule := fault.Rule{Call: "POST VolumeUpdate", Times: -1, Effect: fault.Effect{Kind: fault.Refuse}}
		require.NoError(t, w.Arm(rule))
		_, err = w.Mgmt.DetachVolume(ctx, v.ID)
		require.NoError(t, err, "tags are cleared later")
		require.NoError(t, w.Check(ctx))
		require.Error(t, w.Unsettled())
		w.Disarm()
		require.NoError(t, w.Check(ctx))
		require.NoError(t, w.Unsettled())
	})
}

func TestTheJournalHoldsCallsAndCommandsWithoutTheToken(t *testing.T) {
	t.Parallel()
	w := build(t, world.Options{NoPool: true})
	w.Do(func(ctx context.Context) {
		_, err := w.CreatePool(ctx, "primary", "ssd")
		require.NoError(t, err)
		_, err = w.Mgmt.DeployVM(ctx, vmSpec(w))
		require.NoError(t, err)
	})
	_, token := w.Target.Endpoint()
	seen := map[string]bool{}
	for _, e := range w.Journal() {
		seen[e.Caller+" "+e.Call] = true
		assert.NotContains(t, e.Request+e.Answer+e.Err+e.Object, token)
		if e.Call == "POST VolumeCreate" {
			assert.True(t, e.Multi)
			assert.True(t, strings.HasPrefix(e.Request, "{"), e.Request)
		}
	}
	for _, want := range []string{
		"management GET VolumeTemplateDescribe", "management POST VolumeCreate", "management agent ModifyStoragePool",
		"host-1 POST VolumesReassignWait", "management agent Start",
	} {
		assert.True(t, seen[want], "%s is not in the journal", want)
	}
}

func TestSelectionsOfQuirks(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"": true, "correct": true, "upstream": true, "D-11": true, "D-11, A-6 ,KV-S5": true, "D-99": false, "D-11,nonsense": false,
	} {
		w, err := world.New(world.Options{Driver: text, NoPool: true})
		require.NoError(t, errors.Join(w.Close()))
		assert.Equal(t, ok, err == nil, "%q: %v", text, err)
	}
	ids := map[string]bool{}
	for _, q := range world.Quirks() {
		assert.False(t, ids[q.ID], "%s is in two rooms", q.ID)
		ids[q.ID] = true
	}
}

func TestTheSameSeedMakesTheSameWorld(t *testing.T) {
	t.Parallel()
	run := func(seed int64) []world.Entry {
		w := build(t, world.Options{Seed: seed})
		w.Do(func(ctx context.Context) {
			_, err := w.Mgmt.DeployVM(ctx, vmSpec(w))
			require.NoError(t, err)
		})
		return w.Journal()
	}
	first := run(3)
	assert.Equal(t, first, run(3))
	assert.NotEqual(t, first, run(4))
}
