package blocks

import "errors"

// ErrLost is an access that needs contents which are lost, see [Image.Lose].
var ErrLost = errors.New("contents are lost")

// Lose gives up what an image holds behind its first keep pages of data. Reading there fails with [ErrLost], in the
// image and in all that descends from it, until the page is written as a whole or discarded.
func (im *Image) Lose(keep int64) {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	gone := map[int64]*page{}
	im.mu.RLock()
	im.tree.unlike(tree{}, 0, func(base int64, leaf *node, mask uint64) bool {
		for k := range int64(fan) {
			if mask&(1<<k) == 0 {
				continue
			}
			if keep--; keep < 0 {
				gone[base+k] = leaf.pages[k]
			}
		}
		return true
	})
	im.mu.RUnlock()
	if len(gone) > 0 {
		im.lose(gone)
	}
}

// lose needs the lock of the store.
func (im *Image) lose(gone map[int64]*page) {
	im.mu.Lock()
	if im.frozen { // others share what its layer has made
		im.layer = im.store.layers.Add(1)
	}
	for i, p := range gone {
		leaf := im.tree.leaf(i)
		if leaf == nil || leaf.pages[i&(fan-1)] != p {
			continue
		}
		leaf = im.tree.ownLeaf(i, im.layer)
		leaf.pages[i&(fan-1)] = im.store.lost
		leaf.own &^= 1 << (i & (fan - 1))
		im.lossy = true
	}
	im.shape++
	im.mu.Unlock()
	for c := im.child; c != nil; c = c.next {
		c.lose(gone)
	}
}

// lostAt tells whether page i is lost; it needs the lock of the image.
func (im *Image) lostAt(i int64) bool {
	if !im.lossy {
		return false
	}
	leaf := im.tree.leaf(i)
	return leaf != nil && leaf.pages[i&(fan-1)] == im.store.lost
}

// readable refuses a range with lost pages.
func (im *Image) readable(off, n int64) error {
	if !im.lossy {
		return nil
	}
	for i := off >> pageBits; i<<pageBits < off+n; i++ {
		if im.lostAt(i) {
			return ErrLost
		}
	}
	return nil
}

// writable refuses a range that begins or ends within a lost page.
func (im *Image) writable(off, n int64) error {
	if !im.lossy || n == 0 {
		return nil
	}
	if off&(PageSize-1) != 0 && im.lostAt(off>>pageBits) {
		return ErrLost
	}
	if end := off + n; end&(PageSize-1) != 0 && end != im.size && im.lostAt(end>>pageBits) {
		return ErrLost
	}
	return nil
}

// Lost tells whether something that the image shows is lost.
func (im *Image) Lost() bool {
	im.mu.RLock()
	defer im.mu.RUnlock()
	lost := false
	if im.lossy {
		im.tree.unlike(tree{}, 0, func(_ int64, leaf *node, mask uint64) bool {
			for k := range fan {
				lost = lost || mask&(1<<k) != 0 && leaf.pages[k] == im.store.lost
			}
			return !lost
		})
	}
	return lost
}
