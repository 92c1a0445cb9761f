package agentsim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
)

// The heartbeat loop of CloudStack's agent (agent 6).
const (
	heartbeatEvery = time.Minute
	heartbeatTries = 5
	heartbeatPause = 10 * time.Second
)

const running = "running"

// checkHeartbeat asks whether StorPool lists the client of a host as running (agent 6).
type checkHeartbeat struct{ agentapi.CheckHeartbeat }

func (c checkHeartbeat) run(r *run) *agentapi.Answer {
	state := agentapi.HostUnknown
	err := r.step("ask", func(ctx context.Context) (err error) {
		state, err = r.host.heartbeat(ctx, c.NodeID)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return succeeded(agentapi.Heartbeat{State: state})
}

// heartbeat tells what StorPool says of the client of a node id; "" is the host's own. A call that fails and an
// answer that does not name the client tell nothing of it.
func (h *Host) heartbeat(ctx context.Context, node string) (agentapi.HostState, error) {
	services, err := h.cfg.API.ServicesList(ctx)
	if err != nil {
		return h.rules.heartbeatFailed(err), nil
	}
	if node == "" {
		node = h.conf("SP_OURID")
	}
	id, err := strconv.Atoi(node)
	if err != nil {
		return h.rules.heartbeatBroken(fmt.Errorf("node id of host %s: %w", h.cfg.Name, err))
	}
	if services.Clients == nil {
		return h.rules.heartbeatBroken(errors.New("the service list has no clients"))
	}
	for _, key := range slices.Sorted(maps.Keys(services.Clients)) {
		c := services.Clients[key]
		switch {
		case c.NodeID != id:
		case c.Status == running:
			return agentapi.HostUp, nil
		default:
			return agentapi.HostDown, nil
		}
	}
	return agentapi.HostUnknown, nil
}

// Heartbeat is one round of the monitor loop: up to five questions ten seconds apart, and a reboot when StorPool says
// each time that the client here is down and no device of the host answers any more. It gives the last state. A host
// that no pool of StorPool is registered with asks nothing: what became of StorPool is none of its concern. Once a
// quirk has ended the thread, every round is an error and does nothing.
func (h *Host) Heartbeat(ctx context.Context) (agentapi.HostState, error) {
	h.mu.Lock()
	dead, watched := h.monitor, len(h.pools) > 0
	h.mu.Unlock()
	if dead != nil {
		return agentapi.HostUnknown, fmt.Errorf("the heartbeat thread of %s is dead: %w", h.cfg.Name, dead)
	}
	state := agentapi.HostUnknown
	if !watched {
		return state, nil
	}
	for try := range heartbeatTries {
		if try > 0 {
			if err := h.fleet.clock.Sleep(ctx, heartbeatPause); err != nil {
				return state, err
			}
		}
		var err error
		if state, err = h.heartbeat(ctx, ""); err != nil {
			h.mu.Lock()
			h.monitor = err
			h.mu.Unlock()
			return state, err
		}
		if state != agentapi.HostDown {
			return state, nil
		}
	}
	if !h.rules.confirmDown(ctx, h) {
		return agentapi.HostUnknown, nil
	}
	h.fence() //nolint:contextcheck // the life of an agent depends on no caller
	return state, nil
}

// fence reboots the host, or notes that it would.
func (h *Host) fence() {
	if !h.cfg.RecordReboots {
		h.Reboot()
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wishes++
}

// RebootWishes counts how often a host with HostConfig.RecordReboots would have rebooted itself.
func (h *Host) RebootWishes() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wishes
}

// HasHeartbeat tells whether StorPool lists the client of a node as running; "" is the host's own (agent 6). What is not
// known to be down has a heartbeat.
func (a *Adaptor) HasHeartbeat(ctx context.Context, node string) bool {
	state, err := a.host.heartbeat(ctx, node)
	return err == nil && state != agentapi.HostDown
}

// CreateHeartbeatCommand is one look of the monitor loop: true means that the host is down. Unless it is only
// validated, a host that is down reboots.
func (a *Adaptor) CreateHeartbeatCommand(ctx context.Context, validationOnly bool) bool {
	if a.HasHeartbeat(ctx, "") {
		return false
	}
	if !validationOnly {
		a.host.fence() //nolint:contextcheck // the life of an agent depends on no caller
	}
	return true
}

// HasVMActivity asks the same as [Adaptor.HasHeartbeat].
func (a *Adaptor) HasVMActivity(ctx context.Context, node string) bool {
	return a.HasHeartbeat(ctx, node)
}

// Monitor repeats [Host.Heartbeat] every minute until ctx ends or the thread dies, and gives the reason.
func (h *Host) Monitor(ctx context.Context) error {
	for {
		if _, err := h.Heartbeat(ctx); err != nil {
			return err
		}
		if err := h.fleet.clock.Sleep(ctx, heartbeatEvery); err != nil {
			return err
		}
	}
}

// devicesDead tells that no device in use here answers a read: the storage is really gone.
func devicesDead(ctx context.Context, h *Host) bool {
	h.mu.Lock()
	guests := slices.Collect(maps.Values(h.guests))
	h.mu.Unlock()
	for _, g := range guests {
		for _, path := range g.Paths() {
			d, err := h.open(ctx, path)
			if err != nil {
				continue
			}
			_, err = d.ReadAt(make([]byte, 512), 0)
			if errors.Join(err, d.Close()) == nil {
				return false
			}
		}
	}
	return true
}
