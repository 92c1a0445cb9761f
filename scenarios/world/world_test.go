package world_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

const gib = 1 << 30

// build returns a world that is closed with the test.
func build(tb testing.TB, o world.Options) *world.World {
	tb.Helper()
	w, err := world.New(o)
	tb.Cleanup(func() { assert.NoError(tb, w.Close()) })
	require.NoError(tb, err)
	return w
}

func pattern(b byte) []byte { return bytes.Repeat([]byte{b, b ^ 0xff, 0x5a}, 100<<10) }

func TestThinPath(t *testing.T) {
	t.Parallel()
	w := build(t, world.Options{})
	w.Do(func(ctx context.Context) {
		require.NoError(t, w.Check(ctx))
		vm, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: gib})
		require.NoError(t, err)
		require.NoError(t, w.Check(ctx))
		v, err := w.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "data", Zone: w.Zone.ID, Offering: w.Disk.ID, Size: gib})
		require.NoError(t, err)
		v, err = w.Mgmt.AttachVolume(ctx, v.ID, vm.ID, mgmt.FreeDevice)
		require.NoError(t, err)
		require.NoError(t, w.Check(ctx))
		require.NoError(t, w.WriteVolume(ctx, v.ID, 4096, pattern('a')))
		for _, backup := range []string{"true", "false"} {
			require.NoError(t, w.Mgmt.SetSetting(inventory.Global(), "snapshot.backup.to.secondary", backup))
			sn, err := w.Mgmt.CreateSnapshot(ctx, v.ID, "")
			require.NoError(t, err)
			require.NoError(t, w.Check(ctx))
			r, err := w.Mgmt.CreateVolumeFromSnapshot(ctx, mgmt.RestoreSpec{Snapshot: sn.ID, Name: "restored"})
			require.NoError(t, err)
			require.NoError(t, w.Check(ctx))
			got := make([]byte, len(pattern('a')))
			require.NoError(t, w.ReadVolume(ctx, r.ID, 4096, got))
			assert.Equal(t, pattern('a'), got)
		}
	})
}
