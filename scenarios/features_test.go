package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryScenarioBelongsToARuleOfItsFeature(t *testing.T) {
	t.Parallel()
	all, err := load("")
	require.NoError(t, err)
	found, err := Features()
	require.NoError(t, err)
	examples := 0
	by := map[string]Feature{}
	for _, f := range found {
		by[f.File] = f
		assert.NotEmpty(t, f.Title, f.File)
		for _, r := range f.Rules {
			assert.NotEmpty(t, r.Title, f.File)
			examples += r.Examples
		}
	}
	assert.Len(t, all, examples)
	first := by["row_09_snapshot.feature"].Rules[0]
	assert.Equal(t, "A snapshot of a <kind> disk, <state>, with the bypass <bypass>, keeps the bytes of its instant", first.Title)
	assert.Equal(t, 8, first.Examples)
	assert.Subset(t, first.Tags, []string{"@row-09", "@D-11a", "@needs-device"})
}

func TestAllDefectsAreShownByTheScenariosThatShowEach(t *testing.T) {
	t.Parallel()
	all, err := ShowingAll()
	require.NoError(t, err)
	for _, id := range []string{"D-11a", "A-7"} {
		found, err := FindDefects(id)
		require.NoError(t, err)
		want, err := Showing(found[0])
		require.NoError(t, err)
		assert.NotEmpty(t, want)
		assert.Equal(t, want, all[found[0].ID])
	}
}
