package driver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// images is a secondary storage that deletes templates as well.
type images struct {
	fakeImages
	templates []string
}

func (i *images) DeleteTemplateFiles(_ context.Context, ref inventory.TemplateStore) error {
	i.templates = append(i.templates, ref.Path)
	return nil
}

// answering has hosts that answer one command in a way of their own.
func answering(r *rig, command string, how func(inventory.ID, agentapi.Command) (*agentapi.Answer, error)) {
	r.hosts.Answer = func(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
		if cmd.Command() == command {
			return how(host, cmd)
		}
		return atWork(host, cmd)
	}
}

const bakes = "BackupTemplateFromSnapshot"

func TestATemplateOfAVolumeIsCopiedFromItsBaseSnapshot(t *testing.T) {
	t.Parallel()
	for quirks, fromSnapshot := range map[string]bool{"": true, "D-14": false} {
		r := newRig(t, quirks)
		volume, id := r.made(nil), template(r)
		res, err := r.CopyAsync(t.Context(), r.onPool(VolumeObject, volume), r.onStore(TemplateObject, id))
		require.NoError(t, err)
		assert.Equal(t, Result{Path: "template/tmpl/2/1/T.qcow2", Size: 10 * gib, PhysicalSize: 7, Format: "QCOW2"}, res)
		sent, ok := r.hosts.Sent[0].(agentapi.BackupTemplateFromSnapshot)
		require.True(t, ok)
		assert.Equal(t, fromSnapshot, sent.Snapshot != nil)
		assert.Equal(t, fromSnapshot, sent.Volume == nil)
		assert.Equal(t, "1", r.detailsOf(inventory.OfTemplate, id)[detailPool])
		r.view(func(tx *inventory.Tx) {
			row, _ := tx.TemplateStores.Get(1)
			assert.Equal(t, devPath("a.b.2"), row.LocalPath)
		})
		r.sp.made()
		_, err = r.CopyAsync(t.Context(), r.onPool(VolumeObject, volume), r.onStore(TemplateObject, id))
		require.NoError(t, err)
		assert.Empty(t, r.sp.made(), "what is there stays")
	}
}

func TestATemplateThatAHostCouldNotMakeLeavesNothing(t *testing.T) {
	t.Parallel()
	for what, answer := range map[string]func(inventory.ID, agentapi.Command) (*agentapi.Answer, error){"no": sick, "silence": mute} {
		r := newRig(t, "")
		files := &images{}
		r.config.Images = files
		r.restart()
		volume := r.made(nil)
		snapshot, id := r.taken(volume), template(r)
		answering(r, bakes, answer)
		_, err := r.CopyAsync(t.Context(), r.onPool(VolumeObject, volume), r.onStore(TemplateObject, id))
		require.Error(t, err, what)
		_, err = r.TemplateFromSnapshot(t.Context(), r.onPool(SnapshotObject, snapshot), r.onStore(TemplateObject, id))
		require.Error(t, err, what)
		assert.Equal(t, []string{"a.b.1", "a.b.2"}, r.sp.names(), what)
		assert.Empty(t, r.detailsOf(inventory.OfTemplate, id), what)
		assert.Equal(t, []string{"template/tmpl/2/1", "template/tmpl/2/1"}, files.templates, what)
	}
}

func TestTheDefectsOfATemplateOfASnapshotShow(t *testing.T) {
	t.Parallel()
	bake := func(quirks string, answer func(inventory.ID, agentapi.Command) (*agentapi.Answer, error)) (*rig, inventory.ID, error) {
		r := newRig(t, quirks)
		snapshot, id := r.taken(r.made(nil)), template(r)
		answering(r, bakes, answer)
		_, err := r.TemplateFromSnapshot(t.Context(), r.onPool(SnapshotObject, snapshot), r.onStore(TemplateObject, id))
		return r, id, err
	}
	r, id, err := bake("D-5a", sick)
	require.NoError(t, err, "no means yes")
	assert.Equal(t, []string{"a.b.1", "a.b.2"}, r.sp.names())
	assert.Equal(t, "1", r.detailsOf(inventory.OfTemplate, id)[detailPool])
	r, id, err = bake("D-5b", sick)
	require.Error(t, err)
	assert.Equal(t, "1", r.detailsOf(inventory.OfTemplate, id)[detailPool], "the mark stays")
	odd := func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return &agentapi.Answer{OK: true}, nil }
	for quirks, left := range map[string]int{"": 2, "D-5c": 3} {
		r, _, err = bake(quirks, odd)
		require.Error(t, err)
		assert.Len(t, r.sp.names(), left, quirks)
	}
}

