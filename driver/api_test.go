package driver

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

func TestAnAnswerWithoutANameIsAnErrorAndWhatItMadeIsRemoved(t *testing.T) {
	t.Parallel()
	for quirks, path := range map[string]string{"": "", "D-20c": "/dev/storpool-byid/null"} {
		b := newBench(t, quirks)
		pool := b.pool()
		b.sp.Fault = func(call string, _ int) *fakeFault {
			if call == "VolumeCreate" {
				return &fakeFault{Do: true, Body: `{"data":{"ok":true}}`}
			}
			return nil
		}
		err := b.HostConnect(t.Context(), 1, pool)
		assert.Equal(t, path == "", err != nil, "%v", err)
		assert.Equal(t, path, b.details(pool)["SP_VOLUME_ON_CLUSTER-1"])
		if path == "" {
			assert.Empty(t, b.sp.names())
		}
	}
}

func TestASnapshotWithoutAnIDIsAnError(t *testing.T) {
	t.Parallel()
	_, err := correct().snapshotID(spapi.SnapshotCreated{})
	require.Error(t, err)
	id, err := only(t, "D-20c").snapshotID(spapi.SnapshotCreated{})
	require.NoError(t, err)
	assert.Equal(t, "null", id)
}

func TestALostAnswerIsFinalWithoutRepetition(t *testing.T) {
	t.Parallel()
	for quirks, fails := range map[string]bool{"": false, "D-20a": true, "D-20b": true} {
		b := newBench(t, quirks)
		pool := b.pool()
		b.sp.Fault = func(call string, n int) *fakeFault {
			if call == "VolumeCreate" && n == 1 {
				return &fakeFault{Do: true, Lost: true}
			}
			return nil
		}
		begun := b.time.Now()
		err := b.HostConnect(t.Context(), 1, pool)
		assert.Equal(t, fails, err != nil, "%q: %v", quirks, err)
		if quirks == "" {
			assert.Equal(t, time.Second, b.time.Now().Sub(begun))
		}
		assert.Equal(t, quirks == "D-20a", len(b.sp.names()) == 0, "what is made and not marked leaks")
	}
}

func TestAHungCallEndsCorrectlyOnly(t *testing.T) {
	t.Parallel()
	for words, limit := range map[string]time.Duration{"": 0, "SUS-19": -1} {
		set, err := quirk.Parse(words, Quirks())
		require.NoError(t, err)
		cfg := spapi.Config{}
		quirk.Apply(correct(), quirks(), set.Has).calls(&cfg)
		assert.Equal(t, limit, cfg.Timeout)
		assert.Equal(t, words == "", cfg.Retry != nil)
	}
}

// TestUpstreamDeletesAPoolWithTheRequestsOfThePlugin holds bodies and order of driver-management 7.3 and 17, 8.
func TestUpstreamDeletesAPoolWithTheRequestsOfThePlugin(t *testing.T) {
	t.Parallel()
	b := newBench(t, quirk.Upstream)
	_, err := b.Initialize(t.Context(), PoolRequest{Name: "p", Zone: 1, URL: poolURL, Capacity: 1})
	require.NoError(t, err)
	require.NoError(t, b.HostConnect(t.Context(), 1, 1))
	check := b.sp.names()[0]
	cached := b.sp.add(fakeObject{Snapshot: true})
	b.change(func(tx *inventory.Tx) {
		tx.TemplatePools.Put(inventory.TemplatePool{Template: 1, Pool: 1, LocalPath: devPath(cached)})
	})
	require.NoError(t, b.DeleteDataStore(t.Context(), 1))
	assert.Equal(t, []fakeCall{
		{"VolumeTemplateDescribe/hdd", ""},
		{"VolumeCreate", `{"name":"","size":512,"template":"hdd","tags":{"cs":"check-volume-is-on-host"}}`},
		{"VolumesReassign", `[{"snapshot":"~` + cached + `","detach":"all","force":true}]`},
		{"SnapshotDelete/~" + cached, ""},
		{"VolumeDelete/~" + check, `{"onAttached":"detachForce"}`},
	}, b.sp.made())
}

// TestALookUpTakesNoVolumeOfAnotherParent keeps a clone apart from an empty volume of the same operation.
func TestALookUpTakesNoVolumeOfAnotherParent(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	c, err := b.connect(t.Context(), b.pool())
	require.NoError(t, err)
	o, err := b.begin(actionRestore, inventory.Intent{Pool: c.pool.ID})
	require.NoError(t, err)
	defer o.end(t.Context(), &err)
	r := spapi.VolumeCreate{Parent: "~a.b.s", Tags: o.tagged(spapi.Tags{"uuid": "v", "cvm": ""})}
	b.sp.add(fakeObject{Tags: r.Tags})
	_, found, err := o.findVolume(c, r)(t.Context())
	require.NoError(t, err)
	assert.False(t, found)
	id := b.sp.add(fakeObject{Tags: r.Tags, Parent: "~a.b.s"})
	got, found, err := o.findVolume(c, r)(t.Context())
	require.NoError(t, err)
	assert.True(t, found, "tags without a value are not looked for")
	assert.Equal(t, id, got.GlobalID)
}

// TestAResizeThatIsFinishedLateIsSeenByItsGuest kills the driver after StorPool has resized.
func TestAResizeThatIsFinishedLateIsSeenByItsGuest(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		s := newStage(t, "")
		s.change(func(tx *inventory.Tx) {
			tx.VMs.Put(inventory.VM{Instance: "i-1", State: inventory.VMRunning, Host: 2})
			require.NoError(t, tx.Volumes.Change(stageVolume, func(v *inventory.Volume) { v.VM = 1 }))
		})
		s.crashAt(1)
		_, err := s.Resize(t.Context(), stageVolume, ResizeRequest{Size: 2 << 30, Hosts: []inventory.ID{2}, Instance: "i-1"})
		require.ErrorIs(t, err, errCrash)
		s.restart()
		if fails {
			s.hosts.Answer = silent
		}
		s.hosts.Sent = nil
		require.NoError(t, s.Reconcile(t.Context()))
		require.Len(t, s.hosts.Sent, 1)
		cmd, ok := s.hosts.Sent[0].(agentapi.ResizeVolume)
		require.True(t, ok)
		assert.Equal(t, []any{int64(1 << 30), int64(2 << 30), "i-1", true}, []any{cmd.CurrentSize, cmd.NewSize, cmd.VM, cmd.Attached})
		assert.Empty(t, s.idle())
		assert.Equal(t, fails, strings.Contains(s.lines.String(), "after its next start"))
	}
}
