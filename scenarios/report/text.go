package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Markdown writes matrix.md: the matrix, then every scenario that is not passed with its reason.
func (r Report) Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Action matrix\n\n" + r.Summary() + "\n\n")
	b.WriteString("| # | Action | Result | Scenarios | Passed | Failed | Skipped | Cannot tell |\n|---|---|---|---|---|---|---|---|\n")
	for _, x := range r.Rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %d | %d | %d | %d |\n",
			x.Row, x.Action, x.Result, x.Scenarios, x.Passed, x.Failed, x.Skipped, x.CannotTell)
	}
	for _, result := range results() {
		found := r.With(result)
		if result == Passed || len(found) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| Scenario | Tags | Reason |\n|---|---|---|\n", title(result))
		for _, s := range found {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(s.Title), cell(strings.Join(s.Tags, " ")), cell(s.Reason))
		}
	}
	r.target(&b)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write Markdown: %w", err)
	}
	return nil
}

// Console writes the matrix as a table for a terminal, the failures, and the summary as the last line.
func (r Report) Console(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "#\tAction\tResult\tScenarios")
	for _, x := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", x.Row, x.Action, x.Result, x.share())
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the matrix: %w", err)
	}
	for _, s := range r.With(Failed) {
		fmt.Fprintf(w, "\nFAILED %s\n  %s\n", s.Title, strings.ReplaceAll(s.Reason, "\n", "\n  "))
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", r.Summary()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

// share is "6 of 7" passed, with what else there is.
func (r Row) share() string {
	if r.Scenarios == 0 {
		return "none yet"
	}
	text := fmt.Sprintf("%d of %d passed", r.Passed, r.Scenarios)
	if r.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", r.Skipped)
	}
	if r.CannotTell > 0 {
		text += fmt.Sprintf(", %d cannot tell", r.CannotTell)
	}
	return text
}

func title(r Result) string { return strings.ToUpper(string(r[:1])) + string(r[1:]) }

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", "<br>").Replace(text)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
