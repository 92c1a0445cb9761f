package driver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

func TestOnlyAnOperationOfOnesOwnOnTheSameObjectThatPassedItsPivotIsResumed(t *testing.T) {
	t.Parallel()
	want := inventory.Intent{Op: "left", Action: actionDelete, Kind: inventory.OfVolume, Object: 1, Pivoted: true, Owner: "management"}
	for what, c := range map[string]struct {
		change  func(i *inventory.Intent, now time.Time)
		resumed bool
	}{
		"the same":                  {func(*inventory.Intent, time.Time) {}, true},
		"another action":            {func(i *inventory.Intent, _ time.Time) { i.Action = actionCreate }, false},
		"another kind":              {func(i *inventory.Intent, _ time.Time) { i.Kind = inventory.OfSnapshot }, false},
		"another object":            {func(i *inventory.Intent, _ time.Time) { i.Object = 2 }, false},
		"before its pivot":          {func(i *inventory.Intent, _ time.Time) { i.Pivoted = false }, false},
		"another owner's":           {func(i *inventory.Intent, now time.Time) { i.Owner, i.Lease = "other", now.Add(time.Minute) }, false},
		"another owner's, given up": {func(i *inventory.Intent, now time.Time) { i.Owner, i.Lease = "other", now }, true},
	} {
		b := newBench(t, "")
		left := want
		c.change(&left, b.time.Now())
		b.change(func(tx *inventory.Tx) { left = tx.Intents.Put(left) })
		o, resumed, err := b.resume(actionDelete, inventory.Intent{Kind: inventory.OfVolume, Object: 1})
		require.NoError(t, err, what)
		assert.Equal(t, c.resumed, resumed, what)
		assert.Equal(t, c.resumed, o.id == "left" && o.row == left.ID && o.pivoted, what)
		again, resumed, err := b.resume(actionDelete, inventory.Intent{Kind: inventory.OfVolume, Object: 1})
		require.NoError(t, err, what)
		assert.False(t, resumed, "%s: it is in progress", what)
		assert.NotEqual(t, o.row, again.row)
	}
}

func TestARefusalTakesThePivotBackAndAnUnknownOutcomeDoesNot(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		err     error
		pivoted bool
		undone  bool
	}{
		"done":                        {nil, true, false},
		"refused":                     {spapi.ErrBusy, false, true},
		"lost":                        {&spapi.TransportError{MayHaveRun: true}, true, false},
		"refused after a lost answer": {&spapi.Error{Name: spapi.NameBusy, Doubt: true}, true, false},
	} {
		b := newBench(t, "")
		o, err := b.begin(actionDelete, inventory.Intent{})
		require.NoError(t, err)
		undone := false
		ctx := t.Context()
		require.NoError(t, act(ctx, o, "first", func(context.Context) error { return nil },
			func(context.Context) error { undone = true; return nil }))
		err = o.commit(ctx, func(context.Context) error { return c.err })
		require.ErrorIs(t, err, c.err)
		b.view(func(tx *inventory.Tx) {
			i, _ := tx.Intents.Get(o.row)
			assert.Equal(t, [2]bool{c.pivoted, c.pivoted}, [2]bool{o.pivoted, i.Pivoted}, what)
		})
		o.end(ctx, &err)
		assert.Equal(t, c.undone, undone, what)
		assert.Equal(t, c.err != nil && c.pivoted, len(b.intents()) == 1, what)
	}
}

func TestAPivotOfAnEarlierCallIsNotTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	o, err := b.begin(actionDelete, inventory.Intent{})
	require.NoError(t, err)
	require.NoError(t, o.commit(t.Context(), func(context.Context) error { return nil }))
	require.Error(t, o.commit(t.Context(), func(context.Context) error { return spapi.ErrBusy }))
	assert.True(t, o.pivoted)
}
