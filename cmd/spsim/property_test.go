package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMadeUpScenariosKeepEveryPromiseOrAreTold(t *testing.T) { //nolint:paralleltest // rapid's flags are the process's
	out, _, err := conformed(t, "--property", "--cases", "5", "--steps", "10")
	require.NoError(t, err)
	assert.Contains(t, out, "5 made-up scenarios of about 10 steps each keep every promise; seed 7")

	out, _, err = conformed(t, "--property", "--cases", "100", "--driver", "D-11a")
	require.Error(t, err)
	assert.Contains(t, out, "Scenario: A story that breaks a promise\n    Given a zone with 3 hosts")
	assert.Contains(t, out, "tags agree")
	assert.Contains(t, out, "seed 7")

	for _, wrong := range [][]string{{"--cases", "0"}, {"--steps", "-1"}, {"--target", "live"}} {
		_, _, err = conformed(t, append([]string{"--property"}, wrong...)...)
		var coded interface{ ExitCode() int }
		require.ErrorAs(t, err, &coded)
		assert.Equal(t, exitUsage, coded.ExitCode())
	}
}
