package cluster_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

const sector = 512

// thing is the model of a volume or snapshot.
type thing struct {
	gid      string
	name     string // as shown
	data     []byte
	parent   *thing
	snapshot bool
	bound    bool
	deleted  bool
	held     map[int]cluster.Rights
}

func (x *thing) ref() cluster.Ref { return cluster.Ref("~" + x.gid) }

// machine runs the same actions on a cluster and on a model of it.
type machine struct {
	c          *cluster.Cluster
	clock      clock.Clock
	things     []*thing // in order of creation
	names      int
	generation int64
}

func (m *machine) pick(t *rapid.T, what string, fits func(*thing) bool) *thing {
	var fit []*thing
	for _, x := range m.things {
		if !x.deleted && fits(x) {
			fit = append(fit, x)
		}
	}
	if len(fit) == 0 {
		t.Skip("no such " + what)
	}
	return rapid.SampledFrom(fit).Draw(t, what)
}

func aVolume(x *thing) bool   { return !x.snapshot }
func aSnapshot(x *thing) bool { return x.snapshot }

func (m *machine) kids(x *thing) (n int) {
	for _, k := range m.things {
		if k.parent == x {
			n++
		}
	}
	return n
}

// remove takes a thing out of the model, as deletions do.
func (m *machine) remove(x *thing) {
	m.things = slices.DeleteFunc(m.things, func(o *thing) bool { return o == x })
	for _, k := range m.things {
		if k.parent == x {
			k.parent = x.parent
		}
	}
	m.review(x.parent)
}

// review collects a snapshot that has lost a child or an attachment.
func (m *machine) review(p *thing) {
	if p == nil || !slices.Contains(m.things, p) {
		return
	}
	switch n := m.kids(p); {
	case p.deleted && n <= 1, p.bound && !p.deleted && n == 0 && len(p.held) == 0:
		m.remove(p)
	}
}

// newName draws a name, mostly none.
func (m *machine) newName(t *rapid.T) string {
	if rapid.IntRange(0, 2).Draw(t, "named") == 0 {
		m.names++
		return fmt.Sprintf("n%d", m.names)
	}
	return ""
}

func (m *machine) add(gid, name string, data []byte, parent *thing) *thing {
	x := &thing{gid: gid, name: name, data: data, parent: parent, held: map[int]cluster.Rights{}}
	m.things = append(m.things, x)
	return x
}

func drawSize(t *rapid.T) int64 { return rapid.Int64Range(1, 100).Draw(t, "sectors") * sector }

// sized returns a copy of data with another size.
func sized(data []byte, size int64) []byte {
	out := make([]byte, size)
	copy(out, data)
	return out
}

func (m *machine) Create(t *rapid.T) {
	size, name := drawSize(t), m.newName(t)
	made, err := m.c.VolumeCreate(cluster.VolumeSpec{Name: name, Size: &size})
	require.NoError(t, err)
	m.add(made.GlobalID, made.Name, make([]byte, size), nil)
}

func (m *machine) Clone(t *rapid.T) {
	s := m.pick(t, "snapshot", aSnapshot)
	size := int64(len(s.data)) + rapid.SampledFrom([]int64{0, sector, -sector}).Draw(t, "more")
	if size == 0 {
		t.Skip("it would have no size")
	}
	made, err := m.c.VolumeCreate(cluster.VolumeSpec{Parent: s.ref(), Size: &size, Name: m.newName(t)})
	if size < int64(len(s.data)) {
		require.ErrorIs(t, err, cluster.InvalidParam)
		return
	}
	require.NoError(t, err)
	m.add(made.GlobalID, made.Name, sized(s.data, size), s)
}

func (m *machine) Copy(t *rapid.T) {
	v := m.pick(t, "volume", aVolume)
	made, err := m.c.VolumeCreate(cluster.VolumeSpec{BaseOn: v.ref()})
	require.NoError(t, err)
	assert.Contains(t, made.AutoName, strings.TrimPrefix(v.name, "~")+"@")
	m.add(made.GlobalID, made.Name, bytes.Clone(v.data), v.parent)
}

