package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
)

// adminURLVariable holds the address of the admin API.
const adminURLVariable = "SPSIM_ADMIN_URL"

// grace is how long calls in progress may take to end after a signal.
const grace = 5 * time.Second

func newServeCommand() *cobra.Command {
	f := newServeFlags()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API of an emulated StorPool cluster",
		Long: `Serve the management API of an emulated StorPool cluster until SIGTERM or SIGINT.

When the API is ready, the variables that StorPool clients read are printed for a shell to evaluate:
SP_API_HTTP_HOST, SP_API_HTTP_PORT and SP_AUTH_TOKEN. Each call is one line on standard error.
SPSIM_ADMIN_URL, printed with them, is where the commands fault, condition, state, clock and log find the server.

With --member, or "members" in the model file, the process serves several clusters that know each other, each on its
own port: those whose ids begin alike are one multi-cluster, the others remote locations. Their variables end in _2, _3
and so on, in the order of the members.

Every flag has an environment variable: --cluster-id is SPSIM_CLUSTER_ID. A flag wins over its variable.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.fromEnvironment(os.LookupEnv); err != nil {
				return err
			}
			return serve(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().AddFlagSet(f.set)
	return cmd
}

// serve runs the server until ctx ends.
func serve(ctx context.Context, f *serveFlags, out, logs io.Writer) error {
	log, err := f.logger(logs)
	if err != nil {
		return err
	}
	opts, err := f.options(log)
	if err != nil {
		return err
	}
	servers, err := f.start(opts) //nolint:contextcheck // a server lives until it is closed
	if err != nil {
		return err
	}
	defer closeAll(servers)
	s := servers[0]
	if err := f.agrees(s.Cluster()); err != nil {
		return err
	}
	addr, err := s.Listen(ctx)
	if err != nil {
		return unusable(err, net.JoinHostPort(f.host, strconv.Itoa(f.port)), "--port")
	}
	adminURL, err := f.listenAdmin(ctx, s)
	if err != nil {
		return err
	}
	others, err := f.listenOthers(ctx, servers[1:], log)
	if err != nil {
		return err
	}
	if err := f.announce(out, addr, s.Token(), adminURL, others); err != nil {
		return err
	}
	log.Info("ready", slog.String("addr", addr.String()), slog.String("cluster", s.Cluster().ID()))
	<-ctx.Done()
	log.Info("shutting down")
	return end(ctx, s, log)
}

// closeAll ends the servers that are still there.
func closeAll(servers []*emulator.Server) {
	for _, s := range servers {
		s.Close()
	}
}

// listenAdmin opens the admin API unless it is not wanted.
func (f *serveFlags) listenAdmin(ctx context.Context, s *emulator.Server) (url string, err error) {
	if f.admin == "" {
		return "", nil
	}
	addr, err := s.ListenAdmin(ctx)
	if err != nil {
		return "", unusable(err, f.admin, "--admin")
	}
	return "http://" + addr.String(), nil
}

// unusable says what to do about a port that cannot be had.
func unusable(err error, at, flag string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use: choose another port with %s, or a free one with port 0", at, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s needs privileges: choose a port above 1023 with %s", at, flag)
	default:
		return fmt.Errorf("%s: %w", at, err)
	}
}

// announce prints the variables of the clients, and writes them to the file that was asked for.
func (f *serveFlags) announce(out io.Writer, addr net.Addr, token, adminURL, others string) error {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return fmt.Errorf("read own address: %w", err)
	}
	text := "SP_API_HTTP_HOST=" + shellWord(host) + "\nSP_API_HTTP_PORT=" + port + "\nSP_AUTH_TOKEN=" + shellWord(token) + "\n"
	if adminURL != "" {
		text += adminURLVariable + "=" + shellWord(adminURL) + "\n"
	}
	text += others
	if f.envFile != "" {
		if err := writeWhole(f.envFile, text); err != nil {
			return fmt.Errorf("write %s: %w", f.envFile, err)
		}
	}
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("print address: %w", err)
	}
	return nil
}

// writeWhole replaces a file in one step, so that a reader never sees half of it.
func writeWhole(path, text string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".spsim-*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // what matters is the first error
	}
	return err
}

// shellWord quotes s for a shell where it has to be.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:~/"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
