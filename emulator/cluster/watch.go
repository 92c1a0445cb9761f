package cluster

import "sync/atomic"

// watch is who wants to know of changes.
type watch struct {
	f atomic.Pointer[func()]
}

// Watch calls f after each change of what [Federation.Save] saves, contents included. It is called on the goroutine
// that makes the change, with locks held: it must return at once, and not call a cluster. There is one watcher; nil
// ends it.
func (f *Federation) Watch(tell func()) {
	if tell == nil {
		f.watch.f.Store(nil)
		return
	}
	f.watch.f.Store(&tell)
}

// touch reports a change that is not one of the configuration generation.
func (f *Federation) touch() {
	if tell := f.watch.f.Load(); tell != nil {
		(*tell)()
	}
}
