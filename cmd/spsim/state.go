package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator/admin"
)

func newStateCommand() *cobra.Command {
	return parent("state", "Save, load or reset the state of a running server",
		"Save the whole state of a running server, contents included, load it again, or go back to where the server began.",
		newStateSaveCommand(), newStateLoadCommand(), newStateResetCommand())
}

func newStateSaveCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "save FILE", Short: "Save the state",
		Long: "Save the whole state of the server in a file, in one step: the file holds the old state or the new one. - prints it.",
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, server *admin.Client, args []string) error {
		if args[0] == "-" {
			return server.SaveState(cmd.Context(), cmd.OutOrStdout())
		}
		var text bytes.Buffer
		if err := server.SaveState(cmd.Context(), &text); err != nil {
			return err
		}
		if err := writeWhole(args[0], text.String()); err != nil {
			return &exitError{exitFailed, fmt.Errorf("write %s: %w", args[0], err)}
		}
		return nil
	})
}

func newStateLoadCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "load FILE", Short: "Load a saved state",
		Long: "Replace the whole state of the server by one that was saved: all of it, or with an error nothing. - reads standard input.",
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, server *admin.Client, args []string) error {
		text, err := readFile(args[0], cmd.InOrStdin())
		if err != nil {
			return &exitError{exitFailed, err}
		}
		return server.LoadState(cmd.Context(), io.NopCloser(bytes.NewReader(text)))
	})
}

func newStateResetCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "reset", Short: "Go back to where the server began",
		Long: "Give the server the state that its options describe. Fault rules, the call log and the clock stay.",
		Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, server *admin.Client, _ []string) error { return server.Reset(cmd.Context()) })
}
