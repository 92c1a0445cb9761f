package cluster

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/spsim/spsim/emulator/blocks"
)

// A saved state is one JSON document. It begins with its format and version and ends with a checksum of all that comes
// before:
//
//	{"format":"spsim-state","version":1,"clock":N,"contents":{...},"clusters":[...],"checksum":"..."}
const (
	stateHead = `{"format":"spsim-state","version":`
	stateSum  = `,"checksum":"`
	stateEnd  = "\"}\n"

	// StateVersion is the version of saved states that this program writes and understands.
	StateVersion = 1
)

// savedCluster is a cluster as the document has it.
type savedCluster struct {
	ID         string                     `json:"id"`
	Name       string                     `json:"name"`
	StandIn    bool                       `json:"standIn,omitempty"`
	Model      Model                      `json:"model"`
	Behaviour  Behaviour                  `json:"behaviour"`
	Generation int64                      `json:"generation"`
	Started    int64                      `json:"started"`
	LastID     int64                      `json:"lastId"`
	Settings   []Settings                 `json:"settings"`
	Objects    []savedObject              `json:"objects"` // by id
	Parts      map[string]json.RawMessage `json:"parts"`
}

// savedObject is a volume or snapshot.
type savedObject struct {
	ID       int64          `json:"id"` // VisibleID
	GlobalID string         `json:"gid"`
	Name     string         `json:"name"`
	Size     int64          `json:"size"`
	Created  int64          `json:"created"`
	Parent   int64          `json:"parent,omitempty"`   // VisibleID
	ParentIn string         `json:"parentIn,omitempty"` // cluster id when it is another
	VAG      int64          `json:"vag,omitempty"`      // when it is not ID
	Settings int            `json:"settings"`           // place among those of the cluster
	Tags     []string       `json:"tags,omitempty"`     // name and value in turn, by ascending name
	Contents int            `json:"contents,omitempty"`
	Snapshot *savedSnapshot `json:"snapshot,omitempty"`
}

// savedSnapshot is what only snapshots have.
type savedSnapshot struct {
	AutoName         bool   `json:"autoName,omitempty"`
	Bound            bool   `json:"bound,omitempty"`
	Transient        bool   `json:"transient,omitempty"`
	Deleted          bool   `json:"deleted,omitempty"`
	DeleteBlocked    string `json:"deleteBlocked,omitempty"`
	TargetDeleteDate int64  `json:"targetDeleteDate,omitempty"`
	CreatedFrom      string `json:"createdFrom,omitempty"`
	CreatedFromID    int64  `json:"createdFromId,omitempty"`
	Recovering       bool   `json:"recovering,omitempty"`
	Slave            bool   `json:"slave,omitempty"`
	Exported         bool   `json:"exported,omitempty"`
	Backup           bool   `json:"backup,omitempty"`
	BackupOf         string `json:"backupOf,omitempty"`
	BackupOfID       int64  `json:"backupOfId,omitempty"`
	BackupName       string `json:"backupName,omitempty"`
}

// moment is a cluster as it was when its lock was held.
type moment struct {
	head    savedCluster // without settings, objects and parts
	objects [2]List[*Object]
	stills  map[int64]blocks.Still // by VisibleID, of those that hold data
	// elsewhere has, by VisibleID, the cluster of the parent where it is another.
	elsewhere map[int64]string
	parts     []any // in the order of parts
}

// Save writes the whole state of all clusters, contents included, as it is at one moment. Nobody waits for the
// writing, only for the taking. The same state gives the same bytes. [Load] reads it.
func (f *Federation) Save(w io.Writer) error {
	f.mu.Lock()
	members := slices.Clone(f.members)
	if len(members) == 0 {
		f.mu.Unlock()
		return errors.New("save state: there is no cluster")
	}
	now := members[0].now()
	moments := make([]*moment, len(members))
	for i, c := range members {
		c.expire(now)
		moments[i] = c.moment()
	}
	f.still(moments)
	f.mu.Unlock()

	out := newDocument(w)
	out.text(stateHead, strconv.Itoa(StateVersion), `,"clock":`, strconv.FormatInt(now.UnixNano(), 10))
	roots := out.contents(moments)
	out.text(`,"clusters":[`)
	for i, m := range moments {
		out.separate(i)
		out.cluster(m, roots[i])
	}
	out.text("]")
	if err := out.close(); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// Save writes the state of the federation of the cluster, see [Federation.Save].
func (c *Cluster) Save(w io.Writer) error { return c.fed.Save(w) }

// moment takes the state but for the contents; the lock is held. Volumes and snapshots never change in place.
func (c *Cluster) moment() *moment {
	m := &moment{
		head: savedCluster{
			ID: c.id, Name: c.ownName(), StandIn: c.standIn, Model: c.model, Behaviour: c.does, Generation: c.Generation(),
			Started: c.started, LastID: c.lastID,
		},
		objects: [2]List[*Object]{{c.volumes.Copy()}, {c.snapshots.Copy()}},
		stills:  map[int64]blocks.Still{}, elsewhere: map[int64]string{},
	}
	for _, p := range parts() {
		m.parts = append(m.parts, p.save(c))
	}
	return m
}

// still takes the contents of everything; the lock is held.
func (f *Federation) still(moments []*moment) {
	var images []*blocks.Image
	var keep []func(blocks.Still)
	for _, m := range moments {
		for o := range m.all() {
			if o.node.image.Used() > 0 {
				images = append(images, o.node.image)
				keep = append(keep, func(s blocks.Still) { m.stills[o.VisibleID] = s })
			}
			if o.parent != nil && o.parent.home() != o.node.home() {
				m.elsewhere[o.VisibleID] = o.parent.home().id
			}
		}
	}
	for i, s := range f.store.Stills(images) {
		if !s.Empty() {
			keep[i](s)
		}
	}
}

// all yields volumes and snapshots together, by id.
func (m *moment) all() iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		next, stop := iter.Pull(m.objects[1].All())
		defer stop()
		snap, more := next()
		for o := range m.objects[0].All() {
			for ; more && snap.VisibleID < o.VisibleID; snap, more = next() {
				if !yield(snap) {
					return
				}
			}
			if !yield(o) {
				return
			}
		}
		for ; more && yield(snap); snap, more = next() {
		}
	}
}

