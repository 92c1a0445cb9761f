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
			assert.Greater(t, x.Calls+x.AgentSteps+x.DriverSteps, 1, "it has several steps")
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

// sweepCases plays the cases of an operation whose text contains a part.
func sweepCases(t *testing.T, o sweep.Options) sweep.Result {
	t.Helper()
	o.Seed, o.Jobs = 1, 1
	r, err := sweep.Run(t.Context(), o)
	require.NoError(t, err)
	require.Len(t, r.Results, 1)
	require.Positive(t, r.Results[0].Cases, "there is such a case")
	return r.Results[0]
}

func TestWhatTheSweepHasFoundStaysMended(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"download", "agent CopyVolumeToSecondary/answer #1"},
		{"template from volume", "agent BackupTemplateFromSnapshot/check #1"},
		{"encrypted deploy", "agent Start/connect #1"},
		{"move VM with its disks", "agent Migrate/answer #1"},
		{"move to NFS", "agent CopyVolumeToSecondary/measure #1"},
		{"stop VM", "agent Stop/answer #1"},
		{"collect garbage", "POST SnapshotDelete #1"},
		{"deploy directly downloaded", "POST VolumeCreate #1"},
		{"deploy directly downloaded", "agent DirectDownload/create #1"},
		{"revert from backup", "agent DownloadTemplate/convert #1"},
		{"template from snapshot", "agent BackupTemplateFromSnapshot/mkdir #1"},
		{"migrate VM", "agent PrepareForMigration/connect #1"},
		{"migrate VM", "agent Migrate/disconnect #1"},
		{"migrate VM", "agent Migrate/answer #1"},
	} {
		t.Run(c[0]+", "+c[1], func(t *testing.T) {
			t.Parallel()
			x := sweepCases(t, sweep.Options{Operations: []string{c[0]}, Case: c[1]})
			assert.Equal(t, 5, x.Cases)
			assert.Empty(t, x.Violations)
		})
	}
}

func TestAnUploadedVolumeThatADeadServerWasBringingInCanBeAttached(t *testing.T) {
	t.Parallel()
	x := sweepCases(t, sweep.Options{Operations: []string{"upload and attach"}, Case: "copyAsync"})
	assert.Equal(t, 3, x.Cases)
	assert.Empty(t, x.Violations)
}

func TestAReconciliationThatFailsInTheMiddleIsRepeated(t *testing.T) {
	t.Parallel()
	x := sweepCases(t, sweep.Options{Operations: []string{"move VM with its disks"}, Case: "migrateVM/pivot"})
	assert.Empty(t, x.Violations)
}

func TestADefectThatIsPutInIsFound(t *testing.T) {
	t.Parallel()
	x := sweepCases(t, sweep.Options{Operations: []string{"snapshot with backup"}, Case: "agent BackupSnapshot/convert #1", Driver: "D-33"})
	assert.NotEmpty(t, x.Violations)
}

func TestAnExceptionHidesNothingElse(t *testing.T) {
	t.Parallel()
	x := sweepCases(t, sweep.Options{Operations: []string{"deploy from template"}, Case: "agent Start/run #1 refused"})
	assert.Empty(t, x.Violations)
	require.NotEmpty(t, x.Excepted)
	v := x.Excepted[0]
	covered := func(v sweep.Violation) bool {
		for _, e := range sweep.Exceptions() {
			if e.Covers(v) {
				return true
			}
		}
		return false
	}
	assert.True(t, covered(v))
	v.Changes = append(v.Changes, "- volume 9: {ID:9}")
	assert.False(t, covered(v), "another change")
	v.Changes, v.Problem = nil, sweep.Broken
	assert.False(t, covered(v), "another problem")
}
