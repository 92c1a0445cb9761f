package cluster

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spsim/spsim/emulator/blocks"
	"github.com/spsim/spsim/internal/clock"
)

// ErrState refuses what is no saved state, is damaged, or was written by a program that this one does not understand.
// The error says which.
var ErrState = errors.New("the saved state cannot be loaded")

// Saved is a saved state that has been read and is whole.
type Saved struct {
	doc savedDocument
}

type savedDocument struct {
	Format   string          `json:"format"`
	Version  int             `json:"version"`
	Clock    int64           `json:"clock"` // UNIX nanoseconds
	Contents blocks.Contents `json:"contents"`
	Clusters []savedCluster  `json:"clusters"`
	Checksum string          `json:"checksum"`
}

// ReadState reads a saved state to its end and checks that it is whole. Errors: [ErrState], and those of r.
func ReadState(r io.Reader) (*Saved, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read saved state: %w", err)
	}
	if err := checkWhole(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	s := &Saved{}
	if err := strictly(text, &s.doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	return s, nil
}

// checkWhole looks at format, version and checksum, in this order.
func checkWhole(text []byte) error {
	rest, ok := bytes.CutPrefix(text, []byte(stateHead))
	if !ok {
		return errors.New("it does not begin as one of spsim")
	}
	digits, _, _ := bytes.Cut(rest, []byte(","))
	version, err := strconv.Atoi(string(digits))
	if err != nil {
		return errors.New("it has no version")
	}
	if version != StateVersion {
		return fmt.Errorf("it has version %d, this program understands version %d", version, StateVersion)
	}
	tail := len(stateSum) + hex.EncodedLen(sha256.Size) + len(stateEnd)
	if len(text) < len(stateHead)+tail {
		return errors.New("it is cut off")
	}
	body, end := text[:len(text)-tail], text[len(text)-tail:]
	if !bytes.HasPrefix(end, []byte(stateSum)) || !bytes.HasSuffix(end, []byte(stateEnd)) {
		return errors.New("it is cut off: there is no checksum at its end")
	}
	sum := sha256.Sum256(body)
	if string(end[len(stateSum):len(end)-len(stateEnd)]) != hex.EncodeToString(sum[:]) {
		return errors.New("it is damaged: the checksum does not match")
	}
	return nil
}

// Identity is the id and the name of a cluster.
type Identity struct{ ID, Name string }

// Clusters tells which clusters the state holds, without stand-ins.
func (s *Saved) Clusters() []Identity {
	var all []Identity
	for _, c := range s.doc.Clusters {
		if !c.StandIn {
			all = append(all, Identity{c.ID, c.Name})
		}
	}
	return all
}

// Clock is what the clock showed when the state was saved.
func (s *Saved) Clock() time.Time { return time.Unix(0, s.doc.Clock) }

// Load reads a saved state and builds its clusters on a clock. Errors: [ErrState], and those of r.
func Load(r io.Reader, k clock.Clock) (*Federation, error) {
	s, err := ReadState(r)
	if err != nil {
		return nil, err
	}
	return s.Federation(k)
}

// Federation builds the clusters of the state on a clock; what has come due since the state was saved is done at the
// first call. Error: [ErrState].
func (s *Saved) Federation(k clock.Clock) (*Federation, error) {
	l := &loading{fed: NewFederation(), nodes: map[nodeKey]*node{}}
	var err error
	if l.unpacker, err = l.fed.store.Unpack(s.doc.Contents); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	clusters := make([]*Cluster, len(s.doc.Clusters))
	for i := range s.doc.Clusters {
		if clusters[i], err = l.begin(&s.doc.Clusters[i], k); err != nil {
			return nil, fmt.Errorf("%w: cluster %s: %w", ErrState, s.doc.Clusters[i].ID, err)
		}
	}
	for i, c := range clusters {
		if err := l.complete(c, &s.doc.Clusters[i]); err != nil {
			return nil, fmt.Errorf("%w: cluster %s: %w", ErrState, c.id, err)
		}
	}
	for i, c := range clusters {
		if err := c.loadParts(s.doc.Clusters[i].Parts); err != nil {
			return nil, fmt.Errorf("%w: cluster %s: %w", ErrState, c.id, err)
		}
	}
	if err := l.checkLineage(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	return l.fed, nil
}

// loading is a federation that is being built.
type loading struct {
	fed      *Federation
	unpacker *blocks.Unpacker
	nodes    map[nodeKey]*node
}

// nodeKey tells volumes and snapshots of all clusters apart.
type nodeKey struct {
	cluster string
	id      int64
}

// begin makes a cluster with the nodes of its volumes and snapshots, which know nothing of each other yet.
func (l *loading) begin(s *savedCluster, k clock.Clock) (*Cluster, error) {
	c, err := empty(Options{ID: s.ID, Name: s.Name, Clock: k, Model: s.Model, Behaviour: s.Behaviour, Federation: l.fed})
	if err != nil {
		return nil, err
	}
	if err := l.fed.join(c); err != nil {
		return nil, err
	}
	c.standIn, c.started, c.lastID = s.StandIn, s.Started, s.LastID
	c.generation.Store(s.Generation)
	for i := range s.Objects {
		o := &s.Objects[i]
		if i > 0 && o.ID <= s.Objects[i-1].ID || o.ID > c.lastID {
			return nil, fmt.Errorf("object %d is out of order", o.ID)
		}
		n := &node{}
		n.place.Store(c)
		if n.image, err = l.unpacker.Image(o.Contents-1, o.Size, o.Snapshot != nil); err != nil {
			return nil, fmt.Errorf("object %d: %w", o.ID, err)
		}
		l.nodes[nodeKey{c.id, o.ID}] = n
	}
	return c, nil
}

// complete gives the nodes their objects.
func (l *loading) complete(c *Cluster, s *savedCluster) error {
	settings := make([]*Settings, len(s.Settings))
	for i := range s.Settings {
		settings[i] = c.share(s.Settings[i])
	}
	c.byName = make(map[string]*node, len(s.Objects))
	for i := range s.Objects {
		o := &s.Objects[i]
		if o.Settings < 0 || o.Settings >= len(settings) {
			return fmt.Errorf("object %d: unknown settings %d", o.ID, o.Settings)
		}
		info, err := l.info(c, o)
		if err == nil {
			info.Settings = settings[o.Settings]
			err = l.admit(c, info)
		}
		if err != nil {
			return fmt.Errorf("object %d: %w", o.ID, err)
		}
	}
	return nil
}

// loadParts gives the cluster the parts of its state, once the objects of all clusters are there.
func (c *Cluster) loadParts(saved map[string]json.RawMessage) error {
	for _, p := range parts() {
		text, ok := saved[p.name]
		if !ok {
			return fmt.Errorf("the part %q is missing", p.name)
		}
		if err := p.load(c, text); err != nil {
			return err
		}
	}
	if len(saved) > len(parts()) {
		return fmt.Errorf("%d of its parts are unknown", len(saved)-len(parts()))
	}
	return nil
}

// info is all of an object but its settings.
func (l *loading) info(c *Cluster, s *savedObject) (Info, error) {
	info := Info{
		GlobalID: s.GlobalID, Name: s.Name, Size: s.Size, Created: s.Created, VisibleID: s.ID, ParentID: s.Parent,
		VAG:  cmp.Or(s.VAG, s.ID),
		node: l.nodes[nodeKey{c.id, s.ID}],
	}
	if s.Parent != 0 {
		if info.parent = l.nodes[nodeKey{cmp.Or(s.ParentIn, c.id), s.Parent}]; info.parent == nil {
			return info, fmt.Errorf("unknown parent %d", s.Parent)
		}
	}
	var err error
	if info.Tags, err = packed(s.Tags); err != nil || s.Snapshot == nil {
		return info, err
	}
	info.Snap = &SnapshotInfo{
		AutoName: s.Snapshot.AutoName, Bound: s.Snapshot.Bound, Transient: s.Snapshot.Transient,
		Deleted: s.Snapshot.Deleted, DeleteBlocked: s.Snapshot.DeleteBlocked,
		TargetDeleteDate: s.Snapshot.TargetDeleteDate, CreatedFrom: s.Snapshot.CreatedFrom,
		CreatedFromID: s.Snapshot.CreatedFromID,
		Recovering:    s.Snapshot.Recovering, Slave: s.Snapshot.Slave, Exported: s.Snapshot.Exported,
		Backup: s.Snapshot.Backup, BackupOf: s.Snapshot.BackupOf, BackupOfID: s.Snapshot.BackupOfID,
		BackupName: s.Snapshot.BackupName,
		source:     l.nodes[nodeKey{c.id, s.Snapshot.CreatedFromID}],
	}
	return info, nil
}

// packed makes tags of names and values in turn.
func packed(list []string) (Tags, error) {
	if len(list) == 0 {
		return Tags{}, nil
	}
	if len(list)%2 != 0 {
		return Tags{}, errors.New("a tag without value")
	}
	var b []byte
	for i := 0; i < len(list); i += 2 {
		name, value := list[i], list[i+1]
		if !validTagName(name) || value == "" || !validTagValue(value, false) || i > 0 && name <= list[i-2] {
			return Tags{}, fmt.Errorf("bad tag %q", name)
		}
		b = pack(pack(b, name), value)
	}
	return Tags{packed: string(b)}, nil
}

// admit gives a new node its object, in every index but that of tags, and its parent.
func (l *loading) admit(c *Cluster, info Info) error {
	if info.Name == "" || !validGlobalID(info.GlobalID) {
		return errors.New("without name, or with a bad global id")
	}
	n := info.node
	if p := info.parent; p != nil {
		if err := l.unpacker.Adopt(p.image, n.image); err != nil {
			return fmt.Errorf("parent %d: %w", info.ParentID, err)
		}
		n.link(p)
	}
	o := &Object{Info: info}
	if addressable(o.Name) {
		if c.byName[o.Name] != nil {
			return fmt.Errorf("the name %q is there twice", o.Name)
		}
		c.byName[o.Name] = n
	}
	if o.GlobalID != c.id+"."+strconv.FormatInt(o.VisibleID, 36) {
		if c.foreign[o.GlobalID] != nil {
			return fmt.Errorf("the global id %q is there twice", o.GlobalID)
		}
		c.foreign[o.GlobalID] = n
	}
	c.listOf(o).Load(o.VisibleID, o)
	n.obj.Store(o)
	return nil
}

// checkLineage refuses chains of parents that come back to where they began.
func (l *loading) checkLineage() error {
	rooted := make(map[*node]bool, len(l.nodes))
	for _, c := range l.fed.members {
		for o := range (List[*Object]{c.snapshots}).All() {
			chain := map[*node]bool{}
			for n := o.node; n != nil && !rooted[n]; n = n.parent() {
				if chain[n] {
					return fmt.Errorf("snapshot %s is its own ancestor", o.GlobalID)
				}
				chain[n] = true
			}
			for n := range chain {
				rooted[n] = true
			}
		}
	}
	return nil
}
