package cluster

import (
	"iter"

	"github.com/tidwall/btree"
)

// List is an immutable list taken at one moment, in order of creation.
type List[T any] struct {
	items *btree.Map[int64, T]
}

// Len returns the number of elements.
func (l List[T]) Len() int { return l.items.Len() }

// All yields the elements. It takes no lock; changes made meanwhile do not show.
func (l List[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		l.items.Scan(func(_ int64, v T) bool { return yield(v) })
	}
}
