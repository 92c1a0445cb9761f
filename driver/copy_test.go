package driver

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

func TestWhichPairsAreCopied(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	s, v, x := r.onPool(SnapshotObject, 1), r.onPool(VolumeObject, 1), r.onPool(TemplateObject, 1)
	for _, c := range []struct {
		src, dst Object
		can      bool
		err      error
	}{
		{s, v, true, inventory.ErrNotFound},
		{s, r.onStore(SnapshotObject, 1), true, inventory.ErrNotFound},
		{x, x, true, inventory.ErrNotFound},
		{x, v, true, inventory.ErrNotFound},
		{v, x, true, ErrRefused},
		{v, v, true, inventory.ErrNotFound},
		{s, x, false, ErrRefused},
		{v, s, false, ErrRefused},
		{s, s, true, ErrRefused},
		{r.onStore(SnapshotObject, 1), r.onStore(SnapshotObject, 1), true, ErrRefused},
		{s, r.onStore(VolumeObject, 1), true, ErrRefused},
	} {
		assert.Equal(t, c.can, r.CanCopy(c.src, c.dst), "%s => %s", c.src, c.dst)
		_, err := r.CopyAsync(t.Context(), c.src, c.dst)
		require.ErrorIs(t, err, c.err, "%s => %s", c.src, c.dst)
	}
	assert.Empty(t, r.sp.made())
}

// restoring is a rig with a snapshot that has a backup, and the row of a volume to be made of it.
func restoring(t *testing.T, quirks string) (r *rig, snapshot, volume inventory.ID) {
	t.Helper()
	r = newRig(t, quirks)
	snapshot = r.taken(r.made(nil))
	r.backedUp(snapshot)
	return r, snapshot, r.volume(func(v *inventory.Volume) { v.UUID = "W" })
}

