package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestInterleaveCountsWhatItPlayedAndTellsHowToSeeABrokenPromiseAgain(t *testing.T) {
	out, _, code := call(t.Context(), "interleave", "--pair", "attach+attach", "--most", "10")
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "10 of 36 schedules,   10 with a refusal, 0 broken")
	assert.Contains(t, out, "1 pairs, 10 schedules, 1 pairs not in full, 0 known, 0 broken promises")

	out, _, code = call(t.Context(), "interleave", "--pair", "resize+snapshot", "--schedule", "3,7")
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "management: POST VolumeUpdate ~", "the order of the steps is shown")

	out, stderr, code := call(t.Context(), "interleave", "--pair", "driver: resize+delete", "--without", "leases", "--most", "40")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "break promises")
	assert.Contains(t, out, "BROKEN: driver: resize+delete, schedule ")
	assert.Contains(t, out, "replay: spsim interleave --seed 1 --without leases --pair 'driver: resize+delete' --schedule ")
}

func TestInterleavingNothingIsAWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{"--pair", "nonsense"}, {"--schedule", "3"}, {"--pair", "attach+attach", "--schedule", "x"}, {"--without", "nonsense"}, {"--nonsense"},
	} {
		_, _, code := call(t.Context(), append([]string{"interleave"}, args...)...)
		assert.Equal(t, exitUsage, code, args)
	}
}
