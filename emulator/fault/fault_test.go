package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

func newYear() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// bench is a set with a counted call.
type bench struct {
	*fault.Set
	clock *clock.Virtual
	calls int
}

func newBench() *bench {
	v := clock.NewVirtual(newYear())
	return &bench{Set: fault.NewSet(v, nil), clock: v}
}

func (b *bench) call(ctx context.Context, c fault.Call) (any, error) {
	return b.Around(ctx, c, func(context.Context) (any, error) {
		b.calls++
		return "done", nil
	})
}

func TestEachEffectMakesTheCallGoWrongInItsWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		effect fault.Effect
		calls  int
		answer any
		err    error
		took   time.Duration
	}{
		"refuse":    {fault.Effect{Kind: fault.Refuse, Error: "busy"}, 0, nil, &fault.Refusal{}, 0},
		"transient": {fault.Effect{Kind: fault.Transient}, 0, nil, &fault.Refusal{}, 0},
		"delay":     {fault.Effect{Kind: fault.Delay, Delay: fault.Duration(time.Minute)}, 1, "done", nil, time.Minute},
		"lose":      {fault.Effect{Kind: fault.Lose}, 1, nil, fault.ErrConnectionLost, 0},
		"late":      {fault.Effect{Kind: fault.Late, Delay: fault.Duration(time.Minute)}, 0, nil, fault.ErrConnectionLost, 0},
		"cut":       {fault.Effect{Kind: fault.Cut}, 0, nil, fault.ErrConnectionLost, 0},
		"hang":      {fault.Effect{Kind: fault.Hang}, 0, nil, context.DeadlineExceeded, time.Hour},
		"malformed": {fault.Effect{Kind: fault.Malformed}, 1, nil, fault.ErrMalformed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench()
			_, err := b.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: c.effect})
			require.NoError(t, err)
			b.clock.Run(func() {
				ctx, cancel := b.clock.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				answer, err := b.call(ctx, fault.Call{Name: "POST VolumeCreate"})
				assert.Equal(t, c.answer, answer)
				var refusal *fault.Refusal
				if errors.As(c.err, &refusal) {
					if assert.ErrorAs(t, err, &refusal) {
						assert.Equal(t, "busy", refusal.Name)
						assert.Equal(t, c.effect.Kind == fault.Transient, refusal.Transient)
					}
				} else {
					assert.ErrorIs(t, err, c.err)
				}
				assert.Equal(t, c.calls, b.calls)
				assert.Equal(t, c.took, b.clock.Now().Sub(newYear()))
				assert.Empty(t, b.Unfired())
				assert.NoError(t, b.clock.Settle(t.Context()))
				if c.effect.Kind == fault.Late {
					assert.Equal(t, 1, b.calls, "done after the caller gave up")
				}
			})
		})
	}
}

func TestARuleMatchesCallObjectCallerAndCount(t *testing.T) {
	t.Parallel()
	b := newBench()
	_, err := b.Arm(fault.Rule{
		Call: "POST VolumeUpdate", Object: "cs=volume", Caller: "1", Nth: 2, Times: 2,
		Effect: fault.Effect{Kind: fault.Cut},
	})
	require.NoError(t, err)
	call := func(name, caller string, objects ...string) bool {
		_, err := b.call(t.Context(), fault.Call{Name: name, Caller: caller, Objects: func() []string { return objects }})
		return err != nil
	}
	assert.False(t, call("POST VolumeDelete", "1", "cs=volume"))
	assert.False(t, call("POST VolumeUpdate", "2", "cs=volume"))
	assert.False(t, call("POST VolumeUpdate", "1", "v", "~a.b.c"))
	assert.Len(t, b.Unfired(), 1)
	assert.False(t, call("POST VolumeUpdate", "1", "v", "cs=volume"), "first")
	assert.True(t, call("POST VolumeUpdate", "1", "cs=volume"), "second")
	assert.True(t, call("POST VolumeUpdate", "1", "cs=volume"), "third")
	assert.False(t, call("POST VolumeUpdate", "1", "cs=volume"), "fourth")
	assert.Equal(t, 4, b.Rules()[0].Seen)
	assert.Equal(t, 2, b.Rules()[0].Fired)
}

func TestARuleThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no call":             `{"effect":{"kind":"cut"}}`,
		"no effect":           `{"call":"POST VolumeCreate"}`,
		"unknown effect":      `{"call":"POST VolumeCreate","effect":{"kind":"explode"}}`,
		"delay without time":  `{"call":"POST VolumeCreate","effect":{"kind":"delay"}}`,
		"time without delay":  `{"call":"POST VolumeCreate","effect":{"kind":"cut","delay":"1s"}}`,
		"error without error": `{"call":"POST VolumeCreate","effect":{"kind":"lose","error":"busy"}}`,
		"negative count":      `{"call":"POST VolumeCreate","nth":-1,"effect":{"kind":"cut"}}`,
	} {
		var r fault.Rule
		require.NoError(t, json.Unmarshal([]byte(text), &r), name)
		_, err := newBench().Arm(r)
		assert.ErrorIs(t, err, fault.ErrRule, name)
	}
	refuse := fault.NewSet(clock.Real{}, func(fault.Rule) error { return fault.ErrRule })
	_, err := refuse.Arm(fault.Rule{Call: "POST Nonsense", Effect: fault.Effect{Kind: fault.Cut}})
	assert.ErrorIs(t, err, fault.ErrRule, "its owner knows no such call")
}

func TestARuleSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := fault.Rule{
		Call: "agent BackupSnapshot/convert", Object: "~a.b.c", Caller: "2", Nth: 3, Times: -1,
		Effect: fault.Effect{Kind: fault.Delay, Delay: fault.Duration(1500 * time.Millisecond)},
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"1.5s"`)
	var got fault.Rule
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Equal(t, want, got)
	assert.Error(t, json.Unmarshal([]byte(`{"effect":{"delay":5}}`), &got))
	assert.Error(t, json.Unmarshal([]byte(`{"effect":{"delay":"soon"}}`), &got))
}

func TestDisarmAndResetRemoveRules(t *testing.T) {
	t.Parallel()
	b := newBench()
	rule := fault.Rule{Call: "POST VolumeCreate", Times: -1, Effect: fault.Effect{Kind: fault.Cut}}
	id, err := b.Arm(rule)
	require.NoError(t, err)
	assert.True(t, b.Disarm(id))
	assert.False(t, b.Disarm(id))
	_, err = b.call(t.Context(), fault.Call{Name: rule.Call})
	assert.NoError(t, err)
	_, err = b.Arm(rule)
	require.NoError(t, err)
	b.Reset()
	assert.Empty(t, b.Rules())
	_, err = b.call(t.Context(), fault.Call{Name: rule.Call})
	assert.NoError(t, err)
}
