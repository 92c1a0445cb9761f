package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// attempt makes a call that may fail on the way.
func attempt(t *testing.T, a *api, method, path, body string) (string, error) {
	t.Helper()
	return a.attempt(t.Context(), method, path, body)
}

func (a *api) attempt(ctx context.Context, method, path, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+"/ctrl/1.0/"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Storpool v1:"+a.server.Token())
	r, err := a.client.Do(req)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r.Body)
	return string(text), errors.Join(err, r.Body.Close())
}

// doors are the two ways to a server.
func doors() map[string]func(testing.TB, *Server) *api {
	return map[string]func(testing.TB, *Server) *api{"in process": inProcess, "over loopback": overLoopback}
}

func TestLostAnswerResetsTheConnectionAfterTheChange(t *testing.T) {
	t.Parallel()
	for door, open := range doors() {
		s := Start(t)
		a := open(t, s)
		_, err := s.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Lose}})
		require.NoError(t, err)
		_, err = attempt(t, a, "POST", "VolumeCreate", `{"name":"v","size":512}`)
		require.ErrorIs(t, err, syscall.ECONNRESET, door)
		a.get(t, "Volume/v")
		assert.Equal(t, "lost", s.Calls()[0].Answer, door)
	}
}

func TestCutConnectionChangesNothing(t *testing.T) {
	t.Parallel()
	for door, open := range doors() {
		s := Start(t)
		a := open(t, s)
		_, err := s.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Cut}})
		require.NoError(t, err)
		_, err = attempt(t, a, "POST", "VolumeCreate", `{"name":"v","size":512}`)
		require.ErrorIs(t, err, syscall.ECONNRESET, door)
		a.refused(t, "GET", "Volume/v", "", "objectDoesNotExist")
	}
}

func TestLateCallIsMadeAfterTheCallerGaveUp(t *testing.T) {
	t.Parallel()
	now := clock.NewVirtual(testStart())
	s := Start(t, WithClock(now))
	a := inProcess(t, s)
	_, err := s.Arm(fault.Rule{
		Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Late, Delay: fault.Duration(time.Minute)},
	})
	require.NoError(t, err)
	now.Run(func() {
		_, err = attempt(t, a, "POST", "VolumeCreate", `{"name":"v","size":512}`)
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		a.refused(t, "GET", "Volume/v", "", "objectDoesNotExist")
		assert.NoError(t, now.Settle(t.Context()))
		a.get(t, "Volume/v")
	})
}

func TestBrokenConnectionUnderAllClustersIsNoEntry(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	for _, kind := range []fault.Kind{fault.Cut, fault.Malformed} {
		_, err := s.Arm(fault.Rule{Call: "GET SnapshotsList", Effect: fault.Effect{Kind: kind}})
		require.NoError(t, err)
		text, err := attempt(t, a, "GET", "MultiCluster/AllClusters/SnapshotsList", "")
		if kind == fault.Cut {
			require.ErrorIs(t, err, syscall.ECONNRESET)
			continue
		}
		require.NoError(t, err)
		assert.False(t, json.Valid([]byte(text)), text)
	}
}

func TestMalformedAnswerIsNoJSON(t *testing.T) {
	t.Parallel()
	s := Start(t)
	_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Effect: fault.Effect{Kind: fault.Malformed}})
	require.NoError(t, err)
	text, err := attempt(t, inProcess(t, s), "GET", "VolumesList", "")
	require.NoError(t, err)
	assert.NotEmpty(t, text)
	assert.NotContains(t, text, "}")
}

func TestRefusalHasTheNameOfTheRule(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	_, err := s.Arm(fault.Rule{
		Call: "POST VolumeCreate", Nth: 2,
		Effect: fault.Effect{Kind: fault.Transient, Error: "outOfLuck", Descr: "try again"},
	})
	require.NoError(t, err)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	r := a.refused(t, "POST", "MultiCluster/VolumeCreate", `{"name":"w","size":512}`, "outOfLuck")
	assert.Equal(t, &errorBody{Name: "outOfLuck", Descr: "try again", Transient: true}, r.Error)
	assert.Equal(t, http.StatusServiceUnavailable, r.Status)
	a.post(t, "VolumeCreate", `{"name":"w","size":512}`)
}

