package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// serveFlags are the settings of the serve command, each a flag and a variable.
type serveFlags struct {
	set *pflag.FlagSet

	host, envFile       string
	admin               string
	clock, clockStart   string
	port                int
	logFormat, logLevel string

	clusterID, clusterName, token string
	seed                          int64
	status                        string
	strict                        bool
	journal                       int
	maxBody                       int64

	state      string
	stateDelay time.Duration

	modelFile       string
	documentMembers []emulator.DocumentMember

	model     cluster.Model
	templates []string
	locations []string
	members   []string
	behaviour cluster.Behaviour
}

const defaultPort = 8081

func newServeFlags() *serveFlags {
	f := &serveFlags{set: pflag.NewFlagSet("serve", pflag.ContinueOnError), model: cluster.DefaultModel()}
	s := f.set
	s.SortFlags = false
	s.StringVar(&f.host, "host", "127.0.0.1", "address to listen on")
	s.IntVar(&f.port, "port", defaultPort, "TCP port; 0 takes a free one")
	s.StringVar(&f.admin, "admin", emulator.DefaultListen,
		"address of the admin API; on the loopback interface unless a host is written out, none when empty")
	s.StringVar(&f.clock, "clock", clockReal, "real, or virtual: time stands still but for spsim clock advance")
	s.StringVar(&f.clockStart, "clock-start", "", "where a virtual clock begins (2026-01-31T12:00:00Z); now when not given")
	s.StringVar(&f.envFile, "env-file", "", "also write the printed variables to this file")
	s.StringVar(&f.logFormat, "log-format", "text", "text or json")
	s.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error; calls are logged at info")
	s.StringVar(&f.token, "token", emulator.DefaultToken, "the only token that is let in")
	s.StringVar(&f.clusterID, "cluster-id", emulator.DefaultClusterID, "<location>.<sub-cluster>, the head of every global id")
	s.StringVar(&f.clusterName, "cluster-name", emulator.DefaultClusterName, "name for RemoteCommand and MultiCluster answers")
	s.Int64Var(&f.seed, "seed", 1, "source of everything that looks random")
	s.StringVar(&f.status, "status", string(emulator.StatusByName),
		"HTTP status of errors: byName or always500, then exceptions (byName,busy=423,transient=500)")
	s.BoolVar(&f.strict, "strict", false, "refuse unknown request members instead of logging them")
	s.IntVar(&f.journal, "journal", emulator.DefaultJournal, "calls to remember")
	s.Int64Var(&f.maxBody, "max-body", emulator.DefaultMaxBody, "largest request body in bytes")
	s.StringVar(&f.state, "state", "",
		"file that keeps the whole state: loaded at the start if it is there, written after changes and at the end")
	s.DurationVar(&f.stateDelay, "state-delay", emulator.DefaultStateDelay, "how long a change may wait until it is in the file")
	s.StringArrayVar(&f.members, "member", nil,
		"ID=NAME[,location=NAME][,port=N][,token=TOKEN] of another cluster to serve, on a free port by default; repeatable")
	f.addModel(s)
	f.addBehaviour(s)
	return f
}

func (f *serveFlags) addModel(s *pflag.FlagSet) {
	m := &f.model
	s.StringVar(&f.modelFile, "model", "", "JSON file with the model and the decisions; the flags change what it says")
	s.IntVar(&m.Servers, "servers", m.Servers, "storage servers")
	s.IntVar(&m.SSDsPerServer, "ssds-per-server", m.SSDsPerServer, "solid state disks in each server")
	s.IntVar(&m.HDDsPerServer, "hdds-per-server", m.HDDsPerServer, "hard disks in each server")
	s.Int64Var(&m.SSDSize, "ssd-size", m.SSDSize, "bytes of a solid state disk")
	s.Int64Var(&m.HDDSize, "hdd-size", m.HDDSize, "bytes of a hard disk")
	s.IntVar(&m.Clients, "clients", m.Clients, "hosts, with client ids from 1")
	s.IntVar(&m.ISCSITargets, "iscsi-targets", m.ISCSITargets, "iSCSI controllers, with ids from 1")
	s.IntVar(&m.Replication, "replication", m.Replication, "replicas where neither request nor template says")
	s.StringVar(&m.Version, "service-version", m.Version, "version that the services show")
	s.StringVar(&m.Location, "location", m.Location, "name of the cluster's own location")
	s.StringArrayVar(&f.templates, "template", nil,
		"NAME=GROUP[,tail=GROUP][,head=GROUP][,replication=N], instead of the default templates; repeatable")
	s.StringArrayVar(&f.locations, "remote-location", nil,
		"ID=NAME of a known location, instead of the default one; repeatable")
}

