package cluster

import (
	"context"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/spsim/spsim/internal/clock"
)

// client is a host that may attach volumes.
type client struct {
	id         int
	away       *clock.Event // fires when the client comes back; nil while it runs
	dead       atomic.Bool  // its devices cannot be used
	generation int64        // applied when it went away
	slots      [slotsOfClient / 64]uint64
	attached   int
}

// takeSlot returns the lowest free slot; the caller has checked that there is one.
func (cl *client) takeSlot() int {
	cl.attached++
	for i, used := range cl.slots {
		if used != ^uint64(0) {
			bit := bits.TrailingZeros64(^used)
			cl.slots[i] |= 1 << bit
			return i*64 + bit
		}
	}
	return 0
}

// occupy takes a certain slot, and tells whether it was free.
func (cl *client) occupy(pos int) bool {
	if pos < 0 || pos >= slotsOfClient || cl.slots[pos/64]&(1<<(pos%64)) != 0 {
		return false
	}
	cl.attached++
	cl.slots[pos/64] |= 1 << (pos % 64)
	return true
}

func (cl *client) freeSlot(pos int) {
	cl.attached--
	cl.slots[pos/64] &^= 1 << (pos % 64)
}

func (cl *client) status() ServiceStatus {
	if cl.away != nil {
		return Down
	}
	return Running
}

func (c *Cluster) client(id int) (*client, error) {
	if cl := c.clients[id]; cl != nil {
		return cl, nil
	}
	return nil, refuse(ObjectDoesNotExist, "Client %d does not exist", id)
}

// SetClientDown stops or starts a client: the condition [ClientDown] in other words. Error: [ObjectDoesNotExist].
func (c *Cluster) SetClientDown(id int, down bool) error {
	cond := Condition{Kind: ClientDown, ID: id}
	if down || !slices.Contains(c.Conditions(), cond) {
		if _, err := c.ClientConfig(id); err != nil || !down {
			return err
		}
		return c.SetCondition(cond)
	}
	return c.ClearCondition(cond)
}

// awaitClient returns nil as soon as the client runs.
func (c *Cluster) awaitClient(ctx context.Context, id int) error {
	for {
		c.mu.RLock()
		cl := c.clients[id]
		if cl == nil || cl.away == nil { // one that is missing went with the state that was replaced
			c.mu.RUnlock()
			return nil
		}
		away := cl.away
		c.mu.RUnlock()
		if err := away.Wait(ctx); err != nil {
			return err
		}
	}
}

// ClientsConfig compares every client's configuration with that of the cluster, by id.
func (c *Cluster) ClientsConfig() []ClientConfig {
	c.rlock()
	defer c.mu.RUnlock()
	all := make([]ClientConfig, 0, len(c.clientIDs))
	for _, id := range c.clientIDs {
		all = append(all, c.config(c.clients[id]))
	}
	return all
}

func (c *Cluster) config(cl *client) ClientConfig {
	now := c.Generation()
	if cl.away != nil {
		return ClientConfig{ID: cl.id, Generation: now, ClientGeneration: cl.generation, Status: string(Down)}
	}
	return ClientConfig{ID: cl.id, Generation: now, ClientGeneration: now, Status: "ok"}
}

// ClientConfig compares one client's configuration with that of the cluster, at once. Error:
// [ObjectDoesNotExist].
func (c *Cluster) ClientConfig(id int) (ClientConfig, error) {
	c.rlock()
	defer c.mu.RUnlock()
	cl, err := c.client(id)
	if err != nil {
		return ClientConfig{}, err
	}
	return c.config(cl), nil
}

// ClientConfigWait is ClientConfig once the client has applied the present generation: for a client that is
// down, when it is back. Errors: [ObjectDoesNotExist], and the end of ctx.
func (c *Cluster) ClientConfigWait(ctx context.Context, id int) (ClientConfig, error) {
	if _, err := c.ClientConfig(id); err != nil {
		return ClientConfig{}, err
	}
	since := c.now()
	if err := c.awaitClient(ctx, id); err != nil {
		return ClientConfig{}, err
	}
	config, err := c.ClientConfig(id)
	config.Delay = c.now().Sub(since).Milliseconds()
	return config, err
}

// Services lists the services of the cluster: one management service, the storage servers and the clients.
func (c *Cluster) Services() Services {
	c.rlock()
	defer c.mu.RUnlock()
	all := Services{Cluster: Running, Mgmt: []Service{c.service(1, Running)}}
	if !c.quorate() {
		all.Cluster = Waiting
	}
	all.Mgmt[0].Active = true
	for id := 1; id <= c.model.Servers; id++ {
		status := Running
		if c.suffers(ServerDown, id) {
			status = Down
		}
		all.Servers = append(all.Servers, c.service(id, status))
	}
	for _, id := range c.controllers() {
		all.ISCSI = append(all.ISCSI, c.service(id, Running))
	}
	for _, id := range c.clientIDs {
		all.Clients = append(all.Clients, c.service(id, c.clients[id].status()))
	}
	return all
}

func (c *Cluster) service(id int, status ServiceStatus) Service {
	return Service{ID: id, Node: id % maxNodes, Version: c.model.Version, StartTime: c.started, Status: status}
}
