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
	err := newRootCommand().ExecuteContext(ctx)
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

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "spsim",
		Short:         "StorPool simulator",
		Long:          "spsim emulates the management API of a StorPool cluster, with real volume contents.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServeCommand(), newOpsCommand(), newVersionCommand(),
		newAgentCommand(), newConformCommand(), newReportCommand(), newMatrixCommand(), newProveCommand(), newQuirksCommand(), newExplainCommand(),
		newHealthCommand(), newSweepCommand(), newInterleaveCommand())
	root.AddCommand(newFaultCommand(), newConditionCommand(), newStateCommand(), newClockCommand(), newLogCommand())
	complete(root)
	return root
}