func (m *machine) Write(t *rapid.T) {
	v := m.pick(t, "volume", aVolume)
	off := rapid.IntRange(0, len(v.data)-1).Draw(t, "off")
	p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(1, len(v.data)-off).Draw(t, "len"))
	client := rapid.IntRange(1, 3).Draw(t, "client")
	d, err := m.c.Device(client, v.ref())
	if v.held[client] == "" {
		require.ErrorIs(t, err, cluster.ErrDetached)
		require.NoError(t, m.c.WriteContent(v.ref(), int64(off), p))
		copy(v.data[off:], p)
		return
	}
	require.NoError(t, err)
	_, err = d.WriteAt(p, int64(off))
	require.NoError(t, d.Close())
	if v.held[client] == cluster.ReadOnly {
		require.ErrorIs(t, err, cluster.ErrReadOnly)
		return
	}
	require.NoError(t, err)
	copy(v.data[off:], p)
}

// insert puts a snapshot in between a volume and its parent.
func (m *machine) insert(v *thing, gid, name string, bound bool) {
	s := m.add(gid, name, bytes.Clone(v.data), v.parent)
	s.snapshot, s.bound = true, bound
	v.parent = s
}

func (m *machine) Snapshot(t *rapid.T) {
	v, name, bind := m.pick(t, "volume", aVolume), m.newName(t), rapid.IntRange(0, 3).Draw(t, "bind") == 0
	made, err := m.c.VolumeSnapshot(v.ref(), cluster.SnapshotSpec{Name: name, Bind: bind})
	require.NoError(t, err)
	switch {
	case name != "":
		require.Equal(t, name, made.Name)
	case strings.HasPrefix(v.name, "~"):
		require.Equal(t, "~"+made.GlobalID, made.Name)
	default:
		require.Equal(t, fmt.Sprintf("%s@%d", v.name, made.VisibleID), made.Name)
	}
	m.insert(v, made.GlobalID, made.Name, bind)
}

func (m *machine) Group(t *rapid.T) {
	v, w := m.pick(t, "volume", aVolume), m.pick(t, "other", aVolume)
	members, err := m.c.GroupSnapshot(cluster.GroupSpec{Volumes: []cluster.GroupVolume{{Volume: v.ref()}, {Volume: w.ref()}}})
	if v == w {
		require.ErrorIs(t, err, cluster.InvalidParam)
		return
	}
	require.NoError(t, err)
	for i, x := range []*thing{v, w} {
		require.Equal(t, x.gid, members[i].VolumeGlobalID)
		m.insert(x, members[i].SnapshotGlobalID, members[i].Snapshot, false)
	}
}

func (m *machine) Revert(t *rapid.T) {
	v, s := m.pick(t, "volume", aVolume), m.pick(t, "snapshot", aSnapshot)
	takeSize := rapid.Bool().Draw(t, "revertSize")
	err := m.c.VolumeRevert(v.ref(), s.ref(), takeSize)
	if len(v.held) > 0 {
		require.ErrorIs(t, err, cluster.Busy)
		return
	}
	require.NoError(t, err)
	size := int64(len(v.data))
	if takeSize {
		size = int64(len(s.data))
	}
	former := v.parent
	v.data, v.parent = sized(s.data, size), s
	m.review(former)
}

func (m *machine) Resize(t *rapid.T) {
	v, size, shrink := m.pick(t, "volume", aVolume), drawSize(t), rapid.Bool().Draw(t, "shrinkOk")
	err := m.c.VolumeUpdate(v.ref(), cluster.VolumeChange{Size: &size, ShrinkOK: shrink})
	if size < int64(len(v.data)) && !shrink {
		require.ErrorIs(t, err, cluster.InvalidParam)
		return
	}
	require.NoError(t, err)
	v.data = sized(v.data[:min(size, int64(len(v.data)))], size)
}

