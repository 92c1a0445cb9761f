package cluster

import (
	"cmp"
	"slices"
)

// reassign changes attachments and returns the clients that have to apply the change.
func (c *Cluster) reassign(items []Assignment) (touched []seat, err error) {
	c.lockAll()
	defer c.mu.Unlock()
	p := plan{c: c, of: map[*node]*claims{}, slots: map[seat]int{}, touched: map[seat]bool{}}
	for _, item := range items {
		if err := p.add(item); err != nil {
			return nil, err
		}
	}
	if err := p.checkSlots(); err != nil {
		return nil, err
	}
	p.apply()
	for t := range p.touched {
		touched = append(touched, t)
	}
	slices.SortFunc(touched, func(a, b seat) int {
		return cmp.Or(cmp.Compare(a.at.id, b.at.id), cmp.Compare(a.client, b.client))
	})
	return touched, nil
}

// plan is a reassign that is being checked.
type plan struct {
	c       *Cluster
	order   []*claims
	of      map[*node]*claims
	slots   map[seat]int // attachments more than now
	touched map[seat]bool
	names   map[string]bool // of volumes that move here
}

// claims are the attachments that an object is going to have.
type claims struct {
	node   *node
	rights map[seat]Rights
	order  []seat // oldest first
	moves  bool   // to the cluster of the plan
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
	if err := p.detach(cl, a); err != nil {
		return err
	}
	if len(a.RO)+len(a.RW) == 0 {
		return nil
	}
	if s == nil {
		if err := p.draw(cl, a); err != nil {
			return err
		}
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

// detach drops what the item detaches: "all" in every cluster, single clients in the plan's only.
func (p *plan) detach(cl *claims, a Assignment) error {
	for _, at := range slices.Clone(cl.order) {
		here := at.at == p.c
		kept := here && (slices.Contains(a.RO, at.client) || slices.Contains(a.RW, at.client))
		if named := here && slices.Contains(a.Detach, at.client); kept || !a.DetachAll && !named {
			continue
		}
		if b := cl.node.binding(at); b != nil && b.open.Load() > 0 && !a.Force {
			return b.busy()
		}
		p.drop(cl, at, a.Force)
	}
	return nil
}

// draw decides how a volume comes to the clients of the plan's cluster: it lives there, is moved there, or is left where
// it is and exported (storpool-api 9).
func (p *plan) draw(cl *claims, a Assignment) error {
	elsewhere, err := p.settle(cl, a.OnRemoteAttached)
	if err != nil {
		return err
	}
	n := cl.node
	exported := a.Export || a.AllowRemoteExported && n.exportedTo(p.c.id)
	if n.home() == p.c || cl.moves || elsewhere || exported {
		return nil
	}
	if err := p.c.checkMove(n); err != nil {
		return err
	}
	if name := n.shown(); addressable(name) {
		if p.names[name] {
			return refuse(ObjectExists, "Volume '%s' already exists", name)
		}
		if p.names == nil {
			p.names = map[string]bool{}
		}
		p.names[name] = true
	}
	cl.moves = true
	return nil
}

// settle does what is asked for while the volume is attached in other clusters, and tells whether it stays so.
func (p *plan) settle(cl *claims, on OnAttached) (elsewhere bool, err error) {
	for _, at := range slices.Clone(cl.order) {
		if at.at == p.c {
			continue
		}
		b := cl.node.binding(at)
		switch cmp.Or(on, OnAttachedExport) {
		case OnAttachedExport:
			elsewhere = true
		case OnAttachedFail:
			return false, refuse(Busy, "Volume '%s' is attached in cluster '%s'", cl.node.shown(), at.at.ownName())
		case OnAttachedDetach:
			if b != nil && b.open.Load() > 0 {
				return false, b.busy()
			}
			p.drop(cl, at, false)
		case OnAttachedDetachForce:
			p.drop(cl, at, true)
		default:
			return false, refuse(InvalidParam, "Invalid onRemoteAttached '%s'", on)
		}
	}
	return elsewhere, nil
}

// object finds the object of an item.
func (p *plan) object(a Assignment) (*node, error) {
	switch {
	case a.Volume != "" && a.Snapshot != "":
		return nil, refuse(InvalidParam, "Both volume and snapshot are given")
	case a.Volume != "":
		return p.find(a, a.Volume, "Volume", false)
	case a.Snapshot != "":
		return p.find(a, a.Snapshot, "Snapshot", true)
	}
	return nil, refuse(InvalidParam, "Neither volume nor snapshot is given")
}

// find finds an object here, or in the other clusters if the item says so or it is attached here.
func (p *plan) find(a Assignment, ref Ref, kind string, snapshot bool) (*node, error) {
	n, err := p.c.findAnywhere(ref, kind, snapshot)
	if err != nil || n.home() == p.c || a.Anywhere || a.AllowRemoteExported && n.exportedTo(p.c.id) {
		return n, err
	}
	if slices.ContainsFunc(n.held, func(b *binding) bool { return b.at == p.c }) {
		return n, nil
	}
	return nil, missing(kind, string(ref))
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
	cl := &claims{node: n, rights: map[seat]Rights{}}
	for _, b := range n.held {
		cl.rights[b.seat] = b.view.Rights
		cl.order = append(cl.order, b.seat)
	}
	p.of[n] = cl
	p.order = append(p.order, cl)
	return cl
}

func (p *plan) drop(cl *claims, at seat, force bool) {
	delete(cl.rights, at)
	cl.order = slices.DeleteFunc(cl.order, func(o seat) bool { return o == at })
	p.slots[at]--
	if !force {
		p.touched[at] = true
	}
}

func (p *plan) claim(cl *claims, id int, r Rights) {
	at := seat{p.c, id}
	old, has := cl.rights[at]
	if has && old == r {
		return
	}
	if !has {
		cl.order = append(cl.order, at)
		p.slots[at]++
	}
	cl.rights[at] = r
	p.touched[at] = true
}

func (p *plan) checkSlots() error {
	for _, id := range p.c.clientIDs {
		if more := p.slots[seat{p.c, id}]; more > 0 && p.c.clients[id].attached+more > slotsOfClient {
			return refuse(InvalidParam, "Client %d has no free slot", id)
		}
	}
	return nil
}

// apply detaches first, so that the slots are free, then moves, then attaches.
func (p *plan) apply() {
	changed := map[*Cluster]bool{}
	for _, cl := range p.order {
		for _, b := range slices.Clone(cl.node.held) {
			if _, stays := cl.rights[b.seat]; !stays {
				b.unbind()
				changed[b.at], changed[cl.node.home()] = true, true
			}
		}
	}
	for _, cl := range p.order {
		if cl.moves {
			changed[cl.node.home()], changed[p.c] = true, true
			p.c.rehome(cl.node)
		}
	}
	for _, cl := range p.order {
		for _, at := range cl.order {
			switch b := cl.node.binding(at); {
			case b == nil:
				p.c.bind(cl.node, p.c.clients[at.client], cl.rights[at])
			case b.view.Rights != cl.rights[at]:
				b.rebind(cl.rights[at])
			default:
				continue
			}
			changed[at.at], changed[cl.node.home()] = true, true
		}
	}
	for _, cl := range p.order {
		cl.node.home().reconsider(cl.node)
	}
	for m := range changed {
		m.changed()
	}
}