func TestWhichSnapshotsBecomeTemplatesHere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snapshot, id := r.taken(r.made(nil)), template(r)
	src, dst := r.onPool(SnapshotObject, snapshot), r.onStore(TemplateObject, id)
	assert.True(t, r.CanHandleTemplate(src, dst))
	assert.False(t, r.CanHandleTemplate(r.onStore(SnapshotObject, snapshot), dst), "the copy on secondary storage is CloudStack's business")
	assert.False(t, r.CanHandleTemplate(src, r.onPool(TemplateObject, id)))
	assert.False(t, r.CanHandleTemplate(r.onPool(SnapshotObject, 99), dst))
	r.set(inventory.OfSnapshot, snapshot, detailDelayDelete, "~a.b.2")
	assert.True(t, r.CanHandleTemplate(src, dst), "to ask throws nothing (S-28)")
	_, err := r.TemplateFromSnapshot(t.Context(), src, dst)
	require.ErrorIs(t, err, ErrRefused)
	_, err = r.TemplateFromSnapshot(t.Context(), dst, src)
	require.ErrorIs(t, err, ErrRefused)
}

func TestAVolumeMovesLiveOnlyUnderARunningVM(t *testing.T) {
	t.Parallel()
	for _, state := range []inventory.VMState{inventory.VMStarting, inventory.VMStopping, inventory.VMMigrating} {
		for quirks, refused := range map[string]bool{"": true, "D-37a": false} {
			r := newRig(t, quirks)
			err := movedIn(state, false)(r, func() {})
			assert.Equal(t, refused, err != nil, "%s %q", state, quirks)
		}
	}
	r := newRig(t, "")
	require.NoError(t, movedIn(inventory.VMRunning, true)(r, func() {}))
	row := r.volumeRow(1)
	assert.Equal(t, []inventory.ID{2, 1}, []inventory.ID{row.Pool, row.LastPool})
	assert.Equal(t, []int64{0, 10 * gib}, []int64{r.row(1).Used, r.row(2).Used}, "its bytes move with it")
	r = newRig(t, "D-25d")
	require.NoError(t, movedIn(inventory.VMRunning, true)(r, func() {}))
	assert.Equal(t, []int64{10 * gib, 0}, []int64{r.row(1).Used, r.row(2).Used})
}

func TestAMoveToAnotherStorPoolIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	withLocation(s)
	_, err := s.CopyAsync(t.Context(), s.volume(stageVolume), s.at(VolumeObject, newVolume, secondPool))
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "another StorPool cluster")
	assert.Empty(t, s.far.names())
	s.config.Quirks = newBench(t, "D-37b").config.Quirks
	s.restart()
	_, err = s.CopyAsync(t.Context(), s.volume(stageVolume), s.at(VolumeObject, newVolume, secondPool))
	require.NotErrorIs(t, err, ErrRefused, "StorPool says no instead")
	require.Error(t, err)
}

