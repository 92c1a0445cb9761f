package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/fault"
)

// nightly is somebody's integration: it keeps a snapshot of a volume under a name of its own, and tries once more when
// StorPool is busy. It knows an address and a token, as it does in production.
type nightly struct {
	http  *http.Client
	url   string // http://host:port
	token string
}

func (n nightly) post(ctx context.Context, query string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for range 2 {
		if err = n.once(ctx, query, text); err == nil {
			return nil
		}
	}
	return err
}

func (n nightly) once(ctx context.Context, query string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/ctrl/1.0/"+query, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Storpool v1:"+n.token)
	r, err := n.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	var answer struct {
		Error *struct{ Name, Descr string } `json:"error"`
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: status %d: %w", query, r.StatusCode, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: %s: %s", query, answer.Error.Name, answer.Error.Descr)
	}
	return nil
}

func (n nightly) keep(ctx context.Context, volume, name string) error {
	return n.post(ctx, "VolumeSnapshot/"+volume, map[string]any{"name": name, "tags": map[string]string{"kept-by": "nightly"}})
}

// Test my integration against the emulator: one line lends a cluster, the integration talks to it over a socket, and the
// test judges state and bytes, not answers.
func TestMyIntegrationAgainstTheEmulator(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t)
	ctx := context.Background()
	n := nightly{http: http.DefaultClient, url: s.URL(), token: s.Token()}
	require.NoError(t, n.post(ctx, "VolumeCreate", map[string]any{"name": "disk", "size": 1 << 20, "template": "ssd"}))
	s.WriteContent(t, "disk", 4096, []byte("precious"))

	// The first attempt runs into a management that is just restarting.
	_, err := s.Arm(fault.Rule{Call: "POST VolumeSnapshot", Nth: 1, Effect: fault.Effect{Kind: fault.Transient, Error: "starting"}})
	require.NoError(t, err)
	require.NoError(t, n.keep(ctx, "disk", "kept"))
	s.WriteContent(t, "disk", 4096, []byte("spoilt!!"))

	assert.Equal(t, "precious", string(s.ReadContent(t, "kept", 4096, 8)))
	kept, err := s.Cluster().Snapshot("kept")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"kept-by": "nightly"}, kept.Tags.Map())
	s.AssertNoLeaks(t, "disk", "kept")
}
