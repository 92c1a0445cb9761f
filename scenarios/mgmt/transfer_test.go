package mgmt_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

func (s *scene) filePool() inventory.Pool {
	s.t.Helper()
	p, err := s.Mgmt.CreateFilePool(s.ctx, mgmt.FilePoolSpec{Name: "files", Zone: s.Zone.ID, URL: "nfs://nfs.test/export/files", Capacity: gib})
	s.ok(err)
	return p
}

func TestAPoolOfFilesConnectsHostsThatAreUpAndThoseThatJoinLater(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		p := s.filePool()
		_, err := s.AddHost(s.ctx, s.Clusters[0].ID)
		s.ok(err)
		require.NoError(s.t, s.Inventory.View(func(tx *inventory.Tx) error {
			assert.Len(s.t, tx.PoolHosts.All(func(ph inventory.PoolHost) bool { return ph.Pool == p.ID }), 3)
			return nil
		}))
	})
}

func TestWhatAPoolOfFilesCannotDoIsAnErrorAndChangesNothing(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		p := s.filePool()
		m := s.deploy(mgmt.VMSpec{Pool: p.ID})
		root := s.root(m.ID)
		_, err := s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: root.ID, Size: gib})
		require.ErrorContains(s.t, err, "on StorPool only")
		s.holds()
		assert.Equal(s.t, root.Size, s.root(m.ID).Size)
		_, err = s.Mgmt.CreateSnapshot(s.ctx, root.ID, "")
		require.ErrorContains(s.t, err, "no snapshots of files in use")
		s.holds()
		_, err = s.Mgmt.CreateFilePool(s.ctx, mgmt.FilePoolSpec{Name: "odd", Zone: s.Zone.ID, URL: "https://nfs.test/x"})
		require.Error(s.t, err)
		_, err = s.Mgmt.CreateFilePool(s.ctx, mgmt.FilePoolSpec{Name: "odd", Zone: 99, URL: "nfs://nfs.test/x"})
		require.ErrorIs(s.t, err, inventory.ErrNotFound)
	})
}

func TestAFileThatAHostMayYetMakeIsRemoved(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		p := s.filePool()
		require.NoError(s.t, s.Arm(fault.Rule{Call: "agent CreateVolume/answer", Effect: fault.Effect{Kind: fault.Lose}}))
		_, err := s.Mgmt.DeployVM(s.ctx, s.spec(mgmt.VMSpec{Pool: p.ID}))
		require.ErrorIs(s.t, err, mgmt.ErrSilent)
		s.holds()
		o, err := s.Observe(s.ctx)
		require.NoError(s.t, err)
		assert.Empty(s.t, o.Files)
	})
}

func TestADownloadIsRefusedOfWhatIsNotReady(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		v, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
		s.ok(err)
		_, err = s.Mgmt.ExtractVolume(s.ctx, v.ID)
		s.refused(err, "Allocated")
		m := s.deploy(mgmt.VMSpec{})
		_, err = s.Mgmt.ExtractVolume(s.ctx, s.root(m.ID).ID)
		s.refused(err, "Running")
		up, err := s.Mgmt.UploadVolume(mgmt.UploadSpec{Name: "up", Zone: s.Zone.ID, Offering: s.Disk.ID, Size: mib})
		s.ok(err)
		s.refused(s.Mgmt.EndDownload(s.ctx, up.ID), "nowhere else")
		_, err = s.Mgmt.ExtractVolume(s.ctx, up.ID)
		s.refused(err, "Uploaded")
	})
}

func TestAHostIsRemovedOnlyWhenNothingNeedsIt(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		s.refused(s.Mgmt.RemoveHost(s.ctx, m.Host), "VMs run")
		other := s.Hosts[0].ID + s.Hosts[1].ID - m.Host
		s.refused(s.Mgmt.RemoveHost(s.ctx, other), "Up")
		s.ok(s.Mgmt.SetHostState(s.ctx, other, inventory.HostMaintenance))
		s.ok(s.Mgmt.RemoveHost(s.ctx, other))
		require.ErrorIs(s.t, s.Mgmt.RemoveHost(s.ctx, other), inventory.ErrNotFound)
	})
}

func TestASnapshotIsCopiedToAnotherZoneOnly(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		sn, err := s.Mgmt.CreateSnapshot(s.ctx, s.root(m.ID).ID, "")
		s.ok(err)
		_, err = s.Mgmt.CopySnapshot(s.ctx, sn.ID, s.Pool.ID)
		s.refused(err, "the zone has the snapshot")
		_, err = s.Mgmt.CreateVolumeFromSnapshot(s.ctx, mgmt.RestoreSpec{Snapshot: sn.ID, Name: "far", Zone: 99})
		s.refused(err, "no store has the snapshot in that zone")
	})
}

func TestAVMStartsWhereItIsAllowedTo(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Hosts: 3}, func(s *scene) {
		require.NoError(s.t, s.Arm(fault.Rule{Call: "agent Start/run", Times: 2, Effect: fault.Effect{Kind: fault.Refuse}}))
		m := s.deploy(mgmt.VMSpec{})
		assert.Equal(s.t, s.Hosts[2].ID, m.Host, "the third one, after two that refused")
		assert.Equal(s.t, 3, s.calls("agent Start"))
	})
	play(t, world.Options{}, func(s *scene) {
		require.NoError(s.t, s.Arm(fault.Rule{Call: "agent Start/run", Effect: fault.Effect{Kind: fault.Lose}}))
		_, err := s.Mgmt.DeployVM(s.ctx, s.spec(mgmt.VMSpec{}))
		require.ErrorIs(s.t, err, mgmt.ErrSilent, "a host that may have started it is no reason to try another")
		assert.Equal(s.t, 1, s.calls("agent Start"))
		s.holds()
	})
}
