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
	node   *node
	client int
	host   *client
	seq    int64
	view   *Attachment // guarded by the lock of the cluster
	open   atomic.Int32

	io     sync.RWMutex // held for reading during I/O, so that a detach waits for what is under way
	rights Rights       // guarded by io; "" once detached
}

func (b *binding) busy() error {
	return refuse(Busy, "'%s' is open at client %d", b.node.shown(), b.client)
}

// permit sets the rights, "" for none, once no I/O is under way.
func (b *binding) permit(r Rights) {
	b.io.Lock()
	b.rights = r
	b.io.Unlock()
}

// rebind publishes the attachment with these rights.
func (c *Cluster) rebind(b *binding, r Rights) {
	view := *b.view
	view.Rights, view.Snapshot = r, b.node.obj.Load().IsSnapshot()
	b.view = &view
	b.permit(r)
	c.attachments.Set(b.seq, b.view)
}

func (c *Cluster) bind(n *node, cl *client, r Rights) {
	c.lastBinding++
	c.bindAt(n, cl, c.lastBinding, cl.takeSlot(), r)
}

// bindAt is bind with a number and a slot that are taken already.
func (c *Cluster) bindAt(n *node, cl *client, seq int64, pos int, r Rights) {
	b := &binding{node: n, client: cl.id, host: cl, seq: seq, view: &Attachment{
		GlobalID: n.obj.Load().GlobalID, Client: cl.id, Pos: pos, node: n,
	}}
	n.held = append(n.held, b)
	c.rebind(b, r)
}

func (c *Cluster) unbind(b *binding) {
	b.permit("")
	n := b.node
	n.held = slices.DeleteFunc(n.held, func(o *binding) bool { return o == b })
	if len(n.held) == 0 {
		n.held = nil
	}
	c.clients[b.client].freeSlot(b.view.Pos)
	c.attachments.Delete(b.seq)
}

// Attachments lists all attachments, oldest first.
func (c *Cluster) Attachments() List[*Attachment] {
	c.lock()
	defer c.mu.Unlock()
	return List[*Attachment]{c.attachments.Copy()}
}

// AttachmentsOf lists the attachments of the object with this global id, oldest first.
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

// Reassign changes attachments, all of them or none (storpool-api 7.2). Errors: [ObjectDoesNotExist]; [Busy]
// for a device that is open and not forced; [InvalidParam], with the text [NoSuchClient] for an unknown client.
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
	for _, id := range touched {
		if err := c.awaitClient(wait, id); err == nil {
			continue
		} else if ctx.Err() != nil {
			return err
		}
		if c.does.TimeoutSucceeds {
			return nil
		}
		return refuse(Timeout, "Client %d did not apply the change within %s", id, *timeout)
	}
	return nil
}

func (c *Cluster) reassign(items []Assignment) (touched []int, err error) {
	c.lock()
	defer c.mu.Unlock()
	p := plan{c: c, of: map[*node]*claims{}, slots: map[int]int{}, touched: map[int]bool{}}
	for _, item := range items {
		if err := p.add(item); err != nil {
			return nil, err
		}
	}
	if err := p.checkSlots(); err != nil {
		return nil, err
	}
	if p.apply() {
		c.changed()
	}
	for _, id := range c.clientIDs {
		if p.touched[id] {
			touched = append(touched, id)
		}
	}
	return touched, nil
}

// plan is a reassign that is being checked.
type plan struct {
	c       *Cluster
	order   []*claims
	of      map[*node]*claims
	slots   map[int]int // client -> attachments more than now
	touched map[int]bool
}

// claims are the attachments that an object is going to have.
type claims struct {
	node   *node
	rights map[int]Rights // by client
	order  []int          // of clients, oldest first
}

