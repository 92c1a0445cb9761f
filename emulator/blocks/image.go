package blocks

import (
	"io"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Image is the contents of one volume or, once frozen, of one snapshot.
type Image struct {
	store *Store

	mu      sync.RWMutex // guards what follows, and the parts of the tree that the image may change
	tree    tree
	frozen  bool
	deleted bool
	lossy   bool // some pages may be lost
	layer   uint64
	size    int64
	used    int64  // pages in the tree
	shape   uint64 // changes whenever a page comes, goes or is replaced
	version uint64 // changes with every change of contents or size

	// Guarded by store.mu.
	parent     *Image
	child      *Image // first of the children
	next, prev *Image // siblings

	stored atomic.Pointer[storedMemo]
}

// Size returns the size in bytes.
func (im *Image) Size() int64 {
	im.mu.RLock()
	defer im.mu.RUnlock()
	return im.size
}

// Version changes with every change of contents or size: one that is the same twice tells that nothing has changed
// between.
func (im *Image) Version() uint64 {
	im.mu.RLock()
	defer im.mu.RUnlock()
	return im.version
}

// ReadAt fills p from offset off, as [io.ReaderAt] says: what lies beyond the image is [io.EOF].
func (im *Image) ReadAt(p []byte, off int64) (int, error) {
	im.mu.RLock()
	defer im.mu.RUnlock()
	if im.deleted {
		return 0, ErrDeleted
	}
	if off < 0 {
		return 0, &RangeError{Op: "read", Off: off, Len: int64(len(p)), Size: im.size}
	}
	if off >= im.size {
		return 0, io.EOF
	}
	var err error
	if int64(len(p)) > im.size-off {
		p, err = p[:im.size-off], io.EOF
	}
	if lost := im.readable(off, int64(len(p))); lost != nil {
		return 0, lost
	}
	im.tree.read(p, off)
	return len(p), err
}

// read copies what the tree has at off into p. Pages lie anywhere in memory: a byte of the next one is read before this one
// is copied, so that the processor waits for both at once. The sum of those bytes says nothing; without it the compiler
// would leave the reading out.
func (t tree) read(p []byte, off int64) (sum byte) {
	var leaf *node
	for at := int64(-1); len(p) > 0; {
		i, skip := off>>pageBits, off&(PageSize-1)
		if i>>fanBits != at {
			at, leaf = i>>fanBits, t.leaf(i)
		}
		n, k := min(len(p), int(PageSize-skip)), i&(fan-1)
		if leaf != nil && leaf.pages[k] != nil {
			if next := k + 1; next < fan && n < len(p) && leaf.pages[next] != nil {
				sum += leaf.pages[next][0]
			}
			copy(p[:n], leaf.pages[k][skip:])
		} else {
			clear(p[:n])
		}
		p, off = p[n:], off+int64(n)
	}
	return sum
}

// WriteAt writes p at offset off, all of it or, with an error, nothing: [ErrFrozen], [ErrDeleted],
// [ErrOutOfRange].
func (im *Image) WriteAt(p []byte, off int64) (int, error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if err := im.accept("write", off, int64(len(p))); err != nil {
		return 0, err
	}
	if err := im.writable(off, int64(len(p))); err != nil {
		return 0, err
	}
	im.version++
	n := len(p)
	var leaf *node
	for at := int64(-1); len(p) > 0; {
		i := off >> pageBits
		if i>>fanBits != at {
			at, leaf = i>>fanBits, im.tree.ownLeaf(i, im.layer)
		}
		w := im.writePage(leaf, int(i&(fan-1)), int(off&(PageSize-1)), p)
		p, off = p[w:], off+int64(w)
	}
	im.store.written()
	return n, nil
}

// writePage writes the head of p at offset skip of page k, and returns how much.
func (im *Image) writePage(leaf *node, k, skip int, p []byte) int {
	old := leaf.pages[k]
	if leaf.own&(1<<k) != 0 {
		return copy(old[skip:], p)
	}
	im.shape++
	leaf.own |= 1 << k
	if old == nil {
		im.used++
	}
	if skip == 0 && len(p) >= PageSize {
		leaf.pages[k] = pageOf(p[:PageSize])
		return PageSize
	}
	fresh := new(page)
	if old != nil {
		*fresh = *old
	}
	leaf.pages[k] = fresh
	return copy(fresh[skip:], p)
}

// pageOf returns a page that holds a copy of p, without clearing it first.
func pageOf(p []byte) *page { return (*page)(append([]byte(nil), p...)) }

// Discard makes a range read as zeros and gives its memory back. [Image.Zero] is the same: zeros take no
// room. Errors as of [Image.WriteAt].
func (im *Image) Discard(off, n int64) error {
	im.mu.Lock()
	defer im.mu.Unlock()
	if err := im.accept("discard", off, n); err != nil {
		return err
	}
	if err := im.writable(off, n); err != nil {
		return err
	}
	im.version++
	im.discard(off, n)
	im.store.written()
	return nil
}

// Zero makes a range read as zeros; errors as of [Image.WriteAt].
func (im *Image) Zero(off, n int64) error { return im.Discard(off, n) }

func (im *Image) discard(off, n int64) {
	if n == 0 {
		return
	}
	end := off + n
	first, last := (off+PageSize-1)>>pageBits, end>>pageBits
	if first > last { // inside one page
		im.clearPart(last, off&(PageSize-1), end&(PageSize-1))
		return
	}
	if skip := off & (PageSize - 1); skip != 0 {
		im.clearPart(first-1, skip, PageSize)
	}
	if rest := end & (PageSize - 1); rest != 0 {
		im.clearPart(last, 0, rest)
	}
	im.dropPages(first, last)
}

func (im *Image) dropPages(lo, hi int64) {
	if lo >= hi {
		return
	}
	if n := im.tree.drop(lo, hi, im.layer); n > 0 {
		im.used -= n
		im.shape++
	}
}

// clearPart zeroes bytes lo to hi of page i; a page that is left without data goes.
func (im *Image) clearPart(i, lo, hi int64) {
	leaf := im.tree.leaf(i)
	if leaf == nil || leaf.pages[i&(fan-1)] == nil || im.lostAt(i) {
		return
	}
	leaf = im.tree.ownLeaf(i, im.layer)
	var zeros page
	im.writePage(leaf, int(i&(fan-1)), int(lo), zeros[:hi-lo])
	if *leaf.pages[i&(fan-1)] == zeros {
		im.dropPages(i, i+1)
	}
}

// Resize sets the size in bytes. Shrinking discards the tail, growing adds zeros. Errors: [ErrFrozen],
// [ErrDeleted], [ErrOutOfRange] for a negative size.
func (im *Image) Resize(size int64) error {
	im.mu.Lock()
	defer im.mu.Unlock()
	if err := im.changeable(); err != nil {
		return err
	}
	if size < 0 {
		return &RangeError{Op: "resize", Len: size, Size: im.size}
	}
	im.resize(size)
	return nil
}

func (im *Image) resize(size int64) {
	im.version++
	if size < im.size {
		im.discard(size, im.size-size)
	}
	im.size = size
}

func (im *Image) changeable() error {
	switch {
	case im.deleted:
		return ErrDeleted
	case im.frozen:
		return ErrFrozen
	}
	return nil
}

func (im *Image) accept(op string, off, n int64) error {
	if err := im.changeable(); err != nil {
		return err
	}
	if off < 0 || n < 0 || off > im.size || n > im.size-off {
		return &RangeError{Op: op, Off: off, Len: n, Size: im.size}
	}
	return nil
}

// Used returns the bytes that the image shows, its own and those of its parents, in whole pages.
func (im *Image) Used() int64 {
	im.mu.RLock()
	defer im.mu.RUnlock()
	return im.bytes(im.used)
}

// bytes turns a number of pages into bytes; the last page of an image may reach beyond its end.
func (im *Image) bytes(pages int64) int64 { return min(pages<<pageBits, im.size) }

func onesIn(mask uint64) int64 { return int64(bits.OnesCount64(mask)) }