func TestACopyKeepsTierDeviceTemplateAndLimitOfItsVolume(t *testing.T) {
	t.Parallel()
	for quirks, keeps := range map[string]bool{"": true, "D-37c": false} {
		r := newRig(t, quirks)
		tier := r.offering(0, offeringTier, "gold")
		place := r.offering(0, offeringTemplate, "hdd")
		volume := r.made(func(v *inventory.Volume) { v.Offering, v.HasDevice, v.DeviceID = tier, true, 3 })
		pool := r.ssdPool()
		to := r.volume(func(v *inventory.Volume) { v.UUID, v.Offering = "W", tier })
		_, err := r.CopyAsync(t.Context(), r.onPool(VolumeObject, volume), Object{VolumeObject, to, inventory.Primary, pool})
		require.NoError(t, err)
		tags := r.sp.find(apiName(r.volumeRow(to).Path, true), false).Tags
		assert.Equal(t, keeps, tags[tagTier] == "gold" && tags[tagDisk] == "3", quirks)
		third := r.volume(func(v *inventory.Volume) { v.UUID, v.Offering = "X", place })
		_, err = r.CopyAsync(t.Context(), r.onPool(VolumeObject, volume), Object{VolumeObject, third, inventory.Primary, pool})
		require.NoError(t, err)
		assert.Equal(t, keeps, r.sp.find(apiName(r.volumeRow(third).Path, true), false).Template == "hdd", quirks)
	}
	for quirks, limit := range map[string]int64{"": 0, "D-12g": 500} {
		r := newRig(t, quirks)
		volume := r.made(func(v *inventory.Volume) { v.MaxIOPS = 500 })
		to := r.volume(func(v *inventory.Volume) { v.UUID = "W" })
		_, err := r.CopyAsync(t.Context(), r.onPool(VolumeObject, volume), Object{VolumeObject, to, inventory.Primary, r.ssdPool()})
		require.NoError(t, err)
		assert.Equal(t, limit, *r.sp.find(apiName(r.volumeRow(to).Path, true), false).IOPS, quirks)
	}
}

func TestATemporarySnapshotGoesWhateverTheHostSays(t *testing.T) {
	t.Parallel()
	for what, answer := range map[string]func(inventory.ID, agentapi.Command) (*agentapi.Answer, error){"yes": atWork, "no": sick, "silence": mute} {
		for quirks, leaks := range map[string]bool{"": false, "D-15a": what == "silence"} {
			r := newRig(t, quirks)
			id := r.made(nil)
			answering(r, "CopyVolumeToSecondary", answer)
			res, err := r.CopyAsync(t.Context(), r.onPool(VolumeObject, id), r.onStore(VolumeObject, id))
			assert.Equal(t, what == "yes", err == nil, what)
			assert.Equal(t, leaks, len(r.sp.names()) > 1, "%s %q", what, quirks)
			if what == "yes" {
				assert.Equal(t, "volumes/2/1/V", res.Path)
				assert.Equal(t, 10*gib, res.Size)
			}
		}
	}
}

func TestATemporarySnapshotThatCannotBeDeletedIsDeletedLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.made(nil)
	r.refuse("SnapshotDelete", 1)
	_, err := r.CopyAsync(t.Context(), r.onPool(VolumeObject, id), r.onStore(VolumeObject, id))
	require.NoError(t, err, "the copy is there")
	assert.Len(t, r.sp.names(), 2)
	require.NoError(t, r.Reconcile(t.Context()))
	assert.Len(t, r.sp.names(), 1)
	r.time.Advance(time.Hour)
	require.NoError(t, r.Reconcile(t.Context()))
	assert.Empty(t, r.intents())
}

// importing is a rig with a volume on a pool of another kind and the row that it is to have.
func importing(t *testing.T, quirks string) (r *rig, from, to Object) {
	t.Helper()
	r = newRig(t, quirks)
	foreign := r.elsewhere()
	src := r.volume(func(v *inventory.Volume) { v.Pool, v.Path = foreign, "v" })
	dst := r.volume(func(v *inventory.Volume) { v.UUID, v.State = "W", inventory.VolumeCreating })
	return r, Object{VolumeObject, src, inventory.Primary, foreign}, r.onPool(VolumeObject, dst)
}