// document writes a saved state. The first error ends it.
type document struct {
	to  *bufio.Writer // both the sum and the reader of the document
	w   io.Writer
	sum interface{ Sum([]byte) []byte }
	err error
}

func newDocument(w io.Writer) *document {
	sum := sha256.New()
	const buffer = 1 << 16
	return &document{to: bufio.NewWriterSize(io.MultiWriter(w, sum), buffer), w: w, sum: sum}
}

func (d *document) text(all ...string) {
	for _, s := range all {
		_, _ = d.to.WriteString(s) // Flush tells
	}
}

// separate comes before element i of a list, each of which has a line.
func (d *document) separate(i int) {
	if i > 0 {
		d.text(",")
	}
	d.text("\n")
}

func (d *document) json(v any) {
	text, err := json.Marshal(v)
	if err != nil && d.err == nil {
		d.err = err
	}
	_, _ = d.to.Write(text)
}

func (d *document) close() error {
	if err := d.to.Flush(); err != nil {
		return err
	}
	if d.err != nil {
		return d.err
	}
	_, err := io.WriteString(d.w, stateSum+hex.EncodeToString(d.sum.Sum(nil))+stateEnd)
	return err
}

// contents writes all pages and nodes, and returns for each moment the numbers of the roots by VisibleID.
func (d *document) contents(moments []*moment) []map[int64]int {
	p := blocks.NewPacker()
	roots := make([]map[int64]int, len(moments))
	for i, m := range moments {
		roots[i] = map[int64]int{}
		for o := range m.all() {
			if s := m.stills[o.VisibleID]; !s.Empty() {
				roots[i][o.VisibleID] = p.Add(s)
			}
		}
	}
	d.text(`,"contents":{"pages":[`)
	for i, page := range p.Pages {
		d.separate(i)
		d.text(`"`)
		enc := base64.NewEncoder(base64.StdEncoding, d.to)
		_, _ = enc.Write(page)
		_ = enc.Close()
		d.text(`"`)
	}
	d.text(`],"nodes":[`)
	for i, n := range p.Nodes {
		d.separate(i)
		d.json(n)
	}
	d.text("]}")
	return roots
}

func (d *document) cluster(m *moment, roots map[int64]int) {
	d.text(`{"id":`)
	d.json(m.head.ID)
	for _, member := range []struct {
		name  string
		value any
	}{
		{"name", m.head.Name},
		{"standIn", m.head.StandIn},
		{"model", m.head.Model},
		{"behaviour", m.head.Behaviour},
		{"generation", m.head.Generation},
		{"started", m.head.Started},
		{"lastId", m.head.LastID},
	} {
		d.text(`,"`, member.name, `":`)
		d.json(member.value)
	}
	settings, places := []Settings{}, map[Settings]int{}
	d.text(`,"objects":[`)
	i := 0
	for o := range m.all() {
		at, ok := places[*o.Settings]
		if !ok {
			at = len(settings)
			places[*o.Settings], settings = at, append(settings, *o.Settings)
		}
		root, ok := roots[o.VisibleID]
		if !ok {
			root = -1
		}
		d.separate(i)
		s := saved(o, at, root)
		s.ParentIn = m.elsewhere[o.VisibleID]
		d.json(s)
		i++
	}
	d.text(`],"settings":`)
	d.json(settings)
	d.text(`,"parts":{`)
	for i, p := range parts() {
		d.separate(i)
		d.text(`"`, p.name, `":`)
		d.json(m.parts[i])
	}
	d.text("}}")
}

// saved is an object with the place of its settings and the number of the root of its contents, -1 for none.
func saved(o *Object, settings, root int) savedObject {
	s := savedObject{
		ID: o.VisibleID, GlobalID: o.GlobalID, Name: o.Name, Size: o.Size, Created: o.Created, Parent: o.ParentID,
		Settings: settings, Contents: root + 1,
	}
	if o.VAG != o.VisibleID {
		s.VAG = o.VAG
	}
	for name, value := range o.Tags.All() {
		s.Tags = append(s.Tags, name, value)
	}
	if o.Snap != nil {
		s.Snapshot = &savedSnapshot{
			AutoName: o.Snap.AutoName, Bound: o.Snap.Bound, Transient: o.Snap.Transient, Deleted: o.Snap.Deleted,
			DeleteBlocked: o.Snap.DeleteBlocked, TargetDeleteDate: o.Snap.TargetDeleteDate,
			CreatedFrom: o.Snap.CreatedFrom, CreatedFromID: o.Snap.CreatedFromID,
			Recovering: o.Snap.Recovering, Slave: o.Snap.Slave, Exported: o.Snap.Exported,
			Backup: o.Snap.Backup, BackupOf: o.Snap.BackupOf, BackupOfID: o.Snap.BackupOfID, BackupName: o.Snap.BackupName,
		}
	}
	return s
}
