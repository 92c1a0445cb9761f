package driver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// limitOf is the limit of the first object: nil for none.
func (r *rig) limitOf() *int64 { return r.sp.find("~a.b.1", false).IOPS }

func TestAResizeIsOnRecordOnStorPoolAndCounted(t *testing.T) {
	t.Parallel()
	for quirks, used := range map[string]int64{"": 20 * gib, "D-25a": 10 * gib} {
		r := newRig(t, quirks)
		id := r.made(nil)
		res, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib})
		require.NoError(t, err)
		assert.Equal(t, Result{Path: devPath("a.b.1"), Size: 20 * gib, Format: "QCOW2"}, res)
		assert.Equal(t, 20*gib, r.volumeRow(id).Size)
		assert.Equal(t, 20*gib, r.sp.find("~a.b.1", false).Size)
		assert.Equal(t, used, r.used(), quirks)
	}
}

func TestAResizeChangesTheLimitOnlyWhenItIsAskedTo(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	for _, c := range []struct {
		what, quirks string
		have         int64
		request      ResizeRequest
		offering     []string // details of the new offering, if any
		limit        int64    // of the new offering
		onStorPool   *int64
		recorded     int64
	}{
		{what: "nothing is said", have: 500, onStorPool: n(500), recorded: 500},
		{what: "nothing is said", quirks: "D-12b", have: 500, onStorPool: n(0), recorded: 500},
		{what: "a new limit", have: 500, request: ResizeRequest{MaxIOPS: n(600)}, onStorPool: n(600), recorded: 600},
		{what: "no limit any more", have: 500, request: ResizeRequest{MaxIOPS: n(0)}, onStorPool: n(0), recorded: 0},
		{what: "an offering without limit", have: 500, offering: []string{}, onStorPool: n(0), recorded: 0},
		{what: "an offering with a limit", have: 500, offering: []string{}, limit: 700, onStorPool: n(700), recorded: 700},
		{
			what: "a template with a limit", have: 500, offering: []string{offeringTemplate, "ssd"}, limit: 700,
			request: ResizeRequest{MaxIOPS: n(700)}, onStorPool: n(700), recorded: 700,
		},
		{
			what: "a template with a limit", quirks: "D-12c", have: 500, offering: []string{offeringTemplate, "ssd"}, limit: 700,
			request: ResizeRequest{MaxIOPS: n(700)}, onStorPool: n(500), recorded: 700,
		},
		{
			what: "a tier: the QoS service sets the limit", have: 500, offering: []string{offeringTier, "gold"}, limit: 700,
			onStorPool: n(500), recorded: 700,
		},
	} {
		r := newRig(t, c.quirks)
		id := r.made(func(v *inventory.Volume) { v.MaxIOPS = c.have })
		if c.offering != nil {
			c.request.Offering = r.offering(c.limit, c.offering...)
		}
		_, err := r.Resize(t.Context(), id, c.request)
		require.NoError(t, err, c.what)
		assert.Empty(t, r.hosts.Sent, "a size that stays is no news")
		assert.Equal(t, c.onStorPool, r.limitOf(), "%s %s", c.what, c.quirks)
		assert.Equal(t, c.recorded, r.volumeRow(id).MaxIOPS, "%s %s", c.what, c.quirks)
	}
}

func TestAVolumeThatLeavesATierGetsItsLimitBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	gold, plain := r.offering(500, offeringTier, "gold"), r.offering(500)
	id := r.made(func(v *inventory.Volume) { v.Offering, v.MaxIOPS = gold, 500 })
	require.Nil(t, r.limitOf(), "the QoS service sets it")
	_, err := r.Resize(t.Context(), id, ResizeRequest{Offering: plain})
	require.NoError(t, err)
	require.NotNil(t, r.limitOf())
	assert.Equal(t, int64(500), *r.limitOf())
	assert.NotContains(t, r.sp.find("~a.b.1", false).Tags, "qc")
}

func TestAGrowOfWhichNobodyCouldBeToldStays(t *testing.T) {
	t.Parallel()
	deaf := func(_ inventory.ID, c agentapi.Command) (*agentapi.Answer, error) {
		return &agentapi.Answer{OK: true, Details: "reboot needed", Payload: agentapi.Resized{Size: c.(agentapi.ResizeVolume).NewSize}}, nil
	}
	for what, c := range map[string]struct {
		answer func(inventory.ID, agentapi.Command) (*agentapi.Answer, error)
		notice string
		fails  bool // in D-26
	}{
		"the host fails":      {sick, "disk on fire", true},
		"the host is silent":  {mute, "no answer", true},
		"the guest is deaf":   {deaf, "reboot needed", false},
		"all hear and answer": {atWork, "", false},
	} {
		for quirks, size := range map[string]int64{"": 20 * gib, "D-26": 10 * gib} {
			r := newRig(t, quirks)
			id := r.made(nil)
			r.hosts.Answer = c.answer
			res, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib, Hosts: []inventory.ID{1}, Instance: "i-2-1-VM"})
			if quirks == "" || !c.fails {
				require.NoError(t, err, what)
				size = 20 * gib
				assert.Equal(t, c.notice != "", res.Notice != "", what)
				assert.Contains(t, res.Notice, c.notice, what)
			} else {
				require.Error(t, err, what)
			}
			assert.Equal(t, size, r.sp.find("~a.b.1", false).Size, "%s %s", what, quirks)
			assert.Equal(t, size, r.volumeRow(id).Size, "%s %s", what, quirks)
			assert.Empty(t, r.intents())
		}
	}
}

