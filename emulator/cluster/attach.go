package cluster

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// binding is a live attachment.
type binding struct {
	node *node
	seat // of the client, who may be of another cluster than the node
	host *client
	seq  int64
	view *Attachment // guarded by the lock of the cluster
	open atomic.Int32

	io     sync.RWMutex // held for reading during I/O, so that a detach waits for what is under way
	rights Rights       // guarded by io; "" once detached
}

func (b *binding) busy() error {
	return refuse(Busy, "'%s' is open at client %d", b.node.shown(), b.client)
}

// seat is a place where a volume may be attached: a client of a cluster.
type seat struct {
	at     *Cluster
	client int
}

// permit sets the rights, "" for none, once no I/O is under way.
func (b *binding) permit(r Rights) {
	b.io.Lock()
	b.rights = r
	b.io.Unlock()
}

// rebind publishes the attachment with these rights.
func (b *binding) rebind(r Rights) {
	view := *b.view
	view.Rights, view.Snapshot = r, b.node.obj.Load().IsSnapshot()
	b.view = &view
	b.permit(r)
	b.at.attachments.Set(b.seq, b.view)
}

// bind attaches an object to a client of the cluster.
func (c *Cluster) bind(n *node, cl *client, r Rights) {
	c.lastBinding++
	c.bindAt(n, cl, c.lastBinding, cl.takeSlot(), r)
}

// bindAt is bind with a number and a slot that are taken already.
func (c *Cluster) bindAt(n *node, cl *client, seq int64, pos int, r Rights) {
	b := &binding{node: n, seat: seat{c, cl.id}, host: cl, seq: seq, view: &Attachment{
		GlobalID: n.obj.Load().GlobalID, Client: cl.id, Pos: pos, node: n,
	}}
	n.held = append(n.held, b)
	b.rebind(r)
}

func (b *binding) unbind() {
	b.permit("")
	n := b.node
	n.held = slices.DeleteFunc(n.held, func(o *binding) bool { return o == b })
	if len(n.held) == 0 {
		n.held = nil
	}
	b.at.clients[b.client].freeSlot(b.view.Pos)
	b.at.attachments.Delete(b.seq)
}

// Attachments lists all attachments to clients of the cluster, oldest first.
func (c *Cluster) Attachments() List[*Attachment] {
	c.lock()
	defer c.mu.Unlock()
	return List[*Attachment]{c.attachments.Copy()}
}

// AttachmentsOf lists the attachments of the object with this global id, oldest first; clients of other clusters
// included.
func (c *Cluster) AttachmentsOf(gid string) []*Attachment {
	c.rlock()
	defer c.mu.RUnlock()
	n := c.byGlobalID(gid)
	if n == nil {
		return nil
	}
	var all []*Attachment
	for _, b := range n.held {
		all = append(all, b.view)
	}
	return all
}

// Reassign changes attachments, all of them or none (storpool-api 7.2). The clients are those of this cluster, the
// objects those that live here or are attached here. Errors: [ObjectDoesNotExist]; [Busy] for a device that is open
// and not forced, or that is attached in another cluster; [InvalidParam], with the text [NoSuchClient] for an unknown
// client.
func (c *Cluster) Reassign(items []Assignment) error {
	_, err := c.reassign(items)
	return err
}

// ReassignWait is [Cluster.Reassign] that waits until the clients that it touches have applied the change.
// Those that are down have timeout to come back: nil is for ever, 0 not at all. A client that is down does
// not hold up a forced detach. Error, besides those of Reassign: [Timeout], and the change stays.
func (c *Cluster) ReassignWait(ctx context.Context, items []Assignment, timeout *time.Duration) error {
	touched, err := c.reassign(items)
	if err != nil || timeout != nil && *timeout <= 0 {
		return err
	}
	wait := ctx
	if timeout != nil {
		var cancel context.CancelFunc
		wait, cancel = c.clock.WithTimeout(ctx, *timeout)
		defer cancel()
	}
	for _, t := range touched {
		if err := t.at.awaitClient(wait, t.client); err == nil {
			continue
		} else if ctx.Err() != nil {
			return err
		}
		if c.does.TimeoutSucceeds {
			return nil
		}
		return refuse(Timeout, "Client %d did not apply the change within %s", t.client, *timeout)
	}
	return nil
}
