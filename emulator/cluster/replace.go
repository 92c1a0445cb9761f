package cluster

import (
	"fmt"
	"slices"
	"strings"
)

// Replace gives every cluster of the federation the state of the one with the same id in another federation, which
// nobody may use afterwards: the clusters stay the same, what they hold is new. Stand-ins come and go with the state.
// Devices that are open lose their attachment, and whoever waits for a client goes on. Error: [ErrState] when the two
// do not have the same clusters.
func (f *Federation) Replace(fresh *Federation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh.mu.Lock()
	defer fresh.mu.Unlock()
	old, others := f.memberIDs(), fresh.memberIDs()
	if !slices.Equal(old, others) {
		return fmt.Errorf("%w: it is of cluster %s, not of %s", ErrState, strings.Join(others, ", "), strings.Join(old, ", "))
	}
	for _, c := range f.members {
		c.endUses()
	}
	f.store = fresh.store
	f.store.Watch(f.touch)
	members := make([]*Cluster, len(fresh.members))
	for i, m := range fresh.members {
		at := slices.IndexFunc(f.members, func(c *Cluster) bool { return c.id == m.id && !c.standIn && !m.standIn })
		if at < 0 {
			m.fed, m.mu, members[i] = f, &f.mu, m
			continue
		}
		c := f.members[at]
		c.take(m)
		members[i] = c
	}
	f.members = members
	f.touch()
	return nil
}

// memberIDs lists the clusters but for stand-ins.
func (f *Federation) memberIDs() (ids []string) {
	for _, c := range f.members {
		if !c.standIn {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// endUses takes the rights from whoever has a device open, and lets those go who wait for a client.
func (c *Cluster) endUses() {
	detach := func(_ int64, o *Object) bool {
		for _, b := range o.node.held {
			b.permit("")
		}
		return true
	}
	c.volumes.Scan(detach)
	c.snapshots.Scan(detach)
	for _, cl := range c.clients {
		if cl.away != nil {
			cl.away.Fire()
		}
	}
}

// take makes the state of another cluster that of c.
func (c *Cluster) take(fresh *Cluster) {
	c.state = fresh.state
	c.generation.Store(fresh.generation.Load())
	c.nextDue.Store(fresh.nextDue.Load())
	c.outage.Store(fresh.outage.Load())
	settle := func(_ int64, o *Object) bool {
		o.node.place.Store(c)
		return true
	}
	c.volumes.Scan(settle)
	c.snapshots.Scan(settle)
	c.attachments.Scan(func(_ int64, a *Attachment) bool {
		for _, b := range a.node.held {
			if b.at == fresh {
				b.at = c
			}
		}
		return true
	})
}
