package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spsim/spsim/agentsim/hosttools"
	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/live"
)

// targetFlags say where a target outside of this process is.
type targetFlags struct {
	api, token, admin string
	template, second  string
	tools             string
	clients           []int
	journal, cleanup  string
	dryRun            bool
}

func (t *targetFlags) add(f *pflag.FlagSet) {
	f.StringVar(&t.api, "api", "", "host:port of the target's API, or https://host:port ($SP_API_HTTP_HOST:$SP_API_HTTP_PORT when not given)")
	f.StringVar(&t.token, "token", "", "its token ($SP_AUTH_TOKEN when not given)")
	f.StringVar(&t.admin, "admin", "", "URL of the admin API of an emulator, which shows devices ($"+adminURLVariable+" when not given, for --target emulator)")
	f.StringVar(&t.template, "template", "", "placement template for everything that is created")
	f.StringVar(&t.second, "second-template", "", "another one, for scenarios that need two")
	f.StringVar(&t.tools, "tools", builtinTools, "builtin, or host to open the devices of this machine, a client of the cluster")
	f.IntSliceVar(&t.clients, "clients", nil, "StorPool clients that stand for the hosts; all that run when not given")
	f.StringVar(&t.journal, "journal", "", "file that says what to remove after a kill; in the folder of --out, or in "+os.TempDir()+", when not given")
	f.StringVar(&t.cleanup, "cleanup", "", "run nothing: remove what a killed run has left, by its journal")
	f.BoolVar(&t.dryRun, "dry-run", false, "do nothing on the target: say what would run, and which calls it would make")
}

// any tells whether a flag about an outside target was given.
func (t *targetFlags) any() bool {
	return t.api != "" || t.token != "" || t.admin != "" || t.template != "" || t.second != "" || t.tools != builtinTools ||
		len(t.clients) > 0 || t.journal != "" || t.dryRun
}

// config is what the flags and the variables of spsim serve say.
func (t *targetFlags) config(target string) (live.Config, error) {
	if t.tools != builtinTools && t.tools != hostTools {
		return live.Config{}, &exitError{exitUsage, fmt.Errorf("--tools %q is not known: give builtin or host", t.tools)}
	}
	cfg := live.Config{
		API: t.api, Token: cmp.Or(t.token, os.Getenv("SP_AUTH_TOKEN")), Admin: t.admin, Template: t.template, Second: t.second,
		Clients: t.clients, Journal: t.journal,
	}
	if t.tools == hostTools {
		cfg.Host = &hosttools.Programs{}
	}
	if host := os.Getenv("SP_API_HTTP_HOST"); cfg.API == "" && host != "" {
		cfg.API = net.JoinHostPort(host, cmp.Or(os.Getenv("SP_API_HTTP_PORT"), "81"))
	}
	if cfg.Admin == "" && target == scenarios.Emulator {
		cfg.Admin = os.Getenv(adminURLVariable)
	}
	return cfg, nil
}

// into gives a run its target.
func (t *targetFlags) into(o *scenarios.Options) error {
	if o.Target == scenarios.Embedded {
		if t.any() {
			return &exitError{exitUsage, fmt.Errorf("the target %s takes no --api, --token, --template and the like: give --target emulator or live",
				scenarios.Embedded)}
		}
		return nil
	}
	cfg, err := t.config(o.Target)
	if err != nil {
		return err
	}
	if cfg.Journal == "" {
		cfg.Journal = filepath.Join(os.TempDir(), fmt.Sprintf("spsim-%d-%d.jsonl", os.Getpid(), time.Now().Unix()))
		if o.Out != "" {
			cfg.Journal = filepath.Join(o.Out, "journal.jsonl")
		}
	}
	o.Live = cfg
	return nil
}

// clean removes what a killed run has left.
func (t *targetFlags) clean(cmd *cobra.Command) error {
	cfg, err := t.config(scenarios.Live)
	if err != nil {
		return err
	}
	if cfg.Token == "" {
		return &exitError{exitUsage, errors.New("--cleanup needs --token, which the journal does not keep")}
	}
	return usage(scenarios.Cleanup(cmd.Context(), cfg, t.cleanup, cmd.OutOrStdout()))
}