func (m *machine) Rename(t *rapid.T) {
	x := m.pick(t, "thing", func(*thing) bool { return true })
	other := m.pick(t, "other", func(*thing) bool { return true })
	name := m.newName(t)
	if rapid.IntRange(0, 3).Draw(t, "taken") == 0 && !strings.ContainsAny(other.name, "~@") {
		name = other.name
	}
	var err error
	if x.snapshot {
		err = m.c.SnapshotUpdate(x.ref(), cluster.SnapshotChange{Rename: &name})
	} else {
		err = m.c.VolumeUpdate(x.ref(), cluster.VolumeChange{Rename: &name})
	}
	if name == other.name && other != x {
		require.ErrorIs(t, err, cluster.ObjectExists)
		return
	}
	require.NoError(t, err)
	if x.name = name; name == "" {
		x.name = "~" + x.gid
	}
	m.review(x)
}

func (m *machine) Reassign(t *rapid.T) {
	x := m.pick(t, "thing", func(*thing) bool { return true })
	a := cluster.Assignment{DetachAll: rapid.Bool().Draw(t, "all")}
	clients := rapid.SliceOfN(rapid.IntRange(1, 4), 0, 3)
	a.Detach, a.RO, a.RW = clients.Draw(t, "detach"), clients.Draw(t, "ro"), clients.Draw(t, "rw")
	if a.Volume = x.ref(); x.snapshot {
		a.Volume, a.Snapshot = "", x.ref()
	}
	err := m.c.Reassign([]cluster.Assignment{a})
	switch {
	case slices.ContainsFunc(a.RO, func(id int) bool { return slices.Contains(a.RW, id) }):
		require.ErrorIs(t, err, cluster.InvalidParam)
		return
	case slices.Contains(a.RO, 4) || slices.Contains(a.RW, 4):
		require.EqualError(t, err, "invalidParam: "+cluster.NoSuchClient)
		return
	}
	require.NoError(t, err)
	for id := range x.held {
		if a.DetachAll || slices.Contains(a.Detach, id) {
			delete(x.held, id)
		}
	}
	for _, id := range a.RO {
		x.held[id] = cluster.ReadOnly
	}
	for _, id := range a.RW {
		if x.held[id] = cluster.ReadWrite; x.snapshot {
			x.held[id] = cluster.ReadOnly
		}
	}
	m.review(x)
}

func (m *machine) DeleteVolume(t *rapid.T) {
	v := m.pick(t, "volume", aVolume)
	on := rapid.SampledFrom([]cluster.OnAttached{"", cluster.OnAttachedDetach, cluster.OnAttachedDetachForce}).Draw(t, "onAttached")
	err := m.c.VolumeDelete(v.ref(), on)
	if len(v.held) > 0 && on == "" {
		require.ErrorIs(t, err, cluster.Busy)
		return
	}
	require.NoError(t, err)
	m.remove(v)
	require.ErrorIs(t, m.c.VolumeDelete(v.ref(), on), cluster.ObjectDoesNotExist)
}

func (m *machine) DeleteSnapshot(t *rapid.T) {
	s := m.pick(t, "snapshot", aSnapshot)
	err := m.c.SnapshotDelete(s.ref())
	if len(s.held) > 0 {
		require.ErrorIs(t, err, cluster.Busy)
		return
	}
	require.NoError(t, err)
	s.deleted, s.name = true, "*"+strings.TrimPrefix(s.name, "~")
	m.review(s)
	require.ErrorIs(t, m.c.SnapshotDelete(s.ref()), cluster.ObjectDoesNotExist)
}

func (m *machine) Freeze(t *rapid.T) {
	v := m.pick(t, "volume", aVolume)
	err := m.c.VolumeFreeze(v.ref(), cluster.Schedule{})
	for _, r := range v.held {
		if r == cluster.ReadWrite {
			require.ErrorIs(t, err, cluster.Busy)
			return
		}
	}
	require.NoError(t, err)
	v.snapshot = true
}

