package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator"
)

func TestOpsPrintsTheDifferences(t *testing.T) {
	t.Parallel()
	out, _, err := execute(t.Context(), "ops", "--differences")
	require.NoError(t, err)
	assert.Equal(t, emulator.Differences(), out)
	_, _, err = execute(t.Context(), "ops", "--json", "--differences")
	require.Error(t, err)
}

func TestEveryKnobIsAFlagOfServe(t *testing.T) {
	t.Parallel()
	set := newServeFlags().set
	for _, c := range emulator.Choices() {
		if c.Knob == (emulator.Knob{}) {
			continue
		}
		f := set.Lookup(c.Knob.Flag)
		if !assert.NotNil(t, f, c.Knob.Flag) {
			continue
		}
		if f.DefValue != "0" { // a number that stands for the default of the cluster
			assert.Equal(t, c.Knob.Default, f.DefValue, c.Knob.Flag)
		} else {
			assert.Contains(t, f.Usage, "default")
		}
	}
}
