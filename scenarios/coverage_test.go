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
