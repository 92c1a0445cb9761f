package fault_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

func TestAPatternStandsForMoreThanOneName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"v", "v", true},
		{"v", "vv", false},
		{"vm-*", "vm-12", true},
		{"vm-*", "vm-", true},
		{"vm-*", "xvm-1", false},
		{"*-root", "vm-12-root", true},
		{"*-root", "vm-12-root2", false},
		{"a*b*c", "axxbyybzc", true},
		{"a*b*c", "axxbyybz", false},
		{"v?", "v1", true},
		{"v?", "v", false},
		{"*", "", true},
		{"", "", true},
		{"~spsm.b.*", "~spsm.b.x1", true},
		{"cs=*", "cs=volume", true},
		{"*gone", "*gone", true},
		{"a*", "b", false},
	} {
		b := newBench()
		_, err := b.Arm(fault.Rule{Call: "x", Object: c.pattern, Times: -1, Effect: fault.Effect{Kind: fault.Cut}})
		require.NoError(t, err)
		m := b.Match(fault.Call{Name: "x", Objects: func() []string { return []string{c.name} }})
		assert.Equal(t, c.want || c.pattern == "", m != nil, "%q %q", c.pattern, c.name)
	}
}

func TestARuleMatchesTagClientAndCluster(t *testing.T) {
	t.Parallel()
	call := func(objects []string, clients []int, all bool, cluster [2]string) fault.Call {
		return fault.Call{
			Name: "x", Objects: func() []string { return objects },
			Clients: func() ([]int, bool) { return clients, all }, Cluster: func() [2]string { return cluster },
		}
	}
	home := [2]string{"spsm.b", "home"}
	for name, c := range map[string]struct {
		rule fault.Rule
		call fault.Call
		want bool
	}{
		"tag":                  {fault.Rule{Object: "v*", Tag: "cs=*"}, call([]string{"v1", "cs=volume"}, nil, false, home), true},
		"tag but other object": {fault.Rule{Object: "w*", Tag: "cs=*"}, call([]string{"v1", "cs=volume"}, nil, false, home), false},
		"object without tag":   {fault.Rule{Object: "v*", Tag: "cs=*"}, call([]string{"v1", "vm=7"}, nil, false, home), false},
		"client":               {fault.Rule{Client: 2}, call(nil, []int{1, 2}, false, home), true},
		"other client":         {fault.Rule{Client: 3}, call(nil, []int{1, 2}, false, home), false},
		"every client":         {fault.Rule{Client: 3}, call(nil, nil, true, home), true},
		"no clients at all":    {fault.Rule{Client: 3}, fault.Call{Name: "x"}, false},
		"cluster by id":        {fault.Rule{Cluster: "spsm.b"}, call(nil, nil, false, home), true},
		"cluster with tilde":   {fault.Rule{Cluster: "~spsm.b"}, call(nil, nil, false, home), true},
		"cluster by name":      {fault.Rule{Cluster: "home"}, call(nil, nil, false, home), true},
		"other cluster":        {fault.Rule{Cluster: "away"}, call(nil, nil, false, home), false},
		"no cluster known":     {fault.Rule{Cluster: "home"}, fault.Call{Name: "x"}, false},
	} {
		b := newBench()
		c.rule.Call, c.rule.Effect = "x", fault.Effect{Kind: fault.Cut}
		_, err := b.Arm(c.rule)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, b.Match(c.call) != nil, name)
	}
}

func TestJitterIsDrawnFromTheSeed(t *testing.T) {
	t.Parallel()
	draw := func(seed int64) []fault.Duration {
		b := newBench()
		b.Seed(seed)
		_, err := b.Arm(fault.Rule{Call: "x", Times: -1, Effect: fault.Effect{
			Kind: fault.Delay, Delay: fault.Duration(time.Second), Jitter: fault.Duration(time.Minute),
		}})
		require.NoError(t, err)
		var out []fault.Duration
		for range 20 {
			e, hit := b.Hit(fault.Call{Name: "x"})
			require.True(t, hit)
			out = append(out, e.Delay)
		}
		return out
	}
	first := draw(1)
	assert.Equal(t, first, draw(1))
	assert.NotEqual(t, first, draw(2))
	distinct := map[fault.Duration]bool{}
	for _, d := range first {
		distinct[d] = true
		assert.GreaterOrEqual(t, d, fault.Duration(time.Second))
		assert.LessOrEqual(t, d, fault.Duration(time.Minute+time.Second))
	}
	assert.Greater(t, len(distinct), 10)
}

func TestEffectsOfHTTPAreErrorsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := newBench()
	for _, e := range []fault.Effect{
		{Kind: fault.Status, Status: http.StatusBadGateway},
		{Kind: fault.Truncated, Keep: 7},
		{Kind: fault.Refuse, Status: http.StatusTeapot},
	} {
		_, err := b.Arm(fault.Rule{Call: "x", Effect: e})
		require.NoError(t, err)
	}
	_, err := b.call(t.Context(), fault.Call{Name: "x"})
	var bare *fault.StatusError
	require.ErrorAs(t, err, &bare)
	assert.Equal(t, http.StatusBadGateway, bare.Code)
	assert.Equal(t, "HTTP status 502", err.Error())
	assert.Equal(t, 0, b.calls)
	answer, err := b.call(t.Context(), fault.Call{Name: "x"})
	var cut *fault.Truncation
	require.ErrorAs(t, err, &cut)
	assert.Equal(t, &fault.Truncation{Keep: 7}, cut)
	assert.Equal(t, "done", answer)
	assert.Equal(t, 1, b.calls)
	_, err = b.call(t.Context(), fault.Call{Name: "x"})
	var refusal *fault.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, http.StatusTeapot, refusal.Status)
	assert.ErrorIs(t, &fault.Truncation{Err: fault.ErrRule}, fault.ErrRule)
	assert.NoError(t, errors.Unwrap(&fault.Truncation{}))
}

func TestAnEffectThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]fault.Rule{
		"status without one":     {Effect: fault.Effect{Kind: fault.Status}},
		"status that is none":    {Effect: fault.Effect{Kind: fault.Status, Status: 99}},
		"status not final":       {Effect: fault.Effect{Kind: fault.Refuse, Status: 100}},
		"status of a cut":        {Effect: fault.Effect{Kind: fault.Cut, Status: 500}},
		"descr of a cut":         {Effect: fault.Effect{Kind: fault.Cut, Descr: "why"}},
		"jitter of a hang":       {Effect: fault.Effect{Kind: fault.Hang, Jitter: 1}},
		"negative jitter":        {Effect: fault.Effect{Kind: fault.Delay, Delay: 2, Jitter: -1}},
		"keep of a malformed":    {Effect: fault.Effect{Kind: fault.Malformed, Keep: 1}},
		"negative keep":          {Effect: fault.Effect{Kind: fault.Truncated, Keep: -1}},
		"tag without a value":    {Tag: "cs", Effect: fault.Effect{Kind: fault.Cut}},
		"client below one":       {Client: -1, Effect: fault.Effect{Kind: fault.Cut}},
		"times that count down":  {Times: -2, Effect: fault.Effect{Kind: fault.Cut}},
		"delay without any time": {Effect: fault.Effect{Kind: fault.Late}},
	} {
		r.Call = "x"
		assert.ErrorIs(t, r.Check(), fault.ErrRule, name)
	}
	r := fault.Rule{Call: "x", Effect: fault.Effect{Kind: fault.Late, Jitter: 1}}
	assert.NoError(t, r.Check(), "jitter alone is a delay")
}
