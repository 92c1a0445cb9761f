package world

import (
	"context"
	"log/slog"

	"github.com/spsim/spsim/emulator/cluster"
)

// Options says what [New] builds. Zero members have defaults.
type Options struct {
	// Seed decides everything that looks random; 1 when 0.
	Seed int64
	// Driver selects quirks as quirk.Parse reads them: "" for none, "upstream" for all, or ids parted by commas. Each
	// room (driver, agents, CloudStack's core) takes those it knows.
	Driver string
	// Hosts is the number of KVM hosts; 2 when 0. Their StorPool client ids are 1, 2 and so on.
	Hosts int
	// Clusters is the number of CloudStack clusters that the hosts are spread over in turn; 1 when 0.
	Clusters int
	// Template is the placement template of the pool; "hdd" when empty.
	Template string
	// NoPool leaves the pool out, for scenarios that create one.
	NoPool bool
	// NoSecondary leaves secondary storage out.
	NoSecondary bool
	// Throughput is the speed of copies on hosts in bytes a second of the world's clock; 0 lets them take no time.
	Throughput int64
	// Behaviour changes what the emulator does where no public source settles it.
	Behaviour cluster.Behaviour
	// Target is the StorPool to run on; an emulator of the world's own when nil.
	Target Target
	// AtStep is called at each step of a driver operation; an error stops the driver there as a crash would. See
	// [World.CrashAt] for the common case.
	AtStep func(ctx context.Context, action, step string) error
	// AtCall is called before each StorPool call of a management server or a host, and AtHostStep before each step of a
	// host's command. They may block.
	AtCall     func(caller, call, object string)
	AtHostStep func(host, command, step string)
	// Log receives what driver, hosts and management server do; nothing when nil.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Hosts == 0 {
		o.Hosts = 2
	}
	if o.Clusters == 0 {
		o.Clusters = 1
	}
	if o.Template == "" {
		o.Template = "hdd"
	}
	return o
}
