package driver

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/internal/clock"
)

// cache copies a template to the pool.
func (r *rig) cache(template inventory.ID) (Result, error) {
	return r.CopyAsync(r.t.Context(), r.onStore(TemplateObject, template), r.onPool(TemplateObject, template))
}

// root makes a root volume of a template.
func (r *rig) root(template, volume inventory.ID) (Result, error) {
	return r.CopyAsync(r.t.Context(), r.onStore(TemplateObject, template), r.onPool(VolumeObject, volume))
}

func (r *rig) cached(template inventory.ID) (out inventory.TemplatePool) {
	r.view(func(tx *inventory.Tx) { out, _ = cachedOn(tx, template, r.pool) })
	return out
}

func TestACachedTemplateHasTheSizeOfItsImage(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.template(nil)
	res, err := r.cache(id)
	require.NoError(t, err)
	assert.Equal(t, Result{Path: devPath("a.b.2"), Size: 3 * gib, Format: "QCOW2"}, res, "what the host found")
	assert.Equal(t, []string{"a.b.2"}, r.sp.names(), "the work volume is gone")
	row := r.cached(id)
	assert.Equal(t, [2]string{res.Path, res.Path}, [2]string{row.LocalPath, row.InstallPath})
	assert.Equal(t, 3*gib, row.Size)
	cmd := r.hosts.Sent[0].(agentapi.DownloadTemplate)
	assert.Equal(t, "template/tmpl/2/1/x.qcow2", cmd.Template.Path)
	assert.Equal(t, devPath("a.b.1"), cmd.DestTemplate.Path)
	assert.Equal(t, "volume", cmd.ObjectType)
	assert.Zero(t, r.used())
}

func TestATemplateThatIsCachedIsNotCachedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.template(nil)
	first, err := r.cache(id)
	require.NoError(t, err)
	r.sp.find("~a.b.2", true).Size = first.Size
	again, err := r.cache(id)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.Len(t, r.hosts.Sent, 1)
	r.sp.remove("a.b.2")
	_, err = r.cache(id)
	require.NoError(t, err)
	assert.Len(t, r.hosts.Sent, 2, "one that is gone is made anew")
	assert.Equal(t, devPath("a.b.4"), r.cached(id).LocalPath)
}

func TestATemplateWhoseBaseSnapshotIsGoneIsDownloaded(t *testing.T) {
	t.Parallel()
	for quirks, ok := range map[string]bool{"": true, "D-13": false} {
		r := newRig(t, quirks)
		id := r.template(func(s *inventory.TemplateStore) { s.LocalPath = devPath("a.b.9") })
		_, err := r.cache(id)
		require.Equal(t, ok, err == nil, "%s %v", quirks, err)
		if ok {
			assert.Len(t, r.hosts.Sent, 1)
			assert.Len(t, r.sp.names(), 1)
		} else {
			assert.ErrorIs(t, err, spapi.ErrNotFound)
			assert.Empty(t, r.sp.names())
		}
	}
}

func TestATemplateOfUnknownSizeIsDownloadedOntoAVolumeOfOneGiB(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.template(nil)
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Templates.Change(id, func(x *inventory.Template) { x.Size = 0 }))
	})
	_, err := r.cache(id)
	require.NoError(t, err)
	assert.Contains(t, r.sp.made()[0].Body, `"size":1073741824`)
}

func TestAFailedDownloadOfATemplateLeavesNothing(t *testing.T) {
	t.Parallel()
	odd := func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return &agentapi.Answer{OK: true}, nil }
	for what, answer := range map[string]func(inventory.ID, agentapi.Command) (*agentapi.Answer, error){
		"refused": sick, "silent": mute, "odd": odd,
	} {
		r := newRig(t, "")
		r.hosts.Answer = answer
		id := r.template(nil)
		_, err := r.cache(id)
		var agent *AgentError
		require.ErrorAs(t, err, &agent, what)
		assert.Empty(t, r.sp.names(), what)
		assert.Empty(t, r.cached(id).LocalPath)
		assert.Empty(t, r.intents())
	}
}

func TestATemplateMustBeOnTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.template(func(s *inventory.TemplateStore) { s.Store = 9 })
	_, err := r.cache(id)
	require.ErrorIs(t, err, inventory.ErrNotFound)
	_, err = r.cache(99)
	require.ErrorIs(t, err, inventory.ErrNotFound)
	assert.Empty(t, r.sp.made())
}

func TestARootVolumeIsAsLargeAsItsTemplateAndOnRecordSo(t *testing.T) {
	t.Parallel()
	for quirks, recorded := range map[string]int64{"": 3 * gib, "D-35": gib} {
		r := newRig(t, quirks)
		template := r.template(nil)
		_, err := r.cache(template)
		require.NoError(t, err)
		id := r.volume(func(v *inventory.Volume) { v.Size = gib })
		res, err := r.root(template, id)
		require.NoError(t, err)
		assert.Equal(t, 3*gib, r.sp.find("~a.b.3", false).Size)
		assert.Equal(t, recorded, res.Size, quirks)
		assert.Equal(t, recorded, r.volumeRow(id).Size, quirks)
		assert.Equal(t, recorded, r.used(), quirks)
	}
}