func (p *plan) add(a Assignment) error {
	n, err := p.object(a)
	if err != nil {
		return err
	}
	if err := p.checkClients(a); err != nil {
		return err
	}
	s := n.obj.Load().Snap
	if s != nil && s.Transient && len(a.RO)+len(a.RW) > 0 {
		return refuse(InvalidParam, "Snapshot '%s' is transient", n.shown())
	}
	cl := p.claimsOf(n)
	for _, id := range slices.Clone(cl.order) {
		kept := slices.Contains(a.RO, id) || slices.Contains(a.RW, id)
		if kept || !a.DetachAll && !slices.Contains(a.Detach, id) {
			continue
		}
		if b := n.binding(id); b != nil && b.open.Load() > 0 && !a.Force {
			return b.busy()
		}
		p.drop(cl, id, a.Force)
	}
	for _, id := range a.RO {
		p.claim(cl, id, ReadOnly)
	}
	for _, id := range a.RW {
		if s != nil { // snapshots are read-only, whatever a client asks for
			p.claim(cl, id, ReadOnly)
		} else {
			p.claim(cl, id, ReadWrite)
		}
	}
	return nil
}

func (p *plan) object(a Assignment) (*node, error) {
	switch {
	case a.Volume != "" && a.Snapshot != "":
		return nil, refuse(InvalidParam, "Both volume and snapshot are given")
	case a.Volume != "":
		return p.c.volume(a.Volume)
	case a.Snapshot != "":
		return p.c.snapshot(a.Snapshot)
	}
	return nil, refuse(InvalidParam, "Neither volume nor snapshot is given")
}

func (p *plan) checkClients(a Assignment) error {
	for _, id := range slices.Concat(a.RO, a.RW) {
		if p.c.clients[id] == nil {
			return &Error{Name: InvalidParam, Descr: NoSuchClient}
		}
	}
	for _, id := range a.RO {
		if slices.Contains(a.RW, id) {
			return refuse(InvalidParam, "Client %d is in both ro and rw", id)
		}
	}
	return nil
}

func (p *plan) claimsOf(n *node) *claims {
	if cl := p.of[n]; cl != nil {
		return cl
	}
	cl := &claims{node: n, rights: map[int]Rights{}}
	for _, b := range n.held {
		cl.rights[b.client] = b.view.Rights
		cl.order = append(cl.order, b.client)
	}
	p.of[n] = cl
	p.order = append(p.order, cl)
	return cl
}

func (p *plan) drop(cl *claims, id int, force bool) {
	delete(cl.rights, id)
	cl.order = slices.DeleteFunc(cl.order, func(o int) bool { return o == id })
	p.slots[id]--
	if !force {
		p.touched[id] = true
	}
}

func (p *plan) claim(cl *claims, id int, r Rights) {
	old, has := cl.rights[id]
	if has && old == r {
		return
	}
	if !has {
		cl.order = append(cl.order, id)
		p.slots[id]++
	}
	cl.rights[id] = r
	p.touched[id] = true
}

func (p *plan) checkSlots() error {
	for _, id := range p.c.clientIDs {
		if more := p.slots[id]; more > 0 && p.c.clients[id].attached+more > slotsOfClient {
			return refuse(InvalidParam, "Client %d has no free slot", id)
		}
	}
	return nil
}

// apply detaches first, so that the slots are free, and tells whether anything changed.
func (p *plan) apply() (changed bool) {
	for _, cl := range p.order {
		for _, b := range slices.Clone(cl.node.held) {
			if _, stays := cl.rights[b.client]; !stays {
				p.c.unbind(b)
				changed = true
			}
		}
	}
	for _, cl := range p.order {
		for _, id := range cl.order {
			switch b := cl.node.binding(id); {
			case b == nil:
				p.c.bind(cl.node, p.c.clients[id], cl.rights[id])
			case b.view.Rights != cl.rights[id]:
				p.c.rebind(b, cl.rights[id])
			default:
				continue
			}
			changed = true
		}
	}
	for _, cl := range p.order {
		p.c.reconsider(cl.node)
	}
	return changed
}
