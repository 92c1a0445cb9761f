package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/spsim/spsim/emulator/cluster"
)

// encoder writes volumes and snapshots. What changes only with an object itself is kept with the object; its
// settings, which many objects share, are encoded once per run of equal ones.
type encoder struct {
	in       scope
	settings *cluster.Settings
	text     []byte // of settings
}

// object appends an object without its closing brace.
func (e *encoder) object(b []byte, o *cluster.Object) []byte {
	kept := o.Encoding()
	if kept == "" {
		kept = string(appendKept(nil, o))
		o.SetEncoding(kept)
	}
	b = append(b, kept...)
	b = e.policy(b, o.Settings)
	b = append(b, `,"parentName":`...)
	b = appendText(b, o.ParentName())
	if o.IsSnapshot() {
		b = append(b, `,"onVolume":`...)
		b = appendText(b, o.OnVolume())
	}
	if e.in.Multi {
		b = append(b, `,"clusterName":`...)
		b = appendText(b, e.in.Name)
		b = append(b, `,"clusterId":`...)
		b = appendText(b, e.in.ID)
	}
	return b
}

// policy appends settings, encoding them once where several objects in a row share them.
func (e *encoder) policy(b []byte, s *cluster.Settings) []byte {
	if s != e.settings {
		e.settings, e.text = s, e.text[:0]
		return appendSettings(b, s)
	}
	if len(e.text) == 0 {
		e.text = appendSettings(e.text, s)
	}
	return append(b, e.text...)
}

// appendKept appends the members of objectStable that are the object's own, and those of snapshotStable.
func appendKept(b []byte, o *cluster.Object) []byte {
	b = append(b, `{"name":`...)
	b = appendText(b, o.Name)
	b = append(b, `,"globalId":`...)
	b = appendText(b, o.GlobalID)
	b = appendNumber(b, "id", o.VisibleID)
	b = appendNumber(b, "visibleVolumeId", o.VisibleID)
	b = appendNumber(b, "size", o.Size)
	b = appendNumber(b, "objectsCount", o.ObjectsCount())
	b = appendNumber(b, "creationTimestamp", o.Created)
	b = appendNumber(b, "parentVolumeId", o.ParentID)
	b = appendNumber(b, "originalParentVolumeId", o.ParentID)
	b = append(b, `,"tags":{`...)
	first := true
	for k, v := range o.Tags.All() {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendText(b, k)
		b = append(b, ':')
		b = appendText(b, v)
	}
	b = append(b, '}')
	if s := o.Snap; s != nil {
		return appendKeptSnapshot(b, s)
	}
	return append(b, `,"snapshot":false`...)
}

func appendKeptSnapshot(b []byte, s *cluster.SnapshotInfo) []byte {
	b = append(b, `,"snapshot":true`...)
	b = appendFlag(b, "autoName", s.AutoName)
	b = appendFlag(b, "bound", s.Bound)
	b = appendFlag(b, "deleted", s.Deleted)
	b = appendFlag(b, "transient", s.Transient)
	b = appendFlag(b, "recoveringFromRemote", s.Recovering)
	b = appendFlag(b, "backup", s.Backup)
	if s.Backup {
		b = append(b, `,"backupOfGlobalId":`...)
		b = appendText(b, s.BackupOf)
		b = appendNumber(b, "backupOfVisibleVolumeId", s.BackupOfID)
	}
	b = append(b, `,"mcState":`...)
	b = appendText(b, mcState(s))
	b = appendNumber(b, "targetDeleteDate", s.TargetDeleteDate)
	if s.DeleteBlocked != "" {
		b = append(b, `,"deleteBlocked":`...)
		b = appendText(b, s.DeleteBlocked)
	}
	if s.CreatedFrom != "" {
		b = append(b, `,"createdFromGlobalId":`...)
		b = appendText(b, s.CreatedFrom)
		b = appendNumber(b, "createdFromVisibleVolumeId", s.CreatedFromID)
	}
	return b
}

// mcState is what a snapshot is to the multi-cluster.
func mcState(s *cluster.SnapshotInfo) string {
	switch {
	case s.Slave:
		return "slaveCopy"
	case s.Exported:
		return "clusterLocalExported"
	}
	return "clusterLocal"
}

// appendSettings appends the policy members, and the members that are the same for every object.
func appendSettings(b []byte, s *cluster.Settings) []byte {
	b = append(b, `,"flags":0,"firstNotParentObjectId":0,"limitType":"total"`...)
	b = appendNumber(b, "replication", int64(s.Replication))
	b = appendFlag(b, "reuseServer", s.ReuseServer)
	b = append(b, `,"placeAll":`...)
	b = appendText(b, s.PlaceAll)
	b = append(b, `,"placeTail":`...)
	b = appendText(b, s.PlaceTail)
	b = append(b, `,"placeHead":`...)
	b = appendText(b, s.PlaceHead)
	b = append(b, `,"bw":`...)
	b = dashed(int64(s.BW)).append(b)
	b = append(b, `,"iops":`...)
	b = dashed(int64(s.IOPS)).append(b)
	b = append(b, `,"templateName":`...)
	b = appendText(b, s.Template)
	return appendNumber(b, "templateId", s.TemplateID)
}

