package driver

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// exported is a stage with a snapshot that has been copied to another location.
func exported(t *testing.T, quirks string) *stage {
	t.Helper()
	s := newStage(t, quirks)
	withLocation(s)
	res, err := s.copyFar(t)
	require.NoError(t, err)
	require.Equal(t, devPath("a.b.3"), res.Path)
	return s
}

func (s *stage) copyFar(t *testing.T) (Result, error) {
	t.Helper()
	return s.CopySnapshot(t.Context(), s.on(SnapshotObject, stageSnapshot, inventory.Primary), s.at(SnapshotObject, stageSnapshot, secondPool))
}

func (s *stage) exportsOnRecord() (n int) {
	s.view(func(tx *inventory.Tx) {
		n = len(tx.Details.Named(inventory.OfSnapshot, func(name string) bool { return name == detailRecovered }))
	})
	return n
}

func TestAnExportEndsWhenTheDestinationHasTheData(t *testing.T) {
	t.Parallel()
	for quirks, early := range map[string]bool{"": false, "D-9a": true} {
		s := exported(t, quirks)
		assert.Equal(t, 1, s.exportsOnRecord())
		require.NoError(t, s.UnexportSnapshots(t.Context()))
		assert.Equal(t, early, len(s.sp.find("~a.b.3", true).Exports) == 0, "%q: the copy is still on its way", quirks)
		s.far.find("~a.b.3", true).Remote = false
		require.NoError(t, s.UnexportSnapshots(t.Context()))
		assert.Empty(t, s.sp.find("~a.b.3", true).Exports)
		assert.Zero(t, s.exportsOnRecord())
	}
	for quirks, left := range map[string][]string{"": {"south"}, "D-9b": {}} {
		s := exported(t, quirks)
		s.far.find("~a.b.3", true).Remote = false
		s.sp.find("~a.b.3", true).Exports = []string{"east", "south"}
		require.NoError(t, s.UnexportSnapshots(t.Context()))
		assert.Equal(t, left, s.sp.find("~a.b.3", true).Exports, quirks)
	}
}

func TestACopyThatFailsLeavesNoExport(t *testing.T) {
	t.Parallel()
	for quirks, leaks := range map[string]bool{"": false, "D-9c": true} {
		for _, call := range []string{"SnapshotFromRemote", "SnapshotReconcile"} {
			s := newStage(t, quirks)
			withLocation(s)
			s.sp.Fault = func(name string, _ int) *fakeFault {
				if name == call {
					return &fakeFault{Refuse: "accessDenied"}
				}
				return nil
			}
			_, err := s.copyFar(t)
			require.Error(t, err)
			assert.Equal(t, leaks, len(s.sp.find("~a.b.3", true).Exports) > 0, "%q %s", quirks, call)
			assert.Equal(t, leaks, s.exportsOnRecord() > 0, "%q %s", quirks, call)
			assert.Equal(t, leaks && call == "SnapshotReconcile", len(s.far.names()) > 0, "%q %s", quirks, call)
		}
	}
}

func TestACopyNeedsTwoLocations(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	withLocation(s)
	set(s.bench, secondPool, SettingClusterLocation, "west")
	_, err := s.copyFar(t)
	require.ErrorIs(t, err, ErrRefused)
	s.change(func(tx *inventory.Tx) {
		tx.Details.Delete(inventory.Owner{Kind: inventory.OfPool, ID: secondPool}, SettingClusterLocation)
	})
	_, err = s.copyFar(t)
	require.ErrorIs(t, err, ErrRefused)
	assert.Empty(t, s.far.names())
	_, err = s.CopySnapshot(t.Context(), s.volume(1), s.volume(1))
	require.ErrorIs(t, err, ErrRefused)
	assert.True(t, s.CanHandleSnapshot(stageSnapshot, 0, SnapshotCopy))
	assert.False(t, s.CanHandleSnapshot(stageSnapshot, 0, SnapshotTake))
}

func TestASubClusterIsAskedForItsExportsByTheKeysOfItsEndpoint(t *testing.T) {
	t.Parallel()
	for quirks, token := range map[string]string{"": "sub", "S-10": "10.0.0.9:81"} {
		s := newStage(t, quirks)
		withLocation(s)
		set(s.bench, s.poolID, "unrelated", "x")
		s.change(func(tx *inventory.Tx) {
			own := inventory.Owner{Kind: inventory.OfCluster, ID: 1}
			tx.Details.Set(own, SettingClusterID, "a.b")
			tx.Details.Set(own, SettingClusterEndpoint, "SP_AUTH_TOKEN=sub;SP_API_HTTP=10.0.0.9:81")
		})
		_, _ = s.copyFar(t)
		found := false
		for desc := range s.clients.all {
			found = found || desc.token == token
		}
		assert.True(t, found, quirks)
	}
}

