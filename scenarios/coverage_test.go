package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryCellHasAScenarioOrAReasonOrIsListed(t *testing.T) {
	t.Parallel()
	table, err := Cells()
	require.NoError(t, err)
	assert.Empty(t, table.Check())
	cells, filled, missing := table.Sum()
	assert.Equal(t, 29*32+4*3, cells)
	assert.Positive(t, filled)
	assert.Less(t, missing, cells-filled)
}

func TestEveryRegressionHasAScenarioOrAReason(t *testing.T) {
	t.Parallel()
	h, err := History()
	require.NoError(t, err)
	assert.Empty(t, h.Check())
	withScenarios, withTests, _ := h.Sum()
	assert.Greater(t, withScenarios, 100)
	assert.Less(t, withTests, 10, "scenarios are the rule, tests the exception")
}
