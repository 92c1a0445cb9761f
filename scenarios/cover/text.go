package cover

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Text returns the table with a block for each row, for a terminal or in Markdown, and the sum as the last line.
func (t Table) Text(markdown bool) string {
	var b strings.Builder
	for _, r := range t.Rows {
		t.writeRow(&b, r, markdown)
	}
	b.WriteString(t.Total() + "\n")
	return b.String()
}

// Total says in one line how many cells there are of which kind.
func (t Table) Total() string {
	cells, filled, missing := t.Sum()
	return fmt.Sprintf("%d cells: %d with scenarios, %d with a reason, %d missing", cells, filled, cells-filled-missing, missing)
}

// writeRow writes the block of a row: the state of the disk downwards, the setting across.
func (t Table) writeRow(b *strings.Builder, r Row, markdown bool) {
	cells := Cells(r.Number)
	const states = 8 // of the disk; the settings follow each other
	lines := [][]string{{"disk"}}
	for i := 0; i < len(cells); i += states {
		lines[0] = append(lines[0], cells[i].Setting())
	}
	var reasons []string
	for i := range states {
		line := []string{cells[i].State()}
		for j := i; j < len(cells); j += states {
			line = append(line, t.entry(cells[j], &reasons))
		}
		lines = append(lines, line)
	}
	if markdown {
		fmt.Fprintf(b, "### %s %s\n\n", r.Number, r.Name)
		writeMarkdown(b, lines)
	} else {
		fmt.Fprintf(b, "%s %s\n", r.Number, r.Name)
		writeText(b, lines)
	}
	t.writeNotes(b, r, reasons, markdown)
}

// entry returns the number of scenarios, the letter of the reason, or MISSING.
func (t Table) entry(c Cell, reasons *[]string) string {
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

func writeMarkdown(b *strings.Builder, lines [][]string) {
	for i, line := range lines {
		fmt.Fprintf(b, "| %s |\n", strings.Join(line, " | "))
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(line)) + "|\n")
		}
	}
	b.WriteString("\n")
}

func writeText(b *strings.Builder, lines [][]string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintf(t, "  %s\n", strings.Join(line, "\t"))
	}
	_ = t.Flush() // a builder takes everything
}

// writeNotes writes the reasons, the offerings and the scenarios outside the cells.
func (t Table) writeNotes(b *strings.Builder, r Row, reasons []string, markdown bool) {
	indent, end := "  ", ""
	if markdown {
		indent, end = "- ", "\n"
	}
	for i, why := range reasons {
		fmt.Fprintf(b, "%s%s: %s\n", indent, letter(i), why)
	}
	if r.Offered {
		var parts []string
		for _, o := range Offerings() {
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
