package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestASweepCountsWhatItPlayedAndTellsHowToSeeABrokenPromiseAgain(t *testing.T) {
	out, _, code := call(t.Context(), "sweep", "--operations", "snapshot with backup", "--case", "BackupSnapshot/convert #1")
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "1 operations, 5 cases, 0 broken promises")

	out, stderr, code := call(t.Context(), "sweep", "--operations", "snapshot with backup", "--case", "BackupSnapshot/convert #1", "--driver", "D-33")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "the sweep fails")
	assert.Contains(t, out, "BROKEN: snapshot with backup: agent BackupSnapshot/convert #1 refused")
	assert.Contains(t, out, "replay: spsim sweep --seed 1 --driver 'D-33' --operations 'snapshot with backup' --case 'agent BackupSnapshot/convert #1 refused'")
}

func TestASweepOfNothingIsAWrongUse(t *testing.T) {
	for _, args := range [][]string{{"--operations", "nonsense"}, {"--operations", "detach", "--case", "nonsense"}, {"--nonsense"}} {
		_, _, code := call(t.Context(), append([]string{"sweep"}, args...)...)
		assert.Equal(t, exitUsage, code, args)
	}
}
