package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator/admin"
	"github.com/spsim/spsim/emulator/cluster"
)

const conditionKinds = `Conditions:
  diskGone DISK              a disk does not answer
  serverDown SERVER          a storage server is down, and its disks with it
  clientDown CLIENT          the cluster counts a client as down; its devices go on
  clientDead CLIENT          a client (host) is dead, and its devices cannot be used
  noQuorum                   every change is refused with a transient error
  capacityExhausted [GROUP]  the disks of a placement group, or all, have no room`

func newConditionCommand() *cobra.Command {
	return parent("condition", "Make the cluster of a running server unhealthy",
		"Set, list and clear what is wrong with the cluster of a running server.\n\n"+conditionKinds,
		newConditionSetCommand(), newConditionListCommand(), newConditionClearCommand())
}

// conditionOf reads a condition from the arguments.
func conditionOf(args []string) (cluster.Condition, error) {
	c := cluster.Condition{Kind: cluster.ConditionKind(args[0])}
	switch c.Kind {
	case cluster.CapacityExhausted:
		if len(args) > 1 {
			c.Group = args[1]
		}
		return c, nil
	case cluster.NoQuorum:
		if len(args) > 1 {
			return c, fmt.Errorf("%s takes nothing behind it", c.Kind)
		}
		return c, nil
	case cluster.DiskGone, cluster.ServerDown, cluster.ClientDown, cluster.ClientDead:
	default:
		return c, fmt.Errorf("there is no condition %q\n\n%s", args[0], conditionKinds)
	}
	if len(args) == 1 {
		return c, fmt.Errorf("%s needs the id of what it is about", c.Kind)
	}
	id, err := strconv.Atoi(args[1])
	if err != nil {
		return c, fmt.Errorf("%s: %q is no id", c.Kind, args[1])
	}
	c.ID = id
	return c, nil
}

func conditionArgs(least int) cobra.PositionalArgs {
	const most = 2
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.RangeArgs(least, most)(cmd, args); err != nil {
			return fmt.Errorf("give a condition and what it is about\n\n%s", conditionKinds)
		}
		if len(args) == 0 {
			return nil
		}
		_, err := conditionOf(args)
		return err
	}
}

func newConditionSetCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "set CONDITION [ID|GROUP]", Short: "Make something wrong",
		Long:    "Make something wrong with the cluster until it is cleared, and list all that is wrong.\n\n" + conditionKinds,
		Example: "  spsim condition set diskGone 101\n  spsim condition set capacityExhausted ssd\n  spsim condition set noQuorum",
		Args:    conditionArgs(1),
	}, func(cmd *cobra.Command, server *admin.Client, args []string) error {
		c, err := conditionOf(args)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		all, err := server.SetCondition(cmd.Context(), c)
		if err != nil {
			return err
		}
		return printConditions(cmd.OutOrStdout(), all)
	})
}

func newConditionListCommand() *cobra.Command {
	asJSON := false
	c := adminCommand(&cobra.Command{
		Use: "list", Short: "List what is wrong", Long: "List what is wrong with the cluster.", Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, server *admin.Client, _ []string) error {
		all, err := server.Conditions(cmd.Context())
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		return printConditions(cmd.OutOrStdout(), all)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newConditionClearCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "clear [CONDITION [ID|GROUP]]", Short: "Make it right again",
		Long:    "End one condition, or all, and list what is still wrong.",
		Example: "  spsim condition clear\n  spsim condition clear diskGone 101",
		Args:    conditionArgs(0),
	}, func(cmd *cobra.Command, server *admin.Client, args []string) error {
		if len(args) == 0 {
			return server.ClearConditions(cmd.Context())
		}
		c, err := conditionOf(args)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		left, err := server.ClearCondition(cmd.Context(), c)
		if err != nil {
			return err
		}
		return printConditions(cmd.OutOrStdout(), left)
	})
}

func printConditions(out io.Writer, all []cluster.Condition) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "nothing is wrong")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, columnGap, ' ', 0)
	for _, c := range all {
		fmt.Fprintf(w, "%s\t%s\n", c.Kind, words("", strconv.Itoa(c.ID), "", c.Group)) // Flush returns the error
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print conditions: %w", err)
	}
	return nil
}
