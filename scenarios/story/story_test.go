package story_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/report"
	"github.com/spsim/spsim/scenarios/story"
)

func TestNoStoryBreaksAPromise(t *testing.T) {
	found, err := story.Search(story.Plan{Seed: 1, Cases: 60, Steps: 30, Shrink: "10s"})
	require.NoError(t, err)
	if found != nil {
		t.Fatal(found.Error())
	}
}

func TestEveryRowOfTheMatrixIsInStories(t *testing.T) {
	t.Parallel()
	var rows []string
	for _, a := range story.Actions() {
		rows = append(rows, a.Rows...)
	}
	for _, a := range report.Actions() {
		assert.True(t, slices.Contains(rows, a.Row), "row %s, %s, has no action", a.Row, a.Name)
	}
}

func TestAStoryWithADefectIsShort(t *testing.T) {
	for defect, most := range map[string]int{
		"D-11a": 4, // attach overwrites the uuid tag
	} {
		t.Run(defect, func(t *testing.T) {
			found, err := story.Search(story.Plan{Options: story.Options{Driver: defect}, Seed: 1, Cases: 200, Steps: 30, Shrink: "5s"})
			require.NoError(t, err)
			require.NotNil(t, found, "no story shows it")
			t.Logf("%d steps\n%s", len(found.Told), found.Error())
			assert.LessOrEqual(t, len(found.Told), most)
		})
	}
}

func TestTheSameSeedTellsTheSameStory(t *testing.T) {
	search := func() string {
		found, err := story.Search(story.Plan{Options: story.Options{Driver: "D-10d"}, Seed: 5, Cases: 100, Steps: 30, Shrink: "1ns"})
		require.NoError(t, err)
		require.NotNil(t, found)
		return regexp.MustCompile(`0x[0-9a-f]+`).ReplaceAllString(found.Error(), "")
	}
	first, second := search(), search()
	assert.Equal(t, first, second)
}
