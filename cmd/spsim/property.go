package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/story"
)

// propertyFlags are those of a search for a made-up scenario that breaks a promise.
type propertyFlags struct {
	property     bool
	cases, steps int
}

func (p *propertyFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&p.property, "property", false, "make scenarios up and look for one that breaks a promise")
	f.IntVar(&p.cases, "cases", 200, "with --property: how many")
	f.IntVar(&p.steps, "steps", 30, "with --property: about how many steps each")
}

// search makes scenarios up. The first that breaks a promise is printed and ends the search.
func (p *propertyFlags) search(cmd *cobra.Command, o scenarios.Options) error {
	if o.Target != scenarios.Embedded || p.cases < 1 || p.steps < 1 || o.Seed < 1 {
		return &exitError{exitUsage, errors.New("--property takes the target embedded, and --cases, --steps and --seed above 0")}
	}
	driver := o.Driver
	if driver == "correct" {
		driver = ""
	}
	spendMemory()
	played := 0
	found, err := story.Search(story.Plan{
		Options: story.Options{Driver: driver}, Seed: o.Seed, Cases: p.cases, Steps: p.steps,
		Each: func(n int) {
			if played = n; n%100 == 0 && n <= p.cases {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d scenarios\n", n, p.cases)
			}
		},
	})
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if found != nil {
		fmt.Fprintf(out, "%s\n\nseed %d; %d scenarios kept every promise before and while it was made shorter\n", found.Error(), o.Seed, played)
		return &exitError{exitFailed, errors.New("a made-up scenario breaks a promise")}
	}
	fmt.Fprintf(out, "%d made-up scenarios of about %d steps each keep every promise; seed %d\n", p.cases, p.steps, o.Seed)
	return nil
}
