package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
)

// healthTimeout is how long a server may take to say that it is well.
const healthTimeout = 2 * time.Second

// newHealthCommand makes the command that the image's health check runs: there is no curl beside the binary.
func newHealthCommand() *cobra.Command {
	f := newServeFlags()
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running server whether it answers",
		Long: `Ask the server of "spsim serve" on this machine whether it answers; exit with 1 if it does not.

The flags and their variables are those of serve, so that the same environment serves both. The question is no
call of the API: it is not logged, and no fault rule sees it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.fromEnvironment(os.LookupEnv); err != nil {
				return err
			}
			return health(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	for _, name := range []string{"host", "port", "token"} {
		cmd.Flags().AddFlag(f.set.Lookup(name))
	}
	return cmd
}

// health asks the server that f describes.
func health(ctx context.Context, out io.Writer, f *serveFlags) error {
	host := f.host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // a server on all addresses answers on this one
	}
	addr := net.JoinHostPort(host, strconv.Itoa(f.port))
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+emulator.AdminPrefix+"health", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	req.Header.Set("Authorization", "Storpool v1:"+f.token)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	defer func() { _ = resp.Body.Close() }() // read, not written
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: is it spsim, with this token?", addr, resp.Status)
	}
	_, err = fmt.Fprintf(out, "%s answers\n", addr)
	return err
}
