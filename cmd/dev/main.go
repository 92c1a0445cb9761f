// Command dev is what the Makefile needs beside the product: the benchmark gates, the generated tables of the README, the
// generated pages, and the mutations that prove our own guards.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:           "dev",
		Short:         "benchmark gates, generated documentation, mutations of our own guards",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newBenchCommand(), newDocsCommand(), newMutateCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signal handlers
	}
}
