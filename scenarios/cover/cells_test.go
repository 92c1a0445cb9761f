package cover_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/spsim/spsim/scenarios/cover"
	"github.com/spsim/spsim/scenarios/report"
)

func TestTheCellsOfAReportAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	all := []cover.Scenario{
		{Title: "snapshot", Tags: []string{"@row-09"}, Steps: []string{
			`the bypass of secondary storage is on`, `the encrypted DATA disk "disk", attached, with the pattern "x"`,
			`the snapshot "snap" of "disk" is taken`,
		}},
		{Title: "offering", Tags: []string{"@row-24"}, Steps: []string{
			`the disk offering "gold" with the tier "ssd" `, `the DATA disk "disk", attached, with the pattern "x"`,
			`the disk "disk" is moved to the offering "gold"`,
		}},
		{Title: "nothing named", Tags: []string{"@row-15"}, Steps: []string{`a zone with 2 hosts`}},
	}
	table := cover.NewTable(all)
	cells, _, missing := table.Sum()
	by := map[string]report.Cell{}
	open := 0
	for _, c := range cover.ReportCells(all) {
		by[c.Name] = c
		if len(c.Scenarios) == 0 && c.Reason == "" {
			open++
		}
	}
	assert.Len(t, by, cells+1, "and the scenario that names no disk")
	assert.Equal(t, missing, open)
	assert.Equal(t, report.Cell{
		Row: "09", Name: "09 DATA attached encrypted, bypass on, one cluster", Scenarios: []string{"snapshot"},
		Dimensions: []string{"one cluster", "bypass on", "DATA", "attached", "encrypted"},
	}, by["09 DATA attached encrypted, bypass on, one cluster"])
	assert.Equal(t, []string{"offering"}, by["24 offering with tier"].Scenarios)
	assert.Empty(t, by["24 offering with IOPS"].Scenarios)
	assert.Equal(t, []string{"nothing named"}, by["15 no disk named"].Scenarios)
	assert.NotEmpty(t, by["03 ROOT attached plain, bypass off, one cluster"].Reason)
}
