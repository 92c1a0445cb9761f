package sweep_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spsim/spsim/scenarios/sweep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhateverStepGoesWrongAnOperationSucceedsOrChangesNothing(t *testing.T) {
	t.Parallel()
	for _, op := range sweep.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			r, err := sweep.Run(t.Context(), sweep.Options{Operations: []string{op.Name}, Seed: 1, Sample: 10, Jobs: 1})
			require.NoError(t, err)
			require.Len(t, r.Results, 1)
			x := r.Results[0]
			assert.Positive(t, x.Calls, "StorPool is asked")
			assert.Positive(t, x.DriverSteps, "the driver has steps")
			for _, v := range x.Violations {
				t.Error(v)
			}
		})
	}
}

func TestAnUnknownOperationIsRefused(t *testing.T) {
	t.Parallel()
	_, err := sweep.Run(t.Context(), sweep.Options{Operations: []string{"nonsense"}})
	require.ErrorIs(t, err, sweep.ErrUsage)
}
