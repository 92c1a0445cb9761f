package blocks

import (
	"sync"
	"sync/atomic"
)

// Store is a family of images that share contents.
type Store struct {
	mu     sync.Mutex // guards the links between images; taken before the lock of an image
	layers atomic.Uint64
	watch  atomic.Pointer[func()]
	lost   *page // stands for every page that is lost
}

// NewStore returns a store without images.
func NewStore() *Store { return &Store{lost: new(page)} }

// Watch calls f after each write or discard, with the lock of the image held: f must return at once, and not call the
// store. There is one watcher.
func (s *Store) Watch(f func()) { s.watch.Store(&f) }

func (s *Store) written() {
	if f := s.watch.Load(); f != nil {
		(*f)()
	}
}

// New returns an image of size bytes that reads as zeros.
func (s *Store) New(size int64) (*Image, error) {
	if size < 0 {
		return nil, &RangeError{Op: "new", Len: size}
	}
	return &Image{store: s, size: size, layer: s.layers.Add(1)}, nil
}

// SnapshotAll is [Image.Snapshot] of several images at one moment: no write lies between two of them. Either
// all snapshots are made or none.
func (s *Store) SnapshotAll(images ...*Image) ([]*Image, error) {
	seen := make(map[*Image]bool, len(images))
	for _, im := range images {
		if seen[im] {
			return nil, ErrTwice
		}
		seen[im] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, im := range images {
		im.mu.Lock()
		defer im.mu.Unlock()
	}
	for _, im := range images {
		if err := im.changeable(); err != nil {
			return nil, err
		}
	}
	snaps := make([]*Image, len(images))
	for i, im := range images {
		snaps[i] = im.snapshot()
	}
	return snaps, nil
}
