package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
)

// opRow is one call of the API as the ops command prints it.
type opRow struct {
	Method       string `json:"method"`
	Query        string `json:"query"`
	MultiCluster bool   `json:"multiCluster"`
	AllClusters  bool   `json:"allClusters"`
	Emulated     bool   `json:"emulated"`
	Why          string `json:"why,omitempty"`
}

func newOpsCommand() *cobra.Command {
	var asJSON, asMarkdown, differences bool
	cmd := &cobra.Command{
		Use:   "ops",
		Short: "Print the table of API calls",
		Long: `Print every call of the StorPool API with its forms, and for a call that is not emulated the reason.

With --differences, print a page in Markdown about what a real cluster does that the emulator does not: the calls that
are not emulated, and every choice that public sources leave open, with the flag, the option and the JSON that change it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows := opRows(emulator.Operations())
			switch out := cmd.OutOrStdout(); {
			case differences:
				if _, err := io.WriteString(out, emulator.Differences()); err != nil {
					return fmt.Errorf("print differences: %w", err)
				}
				return nil
			case asJSON:
				return printOpsJSON(out, rows)
			case asMarkdown:
				return printOpsMarkdown(out, rows)
			default:
				return printOps(out, rows)
			}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&asMarkdown, "markdown", false, "print a Markdown table")
	cmd.Flags().BoolVar(&differences, "differences", false, "print what a real cluster does that the emulator does not")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown", "differences")
	return cmd
}

func opRows(ops []emulator.Op) []opRow {
	rows := make([]opRow, len(ops))
	for i := range ops {
		o := &ops[i]
		rows[i] = opRow{
			Method: o.Method, Query: o.Query, Emulated: o.Emulated(), Why: o.Why,
			MultiCluster: o.Form&emulator.Multi != 0, AllClusters: o.Form&emulator.AllClusters != 0,
		}
	}
	return rows
}

// forms says in short how a call may be prefixed by the clients that are known.
func (r opRow) forms() string {
	switch {
	case r.AllClusters:
		return "multi, all"
	case r.MultiCluster:
		return "multi"
	default:
		return "-"
	}
}

func (r opRow) state() string {
	if r.Emulated {
		return "emulated"
	}
	return "not yet: " + r.Why
}

func count(rows []opRow) (emulated int) {
	for _, r := range rows {
		if r.Emulated {
			emulated++
		}
	}
	return emulated
}

func printOps(out io.Writer, rows []opRow) error {
	const padding = 2
	w := tabwriter.NewWriter(out, 0, 0, padding, ' ', 0)
	fmt.Fprintln(w, "METHOD\tQUERY\tPREFIXES\tSTATE") // Flush returns the error
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Method, r.Query, r.forms(), r.state())
	}
	fmt.Fprintf(w, "\n%d calls, %d emulated\n", len(rows), count(rows))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

func printOpsJSON(out io.Writer, rows []opRow) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	if err := e.Encode(rows); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

func printOpsMarkdown(out io.Writer, rows []opRow) error {
	text := []byte("| call | prefixes | state |\n|---|---|---|\n")
	for _, r := range rows {
		text = fmt.Appendf(text, "| `%s %s` | %s | %s |\n", r.Method, r.Query, r.forms(), r.state())
	}
	text = fmt.Appendf(text, "\n%d of %d calls are emulated.\n", count(rows), len(rows))
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}