func TestRuleFindsItsObjectByEverySpelling(t *testing.T) {
	t.Parallel()
	for spelling, call := range map[string]string{
		"v": "VolumeUpdate/~GID", "~GID": "VolumeUpdate/v", "cs=volume": "VolumeUpdate/v",
	} {
		s := Start(t)
		a := inProcess(t, s)
		gid := a.post(t, "VolumeCreate", `{"name":"v","size":512,"tags":{"cs":"volume"}}`).text(t, "globalId")
		a.post(t, "VolumeCreate", `{"name":"w","size":512}`)
		_, err := s.Arm(fault.Rule{
			Call: "POST VolumeUpdate", Object: strings.ReplaceAll(spelling, "GID", gid), Effect: fault.Effect{Kind: fault.Refuse},
		})
		require.NoError(t, err)
		a.post(t, "VolumeUpdate/w", `{}`)
		a.refused(t, "POST", strings.ReplaceAll(call, "GID", gid), `{}`, "busy")
		a.post(t, "VolumeUpdate/v", `{}`)
	}
}

func TestRuleFindsNewObjectsAndEveryItemOfAReassign(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	for _, r := range []fault.Rule{
		{Call: "POST VolumeCreate", Object: "cs=special"},
		{Call: "POST VolumesReassign", Object: "v"},
		{Call: "POST VolumesGroupSnapshot", Object: "v"},
		{Call: "POST VolumeTemplateCreate", Object: "t"},
	} {
		r.Effect = fault.Effect{Kind: fault.Refuse}
		_, err := s.Arm(r)
		require.NoError(t, err)
	}
	a.post(t, "VolumeCreate", `{"name":"w","size":512}`)
	a.refused(t, "POST", "VolumeCreate", `{"name":"x","size":512,"tags":{"cs":"special"}}`, "busy")
	a.post(t, "VolumesReassign", `[{"volume":"w","rw":[1]}]`)
	a.refused(t, "POST", "VolumesReassign", `[{"volume":"w","rw":[1]},{"volume":"v","rw":[1]}]`, "busy")
	a.refused(t, "POST", "VolumesGroupSnapshot", `{"volumes":[{"volume":"w"},{"volume":"v"}]}`, "busy")
	a.refused(t, "POST", "VolumeTemplateCreate", `{"name":"t"}`, "busy")
}

func TestRuleFindsASnapshotByEverySpelling(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	gid := a.post(t, "VolumeSnapshot/v", `{"name":"s","tags":{"cs":"snapshot"}}`).text(t, "snapshotGlobalId")
	for spelling, path := range map[string]string{"s": "~" + gid, "~" + gid: "s", "cs=snapshot": "s"} {
		_, err := s.Arm(fault.Rule{Call: "POST SnapshotUpdate", Object: spelling, Effect: fault.Effect{Kind: fault.Refuse}})
		require.NoError(t, err)
		a.refused(t, "POST", "SnapshotUpdate/"+path, `{}`, "busy")
	}
}

func TestRuleFindsItsCaller(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Caller: "host-2", Times: -1, Effect: fault.Effect{Kind: fault.Refuse}})
	require.NoError(t, err)
	a.client = s.ClientFor("host-1")
	a.get(t, "VolumesList")
	a.client = s.ClientFor("host-2")
	a.refused(t, "GET", "VolumesList", "", "busy")
}

func TestRuleThatCanNeverFireIsRefused(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for _, call := range []string{
		"VolumeCreate", "GET VolumeCreate", "POST VolumeUpdate/v", "POST Nothing", "POST __BalancerDiskSetsUpdate", "agent BackupSnapshot/convert",
	} {
		_, err := s.Arm(fault.Rule{Call: call, Effect: fault.Effect{Kind: fault.Cut}})
		assert.ErrorIs(t, err, fault.ErrRule, call)
	}
	for _, call := range []string{"GET MultiCluster/AllClusters", "POST VolumesReassign", "GET DisksList"} {
		id, err := s.Arm(fault.Rule{Call: call, Effect: fault.Effect{Kind: fault.Cut}})
		require.NoError(t, err, call)
		assert.True(t, s.Faults().Disarm(id))
	}
}

// witness is a test that only takes notes.
type witness struct {
	notes    []string
	cleanups []func()
}

func (w *witness) Helper()          {}
func (w *witness) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }

func (w *witness) Errorf(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) { w.Errorf(format, args...) }