func (f *serveFlags) addBehaviour(s *pflag.FlagSet) {
	b := &f.behaviour
	s.DurationVar(&b.DeleteDelay, "delete-delay", 0, "how long a deleted snapshot with a child lingers as *name")
	s.DurationVar(&b.TransientLifetime, "transient-lifetime", 0, "how long the snapshot made by baseOn stays")
	s.DurationVar(&b.RemoteCopy, "remote-copy", 0, "how long the copy of an object from another location takes")
	s.BoolVar(&b.RevertResetsLimits, "revert-resets-limits", false, "a revert sets the limits back to the template's")
	s.BoolVar(&b.RevertAttached, "revert-attached", false, "revert attached volumes instead of answering busy")
	s.BoolVar(&b.TimeoutSucceeds, "timeout-succeeds", false, "a reassign whose attachTimeout expires succeeds")
	s.BoolVar(&b.StrictTagValues, "strict-tag-values", false, "tag values must match [A-Za-z0-9_\\-.:]*")
	s.BoolVar(&b.AnonymousAtNames, "anonymous-at-names", false, "anonymous snapshots of nameless volumes are named <gid>@N")
	s.Int64Var(&b.SizeGranularity, "size-granularity", 0, "bytes that sizes are multiples of (default 512)")
	s.Int64Var(&b.MaxVolumeSize, "max-volume-size", 0, "bytes (default what the placement groups hold)")
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "SPSIM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment gives flags that were not set the values of their variables. A repeatable flag takes several
// values separated by semicolons.
func (f *serveFlags) fromEnvironment(lookup func(string) (string, bool)) error {
	var errs []error
	f.set.VisitAll(func(fl *pflag.Flag) {
		value, ok := lookup(variable(fl.Name))
		if !ok || fl.Changed {
			return
		}
		values := []string{value}
		if fl.Value.Type() == "stringArray" {
			values = strings.Split(value, ";")
		}
		for _, v := range values {
			if err := f.set.Set(fl.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("variable %s: %w", variable(fl.Name), err))
			}
		}
	})
	return errors.Join(errs...)
}

func (f *serveFlags) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: use debug, info, warn or error", f.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	default:
		return nil, fmt.Errorf("--log-format %q: use text or json", f.logFormat)
	}
}

// options turns the flags into options of the emulator.
func (f *serveFlags) options(log *slog.Logger) ([]emulator.Option, error) {
	const maxPort = 65535
	if f.port < 0 || f.port > maxPort {
		return nil, fmt.Errorf("--port %d is not in 0..%d", f.port, maxPort)
	}
	model, err := f.wholeModel()
	if err != nil {
		return nil, err
	}
	opts := []emulator.Option{
		emulator.WithListen(net.JoinHostPort(f.host, strconv.Itoa(f.port))),
		emulator.WithToken(f.token), emulator.WithCluster(f.clusterID, f.clusterName), emulator.WithSeed(f.seed),
		emulator.WithStatus(emulator.StatusProfile(f.status)), emulator.WithJournal(f.journal),
		emulator.WithMaxBody(f.maxBody), emulator.WithModel(model), emulator.WithBehaviour(f.behaviour),
		emulator.WithLog(log),
	}
	if f.admin != "" {
		opts = append(opts, emulator.WithAdmin(f.admin))
	}
	if opts, err = f.clockOption(opts); err != nil {
		return nil, err
	}
	if f.strict {
		opts = append(opts, emulator.WithStrict())
	}
	if f.state != "" {
		opts = append(opts, emulator.WithState(f.state), emulator.WithStateDelay(f.stateDelay))
	}
	return opts, nil
}

