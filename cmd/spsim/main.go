// Command spsim is the emulator of the StorPool management API, the conformance suite of the CloudStack plugin,
// and the tools around them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run runs the command line and returns the exit status: 0, or after an error its own code, 1 for most.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := rootFor(os.Args[1:]).ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "spsim:", err)
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}

// newRootCommand returns the command line with all its commands.
func newRootCommand() *cobra.Command { return rootFor(nil) }

// rootFor returns the command line for these arguments: with the one command that they begin with, as the others would
// only delay it, or with all.
func rootFor(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:           "spsim",
		Short:         "StorPool simulator",
		Long:          "spsim emulates the management API of a StorPool cluster, with real volume contents.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	all := commandsByName()
	if len(args) > 0 && all[args[0]] != nil {
		root.AddCommand(all[args[0]]())
	} else {
		for _, build := range all {
			root.AddCommand(build())
		}
	}
	complete(root)
	return root
}

func commandsByName() map[string]func() *cobra.Command {
	return map[string]func() *cobra.Command{
		"serve": newServeCommand, "ops": newOpsCommand, "version": newVersionCommand, "agent": newAgentCommand, "health": newHealthCommand,
		"conform": newConformCommand, "report": newReportCommand, "matrix": newMatrixCommand, "prove": newProveCommand,
		"quirks": newQuirksCommand, "explain": newExplainCommand, "sweep": newSweepCommand, "interleave": newInterleaveCommand,
		"fault": newFaultCommand, "condition": newConditionCommand, "state": newStateCommand, "clock": newClockCommand, "log": newLogCommand,
	}
}
