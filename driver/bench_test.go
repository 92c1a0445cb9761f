package driver

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/internal/clock"
)

const (
	poolToken = "t0k3n"
	poolURL   = "SP_API_HTTP=10.0.0.1:81;SP_AUTH_TOKEN=" + poolToken + ";SP_TEMPLATE=hdd"
)

// bench is a driver with all that it needs: an inventory with a zone, a cluster and two hosts (ids 1), a fake StorPool and hosts
// that say yes.
type bench struct {
	*Driver
	t      *testing.T
	sp     *fakeStorPool
	hosts  *fakeHosts
	time   *clock.Virtual
	lines  *bytes.Buffer // of the log
	config Config
}

// newBench makes a bench; quirks as for --driver.
func newBench(t *testing.T, quirks string) *bench {
	t.Helper()
	set, err := quirk.Parse(quirks, Quirks())
	require.NoError(t, err)
	b := &bench{
		t: t, sp: newFakeStorPool(), hosts: &fakeHosts{}, lines: &bytes.Buffer{},
		time: clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
	count := 0
	b.config = Config{
		Inventory: inventory.New(), Agents: b.hosts, Clock: b.time, Transport: b.sp, Quirks: set,
		Log:   slog.New(slog.NewTextHandler(b.lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
		NewID: func() string { count++; return fmt.Sprintf("id-%d", count) },
	}
	b.restart()
	b.change(func(tx *inventory.Tx) {
		tx.Zones.Put(inventory.Zone{Name: "zone"})
		tx.Clusters.Put(inventory.Cluster{Zone: 1})
		for range 2 {
			tx.Hosts.Put(inventory.Host{Zone: 1, Cluster: 1, State: inventory.HostUp})
		}
	})
	return b
}

// restart is a management server that comes up again with the same inventory.
func (b *bench) restart() {
	b.t.Helper()
	d, err := New(b.config)
	require.NoError(b.t, err)
	b.Driver = d
}

// crashAt makes the driver stop at its n-th step from here, counted from 0, until the next restart.
func (b *bench) crashAt(n int) {
	b.t.Helper()
	cfg := b.config
	cfg.AtStep = func(_ context.Context, action, step string) error {
		n--
		if n < 0 {
			return fmt.Errorf("killed at %s/%s", action, step)
		}
		return nil
	}
	d, err := New(cfg)
	require.NoError(b.t, err)
	b.Driver = d
}

// steps runs f and returns the steps of the operations that it makes, as action and step.
func (b *bench) steps(f func()) (out [][2]string) {
	b.t.Helper()
	cfg := b.config
	cfg.AtStep = func(_ context.Context, a, s string) error {
		out = append(out, [2]string{a, s})
		return nil
	}
	d, err := New(cfg)
	require.NoError(b.t, err)
	b.Driver = d
	f()
	b.restart()
	return out
}

func (b *bench) change(f func(tx *inventory.Tx)) {
	b.t.Helper()
	require.NoError(b.t, b.inv.Update(func(tx *inventory.Tx) error { f(tx); return nil }))
}

func (b *bench) view(f func(tx *inventory.Tx)) {
	b.t.Helper()
	require.NoError(b.t, b.inv.View(func(tx *inventory.Tx) error { f(tx); return nil }))
}

// pool registers a pool without hosts.
func (b *bench) pool() inventory.ID {
	b.t.Helper()
	id, err := b.Initialize(b.t.Context(), PoolRequest{Name: "p", Zone: 1, URL: poolURL, Capacity: 1 << 40})
	require.NoError(b.t, err)
	b.sp.made()
	return id
}

// details returns the details of a pool.
func (b *bench) details(pool inventory.ID) (out map[string]string) {
	b.t.Helper()
	b.view(func(tx *inventory.Tx) { out = tx.Details.Of(inventory.Owner{Kind: inventory.OfPool, ID: pool}) })
	return out
}

func (b *bench) row(pool inventory.ID) (out inventory.Pool) {
	b.t.Helper()
	b.view(func(tx *inventory.Tx) { out, _ = tx.Pools.Get(pool) })
	return out
}

// intents returns the actions of the open intents.
func (b *bench) intents() (out []string) {
	b.t.Helper()
	b.view(func(tx *inventory.Tx) {
		for _, i := range tx.Intents.All(nil) {
			out = append(out, i.Action)
		}
	})
	return out
}

// fakeHosts are hosts that say yes unless told otherwise.
type fakeHosts struct {
	mu     sync.Mutex
	Sent   []agentapi.Command
	To     []inventory.ID
	Answer func(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error)
}

// Send records a command and answers it.
func (h *fakeHosts) Send(_ context.Context, host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
	h.mu.Lock()
	h.Sent, h.To = append(h.Sent, cmd), append(h.To, host)
	answer := h.Answer
	h.mu.Unlock()
	if answer != nil {
		return answer(host, cmd)
	}
	return connected(host), nil
}

// connected is the answer of a host that has StorPool.
func connected(host inventory.ID) *agentapi.Answer {
	return &agentapi.Answer{OK: true, Payload: agentapi.PoolInfo{
		LocalPath: "//dev//storpool-byid", ClusterID: "a.b", ClientNodeID: fmt.Sprint(host), ClusterLocation: "west",
	}}
}
