package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/cover"
)

// errUncovered is the end of a check that found something; what it found was printed.
var errUncovered = errors.New("the coverage of the matrix is not what it should be")

// matrixCoverage prints the table of all cells, and when it is to be checked, what is wrong with it.
func matrixCoverage(w io.Writer, markdown, check bool) error {
	t, err := scenarios.Cells()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range t.Rows {
		coverageRow(&b, t, r, markdown)
	}
	cells, filled, missing := t.Sum()
	fmt.Fprintf(&b, "%d cells: %d with scenarios, %d with a reason, %d missing\n", cells, filled, cells-filled-missing, missing)
	wrong := t.Check()
	if check {
		for _, line := range wrong {
			fmt.Fprintf(&b, "WRONG %s\n", line)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the coverage: %w", err)
	}
	if check && len(wrong) > 0 {
		return errUncovered
	}
	return nil
}

// coverageRow writes the block of a row: the state of the disk downwards, the setting across.
func coverageRow(b *strings.Builder, t cover.Table, r cover.Row, markdown bool) {
	cells := cover.Cells(r.Number)
	const states = 8 // of the disk; the settings follow each other
	lines := [][]string{{"disk"}}
	for i := 0; i < len(cells); i += states {
		lines[0] = append(lines[0], cells[i].Setting())
	}
	var reasons []string
	for i := range states {
		line := []string{cells[i].State()}
		for j := i; j < len(cells); j += states {
			line = append(line, coverageCell(t, cells[j], &reasons))
		}
		lines = append(lines, line)
	}
	if markdown {
		fmt.Fprintf(b, "### %s %s\n\n", r.Number, r.Name)
		coverageMarkdown(b, lines)
	} else {
		fmt.Fprintf(b, "%s %s\n", r.Number, r.Name)
		coverageText(b, lines)
	}
	coverageNotes(b, t, r, reasons, markdown)
}

// coverageCell returns the number of scenarios, the letter of the reason, or MISSING.
func coverageCell(t cover.Table, c cover.Cell, reasons *[]string) string {
	if n := t.Count[c]; n > 0 {
		return strconv.Itoa(n)
	}
	why, ok := t.Why(c)
	if !ok {
		return "MISSING"
	}
	for i, known := range *reasons {
		if known == why.Why {
			return letter(i)
		}
	}
	*reasons = append(*reasons, why.Why)
	return letter(len(*reasons) - 1)
}

func letter(i int) string { return string(rune('a' + i)) }

func coverageMarkdown(b *strings.Builder, lines [][]string) {
	for i, line := range lines {
		fmt.Fprintf(b, "| %s |\n", strings.Join(line, " | "))
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(line)) + "|\n")
		}
	}
	b.WriteString("\n")
}

func coverageText(b *strings.Builder, lines [][]string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintf(t, "  %s\n", strings.Join(line, "\t"))
	}
	_ = t.Flush() // a builder takes everything
}

// coverageNotes writes the reasons, the offerings and the scenarios outside the cells.
func coverageNotes(b *strings.Builder, t cover.Table, r cover.Row, reasons []string, markdown bool) {
	indent, end := "  ", ""
	if markdown {
		indent, end = "- ", "\n"
	}
	for i, why := range reasons {
		fmt.Fprintf(b, "%s%s: %s\n", indent, letter(i), why)
	}
	if r.Offered {
		var parts []string
		for _, o := range cover.Offerings() {
			n := "MISSING"
			if t.Offered[r.Number][o] > 0 {
				n = strconv.Itoa(t.Offered[r.Number][o])
			}
			parts = append(parts, string(o)+" "+n)
		}
		fmt.Fprintf(b, "%sofferings with: %s\n", indent, strings.Join(parts, ", "))
	}
	if n := t.Further[r.Number]; n > 0 {
		fmt.Fprintf(b, "%sfurther scenarios, whose steps name no disk for the row: %d\n", indent, n)
	}
	b.WriteString(end)
	if !markdown {
		b.WriteString("\n")
	}
}