func (m *machine) Rebase(t *rapid.T) {
	x := m.pick(t, "thing", func(*thing) bool { return true })
	to := []*thing{nil}
	for p := x.parent; p != nil; p = p.parent {
		if !p.deleted {
			to = append(to, p)
		}
	}
	p := rapid.SampledFrom(to).Draw(t, "to")
	var ref cluster.Ref
	if p != nil {
		ref = p.ref()
	}
	if x.snapshot {
		require.NoError(t, m.c.SnapshotRebase(x.ref(), ref))
	} else {
		require.NoError(t, m.c.VolumeRebase(x.ref(), ref))
	}
	former := x.parent
	x.parent = p
	m.review(former)
}

// Check compares everything that shows with the model, and holds the invariants of storpool-api 5.
func (m *machine) Check(t *rapid.T) {
	at := m.c.Generation()
	require.GreaterOrEqual(t, at, m.generation)
	m.generation = at
	var volumes, snapshots []string
	for _, x := range m.things {
		parent := ""
		if x.parent != nil {
			parent = x.parent.name
		}
		line := fmt.Sprintf("%s %s %d %q %v", x.gid, x.name, len(x.data), parent, x.deleted)
		if x.snapshot {
			snapshots = append(snapshots, line)
		} else {
			volumes = append(volumes, line)
		}
	}
	require.Equal(t, volumes, m.listed(t, m.c.Volumes()))
	require.Equal(t, snapshots, m.listed(t, m.c.Snapshots()))
	m.checkAttachments(t)
	for _, x := range m.things {
		if x.deleted {
			continue
		}
		got := make([]byte, len(x.data))
		require.NoError(t, m.c.ReadContent(x.ref(), 0, got))
		require.True(t, bytes.Equal(x.data, got), "contents of %s", x.name)
	}
	require.Equal(t, at, m.c.Generation(), "reads change nothing")
}

func (m *machine) listed(t *rapid.T, list cluster.List[*cluster.Object]) (lines []string) {
	ids := map[int64]bool{0: true}
	for s := range m.c.Snapshots().All() {
		ids[s.VisibleID] = true
	}
	seen := map[string]bool{}
	for o := range list.All() {
		deleted := o.IsSnapshot() && o.Snap.Deleted
		lines = append(lines, fmt.Sprintf("%s %s %d %q %v", o.GlobalID, o.Name, o.Size, o.ParentName(), deleted))
		require.True(t, ids[o.ParentID], "the parent of %s is a snapshot", o.Name)
		require.False(t, seen[o.Name] || seen[o.GlobalID], "name and id of %s are unique", o.Name)
		seen[o.Name], seen[o.GlobalID] = true, true
		s := m.c.Space(o)
		require.LessOrEqual(t, s.Stored, o.Size)
		require.LessOrEqual(t, s.Used, o.Size)
		if !o.IsSnapshot() {
			require.LessOrEqual(t, s.Stored, s.Used)
		} else {
			require.LessOrEqual(t, s.Used, s.Stored)
		}
	}
	return lines
}

func (m *machine) checkAttachments(t *rapid.T) {
	got, want := map[string]bool{}, map[string]bool{}
	slots := map[string]bool{}
	for a := range m.c.Attachments().All() {
		line := fmt.Sprintf("%s %d %s %v", a.GlobalID, a.Client, a.Rights, a.Snapshot)
		require.False(t, got[line], "one attachment for an object and a client")
		got[line] = true
		slot := fmt.Sprintf("%d %d", a.Client, a.Pos)
		require.False(t, slots[slot], "one attachment in a slot")
		slots[slot] = true
	}
	for _, x := range m.things {
		for id, r := range x.held {
			want[fmt.Sprintf("%s %d %s %v", x.gid, id, r, x.snapshot)] = true
		}
	}
	require.Equal(t, want, got)
}

func TestTheClusterBehavesAsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		model := cluster.DefaultModel()
		model.Clients = 3
		k := clock.NewVirtual(time.Unix(1e9, 0))
		c, err := cluster.New(cluster.Options{Model: model, Clock: k})
		require.NoError(t, err)
		m := &machine{c: c, clock: k}
		m.Create(t)
		t.Repeat(rapid.StateMachineActions(m))
	})
}
