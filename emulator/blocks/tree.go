package blocks

import "math/bits"

const (
	// PageSize is the unit of sharing and of accounting, in bytes.
	PageSize = 1 << pageBits

	pageBits = 12
	fanBits  = 6
	fan      = 1 << fanBits // kids of a node, pages of a leaf
)

type page [PageSize]byte

// node is a leaf, with pages, or an inner node, with kids. It may be changed in place only by the image
// that has its layer; every other image copies it first.
type node struct {
	layer uint64
	own   uint64 // of a leaf: the pages that the layer has written, which it may change in place
	kids  *[fan]*node
	pages *[fan]*page
}

// tree maps page numbers to pages. A tree of height h covers fan^h pages; beyond is nothing.
type tree struct {
	root   *node
	height uint8
}

// covers tells whether a tree of this height has a place for page i.
func (t tree) covers(i int64) bool { return i>>(fanBits*uint(t.height)) == 0 }

// leaf returns the leaf that has a place for page i, or nil.
func (t tree) leaf(i int64) *node {
	if t.root == nil || !t.covers(i) {
		return nil
	}
	n := t.root
	for h := uint(t.height) - 1; h > 0; h-- {
		if n = n.kids[slot(i, h)]; n == nil {
			return nil
		}
	}
	return n
}

// slot returns which kid of a node h levels above the leaves leads to page i.
func slot(i int64, h uint) int { return int(i>>(fanBits*h)) & (fan - 1) }

// ownLeaf returns the leaf for page i as one that the layer may change, growing and copying as needed.
func (t *tree) ownLeaf(i int64, layer uint64) *node {
	if t.root == nil {
		for t.height = 1; !t.covers(i); t.height++ {
		}
	}
	for ; !t.covers(i); t.height++ {
		t.root = &node{layer: layer, kids: &[fan]*node{t.root}}
	}
	at := &t.root
	for h := uint(t.height) - 1; h > 0; h-- {
		at = &ownInner(at, layer).kids[slot(i, h)]
	}
	return ownLeafAt(at, layer)
}

func ownInner(at **node, layer uint64) *node {
	switch n := *at; {
	case n == nil:
		*at = &node{layer: layer, kids: new([fan]*node)}
	case n.layer != layer:
		kids := *n.kids
		*at = &node{layer: layer, kids: &kids}
	}
	return *at
}

func ownLeafAt(at **node, layer uint64) *node {
	switch n := *at; {
	case n == nil:
		*at = &node{layer: layer, pages: new([fan]*page)}
	case n.layer != layer:
		pages := *n.pages
		*at = &node{layer: layer, pages: &pages}
	}
	return *at
}

// drop removes the pages lo <= i < hi and returns how many there were.
func (t *tree) drop(lo, hi int64, layer uint64) int64 {
	if t.root == nil {
		return 0
	}
	d := dropping{lo: lo, hi: hi, layer: layer}
	d.from(&t.root, 0, uint(t.height)-1)
	return d.dropped
}

type dropping struct {
	lo, hi  int64
	layer   uint64
	dropped int64
}

// from drops below the node at, whose first page is base and which is h levels above the leaves. A node
// that is left empty goes as well.
func (d *dropping) from(at **node, base int64, h uint) {
	span := int64(1) << (fanBits * (h + 1))
	if *at == nil || d.hi <= base || base+span <= d.lo {
		return
	}
	if d.lo <= base && base+span <= d.hi {
		d.dropped += count(*at, h)
		*at = nil
		return
	}
	if h == 0 {
		d.fromLeaf(at, base)
		return
	}
	n := ownInner(at, d.layer)
	for k := range n.kids {
		d.from(&n.kids[k], base+int64(k)<<(fanBits*h), h-1)
	}
	if *n.kids == [fan]*node{} {
		*at = nil
	}
}

func (d *dropping) fromLeaf(at **node, base int64) {
	n := ownLeafAt(at, d.layer)
	for i := max(d.lo, base); i < min(d.hi, base+fan); i++ {
		k := i - base
		if n.pages[k] != nil {
			d.dropped++
			n.pages[k] = nil
			n.own &^= 1 << k
		}
	}
	if *n.pages == [fan]*page{} {
		*at = nil
	}
}

// count returns the number of pages below n, which is h levels above the leaves.
func count(n *node, h uint) (pages int64) {
	walk(n, nil, 0, h, 0, func(_ int64, _ *node, mask uint64) bool {
		pages += int64(bits.OnesCount64(mask))
		return true
	})
	return pages
}

// unlike yields, in ascending order, every leaf of t that has pages which other has not at the same
// place; base is the number of the leaf's first page, and mask tells which. Shared parts are skipped whole.
func (t tree) unlike(other tree, from int64, yield func(base int64, leaf *node, mask uint64) bool) {
	if t.root == nil {
		return
	}
	for other.root != nil && other.height < t.height {
		other.root = &node{kids: &[fan]*node{other.root}}
		other.height++
	}
	for other.root != nil && other.height > t.height {
		other.root = other.root.kids[0]
		other.height--
	}
	walk(t.root, other.root, 0, uint(t.height)-1, from, yield)
}

// walk is the recursion of unlike; it returns false when yield did.
func walk(n, other *node, base int64, h uint, from int64, yield func(int64, *node, uint64) bool) bool {
	if n == nil || n == other || base+int64(1)<<(fanBits*(h+1)) <= from {
		return true
	}
	if h == 0 {
		mask := n.unlike(other)
		if base < from {
			mask &= ^uint64(0) << (from - base)
		}
		return mask == 0 || yield(base, n, mask)
	}
	for k, kid := range n.kids {
		var twin *node
		if other != nil {
			twin = other.kids[k]
		}
		if !walk(kid, twin, base+int64(k)<<(fanBits*h), h-1, from, yield) {
			return false
		}
	}
	return true
}

// unlike tells which pages a leaf has that other, which may be nil, has not at the same place.
func (n *node) unlike(other *node) (mask uint64) {
	for k, p := range n.pages {
		if p != nil && (other == nil || other.pages[k] != p) {
			mask |= 1 << k
		}
	}
	return mask
}
