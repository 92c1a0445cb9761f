package fault_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

// A rule that is read and makes sense can be armed, survives JSON, and its pattern matches its own text.
func FuzzRule(f *testing.F) {
	for _, s := range []string{
		`{"call":"POST VolumeCreate","object":"v*?","tag":"cs=*","client":1,"nth":2,"times":-1,"effect":{"kind":"refuse","error":"busy","status":500}}`,
		`{"call":"x","effect":{"kind":"late","delay":"1.5s","jitter":"2ms"}}`,
		`{"call":"x","effect":{"kind":"truncated","keep":7}}`,
		`{"call":"x","object":"***a***b","effect":{"kind":"cut"}}`,
	} {
		f.Add(s, "volume-7")
	}
	f.Fuzz(func(t *testing.T, text, object string) {
		var r fault.Rule
		if json.Unmarshal([]byte(text), &r) != nil {
			return
		}
		b := newBench()
		if _, err := b.Arm(r); err != nil {
			require.ErrorIs(t, err, fault.ErrRule)
			return
		}
		again, err := json.Marshal(r)
		require.NoError(t, err)
		var same fault.Rule
		require.NoError(t, json.Unmarshal(again, &same))
		second, err := json.Marshal(same)
		require.NoError(t, err)
		require.Equal(t, string(again), string(second))
		call := fault.Call{Name: r.Call, Objects: func() []string { return []string{object} }}
		_ = b.Match(call)
		if r.Object != "" && r.Tag == "" && r.Client == 0 && r.Caller == "" && r.Cluster == "" && r.Nth <= 1 {
			only := newBench()
			_, err := only.Arm(r)
			require.NoError(t, err)
			call.Objects = func() []string { return []string{r.Object} }
			require.NotNil(t, only.Match(call))
		}
	})
}
