package cluster

import (
	"sync/atomic"

	"github.com/spsim/spsim/emulator/blocks"
)

// node is the place of a volume or snapshot in the cluster. Its Object changes, the node stays.
// All but obj, gone and place is guarded by the lock of the cluster.
type node struct {
	obj   atomic.Pointer[Object]
	gone  atomic.Bool
	place atomic.Pointer[Cluster] // in which it lives; written under the lock
	image *blocks.Image
	held  []*binding // attachments, oldest first
	ties  *ties      // with other clusters, nil for most

	child      *node // first of the children
	next, prev *node // siblings
}

// home is the cluster in which the node lives.
func (n *node) home() *Cluster { return n.place.Load() }

func (n *node) id() int64 { return n.obj.Load().VisibleID }

// shown returns the present name; that of a node that is gone is its last.
func (n *node) shown() string { return n.obj.Load().Name }

func (n *node) shownAsVolume() string {
	if o := n.obj.Load(); !n.gone.Load() && !o.IsSnapshot() {
		return o.Name
	}
	return "-"
}

// parent returns the present parent, nil when there is none or the node is not published yet.
func (n *node) parent() *node {
	if o := n.obj.Load(); o != nil {
		return o.parent
	}
	return nil
}

// link moves the node from the children of its parent to those of another, before the object that names
// the new parent is published.
func (n *node) link(parent *node) {
	if old := n.parent(); n.prev != nil {
		n.prev.next = n.next
	} else if old != nil && old.child == n {
		old.child = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	n.prev, n.next = nil, nil
	if parent == nil {
		return
	}
	n.next = parent.child
	if n.next != nil {
		n.next.prev = n
	}
	parent.child = n
}

// crowded tells whether the node has more than one child.
func (n *node) crowded() bool { return n.child != nil && n.child.next != nil }

// binding returns the attachment at a seat, or nil.
func (n *node) binding(at seat) *binding {
	for _, b := range n.held {
		if b.seat == at {
			return b
		}
	}
	return nil
}
