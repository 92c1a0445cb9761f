package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/hosttools"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/quirk"
)

// maxCommand is the longest command line in bytes.
const maxCommand = 1 << 20

// agentOptions are the flags of spsim agent.
type agentOptions struct {
	tools  string
	driver string
	path   string
	root   string
	folder string
}

func newAgentCommand() *cobra.Command {
	var o agentOptions
	c := &cobra.Command{
		Use:   "agent",
		Short: "Execute commands of the management server as a KVM host does",
		Long: `Reads commands of the management server from standard input, one JSON object a line, executes each as the
agent of a KVM host does, and writes an answer a line. It needs a host with StorPool: with --tools host every step is done by
storpool, storpool_req, storpool_confget, qemu-img, cryptsetup, blockdev, mount and umount.

A command has a name and arguments, by the names of the Go types of driver/agentapi; durations are nanoseconds, passphrases
base64. Guests are simulated: a VM that is started uses its disks and runs nothing.

Exit codes: 0 when every command succeeded, 1 when one failed, 2 for wrong flags, 130 when stopped (Ctrl-C).`,
		Example: `  echo '{"Command":"CheckHeartbeat"}' | spsim agent --tools host
  echo '{"Command":"BackupSnapshot","Arguments":{"Source":{"Path":"/dev/storpool-byid/a.b.1","Volume":{}},
    "Dest":{"Name":"s1","Path":"snapshots/2/1","Store":{"URL":"nfs://nas/secondary"}}}}' | tr -d '\n' | spsim agent --tools host`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runAgent(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&o.tools, "tools", "host", "what does the work: host, the programs of this machine")
	f.StringVar(&o.driver, "driver", "correct", "correct, upstream (all known defects of the agent) or defects by number, A-7")
	f.StringVar(&o.path, "path", "", "folders with the programs, parted by colons; the search path when not given")
	f.StringVar(&o.root, "root", "", "folder below which /dev/storpool-byid and /mnt are; / when not given")
	f.StringVar(&o.folder, "folder", os.TempDir(), "folder for files that this agent downloads")
	return strict(c)
}

func runAgent(ctx context.Context, o agentOptions, in io.Reader, out io.Writer) error {
	if o.tools != "host" {
		return &exitError{exitUsage, fmt.Errorf("--tools %q is not known: give host", o.tools)}
	}
	fleet, err := hostFleet(ctx, o)
	if err != nil {
		return err
	}
	defer fleet.Close()
	return converse(ctx, fleet, in, out)
}

// thisHost is how the only host of the fleet is called.
const thisHost = "this-host"

// hostFleet is a fleet of one host, which is this machine.
func hostFleet(ctx context.Context, o agentOptions) (*agentsim.Fleet, error) {
	set, err := quirk.Parse(o.driver, agentsim.Quirks())
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	programs := &hosttools.Programs{Path: o.path, Root: o.root}
	conf, err := programs.Conf(ctx)
	if errors.Is(err, hosttools.ErrMissing) {
		return nil, fmt.Errorf("%w: this machine has no StorPool; give --path if its programs are elsewhere", err)
	}
	if err != nil {
		return nil, err
	}
	fleet, err := agentsim.New(agentsim.Config{Quirks: set})
	if err != nil {
		return nil, err
	}
	id, err := strconv.Atoi(value(conf, "SP_OURID"))
	if err != nil {
		return nil, fmt.Errorf("storpool_confget: SP_OURID is no number: %w", err)
	}
	_, err = fleet.AddHost(agentsim.HostConfig{ //nolint:contextcheck // a host outlives the call that adds it
		UUID: thisHost, OurID: id, ClusterID: value(conf, "SP_CLUSTER_ID"), Conf: conf,
		API: programs.API(), Devices: programs.Devices(), Tools: programs, Mounts: secondary.NewSystem(programs, o.root),
		Folder: o.folder, NoEncryption: !programs.Encrypts(ctx), RecordReboots: true,
	})
	return fleet, err
}

// value is that of the first line KEY=VALUE of a configuration.
func value(conf []string, key string) string {
	for _, line := range conf {
		if v, ok := strings.CutPrefix(line, key+"="); ok {
			return v
		}
	}
	return ""
}

// agentAnswer is an answer as text. Type names the payload.
type agentAnswer struct {
	OK      bool             `json:"ok"`
	Details string           `json:"details,omitempty"`
	Type    string           `json:"type,omitempty"`
	Payload agentapi.Payload `json:"payload,omitempty"`
}

// converse answers each line of in with a line of out. It does not wait for a line when ctx ends.
func converse(ctx context.Context, fleet *agentsim.Fleet, in io.Reader, out io.Writer) error {
	lines, read := commandLines(ctx, in)
	encoder := json.NewEncoder(out)
	failed := 0
	for {
		select {
		case <-ctx.Done():
			return &exitError{exitInterrupted, fmt.Errorf("stopped: %w", context.Cause(ctx))}
		case line, more := <-lines:
			if !more {
				return summary(failed, <-read)
			}
			answer := perform(ctx, fleet, line)
			if !answer.OK {
				failed++
			}
			if err := encoder.Encode(answer); err != nil {
				return fmt.Errorf("write answer: %w", err)
			}
		}
	}
}

// commandLines are the lines that are not empty, and then what ended them.
func commandLines(ctx context.Context, in io.Reader) (<-chan []byte, <-chan error) {
	lines, end := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(lines)
		scan := bufio.NewScanner(in)
		scan.Buffer(nil, maxCommand)
		for scan.Scan() {
			line := bytes.Clone(bytes.TrimSpace(scan.Bytes()))
			if len(line) == 0 {
				continue
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				end <- nil
				return
			}
		}
		end <- scan.Err()
	}()
	return lines, end
}

func summary(failed int, err error) error {
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("a command has more than %d bytes", maxCommand)
	case err != nil:
		return fmt.Errorf("read commands: %w", err)
	case failed > 0:
		return &exitError{exitFailed, fmt.Errorf("%d commands failed", failed)}
	}
	return nil
}

func perform(ctx context.Context, fleet *agentsim.Fleet, text []byte) agentAnswer {
	c, err := agentapi.ParseCommand(text)
	if err != nil {
		return agentAnswer{Details: err.Error()}
	}
	a, err := fleet.Send(ctx, thisHost, c)
	if err != nil {
		return agentAnswer{Details: err.Error()}
	}
	if a == nil {
		return agentAnswer{Details: "no answer"}
	}
	out := agentAnswer{OK: a.OK, Details: a.Details, Payload: a.Payload}
	if a.Payload != nil {
		out.Type = reflect.TypeOf(a.Payload).Name()
	}
	return out
}
