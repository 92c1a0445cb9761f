package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADefectMustBeSeenByScenariosWithItsTagAndByNoOthers(t *testing.T) {
	t.Parallel()
	shown, err := load("@row-03")
	require.NoError(t, err)
	assert.False(t, Finding{}.OK(), "not seen")
	assert.True(t, Finding{Seen: shown}.OK())
	assert.False(t, Finding{Seen: shown, Stray: shown}.OK())
	assert.True(t, Proof{Findings: []Finding{{Seen: shown}}}.OK())
	assert.False(t, Proof{Findings: []Finding{{Seen: shown}, {}}}.OK())
	assert.False(t, Proof{Findings: []Finding{{Seen: shown}}, Clean: shown}.OK())
	assert.Equal(t, 1, Proof{Findings: []Finding{{Seen: shown}, {}}}.Seen())
}
