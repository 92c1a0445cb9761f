package sweep_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/sweep"
)

func TestRecordedStepsAreThoseOfTheSweepAndTheSameEachTime(t *testing.T) {
	t.Parallel()
	once, err := sweep.RecordAll(1)
	require.NoError(t, err)
	again, err := sweep.RecordAll(1)
	require.NoError(t, err)
	assert.Equal(t, once, again)
	require.Len(t, once, len(sweep.Operations()))
	by := map[string]sweep.Recorded{}
	for _, r := range once {
		by[r.Operation] = r
		assert.NotEmpty(t, r.Steps, r.Operation)
	}
	of := by["snapshot with backup"]
	var names []string
	for _, s := range of.Steps {
		names = append(names, s.Name)
	}
	assert.Equal(t, []string{
		"takeSnapshot/take snapshot", "takeSnapshot/record snapshot",
		"copyAsync snapshot => snapshot/back up", "copyAsync snapshot => snapshot/record backup",
	}, names)
	assert.Equal(t, []string{"POST VolumeSnapshot"}, of.Steps[0].Asked)
	assert.Equal(t, "agent BackupSnapshot", of.Steps[2].Asked[len(of.Steps[2].Asked)-1])
	require.Len(t, of.Commands, 1)
	assert.Contains(t, of.Commands[0].Steps, "convert")
	r, err := sweep.Run(t.Context(), sweep.Options{Operations: []string{"delete volume"}, Seed: 1})
	require.NoError(t, err)
	assert.Equal(t, r.Results[0].Cases, by["delete volume"].Cases)
}
