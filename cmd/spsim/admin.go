package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/admin"
)

// exitUnreachable is the exit code of a command that finds no server.
const exitUnreachable = 3

const adminHelp = `The server is found by --admin, or by SPSIM_ADMIN_URL and SP_AUTH_TOKEN as spsim serve prints them:

  eval "$(cat env)"   # after spsim serve --env-file env

Exit codes: 0 when it is done, 1 when the server refuses, 2 for wrong flags or arguments, 3 when no server answers.`

// adminFlags say where the server is.
type adminFlags struct{ url, token, cluster string }

// adminCommand completes a command that speaks to a running server.
func adminCommand(c *cobra.Command, run func(cmd *cobra.Command, server *admin.Client, args []string) error) *cobra.Command {
	var f adminFlags
	c.Long = c.Long + "\n\n" + adminHelp
	c.Flags().StringVar(&f.url, "admin", "", "address of the admin API, http://127.0.0.1:8082; "+adminURLVariable+" when not given")
	c.Flags().StringVar(&f.token, "token", "", "token of the API; SP_AUTH_TOKEN when not given")
	c.Flags().StringVar(&f.cluster, "cluster", "", "name or id of the cluster, where the server has several")
	args := c.Args
	c.Args = func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return &exitError{exitUsage, err}
		}
		return nil
	}
	c.RunE = func(cmd *cobra.Command, given []string) error {
		server, err := f.client(os.Getenv)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		return unreached(run(cmd, server, given), f.address(os.Getenv))
	}
	return strict(c)
}

func (f *adminFlags) address(getenv func(string) string) string {
	return cmp.Or(f.url, getenv(adminURLVariable))
}

// client is the client of the server that the flags or the environment name.
func (f *adminFlags) client(getenv func(string) string) (*admin.Client, error) {
	at := f.address(getenv)
	if at == "" {
		return nil, errors.New("where is the server? give --admin http://127.0.0.1:8082, or set " + adminURLVariable +
			" to what spsim serve prints")
	}
	c, err := admin.New(at, cmp.Or(f.token, getenv("SP_AUTH_TOKEN"), emulator.DefaultToken))
	if err != nil {
		return nil, err
	}
	c.Cluster = f.cluster
	c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return c, nil
}

// unreached tells a server that refuses from one that is not there, and says what to do.
func unreached(err error, at string) error {
	var refused *admin.Error
	var lost *url.Error
	var coded interface{ ExitCode() int }
	switch {
	case err == nil, errors.As(err, &coded):
		return err
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return errors.New("the server refuses the token: give --token, or set SP_AUTH_TOKEN to what spsim serve prints")
	case errors.As(err, &refused):
		return errors.New(refused.Descr)
	case errors.As(err, &lost) && !errors.Is(err, context.Canceled):
		return &exitError{exitUnreachable, fmt.Errorf(
			"no admin API answers at %s: is spsim serve running, and is the address current? %w", at, lost.Err)}
	}
	return err
}

// parent makes a command that only holds others.
func parent(use, short, long string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return &exitError{exitUsage, fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(children...)
	return strict(c)
}
