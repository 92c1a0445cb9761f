package scenarios

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADefectAwaitsItsScenariosOnlyWhileNoneCarriesItsTag(t *testing.T) {
	t.Parallel()
	all := Defects()
	for id := range awaiting() {
		at := slices.IndexFunc(all, func(d Defect) bool { return d.ID == id })
		if !assert.GreaterOrEqual(t, at, 0, "%s is no defect", id) {
			continue
		}
		assert.Empty(t, all[at].Inexpressible, id)
		shown, err := load("@" + id)
		require.NoError(t, err)
		assert.Empty(t, shown, "%s is listed as awaiting its scenarios", id)
	}
}

func TestAFindingThatAwaitsItsScenariosMustNotBeSeen(t *testing.T) {
	t.Parallel()
	shown, err := load("@row-03")
	require.NoError(t, err)
	assert.False(t, Finding{}.OK(), "not seen")
	assert.True(t, Finding{Awaiting: "row 99"}.OK())
	assert.True(t, Finding{Seen: shown}.OK())
	assert.False(t, Finding{Seen: shown, Awaiting: "row 99"}.OK(), "the list is stale")
	assert.False(t, Finding{Awaiting: "row 99", Stray: shown}.OK())
	p := Proof{Findings: []Finding{{Awaiting: "row 99"}, {Seen: shown}}}
	assert.True(t, p.OK())
	assert.Equal(t, [2]int{1, 1}, [2]int{p.Seen(), p.Expected()})
}
