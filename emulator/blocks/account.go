package blocks

import "iter"

// storedMemo remembers what Stored found, as long as neither contents nor parent change.
type storedMemo struct {
	shape  uint64
	parent *Image
	pages  int64
	chunks []Chunk
}

// Stored returns the bytes that the image has of its own, written and not discarded since its parent, in
// whole pages. The first call after a change takes time in proportion to them.
func (im *Image) Stored() int64 {
	parent, shared := im.lineage()
	im.mu.RLock()
	defer im.mu.RUnlock()
	return im.bytes(im.own(parent, shared).pages)
}

// own counts the pages that the image does not have from its parent, or remembers them; mu is held for reading.
func (im *Image) own(parent *Image, shared tree) storedMemo {
	if im.tree.root == nil {
		return storedMemo{}
	}
	if m := im.stored.Load(); m != nil && m.shape == im.shape && m.parent == parent {
		return *m
	}
	m := storedMemo{shape: im.shape, parent: parent}
	im.tree.unlike(shared, 0, func(base int64, _ *node, mask uint64) bool {
		n := onesIn(mask)
		m.pages += n
		m.chunks = grown(m.chunks, base/pagesInChunk, n<<pageBits)
		return true
	})
	im.stored.Store(&m)
	return m
}

// lineage returns the parent, which may be nil, and its tree.
func (im *Image) lineage() (*Image, tree) {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	if im.parent == nil {
		return nil, tree{}
	}
	im.parent.mu.RLock()
	defer im.parent.mu.RUnlock()
	return im.parent, im.parent.tree
}

// ownPages are pages of one leaf.
type ownPages struct {
	base int64
	leaf *node
	mask uint64
}

// Freed returns the bytes that deleting the image would give back: its own pages that no child shows.
func (im *Image) Freed() int64 {
	_, shared := im.lineage()
	var own []ownPages
	im.mu.RLock()
	im.tree.unlike(shared, 0, func(base int64, leaf *node, mask uint64) bool {
		own = append(own, ownPages{base, leaf, mask})
		return true
	})
	im.mu.RUnlock()
	for _, child := range im.children() {
		if len(own) == 0 {
			return 0
		}
		own = child.notShown(own)
	}
	var pages int64
	for _, o := range own {
		pages += onesIn(o.mask)
	}
	im.mu.RLock()
	defer im.mu.RUnlock()
	return im.bytes(pages)
}

// notShown returns those of the pages that the image does not have; it works in place.
func (im *Image) notShown(own []ownPages) []ownPages {
	im.mu.RLock()
	defer im.mu.RUnlock()
	rest := own[:0]
	for _, o := range own {
		leaf := im.tree.leaf(o.base)
		if leaf == o.leaf {
			continue
		}
		if o.mask &= o.leaf.unlike(leaf); o.mask != 0 {
			rest = append(rest, o)
		}
	}
	return rest
}

func (im *Image) children() (all []*Image) {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	for c := im.child; c != nil; c = c.next {
		all = append(all, c)
	}
	return all
}

// Extent is a range of bytes that holds data.
type Extent struct {
	Off int64
	Len int64
}

// extentsAtOnce bounds how long Extents holds the lock of the image.
const extentsAtOnce = 1024

// Extents yields the ranges from offset from on that hold data, ascending, in whole pages but for the end of
// the image; all else reads as zeros. The image may change meanwhile.
func (im *Image) Extents(from int64) iter.Seq[Extent] {
	return func(yield func(Extent) bool) {
		for at := from; ; {
			batch := im.extents(at)
			for _, e := range batch {
				if !yield(e) {
					return
				}
			}
			if len(batch) < extentsAtOnce {
				return
			}
			last := batch[len(batch)-1]
			at = last.Off + last.Len
		}
	}
}

// extents returns the next extents that begin at or after from.
func (im *Image) extents(from int64) (found []Extent) {
	im.mu.RLock()
	defer im.mu.RUnlock()
	im.tree.unlike(tree{}, from>>pageBits, func(base int64, _ *node, mask uint64) bool {
		for k := int64(0); k < fan; k++ {
			if mask&(1<<k) == 0 {
				continue
			}
			off := (base + k) << pageBits
			if n := len(found); n > 0 && found[n-1].Off+found[n-1].Len == off {
				found[n-1].Len += PageSize
			} else if n == extentsAtOnce {
				return false
			} else {
				found = append(found, Extent{Off: off, Len: PageSize})
			}
		}
		return true
	})
	if n := len(found); n > 0 {
		found[n-1].Len = min(found[n-1].Len, im.size-found[n-1].Off)
	}
	return found
}
