package inventory

import "fmt"

// Row names a row of a table, or the owner of details.
type Row struct {
	Table string
	ID    ID
}

func (r Row) String() string { return fmt.Sprintf("%s %d", r.Table, r.ID) }

// Watcher is told of the transactions of a [Store], so that a test can decide in which order those of several management
// servers happen. It is called on the goroutine of the caller and must not call the store.
type Watcher interface {
	// Begin is called before a View or an Update; it may block.
	Begin(write bool)
	// Number is the id of a new row, 0 for the next one of its table: databases with several writers give each its own.
	Number(table string) ID
	// Changed is called with what an Update has changed.
	Changed(rows []Row)
}

// Watch has w told of every transaction from now on. It must not be called while one is in progress.
func (s *Store) Watch(w Watcher) { s.watch, s.tx.watch = w, w }

// next is the id of a new row.
func (t *Table[T]) next() ID {
	if t.tx.watch != nil {
		if id := t.tx.watch.Number(t.name); id != 0 {
			return id
		}
	}
	return t.last + 1
}
