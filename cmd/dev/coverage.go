package main

import (
	"fmt"
	"strings"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/cover"
)

// coveragePage is the table of all cells of the action matrix.
func coveragePage() (string, error) {
	t, err := scenarios.Cells()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Coverage of the action matrix\n\n" + madeNote + "\nEach row is parted by the kind of the disk, whether a running VM uses it, its encryption, the bypass of secondary storage and\n" +
		"the number of StorPool clusters; the parts of an offering are cells of the rows that read offerings. A number counts the\n" +
		"scenarios whose steps fall into the cell, a letter is the reason to have none. `spsim matrix --coverage` prints the same.\n\n")
	b.WriteString("| row | action | with scenarios | with a reason | missing |\n|---|---|---|---|---|\n")
	for _, r := range t.Rows {
		one := t
		one.Rows = []cover.Row{r}
		cells, filled, missing := one.Sum()
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", r.Number, r.Name, filled, cells-filled-missing, missing)
	}
	b.WriteString("\n" + t.Text(true))
	return b.String(), nil
}