func TestASnapshotInTwoZonesIsDeletedInBothOrTheDeletionFails(t *testing.T) {
	t.Parallel()
	for quirks, passes := range map[string]bool{"": false, "D-7d": true} {
		s := exported(t, quirks)
		refusals := 0
		s.sp.Fault = func(name string, _ int) *fakeFault {
			if name == "SnapshotDelete" && refusals == 0 {
				refusals++
				return &fakeFault{Refuse: "accessDenied"}
			}
			return nil
		}
		err := s.DeleteSnapshot(t.Context(), stageSnapshot, 0)
		assert.Equal(t, passes, err == nil, quirks)
	}
}

func TestObjectsThatNobodyKnowsAreReportedAndLeftoversDeleted(t *testing.T) {
	t.Parallel()
	for quirks, gone := range map[string]bool{"": true, "D-39": false} {
		s := newStage(t, quirks)
		old := s.time.Now().Add(-48 * time.Hour).Unix()
		lost := s.sp.add(fakeObject{Tags: spapi.Tags{"cs": "volume"}, Made: old})
		work := s.sp.add(fakeObject{Tags: spapi.Tags{"cs": "template"}, Made: old})
		fresh := s.sp.add(fakeObject{Tags: spapi.Tags{"cs": "template"}, Made: s.time.Now().Unix()})
		temporary := s.sp.add(fakeObject{Snapshot: true, Tags: spapi.Tags{"cs": "temporary"}, Made: old})
		group := s.sp.add(fakeObject{Snapshot: true, Tags: spapi.Tags{"cs": "group"}, Made: old})
		s.sp.add(fakeObject{Tags: spapi.Tags{"other": "tag"}, Made: old})
		volumes, err := s.CheckVolumes(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []Unknown{
			{Pool: s.poolID, Path: devPath(lost), Role: "volume"},
			{Pool: s.poolID, Path: devPath(work), Role: "template", Deleted: gone},
			{Pool: s.poolID, Path: devPath(fresh), Role: "template"},
		}, volumes, quirks)
		snapshots, err := s.CheckSnapshots(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []Unknown{
			{Pool: s.poolID, Path: devPath(temporary), Snapshot: true, Role: "temporary", Deleted: gone},
			{Pool: s.poolID, Path: devPath(group), Snapshot: true, Role: "group"},
		}, snapshots, quirks)
		assert.Equal(t, gone, s.sp.find("~"+temporary, true) == nil)
	}
}

func TestWhatIsWorkedOnIsNotUnknown(t *testing.T) {
	t.Parallel()
	for quirks, reported := range map[string]int{"": 0, "S-26": 1} {
		s := newStage(t, quirks)
		setState(stageVolume, inventory.VolumeMigrating)(s)
		unknown, err := s.CheckVolumes(t.Context())
		require.NoError(t, err)
		assert.Len(t, unknown, reported, quirks)
		o, err := s.begin(actionCreate, inventory.Intent{Pool: s.poolID})
		require.NoError(t, err)
		s.sp.add(fakeObject{Tags: spapi.Tags{"cs": "volume", "op": o.id}})
		s.sp.add(fakeObject{Snapshot: true, Tags: spapi.Tags{"cs": "snapshot", "op": o.id}})
		unknown, err = s.CheckVolumes(t.Context())
		require.NoError(t, err)
		assert.Len(t, unknown, reported, "%q: an operation in progress owns what it makes", quirks)
		set(s.bench, s.poolID, SettingDeleteAfter, "60")
		setState(stageVolume, inventory.VolumeExpunging)(s)
		require.NoError(t, s.DeleteAsync(t.Context(), s.volume(stageVolume)))
		unknown, err = s.CheckSnapshots(t.Context())
		require.NoError(t, err)
		assert.Len(t, unknown, reported, "%q: a safety snapshot is on record", quirks)
	}
}

func TestASnapshotThatIsExportedIsKnownByMoreThanOneWording(t *testing.T) {
	t.Parallel()
	for descr, known := range map[string]string{"still exported": "both", "Exported to location east": "one", "in use elsewhere": "one"} {
		for _, quirks := range []string{"", "SUS-18"} {
			s := exported(t, quirks)
			s.sp.Fault = func(name string, _ int) *fakeFault {
				if name == "SnapshotDelete" {
					return &fakeFault{Body: `{"error":{"name":"invalidParam","descr":"` + descr + `"}}`}
				}
				return nil
			}
			err := s.DeleteSnapshot(t.Context(), stageSnapshot, 0)
			require.Error(t, err)
			assert.Equal(t, known == "both" || quirks == "", errors.Is(err, ErrExported), "%q %q", descr, quirks)
		}
	}
	assert.False(t, stillExported(&spapi.Error{Name: spapi.NameBusy, Descr: "later"}, true), "what will pass is no export")
	assert.False(t, stillExported(&spapi.Error{Name: spapi.NameNotFound, Descr: "exported"}, true))
	assert.False(t, stillExported(&spapi.Error{Name: spapi.NameInvalid, Descr: "no"}, false))
}

func TestAPoolWithVMSnapshotsIsNotDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.photographed()
	r.change(func(tx *inventory.Tx) {
		tx.Volumes.Delete(1)
		tx.Volumes.Delete(2)
	})
	require.ErrorContains(t, r.DeleteDataStore(t.Context(), r.pool), "VM snapshots")
}
