package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/report"
)

// TestScenarios runs the whole suite as subtests, in an order of its own seed.
func TestScenarios(t *testing.T) { //nolint:paralleltest // two godog suites in one process run one after the other
	r, err := Run(t.Context(), Options{Seed: 1, t: t})
	require.NoError(t, err)
	assert.NotEmpty(t, r.Scenarios)
	assert.Empty(t, r.With(report.Pending))
	assert.Empty(t, r.With(report.CannotTell))
}
