package cluster

import (
	"slices"
	"time"

	"github.com/spsim/spsim/emulator/blocks"
)

// transfer copies a snapshot to another location. The copy can be used at once: what has not arrived is read through to
// the source. It is complete when its time has come, and torn when the source is withdrawn before: then what had not
// arrived is lost.
type transfer struct {
	source, copy *node
	from, until  int64 // UNIX nanoseconds
	backup       bool  // when it is complete the source is not needed any more
	torn         bool
}

// receive begins the copy of a source to a new snapshot of this cluster.
func (c *Cluster) receive(source, n *node, backup bool) {
	from := c.now()
	for s := source; s != nil; s = s.parent() { // no faster than what it is made of
		if s.arriving() && s.ties.transfer.until > from.UnixNano() {
			from = time.Unix(0, s.ties.transfer.until)
		}
	}
	until := from.Add(c.does.RemoteCopy)
	t := &transfer{source: source, copy: n, from: from.UnixNano(), until: until.UnixNano(), backup: backup}
	n.tied().transfer = t
	source.tied().readers = append(source.tied().readers, t)
	if !until.After(c.now()) {
		t.complete()
		return
	}
	c.appoint(until, n, dueArrive)
	source.home().appoint(until, source, dueArrive)
}

// arrived completes the transfers of a node whose time has come.
func (n *node) arrived(now time.Time) {
	if n.arriving() && n.ties.transfer.until <= now.UnixNano() {
		n.ties.transfer.complete()
	}
	for _, t := range slices.Clone(n.readers()) {
		if t.until <= now.UnixNano() {
			t.complete()
		}
	}
}

// leave takes the transfer from its source.
func (t *transfer) leave() {
	if r := t.source.ties; r != nil {
		r.readers = slices.DeleteFunc(r.readers, func(o *transfer) bool { return o == t })
		t.source.loosen()
	}
	if t.backup {
		t.release()
	}
}

// release gives up the local snapshot of a backup.
func (t *transfer) release() {
	n := t.source
	home := n.home()
	n.dropExport(locationOf(t.copy.home().id))
	home.showExported(n)
	if n.kept() { // goes as soon as it may
		home.setDate(n, home.now().Unix())
	} else {
		home.discard(n)
	}
	home.changed()
}

// complete ends the transfer: the copy stands on its own.
func (t *transfer) complete() {
	n := t.copy
	home := n.home()
	n.ties.transfer = nil
	n.loosen()
	info := n.obj.Load().Info
	s := *info.Snap
	s.Recovering, info.Snap = false, &s
	home.publish(n, info)
	from := locationOf(t.source.home().id)
	t.leave()
	switch {
	case t.backup:
		home.permit(n, export{to: from})
	case s.Transient:
		home.letPass(n)
	default:
		home.reconsider(n)
	}
	home.changed()
}

// tear ends the transfer before its time: the copy, and what is made from it, loses what has not arrived.
func (t *transfer) tear(now time.Time) {
	done, all := now.UnixNano()-t.from, t.until-t.from
	keep := int64(0)
	if done > 0 && all > 0 {
		keep = int64(float64(t.copy.image.Used()/blocks.PageSize) * (float64(done) / float64(all)))
	}
	t.torn = true
	t.leave()
	t.source = nil
	t.copy.image.Lose(keep)
	t.copy.tearReaders(now)
	home := t.copy.home()
	home.reconsider(t.copy)
	home.changed()
}

// tearReaders tears what is being copied from the node and from what is made from it.
func (n *node) tearReaders(now time.Time) {
	for _, t := range slices.Clone(n.readers()) {
		t.tear(now)
	}
	for k := n.child; k != nil; k = k.next {
		k.tearReaders(now)
	}
}

// setDate publishes when a snapshot is to be deleted, UNIX seconds.
func (c *Cluster) setDate(n *node, date int64) {
	info := n.obj.Load().Info
	s := *info.Snap
	s.TargetDeleteDate, info.Snap = date, &s
	c.publish(n, info)
	c.appoint(time.Unix(date, 0), n, dueDate)
}
