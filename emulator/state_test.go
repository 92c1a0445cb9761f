package emulator

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

func stateOf(tb testing.TB, s *Server) string {
	tb.Helper()
	var text bytes.Buffer
	require.NoError(tb, s.SaveState(&text))
	return text.String()
}

// readAnswers is what every reading call answers, by its path.
func readAnswers(t *testing.T, s *Server) map[string]string {
	t.Helper()
	a, all := inProcess(t, s), map[string]string{}
	for _, o := range Operations() {
		if o.Method != http.MethodGet || !o.Emulated() {
			continue
		}
		path := argumentsOf(t, a, o.Query)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://spsim"+apiPrefix+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Storpool v1:"+s.Token())
		r, err := s.Client().Do(req)
		require.NoError(t, err)
		text, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		all[path] = string(text)
	}
	return all
}

func TestALoadedServerAnswersEveryReadingCallAlike(t *testing.T) {
	t.Parallel()
	s, _ := eventful(t)
	text := stateOf(t, s)
	other := Start(t)
	require.NoError(t, other.LoadState(strings.NewReader(text)))
	assert.Equal(t, text, stateOf(t, other))
	want := readAnswers(t, s)
	assert.Greater(t, len(want), 40)
	assert.Equal(t, want, readAnswers(t, other))
	assert.Equal(t, s.ReadContent(t, "v", 0, 8192), other.ReadContent(t, "v", 0, 8192))
}

func TestLoadingMovesAVirtualClockForward(t *testing.T) {
	t.Parallel()
	now := clock.NewVirtual(testStart())
	s := Start(t, WithClock(now))
	now.Advance(time.Hour)
	text := stateOf(t, s)
	other := Start(t)
	require.NoError(t, other.LoadState(strings.NewReader(text)))
	assert.Equal(t, now.Now(), other.Clock().Now())
	now.Advance(time.Hour)
	require.NoError(t, s.LoadState(strings.NewReader(text)))
	assert.Equal(t, testStart().Add(2*time.Hour), now.Now(), "never back")
}

func TestABadStateIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	s, _ := eventful(t)
	before := stateOf(t, s)
	for _, text := range []string{"", "{}", before[:len(before)/2]} {
		require.ErrorIs(t, s.LoadState(strings.NewReader(text)), cluster.ErrState)
	}
	err := s.LoadState(strings.NewReader(stateOf(t, Start(t, WithCluster("spsm.z", "other")))))
	require.EqualError(t, err, "the saved state cannot be loaded: it is of cluster spsm.z, not of spsm.b")
	assert.Equal(t, before, stateOf(t, s))
}

func TestResetBringsBackWhatTheOptionsDescribe(t *testing.T) {
	t.Parallel()
	gone := cluster.Condition{Kind: cluster.DiskGone, ID: 101}
	s := Start(t, WithCondition(gone))
	fresh := stateOf(t, s)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	a.post(t, "VolumesReassign", `[{"volume":"v","rw":[1]}]`)
	require.NoError(t, s.ClearCondition(gone))
	device, err := s.Host(1).Open("v")
	require.NoError(t, err)
	require.NoError(t, s.Reset())
	assert.Equal(t, fresh, stateOf(t, s))
	_, err = device.WriteAt([]byte("x"), 0)
	require.ErrorIs(t, err, cluster.ErrDetached)
	a.post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
}

func TestAFederationHasOneState(t *testing.T) {
	t.Parallel()
	f, sofia, _, vienna := zones(t)
	sofia.post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	vienna.post(t, "VolumeCreate", `{"name":"w","size":1048576}`)
	f.Server("vienna1").WriteContent(t, "w", 0, []byte("data"))
	text := stateOf(t, f.Server("sofia1"))
	assert.Equal(t, text, stateOf(t, f.Server("vienna1")))
	other, again, _, third := zones(t)
	again.post(t, "VolumeCreate", `{"name":"z","size":1048576}`)
	require.NoError(t, other.Server("sofia1").LoadState(strings.NewReader(text)))
	assert.Equal(t, text, stateOf(t, other.Server("vienna1")))
	third.get(t, "Volume/w")
	again.get(t, "RemoteCommand/vienna1/Volume/w")
	again.refused(t, "GET", "Volume/z", "", "objectDoesNotExist")
	assert.Equal(t, []byte("data"), other.Server("vienna1").ReadContent(t, "w", 0, 4))
	require.NoError(t, other.Server("vienna1").Reset())
	again.refused(t, "GET", "Volume/v", "", "objectDoesNotExist")
	require.ErrorIs(t, Start(t).LoadState(strings.NewReader(text)), cluster.ErrState)
}

func TestTheStateFileOutlivesTheServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	s := Start(t, WithState(path), WithStateDelay(time.Hour))
	first, err := os.ReadFile(path)
	require.NoError(t, err, "it is there from the start")
	assert.Equal(t, stateOf(t, s), string(first))
	inProcess(t, s).post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	s.WriteContent(t, "v", 0, []byte("data"))
	text := stateOf(t, s)
	unchanged, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, first, unchanged, "its time has not come")
	s.Close()
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, text, string(written))
	again := Start(t, WithState(path))
	assert.Equal(t, text, stateOf(t, again))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestTheStateFileFollowsChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	s := Start(t, WithState(path), WithStateDelay(0))
	inProcess(t, s).post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	inFile := func() bool {
		text, err := os.ReadFile(path)
		return err == nil && string(text) == stateOf(t, s)
	}
	assert.Eventually(t, inFile, 10*time.Second, time.Millisecond, "a volume")
	s.WriteContent(t, "v", 0, []byte("data"))
	assert.Eventually(t, inFile, 10*time.Second, time.Millisecond, "contents")
}

func TestAFederationKeepsOneStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	f, sofia, _, vienna := zones(t, WithState(path))
	sofia.post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	vienna.post(t, "VolumeCreate", `{"name":"w","size":1048576}`)
	text := stateOf(t, f.Server("sofia1"))
	require.NoError(t, f.Close())
	again, _, _, _ := zones(t, WithState(path))
	assert.Equal(t, text, stateOf(t, again.Server("sofia2")))
	_, err := NewFederation([]Member{{ID: "a.a", Options: []Option{WithState(path)}}})
	require.ErrorContains(t, err, `member "a.a": the state file is for all members`)
}

func TestABadStateFileIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	_, err := New(WithState(path))
	require.EqualError(t, err, "state file "+path+": the saved state cannot be loaded: it does not begin as one of spsim")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
	_, err = New(WithState(filepath.Join(path, "below")))
	require.ErrorContains(t, err, "not a directory")
	_, err = New(WithState(""))
	require.Error(t, err)
	_, err = New(WithStateDelay(-1))
	require.Error(t, err)
}

func TestAStateFileThatCannotBeWrittenIsReportedAtTheEnd(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Mkdir(folder, 0o700))
	s, err := New(WithState(filepath.Join(folder, "state")), WithStateDelay(time.Hour))
	require.NoError(t, err)
	_, err = s.Cluster().VolumeCreate(cluster.VolumeSpec{Name: "v", Size: new(int64(512))})
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(folder))
	require.ErrorIs(t, s.Shutdown(t.Context()), os.ErrNotExist)
}