func TestARestoreIsACloneOfTheStorPoolSnapshotWhateverRecordIsPassed(t *testing.T) {
	t.Parallel()
	for quirks, parent := range map[string]string{"": "~a.b.2", "D-1": ""} {
		r, snapshot, volume := restoring(t, quirks)
		res, err := r.CopyAsync(t.Context(), r.onStore(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
		require.NoError(t, err)
		assert.Equal(t, devPath("a.b.3"), res.Path)
		assert.Equal(t, parent, r.sp.find("~a.b.3", false).Parent, "%q: an empty parent is an empty volume", quirks)
		assert.Empty(t, r.hosts.Sent)
		row := r.volumeRow(volume)
		assert.Equal(t, [2]string{devPath("a.b.3"), "StorPool"}, [2]string{row.Path, row.PoolType})
		assert.Equal(t, 20*gib, r.used())
	}
}

func TestARestoreGoesByTheRecordsWhenTheDetailsAreGone(t *testing.T) {
	t.Parallel()
	r, snapshot, volume := restoring(t, "")
	r.change(func(tx *inventory.Tx) { tx.Details.Clear(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}) })
	_, err := r.CopyAsync(t.Context(), r.onStore(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
	require.NoError(t, err)
	assert.Equal(t, "~a.b.2", r.sp.find("~a.b.3", false).Parent)
}

func TestASnapshotThatStorPoolHasLostIsRestoredFromItsBackup(t *testing.T) {
	t.Parallel()
	for quirks, ok := range map[string]bool{"": true, "D-2": false} {
		r, snapshot, volume := restoring(t, quirks)
		r.sp.remove("a.b.2")
		r.set(inventory.Setting, 0, SettingDownloadWait, "77")
		res, err := r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
		require.Equal(t, ok, err == nil, quirks)
		require.Len(t, r.hosts.Sent, 1)
		cmd := r.hosts.Sent[0].(agentapi.DownloadTemplate)
		assert.Equal(t, "snapshots/2/1/snap", cmd.Snapshot.Path)
		assert.Equal(t, "nfs://server/export", cmd.Snapshot.Store.URL)
		assert.Equal(t, devPath("a.b.3"), cmd.DestVolume.Path)
		assert.Equal(t, 77*time.Second, cmd.Wait)
		assert.Equal(t, "volume", cmd.ObjectType)
		assert.Contains(t, r.sp.names(), "a.b.3", "the defect leaves the volume behind")
		if ok {
			assert.Equal(t, devPath("a.b.3"), res.Path)
			assert.Equal(t, 20*gib, r.used())
		} else {
			assert.Empty(t, r.volumeRow(volume).Path)
		}
	}
}

func TestASnapshotThatWasNeverOnStorPoolIsRestoredFromItsBackup(t *testing.T) {
	t.Parallel()
	r, snapshot, volume := restoring(t, "")
	r.change(func(tx *inventory.Tx) {
		tx.Details.Clear(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot})
		for _, ref := range refsOf(tx, snapshot, inventory.Primary) {
			tx.SnapshotRefs.Delete(ref.ID)
		}
	})
	_, err := r.CopyAsync(t.Context(), r.onStore(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
	require.NoError(t, err)
	assert.Len(t, r.hosts.Sent, 1)
	for _, call := range r.sp.made() {
		assert.NotContains(t, call.Body, "parent")
	}
}

func TestAFailedDownloadLeavesNoVolume(t *testing.T) {
	t.Parallel()
	for what, answer := range map[string]func(inventory.ID, agentapi.Command) (*agentapi.Answer, error){"refused": sick, "silent": mute} {
		r, snapshot, volume := restoring(t, "")
		r.sp.remove("a.b.2")
		r.hosts.Answer = answer
		_, err := r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
		var agent *AgentError
		require.ErrorAs(t, err, &agent, what)
		assert.Equal(t, what == "silent", agent.Silent)
		assert.Equal(t, []string{"a.b.1"}, r.sp.names(), what)
		assert.Equal(t, 10*gib, r.used())
		assert.Empty(t, r.intents())
	}
}

func TestARestoreThatStorPoolRefusesDownloadsOnlyForARecordOnSecondaryStorage(t *testing.T) {
	t.Parallel()
	for quirks, counted := range map[string]int64{"": 20 * gib, "D-2": 10 * gib} {
		r, snapshot, volume := restoring(t, quirks)
		r.refuse("VolumeCreate", 1)
		_, err := r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
		require.ErrorIs(t, err, spapi.ErrBusy)
		assert.Empty(t, r.hosts.Sent)
		r.refuse("VolumeCreate", 1)
		res, err := r.CopyAsync(t.Context(), r.onStore(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
		require.NoError(t, err, "branch 4 works but for the accounts")
		assert.Equal(t, devPath("a.b.3"), res.Path)
		assert.Equal(t, counted, r.used(), quirks)
	}
}

func TestWithoutSnapshotAndBackupNothingIsRestored(t *testing.T) {
	t.Parallel()
	for what, prepare := range map[string]func(r *rig, snapshot inventory.ID){
		"the backup is not ready": func(r *rig, snapshot inventory.ID) {
			r.change(func(tx *inventory.Tx) {
				for _, ref := range refsOf(tx, snapshot, inventory.Image) {
					ref.State = inventory.RefCopying
					tx.SnapshotRefs.Put(ref)
				}
			})
		},
		"the backup is in another zone": func(r *rig, _ inventory.ID) {
			r.change(func(tx *inventory.Tx) {
				require.NoError(r.t, tx.SecondaryStores.Change(r.store, func(s *inventory.SecondaryStore) { s.Zone = 9 }))
			})
		},
		"the backup is a device path": func(r *rig, snapshot inventory.ID) {
			r.change(func(tx *inventory.Tx) {
				for _, ref := range refsOf(tx, snapshot, inventory.Image) {
					ref.Path = devPath("a.b.2")
					tx.SnapshotRefs.Put(ref)
				}
			})
		},
		"the snapshot is what a deleted volume left": func(r *rig, snapshot inventory.ID) {
			r.set(inventory.OfSnapshot, snapshot, detailDelayDelete, "~a.b.2")
		},
	} {
		r, snapshot, volume := restoring(t, "")
		r.sp.remove("a.b.2")
		prepare(r, snapshot)
		_, err := r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
		require.ErrorIs(t, err, spapi.ErrNotFound, what)
		assert.Equal(t, []string{"a.b.1"}, r.sp.names(), what)
		assert.Empty(t, r.hosts.Sent, what)
	}
}

func TestEncryptedSnapshotsAreNotCopied(t *testing.T) {
	t.Parallel()
	r, snapshot, volume := restoring(t, "")
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Volumes.Change(1, func(v *inventory.Volume) { v.PassphraseID = 1 }))
	})
	_, err := r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, volume))
	require.ErrorIs(t, err, ErrRefused)
	_, err = r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onStore(SnapshotObject, snapshot))
	require.ErrorIs(t, err, ErrRefused)
	_, err = r.TakeSnapshot(t.Context(), snapshot)
	require.ErrorIs(t, err, ErrRefused, "it would be backed up")
	assert.Empty(t, r.sp.made())
	r.set(inventory.Setting, 0, SettingBypass, "true")
	_, err = r.TakeSnapshot(t.Context(), r.snapshot(1))
	require.NoError(t, err, "with backups off it stays where it is")
}