func (w *witness) end() {
	for _, f := range w.cleanups {
		f()
	}
}

func TestRuleThatDidNotFireFailsTheTest(t *testing.T) {
	t.Parallel()
	w := &witness{}
	s := Start(w)
	_, err := s.Arm(fault.Rule{Call: "GET DisksList", Effect: fault.Effect{Kind: fault.Cut}})
	require.NoError(t, err)
	w.end()
	require.Len(t, w.notes, 1)
	assert.Contains(t, w.notes[0], "GET DisksList")
	assert.True(t, s.isClosed())
}

func TestStartFailsTheTestOnABadOption(t *testing.T) {
	t.Parallel()
	w := &witness{}
	assert.Nil(t, Start(w, WithToken("")))
	w.end()
	require.Len(t, w.notes, 1)
	assert.Contains(t, w.notes[0], "token")
}

func TestLeaksAreVolumesSnapshotsAndAttachmentsBeyondThoseKept(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	gid := a.post(t, "VolumeCreate", `{"size":512,"tags":{"cs":"volume"}}`).text(t, "globalId")
	w1 := a.post(t, "VolumeCreate", `{"name":"w","size":512}`).text(t, "globalId")
	a.post(t, "VolumeSnapshot/w", `{"name":"s"}`)
	a.post(t, "VolumesReassign", `[{"volume":"~`+gid+`","rw":[1]},{"volume":"w","ro":[2]}]`)
	w := &witness{}
	s.AssertNoLeaks(w)
	assert.Equal(t, []string{
		"left on StorPool: volume ~" + gid + " (512 bytes, tags cs=volume)",
		"left on StorPool: volume w (512 bytes, tags )",
		"left on StorPool: snapshot s (512 bytes, tags )",
		"left on StorPool: attachment of ~" + gid + " to client 1 (rw)",
		"left on StorPool: attachment of w to client 2 (ro)",
	}, w.notes)
	s.AssertNoLeaks(t, cluster.Ref("~"+gid), "w", "s")
	s.AssertNoLeaks(t, cluster.Ref("~"+gid), cluster.Ref("~"+w1), "s")
}

func TestSnapshotUnderDeletionIsNoLeak(t *testing.T) {
	t.Parallel()
	s := Start(t, WithBehaviour(cluster.Behaviour{DeleteDelay: time.Hour}))
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":512}`)
	a.post(t, "VolumeSnapshot/v", `{"name":"s"}`)
	a.post(t, "SnapshotDelete/s", "")
	assert.Equal(t, "*s", a.get(t, "SnapshotsList").list(t)[0]["name"])
	s.AssertNoLeaks(t, "v")
}

func TestHostSeesOnlyWhatIsAttachedWithItsRights(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	gid := a.post(t, "VolumeCreate", `{"name":"v","size":1048576}`).text(t, "globalId")
	s.WriteContent(t, "v", 512, []byte("hello"))
	_, err := s.Host(1).Open("v")
	require.Error(t, err)
	a.post(t, "VolumesReassign", `[{"volume":"v","ro":[1],"rw":[2]}]`)
	for _, path := range []string{"/dev/storpool-byid/" + gid, "/dev/storpool/v", "v", "~" + gid} {
		d, err := s.Host(1).Open(path)
		require.NoError(t, err, path)
		got := make([]byte, 5)
		_, err = d.ReadAt(got, 512)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(got))
		_, err = d.WriteAt(make([]byte, 512), 0)
		require.ErrorIs(t, err, cluster.ErrReadOnly)
		require.NoError(t, d.Close())
	}
	d, err := s.Host(2).Open("v")
	require.NoError(t, err)
	_, err = d.WriteAt(make([]byte, 512), 512)
	require.NoError(t, err)
	assert.Equal(t, make([]byte, 5), s.ReadContent(t, "v", 512, 5))
	busy := a.refused(t, "POST", "VolumesReassign", `[{"volume":"v","detach":[2]}]`, "busy")
	assert.Equal(t, "'v' is open at client 2", busy.Error.Descr)
	a.post(t, "VolumesReassign", `[{"volume":"v","detach":[2],"force":true}]`)
	_, err = d.ReadAt(make([]byte, 512), 0)
	assert.ErrorIs(t, err, cluster.ErrDetached)
}
