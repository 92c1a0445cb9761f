package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/cover"
	"github.com/spsim/spsim/scenarios/report"
	"github.com/spsim/spsim/scenarios/sweep"
)

// offers are the values that a shell may offer, each with an explanation behind a tab.
type offers func() []string

// complete lets shells offer the values of flags and arguments: numbers of defects and rows, operations, calls.
func complete(root *cobra.Command) {
	flags := map[string]offers{
		"driver": func() []string {
			return append([]string{"correct\tno defect", "upstream\tall known defects"}, defectIDs()...)
		},
		"defects":    defectIDs,
		"rows":       rowNumbers,
		"operations": sweptOperations,
	}
	for _, c := range commands(root) {
		for flag, values := range flags {
			if c.Flags().Lookup(flag) != nil {
				_ = c.RegisterFlagCompletionFunc(flag, listed(values)) // the flag is there and has none yet
			}
		}
		switch c.Name() {
		case "explain":
			c.ValidArgsFunction = first(explained)
		case "arm":
			c.ValidArgsFunction = first(calls)
		}
	}
}

func commands(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		out = append(out, commands(sub)...)
	}
	return out
}

// listed completes the last of values that are parted by commas.
func listed(values offers) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		done := typed[:strings.LastIndex(typed, ",")+1]
		var out []string
		for _, v := range values() {
			if v = done + v; strings.HasPrefix(v, typed) {
				out = append(out, v)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// first completes the first argument.
func first(values offers) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out := slices.DeleteFunc(values(), func(v string) bool { return !strings.HasPrefix(v, typed) })
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

func defectIDs() (out []string) {
	for _, d := range scenarios.Defects() {
		if d.Inexpressible == "" {
			out = append(out, d.ID+"\t"+d.Reason)
		}
	}
	return out
}

// explained are the numbers of defects, and those of regressions that no defect has.
func explained() []string {
	out := defectIDs()
	for _, r := range cover.Regressions() {
		if !slices.ContainsFunc(out, func(v string) bool { return strings.HasPrefix(v, r.ID+"\t") }) {
			out = append(out, r.ID+"\t"+r.What)
		}
	}
	return out
}

func rowNumbers() (out []string) {
	for _, a := range report.Actions() {
		out = append(out, strings.TrimPrefix(a.Row, "0")+"\t"+a.Name)
	}
	return out
}

func sweptOperations() (out []string) {
	for _, o := range sweep.Operations() {
		out = append(out, o.Name)
	}
	return out
}

func calls() (out []string) {
	for _, o := range emulator.Operations() {
		if o.Why == "" {
			out = append(out, o.Call())
		}
	}
	return out
}
