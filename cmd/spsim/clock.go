package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/admin"
)

func newClockCommand() *cobra.Command {
	return parent("clock", "Read or advance the clock of a running server",
		"Read the clock of a running server, or advance it: that takes spsim serve --clock virtual.",
		newClockShowCommand(), newClockAdvanceCommand())
}

func newClockShowCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "show", Short: "Print the time", Long: "Print the time of the server and whether it can be advanced.", Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, server *admin.Client, _ []string) error {
		c, err := server.Clock(cmd.Context())
		if err != nil {
			return err
		}
		return printClock(cmd.OutOrStdout(), c)
	})
}

func newClockAdvanceCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "advance SPAN", Short: "Move a virtual clock",
		Long:    "Move a virtual clock forward; what becomes due on the way happens.",
		Example: "  spsim clock advance 90s\n  spsim clock advance 24h",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return errors.New("give a span of time, like 90s or 24h")
			}
			if d, err := time.ParseDuration(args[0]); err != nil || d <= 0 {
				return fmt.Errorf("%q is no span of time: write it like 90s or 24h", args[0])
			}
			return nil
		},
	}, func(cmd *cobra.Command, server *admin.Client, args []string) error {
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return &exitError{exitUsage, err}
		}
		c, err := server.Advance(cmd.Context(), d)
		if err != nil {
			return err
		}
		return printClock(cmd.OutOrStdout(), c)
	})
}

func printClock(out io.Writer, c emulator.AdminClock) error {
	kind := "real"
	if c.Virtual {
		kind = "virtual"
	}
	_, err := fmt.Fprintf(out, "%s %s\n", c.Now.UTC().Format(time.RFC3339Nano), kind)
	return err
}
