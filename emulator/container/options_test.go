package container

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestLastOptionWins(t *testing.T) {
	t.Parallel()
	s, err := collect(WithToken("1"), WithSetting("seed", "7"), WithToken("2"), WithSetting("seed", "8"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"SPSIM_TOKEN": "2", "SPSIM_SEED": "8"}, s.env())
}

func TestModelIsAFileThatAVariableNames(t *testing.T) {
	t.Parallel()
	m := cluster.DefaultModel()
	m.Clients = 3
	s, err := collect(WithModel(m))
	require.NoError(t, err)
	assert.Equal(t, "/model.json", s.env()["SPSIM_MODEL"])
	require.Len(t, s.files, 1)
	text, err := io.ReadAll(s.files[0].Reader)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"clients":3`)
	assert.Equal(t, "/model.json", s.files[0].ContainerFilePath)
}

func TestStateIsAFileThatTheServerMayReplace(t *testing.T) {
	t.Parallel()
	s, err := collect(WithState(strings.NewReader("kept")))
	require.NoError(t, err)
	assert.Equal(t, "/state/spsim.state", s.env()["SPSIM_STATE"])
	require.Len(t, s.files, 1)
	text, err := io.ReadAll(s.files[0].Reader)
	require.NoError(t, err)
	assert.Equal(t, "kept", string(text))
	_, err = collect(WithState(iotest.ErrReader(io.ErrUnexpectedEOF)))
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestBadOptionsAreRefusedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		option Option
		says   string
	}{
		"empty token":      {WithToken(""), "token must not be empty"},
		"impossible model": {WithModel(cluster.Model{}), "servers: 0"},
		"address":          {WithSetting("host", "127.0.0.1"), "it is the image's"},
		"port":             {WithSetting("port", "81"), "it is the image's"},
		"token as setting": {WithSetting("token", "1"), "use WithToken"},
	} {
		_, err := Run(t.Context(), "no such image", c.option)
		assert.ErrorContains(t, err, c.says, name)
	}
}

func TestOptionsOfTestcontainersAreNotOurs(t *testing.T) {
	t.Parallel()
	s, err := collect(testcontainers.WithEnv(map[string]string{"A": "b"}))
	require.NoError(t, err)
	assert.NotContains(t, s.env(), "A")
}
