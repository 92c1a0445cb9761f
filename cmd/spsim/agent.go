package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/hosttools"
	"github.com/spsim/spsim/agentsim/remote"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// maxCommand is the longest command line in bytes.
const maxCommand = 1 << 20

// The tools of an agent.
const (
	builtinTools = "builtin"
	hostTools    = "host"
)

// agentOptions are the flags of spsim agent.
type agentOptions struct {
	tools  string
	driver string

	api, token, admin string
	client            int
	secondary         string

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
agent of a KVM host does, and writes an answer a line.

With --tools builtin the host is one of an emulator: it attaches through the API, moves bytes through the admin API, and a
folder stands for NFS. With --tools host it is this machine: every step is done by storpool, storpool_req, storpool_confget,
qemu-img, cryptsetup, blockdev, mount and umount.

A command has a name and arguments, by the names of the Go types of driver/agentapi; durations are nanoseconds, passphrases
base64. Guests are simulated: a VM that is started uses its disks and runs nothing.

Exit codes: 0 when every command succeeded, 1 when one failed, 2 for wrong flags, 130 when stopped (Ctrl-C).`,
		Example: `  echo '{"Command":"CheckHeartbeat"}' | spsim agent --client 2
  spsim agent --tools host <commands.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runAgent(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.tools, "tools", builtinTools, "what does the work: builtin, or host for the programs of this machine")
	f.StringVar(&o.driver, "driver", "correct", "correct, upstream (all known defects of the agent) or defects by number, A-7")
	f.StringVar(&o.folder, "folder", os.TempDir(), "folder for files that this agent downloads")
	f.StringVar(&o.api, "api", "", "builtin: host:port of the API ($SP_API_HTTP_HOST:$SP_API_HTTP_PORT when not given)")
	f.StringVar(&o.token, "token", "", "builtin: token of the API ($SP_AUTH_TOKEN when not given)")
	f.StringVar(&o.admin, "admin", "", "builtin: URL of the admin API ($"+adminURLVariable+" when not given)")
	f.IntVar(&o.client, "client", 1, "builtin: StorPool client id of the host")
	f.StringVar(&o.secondary, "secondary", "", "builtin: folder that stands for NFS, in it server/path of each export; none when not given")
	f.StringVar(&o.path, "path", "", "host: folders with the programs, parted by colons; the search path when not given")
	f.StringVar(&o.root, "root", "", "host: folder below which /dev/storpool-byid and /mnt are; / when not given")
	return strict(c)
}

func runAgent(ctx context.Context, o agentOptions, in io.Reader, out io.Writer) error {
	set, err := quirk.Parse(o.driver, agentsim.Quirks())
	if err != nil {
		return &exitError{exitUsage, err}
	}
	var fleet *agentsim.Fleet
	switch o.tools {
	case builtinTools:
		fleet, err = emulatedFleet(ctx, o, set)
	case hostTools:
		fleet, err = hostFleet(ctx, o, set)
	default:
		err = &exitError{exitUsage, fmt.Errorf("--tools %q is not known: give builtin or host", o.tools)}
	}
	if err != nil {
		return err
	}
	defer fleet.Close()
	return converse(ctx, fleet, in, out)
}

// thisHost is how the only host of the fleet is called.
const thisHost = "this-host"

// fromVariables fills in what the flags leave out, from what spsim serve has printed.
func (o agentOptions) fromVariables() (agentOptions, error) {
	if o.api == "" && os.Getenv("SP_API_HTTP_HOST") != "" {
		o.api = net.JoinHostPort(os.Getenv("SP_API_HTTP_HOST"), cmp.Or(os.Getenv("SP_API_HTTP_PORT"), "81"))
	}
	o.token, o.admin = cmp.Or(o.token, os.Getenv("SP_AUTH_TOKEN")), cmp.Or(o.admin, os.Getenv(adminURLVariable))
	if o.api == "" || o.token == "" || o.admin == "" {
		return o, &exitError{exitUsage, errors.New("give --api, --token and --admin, or the variables that spsim serve prints")}
	}
	return o, nil
}

// emulatedFleet is a fleet of one host of an emulator.
func emulatedFleet(ctx context.Context, o agentOptions, set quirk.Set) (*agentsim.Fleet, error) {
	o, err := o.fromVariables()
	if err != nil {
		return nil, err
	}
	devices, err := remote.New(remote.Config{URL: o.admin, Token: o.token, Client: o.client})
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	cluster, err := devices.ClusterID(ctx)
	if err != nil {
		return nil, fmt.Errorf("admin API at %s: %w", o.admin, err)
	}
	api, err := spapi.New(spapi.Config{HostPort: o.api, Token: o.token})
	if err != nil {
		return nil, err
	}
	if o.secondary == "" {
		empty, err := os.MkdirTemp(o.folder, "spsim-agent-*")
		if err != nil {
			return nil, err
		}
		defer os.Remove(empty) // it stays empty: no export is in it
		o.secondary = empty
	}
	storage, err := secondary.New(o.secondary)
	if err != nil {
		return nil, err
	}
	fleet, err := agentsim.New(agentsim.Config{Quirks: set, Secondary: storage})
	if err != nil {
		return nil, err
	}
	_, err = fleet.AddHost(agentsim.HostConfig{ //nolint:contextcheck // a host outlives the call that adds it
		UUID: thisHost, OurID: o.client, ClusterID: cluster, API: api, Devices: devices, Folder: o.folder, RecordReboots: true,
	})
	return fleet, err
}

// hostFleet is a fleet of one host, which is this machine.
func hostFleet(ctx context.Context, o agentOptions, set quirk.Set) (*agentsim.Fleet, error) {
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