// backing is a rig with a snapshot that is to be backed up.
func backing(t *testing.T, quirks string) (r *rig, snapshot inventory.ID) {
	t.Helper()
	r = newRig(t, quirks)
	snapshot = r.taken(r.made(nil))
	r.change(func(tx *inventory.Tx) {
		tx.SnapshotRefs.Put(inventory.SnapshotRef{Snapshot: snapshot, Role: inventory.Image, Store: r.store, State: inventory.RefCreating, Path: "snapshots/2/1"})
		s, _ := tx.Snapshots.Get(snapshot)
		s.State = inventory.SnapshotBackingUp
		tx.Snapshots.Put(s)
	})
	return r, snapshot
}

func (r *rig) backup(snapshot inventory.ID) (Result, error) {
	return r.CopyAsync(r.t.Context(), r.onPool(SnapshotObject, snapshot), r.onStore(SnapshotObject, snapshot))
}

func TestABackupKeepsTheSnapshotAndRecordsItsFile(t *testing.T) {
	t.Parallel()
	r, snapshot := backing(t, "")
	r.set(inventory.Setting, 0, SettingBackupWait, "99")
	res, err := r.backup(snapshot)
	require.NoError(t, err)
	assert.Equal(t, Result{Path: "snapshots/2/1/snap", Size: 10 * gib, PhysicalSize: 42}, res)
	assert.Contains(t, r.sp.names(), "a.b.2")
	cmd := r.hosts.Sent[0].(agentapi.BackupSnapshot)
	assert.Equal(t, 99*time.Second, cmd.Wait)
	assert.Equal(t, devPath("a.b.2"), cmd.Source.Path)
	assert.Equal(t, devPath("a.b.1"), cmd.Source.Volume.Path)
	assert.Equal(t, [2]string{"snapshots/2/1", "snap"}, [2]string{cmd.Dest.Path, cmd.Dest.Name})
	refs := r.refs(snapshot)
	assert.Equal(t, "snapshots/2/1/snap", refs[1].Path)
	assert.Equal(t, int64(42), refs[1].PhysicalSize)
}

func TestWithoutBackupsTheSnapshotStaysWhereItIs(t *testing.T) {
	t.Parallel()
	r, snapshot := backing(t, "")
	r.set(inventory.Setting, 0, SettingBypass, "true")
	res, err := r.backup(snapshot)
	require.NoError(t, err)
	assert.Equal(t, devPath("a.b.2"), res.Path, "a device path: no backup is claimed")
	assert.Empty(t, r.hosts.Sent)
	assert.Empty(t, r.sp.made())
}

