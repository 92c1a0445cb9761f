package blocks

// Snapshot freezes the present contents and returns them as a new image, the new parent of this one, whose
// own parent it takes over. Errors: [ErrFrozen], [ErrDeleted].
func (im *Image) Snapshot() (*Image, error) {
	snaps, err := im.store.SnapshotAll(im)
	if err != nil {
		return nil, err
	}
	return snaps[0], nil
}

// snapshot needs both locks.
func (im *Image) snapshot() *Image {
	snap := &Image{
		store: im.store, tree: im.tree, frozen: true, lossy: im.lossy,
		layer: im.layer, size: im.size, used: im.used, shape: im.shape,
	}
	parent := im.parent
	im.setParent(nil)
	snap.setParent(parent)
	im.setParent(snap)
	im.layer = im.store.layers.Add(1)
	return snap
}

// Clone returns a writable image of size bytes that starts with the contents of a frozen one, its parent;
// what lies beyond the parent reads as zeros. Errors: [ErrNotFrozen], [ErrDeleted], [ErrOutOfRange].
func (im *Image) Clone(size int64) (*Image, error) {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	clone, err := im.store.New(size)
	if err != nil {
		return nil, err
	}
	if err := clone.adopt(im, size); err != nil {
		return nil, err
	}
	return clone, nil
}

// Revert drops what the image holds and makes it a clone of snap, with the size of snap when takeSize is
// true and its own otherwise. Errors: [ErrFrozen], [ErrNotFrozen], [ErrDeleted].
func (im *Image) Revert(snap *Image, takeSize bool) error {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	im.mu.Lock()
	defer im.mu.Unlock()
	if err := im.changeable(); err != nil {
		return err
	}
	if snap == im {
		return ErrNotFrozen
	}
	size := im.size
	if takeSize {
		size = snap.Size()
	}
	return im.adopt(snap, size)
}

// adopt makes im a clone of snap; it needs the lock of the store, and that of im when others know it.
func (im *Image) adopt(snap *Image, size int64) error {
	snap.mu.RLock()
	defer snap.mu.RUnlock()
	switch {
	case snap.deleted:
		return ErrDeleted
	case !snap.frozen:
		return ErrNotFrozen
	}
	im.setParent(snap)
	im.tree, im.used, im.size, im.lossy = snap.tree, snap.used, snap.size, snap.lossy
	im.shape++
	im.resize(size)
	return nil
}

// Freeze makes a snapshot of the image itself. Errors: [ErrFrozen], [ErrDeleted].
func (im *Image) Freeze() error {
	im.mu.Lock()
	defer im.mu.Unlock()
	if err := im.changeable(); err != nil {
		return err
	}
	im.frozen = true
	return nil
}

// Delete gives up the image in constant time per child. Its children keep their contents and get its
// parent; what they show of it counts as theirs from now on. Deleting again changes nothing.
func (im *Image) Delete() {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	im.mu.Lock()
	defer im.mu.Unlock()
	for im.child != nil {
		im.child.setParent(im.parent)
	}
	im.setParent(nil)
	im.deleted = true
	im.tree, im.used = tree{}, 0
	im.stored.Store(nil)
}

// Copy returns a frozen image with the contents of a frozen one, which is neither its child nor its parent.
func (im *Image) Copy() *Image {
	im.mu.RLock()
	defer im.mu.RUnlock()
	return &Image{
		store: im.store, tree: im.tree, frozen: true, lossy: im.lossy,
		layer: im.store.layers.Add(1), size: im.size, used: im.used, shape: 1,
	}
}

// Secede makes the image one without parent and children. Its contents stay, and so do those of its children, which
// get its parent; what they show of each other counts as their own from now on.
func (im *Image) Secede() {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	for im.child != nil {
		im.child.setParent(im.parent)
	}
	im.setParent(nil)
}

// Rebase gives the image another of its ancestors as its parent, or none when to is nil. Its contents stay;
// what came from the parents in between counts as its own from now on. Error: [ErrNotAncestor].
func (im *Image) Rebase(to *Image) error {
	im.store.mu.Lock()
	defer im.store.mu.Unlock()
	if to != nil && !im.descendsFrom(to) {
		return ErrNotAncestor
	}
	im.setParent(to)
	return nil
}

func (im *Image) descendsFrom(ancestor *Image) bool {
	for p := im.parent; p != nil; p = p.parent {
		if p == ancestor {
			return true
		}
	}
	return false
}

// setParent moves the image to the children of parent; it needs the lock of the store.
func (im *Image) setParent(parent *Image) {
	if im.prev != nil {
		im.prev.next = im.next
	} else if im.parent != nil {
		im.parent.child = im.next
	}
	if im.next != nil {
		im.next.prev = im.prev
	}
	im.parent, im.prev, im.next = parent, nil, nil
	if parent == nil {
		return
	}
	im.next = parent.child
	if im.next != nil {
		im.next.prev = im
	}
	parent.child = im
}
