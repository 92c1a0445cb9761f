package interleave_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spsim/spsim/scenarios/interleave"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run plays one pair.
func run(t *testing.T, o interleave.Options) interleave.Result {
	t.Helper()
	o.Jobs = 1
	r, err := interleave.Run(t.Context(), o)
	require.NoError(t, err)
	require.Len(t, r.Results, 1)
	return r.Results[0]
}

func TestOperationsAtTheSameTimeEndAsAfterOneOfTheirOrders(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, p := range interleave.Pairs() {
		assert.False(t, names[p.Name()], "%s is there twice", p.Name())
		names[p.Name()] = true
		t.Run(p.Name(), func(t *testing.T) {
			t.Parallel()
			x := run(t, interleave.Options{Pairs: []string{p.Name()}, Most: 8})
			assert.Equal(t, 8, x.Played)
			assert.Greater(t, x.Schedules, 8)
			for _, v := range x.Violations {
				t.Error(v)
			}
		})
	}
	assert.Greater(t, len(names), 100)
}

func TestAllSchedulesOfAPairArePlayedOnce(t *testing.T) {
	t.Parallel()
	x := run(t, interleave.Options{Pairs: []string{"attach+attach"}})
	assert.Equal(t, x.Schedules, x.Played)
	assert.Equal(t, x.Played, x.Refused, "one of them finds the volume attached")
	assert.Empty(t, x.Violations)
}

func TestAScheduleIsPlayedTheSameWayEachTime(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"none", "0", "3,7", "0,5,12"} {
		s, err := interleave.ParseSchedule(text)
		require.NoError(t, err)
		assert.Equal(t, text, s.String())
		o := interleave.Options{Pairs: []string{"restore+restore"}, Schedule: &s}
		x := run(t, o)
		assert.NotEmpty(t, x.Order)
		assert.Equal(t, x, run(t, o), text)
	}
}

func TestASchedulePointIsWhereTheOtherOneGoesOn(t *testing.T) {
	t.Parallel()
	s := interleave.Schedule{At: []int{3}}
	x := run(t, interleave.Options{Pairs: []string{"driver: snapshot+snapshot"}, Schedule: &s})
	require.Greater(t, len(x.Order), 4)
	assert.Equal(t, "snapshot (1):", x.Order[0])
	assert.Equal(t, "snapshot (2):", x.Order[3], "two points, then the other: %q", x.Order[:4])
}

func TestWhatKeepsServersOffOneAnotherIsMissed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pair    string
		without interleave.Without
	}{
		{"driver: resize+resize", interleave.Leases},
		{"driver: resize+delete", interleave.Leases}, // leaves a host at work in the background
		{"driver: delete snapshot+revert", interleave.Leases},
		{"attach+delete", interleave.Queue},
		{"attached: detach+migrate VM", interleave.Queue},
	} {
		x := run(t, interleave.Options{Pairs: []string{c.pair}, Without: c.without, Most: 40})
		assert.NotEmpty(t, x.Violations, "%s without %s", c.pair, c.without)
		for _, v := range x.Violations {
			assert.NotEmpty(t, v.Order)
		}
		s := x.Violations[0].Schedule
		again := run(t, interleave.Options{Pairs: []string{c.pair}, Without: c.without, Schedule: &s})
		assert.Contains(t, again.Violations, x.Violations[0], "it is seen again")
	}
}

func TestADeletionGivesWayToAVolumeThatIsMadeOfTheSnapshot(t *testing.T) {
	t.Parallel()
	for _, pair := range []string{"delete snapshot+restore", "backup only: delete snapshot+restore"} {
		x := run(t, interleave.Options{Pairs: []string{pair}, Most: 60})
		assert.Positive(t, x.Refused)
		assert.Less(t, x.Refused, x.Played)
		assert.Empty(t, x.Violations)
	}
}

func TestAScheduleThatCannotBePlayedIsTold(t *testing.T) {
	t.Parallel()
	s := interleave.Schedule{At: []int{9999}}
	x := run(t, interleave.Options{Pairs: []string{"attach+attach"}, Schedule: &s})
	require.Len(t, x.Violations, 1)
	assert.Equal(t, interleave.Astray, x.Violations[0].Problem)
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []interleave.Options{
		{Pairs: []string{"nonsense"}},
		{Schedule: &interleave.Schedule{}},
		{Without: "nonsense"},
	} {
		_, err := interleave.Run(t.Context(), o)
		assert.ErrorIs(t, err, interleave.ErrUsage)
	}
	for _, text := range []string{"x", "3,0", "7,3", "3,3", "-1", ""} {
		_, err := interleave.ParseSchedule(text)
		assert.ErrorIs(t, err, interleave.ErrUsage, text)
	}
}

func TestAStoppedRunSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := interleave.Run(ctx, interleave.Options{Pairs: []string{"attach+attach"}})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestAnExceptionCoversItsOwnOnly(t *testing.T) {
	t.Parallel()
	v := interleave.Violation{Pair: "restore+restore", Problem: interleave.Broken, Text: "1 invariants broken:\nsizes/agree"}
	e := interleave.Exception{Pair: "restore*", Problem: interleave.Broken, Text: "*sizes*"}
	assert.True(t, e.Covers(v))
	e.Text = "*tags*"
	assert.False(t, e.Covers(v))
	e.Text, e.Problem = "", interleave.Unclear
	assert.False(t, e.Covers(v))
}