func TestWithoutAVMNoGuestIsMissed(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.made(nil)
	r.hosts.Answer = func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) {
		return &agentapi.Answer{OK: true, Payload: agentapi.Resized{Size: 20 * gib}}, nil
	}
	res, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib})
	require.NoError(t, err)
	assert.Empty(t, res.Notice)
}

func TestAnInterruptedResizeOfAVolumeThatIsGoneIsOver(t *testing.T) {
	t.Parallel()
	for what, lose := range map[string]func(tx *inventory.Tx, pool, volume inventory.ID){
		"its row is gone": func(tx *inventory.Tx, _, volume inventory.ID) { tx.Volumes.Delete(volume) },
		"it has moved to another provider": func(tx *inventory.Tx, pool, _ inventory.ID) {
			p, _ := tx.Pools.Get(pool)
			p.Provider = "NFS"
			tx.Pools.Put(p)
		},
	} {
		r := newRig(t, "")
		id := r.made(nil)
		r.change(func(tx *inventory.Tx) {
			tx.Intents.Put(inventory.Intent{
				Op: "x", Action: actionResize, Pool: r.pool, Kind: inventory.OfVolume, Object: id, Pivoted: true, Owner: "management",
			})
			lose(tx, r.pool, id)
		})
		require.NoError(t, r.Reconcile(t.Context()), what)
		assert.Empty(t, r.intents(), what)
		assert.Empty(t, r.sp.made(), what)
	}
}

func TestAResizeWithoutAHostStays(t *testing.T) {
	t.Parallel()
	for quirks, row := range map[string]int64{"": 20 * gib, "D-26": 10 * gib} {
		r := newRig(t, quirks)
		id := r.made(nil)
		r.change(func(tx *inventory.Tx) {
			for _, h := range tx.PoolHosts.All(nil) {
				tx.PoolHosts.Delete(h.ID)
			}
		})
		res, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib})
		assert.Equal(t, quirks == "", err == nil, quirks)
		assert.Equal(t, quirks == "", res.Notice != "", quirks)
		assert.Equal(t, 20*gib, r.sp.find("~a.b.1", false).Size, "after an error of the driver's own nothing is taken back")
		assert.Equal(t, row, r.volumeRow(id).Size)
	}
}

func TestARefusedResizeChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.made(nil)
	r.refuse("VolumeUpdate", 1)
	_, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib})
	require.ErrorIs(t, err, spapi.ErrBusy)
	assert.Equal(t, []string{"VolumeUpdate/~a.b.1"}, names(r.sp.made()), "nothing is taken back, for nothing was done")
	assert.Equal(t, 10*gib, r.volumeRow(id).Size)
	assert.Empty(t, r.hosts.Sent)
	assert.Empty(t, r.intents())
}

func TestAResizeThatMayHaveHappenedIsReadBack(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{true, false} {
		r := newRig(t, "")
		id := r.made(nil)
		limit := int64(300)
		r.sp.Fault = func(call string, _ int) *fakeFault {
			if call == "VolumeUpdate" {
				return &fakeFault{Lost: true, Do: done}
			}
			return nil
		}
		_, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib, MaxIOPS: &limit})
		require.Error(t, err)
		require.Equal(t, []string{actionResize}, r.intents())
		r.sp.Fault = nil
		require.NoError(t, r.Reconcile(t.Context()))
		want := inventory.Volume{Size: 10 * gib}
		if done {
			want = inventory.Volume{Size: 20 * gib, MaxIOPS: 300}
		}
		row := r.volumeRow(id)
		assert.Equal(t, want, inventory.Volume{Size: row.Size, MaxIOPS: row.MaxIOPS}, "done %t", done)
		assert.Equal(t, want.Size, r.used())
		assert.Empty(t, r.intents())
	}
}

func TestAResizeWithoutWhatItNeedsIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	_, err := r.Resize(t.Context(), r.volume(nil), ResizeRequest{Size: gib})
	require.ErrorIs(t, err, ErrNotOnStorPool)
	_, err = r.Resize(t.Context(), r.made(nil), ResizeRequest{Offering: 99})
	require.ErrorIs(t, err, inventory.ErrNotFound)
	assert.Empty(t, r.sp.made())
}
