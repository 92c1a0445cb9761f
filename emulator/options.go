package emulator

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// Option changes one thing about a new server. Options apply in order, so the last one wins.
type Option func(*config) error

// config is what the options make.
type config struct {
	id, name  string
	token     string
	seed      int64
	clock     clock.Clock
	model     cluster.Model
	behaviour cluster.Behaviour
	status    StatusProfile
	strict    bool
	listen    string
	admin     string
	log       *slog.Logger
	journal   int
	maxBody   int64

	federation *cluster.Federation // nil for a server on its own
	conditions []cluster.Condition

	state      string // path of the state file, "" for none
	stateDelay time.Duration
}

// The defaults that are not the model's.
const (
	DefaultClusterID   = "spsm.b"
	DefaultClusterName = "spsim1"
	// DefaultToken is the same for every server, so that a configuration written once keeps working.
	DefaultToken = "4417364221384713"
	// DefaultListen is a free port on the loopback interface.
	DefaultListen = "127.0.0.1:0"
	// DefaultJournal is the number of calls that [Server.Calls] keeps.
	DefaultJournal = 10_000
	// DefaultMaxBody is the largest request body in bytes.
	DefaultMaxBody = 8 << 20
)

func defaults() config {
	return config{
		id: DefaultClusterID, name: DefaultClusterName, token: DefaultToken, seed: 1,
		clock: clock.Real{}, model: cluster.DefaultModel(),
		status: StatusByName, listen: DefaultListen, admin: DefaultListen, log: slog.New(slog.DiscardHandler),
		journal: DefaultJournal, maxBody: DefaultMaxBody, stateDelay: DefaultStateDelay,
	}
}

// configOf applies the options to the defaults.
func configOf(opts []Option) (config, error) {
	cfg := defaults()
	for _, o := range opts {
		if err := o(&cfg); err != nil {
			return cfg, fmt.Errorf("emulator option: %w", err)
		}
	}
	return cfg, nil
}

// testStart is where the virtual clock of [Start] stands: 2023-11-14 22:13:20 UTC.
func testStart() time.Time { return time.Unix(1_700_000_000, 0).UTC() }

// WithCluster sets the id ("location.subcluster") and the name of the cluster.
func WithCluster(id, name string) Option {
	return func(c *config) error {
		c.id, c.name = id, name
		return nil
	}
}

// WithToken sets the only token that is let in.
func WithToken(token string) Option {
	return func(c *config) error {
		if token == "" {
			return errors.New("the token must not be empty")
		}
		c.token = token
		return nil
	}
}

// WithSeed sets the source of everything that looks random; the same seed and calls give the same bytes.
func WithSeed(seed int64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// WithClock sets the clock; the machine's for [New], a virtual one for [Start] unless given.
func WithClock(k clock.Clock) Option {
	return func(c *config) error {
		if k == nil {
			return errors.New("the clock must not be nil")
		}
		c.clock = k
		return nil
	}
}

// WithModel sets servers, disks, clients, placement groups, templates and locations.
func WithModel(m cluster.Model) Option {
	return func(c *config) error {
		c.model = m
		return nil
	}
}

// WithBehaviour sets the decisions that no public source settles (storpool-api 16).
func WithBehaviour(b cluster.Behaviour) Option {
	return func(c *config) error {
		c.behaviour = b
		return nil
	}
}

// WithStatus sets which HTTP status goes with an error.
func WithStatus(p StatusProfile) Option {
	return func(c *config) error {
		if err := p.check(); err != nil {
			return err
		}
		c.status = p
		return nil
	}
}

// WithStrict refuses request members that the operation does not know, instead of reporting them in the journal.
func WithStrict() Option {
	return func(c *config) error {
		c.strict = true
		return nil
	}
}

// WithListen sets the TCP address of the socket that [Server.URL] opens; port 0 takes a free one.
func WithListen(addr string) Option {
	return func(c *config) error {
		c.listen = addr
		return nil
	}
}

// WithAdmin sets the TCP address of the socket that [Server.ListenAdmin] opens; port 0 takes a free one. Without a host,
// as in ":7000", it is on the loopback interface: only an address that is written out is open to other machines.
func WithAdmin(addr string) Option {
	return func(c *config) error {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return fmt.Errorf("address of the admin API %q: %w", addr, err)
		}
		if host == "" {
			host = "127.0.0.1"
		}
		c.admin = net.JoinHostPort(host, port)
		return nil
	}
}

// WithLog sends one line per call to l.
func WithLog(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("the logger must not be nil")
		}
		c.log = l
		return nil
	}
}

// WithJournal sets how many calls [Server.Calls] keeps; 0 keeps none.
func WithJournal(calls int) Option {
	return func(c *config) error {
		if calls < 0 {
			return errors.New("the journal cannot keep less than no calls")
		}
		c.journal = calls
		return nil
	}
}

// WithMaxBody sets the largest request body in bytes.
func WithMaxBody(n int64) Option {
	return func(c *config) error {
		if n <= 0 {
			return errors.New("the largest body must be above 0 bytes")
		}
		c.maxBody = n
		return nil
	}
}
