package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/admin"
)

// logFlags are what the log command shows, and how.
type logFlags struct {
	follow, asJSON bool
	last           int
	request        string
	unread         bool
}

func newLogCommand() *cobra.Command {
	var f logFlags
	c := adminCommand(&cobra.Command{
		Use: "log", Short: "Print the calls that a running server was asked",
		Long: `Print the calls that a running server was asked, one a line in the order of the answers: number, time, method, path, answer, what
it took, and what else there is to know: the caller's X-Request-Id, the fault rule that changed the call, members of the request that
it does not know. --json prints everything, request bodies included.`,
		Example: `  spsim log --follow
  spsim log --last 20
  spsim log --request 7f3a --json
  spsim log --unread`,
		Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, server *admin.Client, _ []string) error {
		return printLog(cmd.Context(), cmd.OutOrStdout(), server, f)
	})
	s := c.Flags()
	s.SortFlags = false
	s.BoolVarP(&f.follow, "follow", "f", false, "go on with each call as it is answered, until Ctrl-C")
	s.IntVar(&f.last, "last", 0, "only so many of the calls that there were; 0 is all")
	s.StringVar(&f.request, "request", "", "only calls with this X-Request-Id")
	s.BoolVar(&f.unread, "unread", false, "instead of calls, count the members of requests that nobody read")
	s.BoolVar(&f.asJSON, "json", false, "print each call as JSON")
	return c
}

func printLog(ctx context.Context, out io.Writer, server *admin.Client, f logFlags) error {
	if f.last < 0 {
		return &exitError{exitUsage, errors.New("--last counts calls")}
	}
	if f.unread {
		return printUnread(ctx, out, server, f.asJSON)
	}
	page, err := server.Calls(ctx, admin.Selection{Request: f.request})
	if err != nil {
		return err
	}
	if f.last > 0 && len(page.Calls) > f.last {
		page.Calls = page.Calls[len(page.Calls)-f.last:]
	}
	for _, c := range page.Calls {
		if err := printCall(out, c, f.asJSON); err != nil {
			return err
		}
	}
	if !f.follow {
		return nil
	}
	err = server.Follow(ctx, admin.Selection{After: page.Next, Request: f.request}, func(c emulator.Call) error {
		return printCall(out, c, f.asJSON)
	})
	if errors.Is(err, context.Canceled) { // Ctrl-C is how it ends
		err = nil
	}
	return err
}

// printUnread prints a line for each member that came and was not read.
func printUnread(ctx context.Context, out io.Writer, server *admin.Client, asJSON bool) error {
	all, err := server.Unread(ctx)
	if err != nil {
		return err
	}
	for _, u := range all {
		line := fmt.Sprintf("%d %s %s (unknown)", u.Count, u.Call, u.Member)
		if u.Known {
			line = fmt.Sprintf("%d %s %s (ignored)", u.Count, u.Call, u.Member)
		}
		if asJSON {
			text, err := json.Marshal(u)
			if err != nil {
				return fmt.Errorf("print count: %w", err)
			}
			line = string(text)
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

func printCall(out io.Writer, c emulator.Call, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("print call: %w", err)
		}
		_, err = fmt.Fprintf(out, "%s\n", text)
		return err
	}
	more := words("request", c.Request, "caller", c.Caller, "fault rule", strconv.Itoa(c.Fault), "unknown", strings.Join(c.Unknown, " "))
	_, err := fmt.Fprintf(out, "%d %s %s %s %s %s (%s)\n", c.Seq, c.At.UTC().Format(time.RFC3339), c.Method, c.Path, c.Answer, c.Took, more)
	return err
}
