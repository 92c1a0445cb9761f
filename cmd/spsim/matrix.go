package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/report"
)

func newMatrixCommand() *cobra.Command {
	markdown, coverage, check, format := false, false, false, "text"
	c := &cobra.Command{
		Use:   "matrix",
		Short: "List the rows of the plugin's action matrix with the scenarios that cover them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "markdown" {
				return &exitError{exitUsage, fmt.Errorf("--format %q: use text or markdown", format)}
			}
			markdown = markdown || format == "markdown"
			if check && !coverage {
				return &exitError{exitUsage, errors.New("--check judges the table of --coverage: give both")}
			}
			if coverage {
				return matrixCoverage(cmd.OutOrStdout(), markdown, check)
			}
			covered, err := scenarios.Coverage()
			if err != nil {
				return err
			}
			if markdown {
				return matrixMarkdown(cmd.OutOrStdout(), covered)
			}
			return matrixText(cmd.OutOrStdout(), covered)
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "as a Markdown table of rows and numbers of scenarios")
	c.Flags().StringVar(&format, "format", format, "text or markdown")
	c.Flags().BoolVar(&coverage, "coverage", false,
		"count by the disk's kind, use and encryption, the bypass of secondary storage and the StorPool clusters as well")
	c.Flags().BoolVar(&check, "check", false, "with --coverage: fail when a cell has neither a scenario nor a reason")
	return c
}

func matrixText(w io.Writer, covered map[string][]report.Scenario) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "#\tAction\tScenarios")
	for _, a := range report.Actions() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", a.Row, a.Name, number(covered[a.Row]))
		for _, s := range covered[a.Row] {
			fmt.Fprintf(t, "\t  %s\t\n", s.Title)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the matrix: %w", err)
	}
	return nil
}

func matrixMarkdown(w io.Writer, covered map[string][]report.Scenario) error {
	var b strings.Builder
	b.WriteString("| # | Action | Scenarios |\n|---|---|---|\n")
	for _, a := range report.Actions() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.Row, a.Name, number(covered[a.Row]))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the matrix: %w", err)
	}
	return nil
}

func number(s []report.Scenario) string {
	if len(s) == 0 {
		return string(report.Pending)
	}
	return strconv.Itoa(len(s))
}
