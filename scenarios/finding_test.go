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

func TestASampleRunsAllWithTheTagAndEveryScenarioInSomePart(t *testing.T) {
	t.Parallel()
	defects, err := FindDefects("D-1")
	require.NoError(t, err)
	all, err := load("")
	require.NoError(t, err)
	whole, err := ProveOptions{}.sample(defects[0])
	require.NoError(t, err)
	assert.Nil(t, whole)
	_, err = ProveOptions{Sample: "4"}.sample(defects[0])
	require.ErrorIs(t, err, ErrUsage)
	ran := map[string]bool{}
	for _, part := range []string{"1/4", "2/4", "3/4", "4/4"} {
		leave, err := ProveOptions{Sample: part}.sample(defects[0])
		require.NoError(t, err)
		run := 0
		for _, s := range all {
			if carries(s, defects[0]) {
				assert.False(t, leave(s), s.Title)
			}
			if !leave(s) {
				ran[s.Title] = true
				run++
			}
		}
		assert.Less(t, run, len(all)/2)
	}
	assert.Len(t, ran, len(all))
}
