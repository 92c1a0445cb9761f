package agentapi_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
)

func TestACommandIsReadFromItsText(t *testing.T) {
	t.Parallel()
	c, err := agentapi.ParseCommand([]byte(`{"Command":"SetVolumeEncryption","Arguments":
		{"Volume":{"Path":"/dev/storpool-byid/a.b.1","Passphrase":"c2VjcmV0"},"DataDisk":true}}`))
	require.NoError(t, err)
	set, ok := c.(agentapi.SetVolumeEncryption)
	require.True(t, ok)
	assert.Equal(t, "/dev/storpool-byid/a.b.1", set.Volume.Path)
	assert.Equal(t, "secret", string(set.Volume.Passphrase.Reveal()))
	assert.True(t, set.DataDisk)
	c, err = agentapi.ParseCommand([]byte(`{"Command":"CheckHeartbeat"}`))
	require.NoError(t, err)
	assert.Equal(t, agentapi.CheckHeartbeat{}, c)
}

func TestWhatCannotBeReadIsToldWithoutThePassphrase(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`nonsense`:                                                            "invalid character",
		`{"Command":"Reboot"}`:                                                `no command "Reboot"; known are Attach, `,
		`{"Command":"CheckVM","Arguments":1}`:                                 "CheckVM: ",
		`{"Command":"CheckVM","Arguments":{}}x`:                               "something follows",
		`{"Command":"CheckVM","Host":1}`:                                      `unknown field "Host"`,
		`{"Command":"CheckVM","Arguments":{"Name":"x"}}`:                      `unknown field "Name"`,
		`{"Command":"Attach","Arguments":{"Disk":{"Passphrase":"***"}}}`:      "was hidden",
		`{"Command":"Attach","Arguments":{"Disk":{"Passphrase":"s3cr3t!!"}}}`: "is not base64",
	} {
		_, err := agentapi.ParseCommand([]byte(text))
		require.ErrorIs(t, err, agentapi.ErrCommand, text)
		assert.Contains(t, err.Error(), says)
		assert.NotContains(t, err.Error(), "s3cr3t")
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(`{"Command":"Attach","Arguments":{"VM":"i-2-3-VM","Disk":{"Path":"/dev/storpool-byid/a.b.1"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := agentapi.ParseCommand(text)
		if err != nil {
			return
		}
		arguments, err := json.Marshal(c)
		require.NoError(t, err)
		again, err := json.Marshal(struct {
			Command   string
			Arguments json.RawMessage
		}{c.Command(), arguments})
		require.NoError(t, err)
		if back, err := agentapi.ParseCommand(again); err == nil {
			assert.Equal(t, c, back)
		}
	})
}
