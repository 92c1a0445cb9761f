package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/scenarios/report"
)

func newReportCommand() *cobra.Command {
	c := &cobra.Command{Use: "report", Short: "Work with reports of conform"}
	c.AddCommand(newReportMergeCommand())
	return c
}

func newReportMergeCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "merge FOLDER...",
		Short: "Make one report of those of a run's shards",
		Long: `Reads the report in each folder, as spsim conform --shard I/N --out FOLDER wrote it, prints the matrix of the whole
run and writes its report into the folder --out.

` + exitCodes,
		Example: `  spsim report merge --out out/conformance out/part-1 out/part-2 out/part-3`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, folders []string) error {
			parts := make([]report.Report, len(folders))
			for i, folder := range folders {
				var err error
				if parts[i], err = report.Read(folder); err != nil {
					return err
				}
			}
			whole, err := report.Merge(parts...)
			if errors.Is(err, report.ErrMerge) {
				return &exitError{exitUsage, err}
			}
			if err != nil {
				return err
			}
			if out != "" {
				if err := whole.WriteFiles(out); err != nil {
					return err
				}
			}
			if err := whole.Console(cmd.OutOrStdout()); err != nil {
				return err
			}
			if n := whole.Missing(); n > 0 {
				return &exitError{exitFailed, fmt.Errorf("the reports of some shards are missing: nobody ran %d scenarios", n)}
			}
			return verdict(cmd.Context(), whole)
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder for the merged report; none is written when not given")
	return strict(c)
}
