package driver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// rescued is a rig with the safety snapshot (row 1, object a.b.2) of a deleted volume.
func rescued(t *testing.T, quirks string) *rig {
	t.Helper()
	r, id := safety(t, quirks)
	require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id)))
	return r
}

// ended tells what became of the records: 0 to 3 of them have come to their end.
func (r *rig) ended() (n int) {
	r.t.Helper()
	if r.snapshotRow(1).State == inventory.SnapshotDestroyed {
		n++
	}
	if len(r.refs(1)) == 0 {
		n++
	}
	if len(r.detailsOf(inventory.OfSnapshot, 1)) == 0 {
		n++
	}
	return n
}

func TestTheRecordsOfASafetySnapshotEndWithIt(t *testing.T) {
	t.Parallel()
	for quirks, ended := range map[string]int{"": 3, "D-16g": 2} {
		r := rescued(t, quirks)
		require.NoError(t, r.SyncDelayedDeletes(t.Context()))
		assert.Zero(t, r.ended(), "it is still there")
		r.sp.remove("a.b.2")
		require.NoError(t, r.SyncDelayedDeletes(t.Context()))
		assert.Equal(t, ended, r.ended(), quirks)
		require.NoError(t, r.SyncDelayedDeletes(t.Context()), "again")
	}
}

func TestASnapshotThatIsBeingDeletedIsGone(t *testing.T) {
	t.Parallel()
	there, err := present([]spapi.ByCluster[spapi.Snapshot]{{Data: []spapi.Snapshot{
		{Volume: spapi.Volume{Name: "*a.b.1", GlobalID: "a.b.1"}},
		{Volume: spapi.Volume{Name: "~a.b.2", GlobalID: "a.b.2"}},
	}}})
	require.NoError(t, err)
	assert.Equal(t, map[string]bool{"a.b.2": true}, there)
}

func TestOneZoneWithoutSafetySnapshotsDoesNotHideAnother(t *testing.T) {
	t.Parallel()
	for quirks, ended := range map[string]int{"": 3, "D-16d": 0} {
		r := rescued(t, quirks)
		r.change(func(tx *inventory.Tx) {
			last := tx.Zones.Put(inventory.Zone{ID: 99}).ID
			require.NoError(t, tx.Snapshots.Change(1, func(s *inventory.Snapshot) { s.Zone = last }))
		})
		r.sp.remove("a.b.2")
		require.NoError(t, r.SyncDelayedDeletes(t.Context()))
		assert.Equal(t, ended, r.ended(), quirks)
	}
}

func TestASnapshotOfOthersWithoutARoleIsIgnored(t *testing.T) {
	t.Parallel()
	for quirks, ended := range map[string]int{"": 3, "D-16e": 0} {
		r := rescued(t, quirks)
		r.sp.add(fakeObject{Snapshot: true, Tags: spapi.Tags{"owner": "somebody"}})
		r.sp.remove("a.b.2")
		assert.Equal(t, ended == 0, r.SyncDelayedDeletes(t.Context()) != nil, quirks)
		assert.Equal(t, ended, r.ended(), quirks)
	}
}

func TestWithoutACompleteListingNothingEnds(t *testing.T) {
	t.Parallel()
	silentCluster := `{"data":{"clusters":[{"clusterId":"a.b"},{"clusterId":"a.c","response":{"data":[]}}]}}`
	brokenCluster := `{"data":{"clusters":[{"clusterId":"a.b","error":{"name":"busy","descr":"d"}}]}}`
	for what, c := range map[string]struct {
		quirks string
		fault  fakeFault
		ended  int
	}{
		"a cluster that says nothing":             {"", fakeFault{Body: silentCluster}, 0},
		"a cluster that says nothing, the defect": {"D-16f", fakeFault{Body: silentCluster}, 3},
		"a cluster that fails":                    {"", fakeFault{Body: brokenCluster}, 0},
		"a cluster that fails, the defect":        {"D-16f", fakeFault{Body: brokenCluster}, 0},
		"a refusal":                               {"", fakeFault{Refuse: "busy"}, 0},
	} {
		r := rescued(t, c.quirks)
		r.fault("AllClusters", 1, c.fault)
		err := r.SyncDelayedDeletes(t.Context())
		assert.Equal(t, c.ended == 0, err != nil, what)
		assert.Equal(t, c.ended, r.ended(), what)
	}
}