func TestARootVolumeGetsItsLimit(t *testing.T) {
	t.Parallel()
	for quirks, limited := range map[string]bool{"": true, "D-12a": false} {
		r := newRig(t, quirks)
		template := r.template(nil)
		_, err := r.cache(template)
		require.NoError(t, err)
		_, err = r.root(template, r.volume(func(v *inventory.Volume) { v.MaxIOPS = 300 }))
		require.NoError(t, err)
		assert.Equal(t, limited, r.sp.find("~a.b.3", false).IOPS != nil, quirks)
	}
}

func TestARootVolumeNeedsACachedTemplate(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	template, id := r.template(nil), r.volume(nil)
	_, err := r.root(template, id)
	require.ErrorIs(t, err, inventory.ErrNotFound)
	r.change(func(tx *inventory.Tx) {
		tx.TemplatePools.Put(inventory.TemplatePool{Template: template, Pool: r.pool, LocalPath: "/mnt/nfs/x"})
	})
	_, err = r.root(template, id)
	require.ErrorIs(t, err, ErrNotOnStorPool)
	assert.Empty(t, r.sp.made())
}

func TestACachedTemplateThatStorPoolHasLostIsBroughtBack(t *testing.T) {
	t.Parallel()
	for quirks, ok := range map[string]bool{"": true, "SP-2": false} {
		r := newRig(t, quirks)
		template := r.template(nil)
		_, err := r.cache(template)
		require.NoError(t, err)
		r.sp.remove("a.b.2")
		_, err = r.root(template, r.volume(nil))
		require.Equal(t, ok, err == nil, "%s %v", quirks, err)
		if ok {
			assert.Equal(t, "~"+apiName(r.cached(template).LocalPath, false), r.sp.find("~a.b.5", false).Parent)
			assert.Len(t, r.sp.names(), 2)
		} else {
			assert.ErrorIs(t, err, spapi.ErrNotFound)
		}
	}
}

func TestALostCacheIsBroughtBackOnceForAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.config.NewID = nil // the rig's own is for one at a time
	r.restart()
	template := r.template(nil)
	_, err := r.cache(template)
	require.NoError(t, err)
	r.sp.remove("a.b.2")
	errs := make([]error, 8)
	var roots []func()
	for i := range errs {
		id := r.volume(nil)
		roots = append(roots, func() { _, errs[i] = r.root(template, id) })
	}
	r.time.Run(func() { clock.Gather(r.time, roots...) })
	require.NoError(t, errors.Join(errs...))
	assert.Len(t, r.hosts.Sent, 2, "one download at first, one for all that found it gone")
	assert.Len(t, r.sp.names(), len(errs)+1)
}

func TestACachedTemplateIsNotBroughtBackFromNowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	template := r.template(nil)
	_, err := r.cache(template)
	require.NoError(t, err)
	r.sp.remove("a.b.2")
	r.change(func(tx *inventory.Tx) { tx.TemplateStores.Delete(1) })
	_, err = r.root(template, r.volume(nil))
	require.ErrorIs(t, err, spapi.ErrNotFound)
	assert.Empty(t, r.sp.names())
}

func TestTheBaseSnapshotsOfATemplateGoWithIt(t *testing.T) {
	t.Parallel()
	for quirks, left := range map[string]int{"": 0, "D-6": 1} {
		r := newRig(t, quirks)
		base := r.sp.add(fakeObject{Snapshot: true})
		id := r.template(func(s *inventory.TemplateStore) { s.LocalPath = devPath(base) })
		r.set(inventory.OfTemplate, id, detailPool, "1")
		require.NoError(t, r.DeleteTemplate(t.Context(), id))
		assert.Len(t, r.sp.names(), left, quirks)
		assert.Len(t, r.detailsOf(inventory.OfTemplate, id), left, quirks)
		require.NoError(t, r.DeleteTemplate(t.Context(), id), "again")
	}
}

func TestABaseSnapshotThatIsGoneIsDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.template(func(s *inventory.TemplateStore) { s.LocalPath = devPath("a.b.9") })
	r.set(inventory.OfTemplate, id, detailPool, "1")
	require.NoError(t, r.DeleteTemplate(t.Context(), id))
	r.view(func(tx *inventory.Tx) {
		s, _ := tx.TemplateStores.Get(1)
		assert.Empty(t, s.LocalPath)
	})
}

func TestABaseSnapshotNeedsItsPoolOnRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.template(func(s *inventory.TemplateStore) { s.LocalPath = devPath("a.b.9") })
	require.ErrorIs(t, r.DeleteTemplate(t.Context(), id), ErrRefused)
	r.set(inventory.OfTemplate, id, detailPool, "one")
	require.ErrorContains(t, r.DeleteTemplate(t.Context(), id), "not a number")
	assert.Empty(t, r.sp.made())
}
