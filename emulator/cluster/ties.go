package cluster

import (
	"slices"
	"strings"
)

// ties are what connects a volume or snapshot with other clusters.
type ties struct {
	// exports of a snapshot are to locations, of a volume to sub-clusters; by id of these, ascending.
	exports []export
	// readers are the transfers that copy a snapshot elsewhere and are not complete.
	readers []*transfer
	// transfer copies a snapshot to here. It stays when it is torn, and goes when it is complete.
	transfer *transfer
}

// export permits others to read a snapshot, or to attach a volume.
type export struct {
	to     string // id of a location, or of a cluster
	backup bool   // it belongs to a backup under way
}

// tied returns the ties of the node, making them if needed.
func (n *node) tied() *ties {
	if n.ties == nil {
		n.ties = &ties{}
	}
	return n.ties
}

// loosen forgets ties that hold nothing.
func (n *node) loosen() {
	if t := n.ties; t != nil && len(t.exports) == 0 && len(t.readers) == 0 && t.transfer == nil {
		n.ties = nil
	}
}

// exports lists the exports of a node.
func (n *node) exports() []export {
	if n.ties == nil {
		return nil
	}
	return n.ties.exports
}

// readers lists the transfers that read the node.
func (n *node) readers() []*transfer {
	if n.ties == nil {
		return nil
	}
	return n.ties.readers
}

// exportedTo tells whether the node is exported to a location or cluster.
func (n *node) exportedTo(id string) bool {
	return slices.ContainsFunc(n.exports(), func(e export) bool { return e.to == id })
}

func (n *node) addExport(e export) {
	t := n.tied()
	i, _ := slices.BinarySearchFunc(t.exports, e.to, func(e export, to string) int { return strings.Compare(e.to, to) })
	t.exports = slices.Insert(t.exports, i, e)
	n.home().exporting[n] = true
}

func (n *node) dropExport(id string) {
	if n.ties == nil {
		return
	}
	n.ties.exports = slices.DeleteFunc(n.ties.exports, func(e export) bool { return e.to == id })
	if len(n.ties.exports) == 0 {
		delete(n.home().exporting, n)
	}
	n.loosen()
}

// kept tells whether a snapshot must stay for now: it is attached, exported or read by others.
func (n *node) kept() bool {
	return len(n.held) > 0 || len(n.exports()) > 0 || len(n.readers()) > 0
}

// arriving tells whether the contents of the node itself are still on their way.
func (n *node) arriving() bool {
	return n.ties != nil && n.ties.transfer != nil && !n.ties.transfer.torn
}

// recovering tells whether the contents of the node, or of what it was made from, are still on their way.
func (n *node) recovering() bool {
	for ; n != nil; n = n.parent() {
		if n.arriving() {
			return true
		}
	}
	return false
}

// untie ends what connects a node that goes.
func (n *node) untie() {
	if n.ties == nil {
		return
	}
	if t := n.ties.transfer; t != nil && !t.torn {
		t.leave()
	}
	delete(n.home().exporting, n)
	n.ties = nil
}
