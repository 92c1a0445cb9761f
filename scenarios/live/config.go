package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spsim/spsim/agentsim/hosttools"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/admin"
)

// ErrUsage is wrapped by errors about a configuration that cannot work.
var ErrUsage = errors.New("wrong target")

// Config says where the StorPool is and what of it may be used.
type Config struct {
	// Name is how reports call the target: emulator or live.
	Name string
	// API is host:port of the API, or https://host:port.
	API   string
	Token string
	// Admin is the URL of the admin API of an emulator; empty for a cluster that has none. It shows devices.
	Admin string
	// Template and Second are placement templates of the cluster that stand for hdd and ssd of the scenarios. Without
	// Template the cluster's own hdd and ssd are used, and hybrid if it has it.
	Template, Second string
	// Clients are the StorPool client ids that the hosts of the scenarios have, the first host's first. Without any, all
	// running clients are used.
	Clients []int
	// Journal is the file that says what to remove should the run be killed.
	Journal string
	// Host are the programs of this machine, which is a client of the cluster and the only one that is used then: its devices
	// are opened. Nil when it is none.
	Host *hosttools.Programs
	// Transport carries the calls; one of its own when nil.
	Transport http.RoundTripper
}

// Capabilities are what a target can do.
type Capabilities struct {
	Cluster   string // its id
	Clients   []int  // those that hosts may use
	Templates map[string]string
	// Devices tells whether the bytes of attached volumes can be read and written.
	Devices bool
	// Clock tells whether StorPool's clock can be moved.
	Clock bool
	// Status is what the cluster says of itself.
	Status string
	// Volumes and Snapshots were there before.
	Volumes, Snapshots int
}

// standsFor are the placement templates that scenarios name.
func standsFor() [3]string { return [...]string{"hdd", "ssd", "hybrid"} }

// detect asks the cluster; it changes nothing.
func detect(ctx context.Context, cfg Config, api *spapi.Client) (c Capabilities, err error) {
	services, err := api.ServicesList(ctx)
	if err != nil {
		var refused *spapi.Error
		if errors.As(err, &refused) && refused.Name == "accessDenied" {
			return c, fmt.Errorf("%w: the API at %s refuses the token: %w", ErrUsage, cfg.API, err)
		}
		return c, fmt.Errorf("%w: no StorPool API answers at %s: %w", ErrUsage, cfg.API, err)
	}
	c.Status = services.ClusterStatus
	if cfg.Host != nil {
		if cfg.Clients, err = thisMachine(ctx, cfg); err != nil {
			return c, err
		}
	}
	if c.Clients, err = clients(cfg, services); err != nil {
		return c, err
	}
	if c.Templates, err = templates(ctx, cfg, api); err != nil {
		return c, err
	}
	if c.Cluster, err = api.ClusterID(ctx); err != nil {
		return c, fmt.Errorf("ask for the cluster's id: %w", err)
	}
	if cfg.Admin == "" {
		c.Devices = cfg.Host != nil
		return c, nil
	}
	a, err := admin.New(cfg.Admin, cfg.Token)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	health, err := a.Health(ctx)
	if err != nil {
		return c, fmt.Errorf("%w: no admin API answers at %s: %w", ErrUsage, cfg.Admin, err)
	}
	if c.Cluster == "" {
		c.Cluster = health.Cluster
	}
	if health.Cluster != c.Cluster {
		return c, fmt.Errorf("%w: the admin API at %s is that of cluster %s, the API at %s that of %s", ErrUsage,
			cfg.Admin, health.Cluster, cfg.API, c.Cluster)
	}
	now, err := a.Clock(ctx)
	if err != nil {
		return c, fmt.Errorf("ask for StorPool's clock: %w", err)
	}
	c.Devices, c.Clock = true, now.Virtual
	return c, nil
}

// thisMachine is the client that this machine is. Another one's devices are not here.
func thisMachine(ctx context.Context, cfg Config) ([]int, error) {
	conf, err := cfg.Host.Conf(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: this machine is no client of a StorPool cluster: %w", ErrUsage, err)
	}
	for _, line := range conf {
		text, ok := strings.CutPrefix(line, "SP_OURID=")
		if !ok {
			continue
		}
		id, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%w: SP_OURID of this machine is no number: %w", ErrUsage, err)
		}
		if len(cfg.Clients) > 0 && !slices.Equal(cfg.Clients, []int{id}) {
			return nil, fmt.Errorf("%w: this machine is client %d, and only its devices can be opened: leave %v out", ErrUsage, id, cfg.Clients)
		}
		return []int{id}, nil
	}
	return nil, fmt.Errorf("%w: the configuration of this machine has no SP_OURID", ErrUsage)
}

// clients are the clients that hosts may use: those that were named, or all that run, in their order.
func clients(cfg Config, s spapi.Services) (out []int, err error) {
	running := map[int]bool{}
	for key, service := range s.Clients {
		id := service.ID
		if id == 0 {
			if id, err = strconv.Atoi(key); err != nil {
				return nil, fmt.Errorf("the cluster names a client %q: %w", key, err)
			}
		}
		running[id] = service.Status == "running"
		if running[id] {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	if len(cfg.Clients) == 0 {
		return out, nil
	}
	for _, id := range cfg.Clients {
		if !running[id] {
			return nil, fmt.Errorf("%w: client %d of the cluster does not run; these do: %v", ErrUsage, id, out)
		}
	}
	return cfg.Clients, nil
}

// templates maps the scenarios' placement templates to those of the cluster.
func templates(ctx context.Context, cfg Config, api *spapi.Client) (map[string]string, error) {
	out := map[string]string{}
	has := func(name string) (bool, error) {
		_, err := api.VolumeTemplateDescribe(ctx, name)
		if errors.Is(err, spapi.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	if cfg.Template == "" {
		for _, name := range standsFor() {
			there, err := has(name)
			if err != nil {
				return nil, fmt.Errorf("describe the template %s: %w", name, err)
			}
			if there {
				out[name] = name
			}
		}
		if out[standsFor()[0]] == "" {
			return nil, fmt.Errorf("%w: the cluster has no placement template %s: name one with --template", ErrUsage, standsFor()[0])
		}
		return out, nil
	}
	for i, name := range []string{cfg.Template, cfg.Second} {
		if name == "" {
			continue
		}
		there, err := has(name)
		if err != nil {
			return nil, fmt.Errorf("describe the template %s: %w", name, err)
		}
		if !there {
			return nil, fmt.Errorf("%w: the cluster has no placement template %q", ErrUsage, name)
		}
		out[standsFor()[i]] = name
	}
	if cfg.Template == cfg.Second {
		return nil, fmt.Errorf("%w: --template and --second-template are the same", ErrUsage)
	}
	return out, nil
}
