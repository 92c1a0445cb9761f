package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/cover"
)

func newQuirksCommand() *cobra.Command {
	markdown, history := false, false
	c := &cobra.Command{
		Use:   "quirks",
		Short: "List the known defects that --driver can put in, or what users suffered from upstream",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if history {
				return regressions(cmd.OutOrStdout(), markdown)
			}
			if markdown {
				return quirksMarkdown(cmd.OutOrStdout())
			}
			return quirksText(cmd.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "as a Markdown table")
	c.Flags().BoolVar(&history, "regressions", false, "what users suffered from instead, with what shows it or why nothing does")
	return c
}

func quirksText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "Defect\tAlso\tSeverity\tWhere\tWhat goes wrong")
	for _, d := range scenarios.Defects() {
		reason := d.Reason
		if d.Inexpressible != "" {
			reason += " (cannot be put in: " + d.Inexpressible + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.ID, strings.Join(d.Also, " "), d.Severity, d.Room, reason)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

func quirksMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| Defect | Also | Severity | Where | What goes wrong | Source |\n|---|---|---|---|---|---|\n")
	for _, d := range scenarios.Defects() {
		reason := d.Reason
		if d.Inexpressible != "" {
			reason += " (cannot be put in: " + d.Inexpressible + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", d.ID, strings.Join(d.Also, " "), d.Severity, d.Room,
			strings.ReplaceAll(reason, "|", `\|`), d.Source)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain ID",
		Short:   "Say what a known defect or regression is, where that is written, and which scenarios show it",
		Example: "  spsim explain D-11\n  spsim explain SUS-9\n  spsim explain CS-5433",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return explainAll(cmd.OutOrStdout(), args[0]) },
	}
}

// explainAll explains a regression, then the defects that the number names. Some are both.
func explainAll(w io.Writer, id string) error {
	r, known := cover.Regressed(id)
	found, err := scenarios.FindDefects(spelled(id))
	switch {
	case known:
		if err := explainRegression(w, r); err != nil {
			return err
		}
	case err != nil:
		return usage(fmt.Errorf("%w, and `spsim quirks --regressions` what users suffered from", err))
	}
	for i, d := range found {
		switch {
		case known && i == 0:
			fmt.Fprint(w, "\nThe defect that brings it back:\n\n")
		case i > 0:
			fmt.Fprintln(w)
		}
		if err := explain(w, d); err != nil {
			return err
		}
	}
	return nil
}

// spelled writes a number as the lists do: in capitals, but for the letter of a part, D-10a.
func spelled(id string) string {
	id = strings.ToUpper(strings.TrimPrefix(id, "@"))
	if digits := strings.TrimRight(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"); len(digits) == len(id)-1 && !strings.HasSuffix(digits, "-") {
		return digits + strings.ToLower(id[len(digits):])
	}
	return id
}

func explain(w io.Writer, d scenarios.Defect) error {
	showing, err := scenarios.Showing(d)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s", d.ID)
	if len(d.Also) > 0 {
		fmt.Fprintf(&b, " (also %s)", strings.Join(d.Also, ", "))
	}
	fmt.Fprintf(&b, ", severity %s, in the %s\n\n  %s\n\nSource: %s\n", d.Severity, d.Room, d.Reason, d.Source)
	switch {
	case d.Inexpressible != "":
		fmt.Fprintf(&b, "It cannot be put in: %s\n", d.Inexpressible)
	default:
		fmt.Fprintf(&b, "Put it in with: spsim conform --driver %s\n", d.ID)
	}
	if len(showing) > 0 {
		b.WriteString("Scenarios that show it:\n")
	}
	for _, s := range showing {
		fmt.Fprintf(&b, "  %s: %s\n", s.Feature, s.Title)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the explanation: %w", err)
	}
	return nil
}
