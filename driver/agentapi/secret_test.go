package agentapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
)

func TestAPassphraseNeverPrints(t *testing.T) {
	t.Parallel()
	v := agentapi.Volume{Name: "v", Passphrase: agentapi.NewSecret([]byte("opensesame"))}
	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("send", "volume", v, "key", v.Passphrase)
	for _, text := range []string{
		fmt.Sprint(v), fmt.Sprintf("%+v %#v %s %x", v, v, v.Passphrase, v.Passphrase), string(encoded), log.String(),
	} {
		assert.NotContains(t, text, "opensesame")
		assert.NotContains(t, text, fmt.Sprintf("%x", "opensesame"))
		assert.NotContains(t, text, fmt.Sprintf("%d", []byte("opensesame")))
	}
	assert.Equal(t, "opensesame", string(v.Passphrase.Reveal()))
	key := v.Passphrase
	key.Wipe()
	assert.True(t, key.Empty())
}
