package cluster

import (
	"container/heap"
	"math"
	"time"
)

const never = math.MaxInt64

// dueKind says what happens to a snapshot when its time has come.
type dueKind int

const (
	dueDate   dueKind = iota // its targetDeleteDate: deleted as by SnapshotDelete
	dueVanish                // a transient snapshot disappears
	dueMerge                 // a deleted snapshot has lingered long enough
	dueArrive                // a copy from or to another location is complete
)

// due is an appointment. It is void when the node has changed its mind meanwhile.
type due struct {
	at    int64 // UNIX nanoseconds
	order int64
	node  *node
	kind  dueKind
}

type dueQueue struct {
	items []due
	last  int64
}

func (q *dueQueue) Len() int { return len(q.items) }

func (q *dueQueue) Less(i, j int) bool {
	a, b := q.items[i], q.items[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

func (q *dueQueue) Swap(i, j int) { q.items[i], q.items[j] = q.items[j], q.items[i] }

func (q *dueQueue) Push(x any) {
	if d, ok := x.(due); ok {
		q.items = append(q.items, d)
	}
}

func (q *dueQueue) Pop() any {
	last := len(q.items) - 1
	d := q.items[last]
	q.items[last] = due{}
	q.items = q.items[:last]
	return d
}

// appoint plans what happens to the node at a time.
func (c *Cluster) appoint(at time.Time, n *node, kind dueKind) {
	c.due.last++
	heap.Push(&c.due, due{at: at.UnixNano(), order: c.due.last, node: n, kind: kind})
	c.nextDue.Store(c.due.items[0].at)
}

// Tick applies what has come due: scheduled deletions and the ends of transient and of deleted snapshots.
// Every other method does it first.
func (c *Cluster) Tick() {
	if now := c.now(); now.UnixNano() >= c.nextDue.Load() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.expire(now)
	}
}

func (c *Cluster) expire(now time.Time) {
	for c.due.Len() > 0 && c.due.items[0].at <= now.UnixNano() {
		d := c.due.items[0]
		heap.Pop(&c.due)
		c.meet(d)
	}
	if c.due.Len() == 0 {
		c.nextDue.Store(never)
		return
	}
	c.nextDue.Store(c.due.items[0].at)
}

// meet keeps an appointment. A scheduled deletion of an attached snapshot waits for the detach, which looks
// at the date again (see reconsider).
func (c *Cluster) meet(d due) {
	o := d.node.obj.Load()
	if d.node.gone.Load() || d.node.home() != c || !o.IsSnapshot() {
		return
	}
	switch s := o.Snap; d.kind {
	case dueDate:
		if time.Unix(s.TargetDeleteDate, 0).UnixNano() == d.at && !d.node.kept() {
			c.discard(d.node)
			c.changed()
		}
	case dueVanish:
		if s.Transient && !s.Deleted {
			c.remove(d.node)
			c.changed()
		}
	case dueArrive:
		d.node.arrived(time.Unix(0, d.at))
	case dueMerge:
		if s.Deleted {
			c.merge(d.node)
			c.changed()
		}
	}
}