func appendNumber(b []byte, name string, n int64) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, n, 10)
}

func appendFlag(b []byte, name string, v bool) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendBool(b, v)
}

// dashed is a setting whose 0 means "not set".
func dashed(n int64) orDash {
	if n == 0 {
		return dash
	}
	return orDash(n)
}

// appendMembers appends the members of a struct to an object that is still open.
func appendMembers(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil || len(text) <= len("{}") {
		return b
	}
	b = append(b, ',')
	return append(b, text[1:len(text)-1]...)
}

// entries is a list of volumes and snapshots. T is what the catalogue calls an entry; the entries themselves are
// written from the encodings that the objects keep.
type entries[T any] struct {
	_     *T
	in    scope
	seq   iter.Seq[*cluster.Object]
	count int
	only  *cluster.Object // the single element of a list without seq
	// extra appends members beyond the summary; it may be nil.
	extra func(b []byte, o *cluster.Object) []byte
	// key, when set, makes the list an object with these keys.
	key func(o *cluster.Object) string
	// more are the lists of other clusters, which follow.
	more []entries[T]
}

// unite appends the lists of other clusters. Where two of them have an entry of the same name, the later one goes by
// its global id.
func (l entries[T]) unite(others []any) any {
	for _, o := range others {
		if more, ok := o.(entries[T]); ok {
			l.more = append(l.more, more)
			l.count += more.count
		}
	}
	if l.key == nil || len(l.more) == 0 {
		return l
	}
	seen := map[string]bool{}
	unique := func(key func(*cluster.Object) string) func(*cluster.Object) string {
		return func(o *cluster.Object) string {
			k := key(o)
			if seen[k] {
				k = "~" + o.GlobalID
			}
			seen[k] = true
			return k
		}
	}
	l.key = unique(l.key)
	for i := range l.more {
		l.more[i].key = unique(l.more[i].key)
	}
	return l
}

// either marks entries that are one of two types.
type either[A, B any] struct {
	_ *A
	_ *B
}

// flushAt is the size at which a part of a list goes out.
const flushAt = 32 << 10

func (l entries[T]) long() bool {
	const few = 64
	return l.count > few
}

// WriteJSON writes the list, some tens of KiB at a time.
func (l entries[T]) WriteJSON(w io.Writer) error {
	opening, closing := byte('['), byte(']')
	if l.key != nil {
		opening, closing = '{', '}'
	}
	e := encoder{in: l.in}
	b := append(room(w, l.count), opening)
	if l.only != nil {
		b = l.append(&e, b, l.only)
	} else {
		first := true
		for _, part := range append([]entries[T]{l}, l.more...) {
			e.in = part.in
			var err error
			if b, err = part.writeAll(w, &e, b, &first); err != nil {
				return err
			}
		}
	}
	b = append(b, closing)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	return nil
}

// append appends one element.
func (l *entries[T]) append(e *encoder, b []byte, o *cluster.Object) []byte {
	if l.key != nil {
		b = append(appendText(b, l.key(o)), ':')
	}
	b = e.object(b, o)
	if l.extra != nil {
		b = l.extra(b, o)
	}
	return append(b, '}')
}

// writeAll writes the elements and returns what is left to write; first tells whether nothing was written before.
func (l *entries[T]) writeAll(w io.Writer, e *encoder, b []byte, first *bool) ([]byte, error) {
	for o := range l.seq {
		if !*first {
			b = append(b, ',')
		}
		*first = false
		b = l.append(e, b, o)
		if len(b) >= flushAt {
			if _, err := w.Write(b); err != nil {
				return nil, fmt.Errorf("write list: %w", err)
			}
			b = again(w, b)
		}
	}
	return b, nil
}

// room returns space for some entries: that of w itself where w is a buffer.
func room(w io.Writer, entries int) []byte {
	const typical = 1 << 10 // bytes of an entry
	n := min(entries*typical+typical, flushAt+flushAt/8)
	if buf, ok := w.(*bytes.Buffer); ok {
		buf.Grow(n)
		return buf.AvailableBuffer()
	}
	return make([]byte, 0, n)
}

// again returns space for what follows b, which has been written to w.
func again(w io.Writer, b []byte) []byte {
	if buf, ok := w.(*bytes.Buffer); ok {
		buf.Grow(cap(b))
		return buf.AvailableBuffer() // b may be part of the buffer by now
	}
	return b[:0]
}

// entry is one volume or snapshot as an object of its own.
type entry[T any] struct {
	_      *T
	in     scope
	object *cluster.Object
	extra  func(w io.Writer) error // writes members beyond the summary, with their leading comma; may be nil
	size   int                     // number of parts that extra writes
}

func (n entry[T]) long() bool {
	const many = 4096
	return n.size > many
}

// WriteJSON writes the object.
func (n entry[T]) WriteJSON(w io.Writer) error {
	e := encoder{in: n.in}
	if _, err := w.Write(e.object(nil, n.object)); err != nil {
		return fmt.Errorf("write object: %w", err)
	}
	if n.extra != nil {
		if err := n.extra(w); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(w, "}"); err != nil {
		return fmt.Errorf("write object: %w", err)
	}
	return nil
}