func TestAFailedBackupLeavesNeitherSnapshotNorDetailsNorFile(t *testing.T) {
	t.Parallel()
	unreachable := errors.New("unreachable")
	odd := func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return &agentapi.Answer{OK: true}, nil }
	away := func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return nil, unreachable }
	for what, c := range map[string]struct {
		answer func(inventory.ID, agentapi.Command) (*agentapi.Answer, error)
		kept   bool // by D-33b
	}{
		"the host refuses":            {sick, false},
		"the host is silent":          {mute, true},
		"the host is not reached":     {away, true},
		"the answer carries no file":  {odd, false},
		"no host is up and connected": {nil, true},
	} {
		for _, quirks := range []string{"", "D-33b"} {
			r, snapshot := backing(t, quirks)
			r.hosts.Answer = c.answer
			if c.answer == nil {
				r.change(func(tx *inventory.Tx) {
					for _, h := range tx.Hosts.All(nil) {
						h.State = inventory.HostDown
						tx.Hosts.Put(h)
					}
				})
			}
			_, err := r.backup(snapshot)
			require.Error(t, err, what)
			assert.Equal(t, quirks != "" && c.kept, r.sp.find("~a.b.2", true) != nil, "%s %s", what, quirks)
			assert.Equal(t, quirks != "", len(r.detailsOf(inventory.OfSnapshot, snapshot)) > 0, "%s %s", what, quirks)
			assert.Equal(t, quirks == "", r.refs(snapshot)[0].State == inventory.RefDestroyed, "%s %s", what, quirks)
			assert.Equal(t, quirks == "", len(r.files.gone) == 1 && r.files.gone[0] == "snapshots/2/1/snap", "%s %s", what, quirks)
			assert.Empty(t, r.intents())
		}
	}
}

func TestNoAnswerIsNoBackup(t *testing.T) {
	t.Parallel()
	for quirks, ok := range map[string]bool{"": false, "D-33a": true} {
		r, snapshot := backing(t, quirks)
		r.hosts.Answer = mute
		_, err := r.backup(snapshot)
		assert.Equal(t, ok, err == nil, quirks)
		r.hosts.Answer = sick
		_, err = r.backup(snapshot)
		assert.Error(t, err, quirks)
	}
}

func TestAFailedBackupThatCannotBeCleanedUpIsCleanedUpLater(t *testing.T) {
	t.Parallel()
	r, snapshot := backing(t, "")
	r.hosts.Answer = sick
	r.refuse("SnapshotDelete", 1)
	_, err := r.backup(snapshot)
	require.ErrorContains(t, err, "undo back up")
	require.Equal(t, []string{actionBackup}, r.intents())
	require.NoError(t, r.Reconcile(t.Context()))
	assert.Nil(t, r.sp.find("~a.b.2", true))
	assert.Empty(t, r.detailsOf(inventory.OfSnapshot, snapshot))
	assert.Equal(t, inventory.SnapshotError, r.snapshotRow(snapshot).State)
}

func TestARepeatedBackupIsTheOneThatIsThere(t *testing.T) {
	t.Parallel()
	r, snapshot, _ := restoring(t, "")
	r.hosts.Answer = sick
	res, err := r.backup(snapshot)
	require.NoError(t, err)
	assert.Equal(t, "snapshots/2/1/snap", res.Path)
	assert.Empty(t, r.hosts.Sent)
}

func TestASnapshotThatWasGoodWithoutABackupOutlivesOneThatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot := r.taken(r.made(nil))
	r.hosts.Answer = sick
	_, err := r.backup(snapshot)
	require.Error(t, err)
	assert.NotNil(t, r.sp.find("~a.b.2", true))
	assert.NotEmpty(t, r.detailsOf(inventory.OfSnapshot, snapshot))
}

func TestABackupNeedsASnapshotOnStorPool(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	_, err := r.backup(r.snapshot(r.made(nil)))
	require.ErrorIs(t, err, ErrNotOnStorPool)
	assert.Empty(t, r.hosts.Sent)
}

func TestASnapshotsNameBecomesAFileOnlyIfItCanBeOne(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"snap": "snap", "a b": "a b", "": "U", ".": "U", "..": "U", "a/b": "U", `a\b`: "U", "a\x00b": "U",
	} {
		assert.Equal(t, want, backupFile(inventory.Snapshot{UUID: "U", Name: name}), strings.ToUpper(name))
	}
}
