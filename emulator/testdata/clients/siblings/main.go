// Command siblings serves two sub-clusters of one multi-cluster to the cases of the Python bindings, as spsim serve
// serves one. The variables that it writes are those of the first; the other is in reach by RemoteCommand.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/internal/clock"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "siblings:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signal handlers
	}
}

// serve takes the arguments of spsim serve that the cases give.
func serve(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	port := set.Int("port", 0, "port of the first cluster")
	file := set.String("env-file", "", "where the variables go")
	if err := set.Parse(args[1:]); err != nil {
		return err
	}
	first := emulator.WithListen(net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)))
	f, err := emulator.NewFederation([]emulator.Member{
		{ID: "spsm.b", Name: "spsim1", Location: "home", Options: []emulator.Option{first}},
		{ID: "spsm.c", Name: "spsim2", Location: "home"},
	}, emulator.WithClock(clock.Real{}))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // the process ends with it
	s := f.Server("spsim1")
	host, at, err := net.SplitHostPort(s.Addr())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("SP_API_HTTP_HOST=%s\nSP_API_HTTP_PORT=%s\nSP_AUTH_TOKEN=%s\nSPSIM_ADMIN_URL=%s\n",
		host, at, s.Token(), s.AdminURL())
	if err := os.WriteFile(*file+".new", []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Rename(*file+".new", *file); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