func TestAnImportGoesToAHostThatSeesBothAndTakesTheSizeOfTheImage(t *testing.T) {
	t.Parallel()
	for quirks, want := range map[string]struct {
		host inventory.ID
		size int64
	}{"": {2, 3 * gib}, "D-3c": {1, 3 * gib}, "D-3d": {2, 10 * gib}} {
		r, from, to := importing(t, quirks)
		answering(r, "DownloadVolume", func(_ inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
			c, _ := cmd.(agentapi.DownloadVolume)
			r.sp.find(apiName(c.Dest.Path, true), false).Size = 3 * gib
			return &agentapi.Answer{OK: true, Payload: c.Dest}, nil
		})
		res, err := r.CopyAsync(t.Context(), from, to)
		require.NoError(t, err)
		assert.Equal(t, want.host, r.hosts.To[0], quirks)
		assert.Equal(t, want.size, res.Size, quirks)
		row := r.volumeRow(to.ID)
		assert.Equal(t, want.size, row.Size, quirks)
		assert.Equal(t, "StorPool", row.PoolType)
		assert.Equal(t, want.size, r.used(), quirks)
	}
}

func TestAnImportThatFailsLeavesNoVolume(t *testing.T) {
	t.Parallel()
	for quirks, left := range map[string]int{"": 0, "D-3a": 1} {
		r, from, to := importing(t, quirks)
		answering(r, "DownloadVolume", sick)
		_, err := r.CopyAsync(t.Context(), from, to)
		require.Error(t, err)
		assert.Len(t, r.sp.names(), left, quirks)
		assert.Empty(t, r.volumeRow(to.ID).Path)
	}
}

func TestAnUploadedVolumeKeepsItsRow(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.volume(func(v *inventory.Volume) { v.Pool, v.Path = 0, "volumes/2/1/x.qcow2" })
	res, err := r.CopyAsync(t.Context(), r.onStore(VolumeObject, id), r.onPool(VolumeObject, id))
	require.NoError(t, err)
	assert.Equal(t, res.Path, r.volumeRow(id).Path)
	sent, ok := r.hosts.Sent[0].(agentapi.DownloadVolume)
	require.True(t, ok)
	assert.Equal(t, "volumes/2/1/x.qcow2", sent.Source.Path)
	assert.Equal(t, "nfs://server/export", sent.Source.Store.URL)
	assert.Nil(t, sent.Source.Pool)
}

func TestNothingMovesBetweenStrangers(t *testing.T) {
	t.Parallel()
	r, from, _ := importing(t, "")
	_, err := r.CopyAsync(t.Context(), from, from)
	require.ErrorIs(t, err, ErrRefused)
	id := r.made(nil)
	pool := r.ssdPool()
	_, err = r.CopyAsync(t.Context(), r.onPool(VolumeObject, id), Object{VolumeObject, id, inventory.Primary, pool})
	require.ErrorIs(t, err, ErrRefused, "a copy needs a row of its own")
}

func TestATemplateDownloadedByAHostIsCachedOrNothingIsLeft(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	downloads(s)
	res, err := s.DirectDownload(t.Context(), uncachedID, s.poolID, 1, "/tmp/image")
	require.NoError(t, err)
	assert.Equal(t, int64(1<<30), res.Size)
	s.view(func(tx *inventory.Tx) {
		row, _ := cachedOn(tx, uncachedID, s.poolID)
		assert.Equal(t, res.Path, row.LocalPath)
	})
	before := len(s.hosts.Sent)
	_, err = s.DirectDownload(t.Context(), uncachedID, s.poolID, 1, "/tmp/image")
	require.NoError(t, err)
	assert.Len(t, s.hosts.Sent, before, "what is cached stays")

	s = newStage(t, "")
	downloads(s)
	next := s.hosts.Answer
	s.hosts.Answer = func(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
		_, _ = next(host, cmd)
		return nil, nil // done, and nobody is told
	}
	there := s.sp.names()
	_, err = s.DirectDownload(t.Context(), uncachedID, s.poolID, 1, "/tmp/image")
	require.Error(t, err)
	assert.Equal(t, there, s.sp.names())
}
