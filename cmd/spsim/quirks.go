package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/scenarios"
)

func newQuirksCommand() *cobra.Command {
	markdown := false
	c := &cobra.Command{
		Use:   "quirks",
		Short: "List the known defects that --driver can put in",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if markdown {
				return quirksMarkdown(cmd.OutOrStdout())
			}
			return quirksText(cmd.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "as a Markdown table")
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
		Short:   "Say what a known defect does, where that is written, and which scenarios show it",
		Example: "  spsim explain D-11\n  spsim explain SUS-9",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := scenarios.FindDefects(args[0])
			if err != nil {
				return usage(err)
			}
			for i, d := range found {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				if err := explain(cmd.OutOrStdout(), d); err != nil {
					return err
				}
			}
			return nil
		},
	}
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
