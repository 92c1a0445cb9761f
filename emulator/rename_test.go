package emulator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARenamedClusterAnswersUnderItsNewName(t *testing.T) {
	t.Parallel()
	s := Start(t)
	ok := func(method, query, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://emulator/ctrl/1.0/"+query, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Storpool v1:"+s.Token())
		resp, err := s.Client().Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		require.Equal(t, http.StatusOK, resp.StatusCode, "%s", text)
		return string(text)
	}
	assert.Contains(t, ok("GET", "MultiCluster/VolumesList", ""), `"clusterName":"`+DefaultClusterName+`"`)
	ok("POST", "ClusterRename", `{"cluster":"`+DefaultClusterName+`","name":"renamed"}`)
	assert.Contains(t, ok("GET", "ClustersList", ""), `"renamed"`)
	assert.Contains(t, ok("GET", "MultiCluster/VolumesList", ""), `"clusterName":"renamed"`)
}