// The clocks of the serve command.
const (
	clockReal    = "real"
	clockVirtual = "virtual"
)

// clockOption adds the clock.
func (f *serveFlags) clockOption(opts []emulator.Option) ([]emulator.Option, error) {
	switch {
	case f.clock == clockReal && f.clockStart != "":
		return nil, errors.New("--clock-start needs --clock virtual: the real clock begins now")
	case f.clock == clockReal:
		return opts, nil
	case f.clock != clockVirtual:
		return nil, fmt.Errorf("--clock %q: use %s or %s", f.clock, clockReal, clockVirtual)
	}
	begin := clock.Real{}.Now()
	if f.clockStart != "" {
		var err error
		if begin, err = time.Parse(time.RFC3339, f.clockStart); err != nil {
			return nil, fmt.Errorf("--clock-start %q: write it like 2026-01-31T12:00:00Z", f.clockStart)
		}
	}
	return append(opts, emulator.WithClock(clock.NewStill(begin))), nil
}

// wholeModel is the model of the file, changed by the flags that were set.
func (f *serveFlags) wholeModel() (cluster.Model, error) {
	if f.modelFile != "" {
		if err := f.load(); err != nil {
			return cluster.Model{}, fmt.Errorf("--model %s: %w", f.modelFile, err)
		}
	}
	for i, text := range f.templates {
		t, err := parseTemplate(text)
		if err != nil {
			return cluster.Model{}, err
		}
		f.model.Templates = append(f.model.Templates[:min(i, len(f.model.Templates))], t)
	}
	if len(f.locations) > 0 {
		f.model.Locations = nil
	}
	for _, text := range f.locations {
		id, name, ok := strings.Cut(text, "=")
		if !ok {
			return cluster.Model{}, fmt.Errorf("--remote-location %q: use ID=NAME", text)
		}
		f.model.Locations = append(f.model.Locations, cluster.ModelLocation{ID: id, Name: name})
	}
	if err := f.model.Validate(); err != nil {
		return cluster.Model{}, fmt.Errorf("model: %w", err)
	}
	return f.model, nil
}

// load takes the model and the decisions from the file, and sets the flags that were set again.
func (f *serveFlags) load() error {
	text, err := os.ReadFile(f.modelFile)
	if err != nil {
		return err
	}
	doc, err := emulator.ParseDocument(text)
	if err != nil {
		return err
	}
	given := map[*pflag.Flag]string{}
	f.set.Visit(func(fl *pflag.Flag) {
		if fl.Value.Type() != "stringArray" {
			given[fl] = fl.Value.String()
		}
	})
	f.model, f.behaviour = doc.Model, doc.Behaviour.Cluster()
	f.documentMembers = doc.Members
	f.status, f.strict = string(doc.Behaviour.Status), doc.Behaviour.Strict
	for fl, value := range given {
		if err := fl.Value.Set(value); err != nil {
			return fmt.Errorf("--%s: %w", fl.Name, err)
		}
	}
	return nil
}

// parseTemplate reads NAME=GROUP[,tail=GROUP][,head=GROUP][,replication=N].
func parseTemplate(text string) (cluster.ModelTemplate, error) {
	bad := fmt.Errorf("--template %q: use NAME=GROUP[,tail=GROUP][,head=GROUP][,replication=N]", text)
	head, rest, _ := strings.Cut(text, ",")
	name, group, ok := strings.Cut(head, "=")
	if !ok {
		return cluster.ModelTemplate{}, bad
	}
	t := cluster.ModelTemplate{Name: name, PlaceAll: group}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "":
		case "tail":
			t.PlaceTail = value
		case "head":
			t.PlaceHead = value
		case "replication":
			n, err := strconv.Atoi(value)
			if err != nil {
				return cluster.ModelTemplate{}, bad
			}
			t.Replication = n
		default:
			return cluster.ModelTemplate{}, bad
		}
	}
	return t, nil
}
