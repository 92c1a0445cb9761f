package cluster_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
)

// bed is a cluster on a clock of its own.
type bed struct {
	*cluster.Cluster
	t     *testing.T
	clock *clock.Virtual
}

func start(t *testing.T, change ...func(*cluster.Options)) *bed {
	t.Helper()
	v := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	o := cluster.Options{Clock: v, Model: cluster.DefaultModel()}
	for _, f := range change {
		f(&o)
	}
	c, err := cluster.New(o)
	require.NoError(t, err)
	return &bed{Cluster: c, t: t, clock: v}
}

func with(change func(b *cluster.Behaviour)) func(*cluster.Options) {
	return func(o *cluster.Options) { change(&o.Behaviour) }
}

// volume creates a volume of one GiB, or as spec says, and returns its reference.
func (b *bed) volume(spec cluster.VolumeSpec) cluster.Ref {
	b.t.Helper()
	if spec.Size == nil && spec.Parent == "" && spec.BaseOn == "" {
		spec.Size = new(gib)
	}
	made, err := b.VolumeCreate(spec)
	require.NoError(b.t, err)
	return cluster.Ref("~" + made.GlobalID)
}

func (b *bed) snapshot(v cluster.Ref, spec cluster.SnapshotSpec) cluster.Ref {
	b.t.Helper()
	made, err := b.VolumeSnapshot(v, spec)
	require.NoError(b.t, err)
	return cluster.Ref("~" + made.GlobalID)
}

func (b *bed) vol(ref cluster.Ref) *cluster.Object {
	b.t.Helper()
	o, err := b.Volume(ref)
	require.NoError(b.t, err)
	return o
}

func (b *bed) snap(ref cluster.Ref) *cluster.Object {
	b.t.Helper()
	o, err := b.Snapshot(ref)
	require.NoError(b.t, err)
	return o
}

func (b *bed) write(ref cluster.Ref, off int64, value byte, n int64) {
	b.t.Helper()
	require.NoError(b.t, b.WriteContent(ref, off, bytes.Repeat([]byte{value}, int(n))))
}

func (b *bed) holds(ref cluster.Ref, off int64, value byte, n int64) {
	b.t.Helper()
	p := make([]byte, n)
	require.NoError(b.t, b.ReadContent(ref, off, p))
	assert.Equal(b.t, bytes.Repeat([]byte{value}, int(n)), p, "contents of %s at %d", ref, off)
}

func (b *bed) attach(ref cluster.Ref, clients ...int) {
	b.t.Helper()
	require.NoError(b.t, b.Reassign([]cluster.Assignment{{Volume: ref, RW: clients}}))
}

// names lists the names as shown.
func names(l cluster.List[*cluster.Object]) []string {
	all := []string{}
	for o := range l.All() {
		all = append(all, o.Name)
	}
	return all
}

// refused asserts the name and, unless it is empty, the text of a refusal.
func refused(t *testing.T, err error, name cluster.ErrorName, descr string) {
	t.Helper()
	var refusal *cluster.Error
	if !assert.ErrorAs(t, err, &refusal) {
		return
	}
	assert.Equal(t, name, refusal.Name)
	assert.ErrorIs(t, err, name)
	if descr != "" {
		assert.Equal(t, descr, refusal.Descr)
	}
}

func TestANamelessVolumeIsKnownByItsGlobalID(t *testing.T) {
	t.Parallel()
	b := start(t)
	made, err := b.VolumeCreate(cluster.VolumeSpec{Size: new(gib), Tags: map[string]string{"cs": "volume", "x": ""}})
	require.NoError(t, err)
	assert.Equal(t, cluster.Created{Name: "~spsm.b.1", GlobalID: "spsm.b.1"}, made)

	o := b.vol("~spsm.b.1")
	assert.Equal(t, "~spsm.b.1", o.Name)
	assert.Equal(t, map[string]string{"cs": "volume"}, o.Tags.Map(), "empty values are not stored")
	assert.Equal(t, []string{"~spsm.b.1"}, names(b.Volumes()))
	assert.Equal(t, int64(32), o.ObjectsCount())
	assert.Equal(t, b.clock.Now().Unix(), o.Created)
}

func TestListsAreTakenAtOneMoment(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.volume(cluster.VolumeSpec{Name: "a"})
	b.volume(cluster.VolumeSpec{Name: "b"})
	list := b.Volumes()
	require.NoError(t, b.VolumeDelete("a", ""))
	b.volume(cluster.VolumeSpec{Name: "c"})
	require.NoError(t, b.VolumeUpdate("b", cluster.VolumeChange{Rename: new("z")}))
	assert.Equal(t, []string{"a", "b"}, names(list))
	assert.Equal(t, 2, list.Len())
	assert.Equal(t, []string{"z", "c"}, names(b.Volumes()))
	for o := range list.All() {
		assert.Equal(t, "a", o.Name)
		break
	}
}

func TestTheSameSeedGivesTheSameIDs(t *testing.T) {
	t.Parallel()
	id := func(seed int64) string {
		b := start(t, func(o *cluster.Options) { o.Seed = seed })
		return b.vol(b.volume(cluster.VolumeSpec{})).GlobalID
	}
	first, again := id(7), id(7)
	assert.Equal(t, first, again)
	assert.NotEqual(t, first, id(8))
	assert.NotPanics(t, func() { id(-1 << 63) })
}

func TestLookUpsByTagAndParentFollowEveryChange(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Tags: map[string]string{"cs": "volume", "uuid": "1"}})
	s := b.snapshot(v, cluster.SnapshotSpec{Tags: map[string]string{"cs": "volume"}})
	c1 := b.volume(cluster.VolumeSpec{Parent: s})
	refs := func(all []*cluster.Object) (out []cluster.Ref) {
		for _, o := range all {
			out = append(out, cluster.Ref("~"+o.GlobalID))
		}
		return out
	}
	sGID := b.snap(s).GlobalID
	assert.Equal(t, []cluster.Ref{v, s}, refs(b.FindByTag("cs", "volume")))
	assert.Equal(t, []cluster.Ref{v, c1}, refs(b.Children(sGID)))

	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Tags: map[string]string{"cs": "", "uuid": "2"}}))
	assert.Equal(t, []cluster.Ref{s}, refs(b.FindByTag("cs", "volume")))
	assert.Empty(t, b.FindByTag("uuid", "1"))
	assert.Equal(t, []cluster.Ref{v}, refs(b.FindByTag("uuid", "2")))

	require.NoError(t, b.VolumeDelete(v, ""))
	assert.Empty(t, b.FindByTag("uuid", "2"))
	assert.Equal(t, []cluster.Ref{c1}, refs(b.Children(sGID)))
	assert.Empty(t, b.Children("spsm.b.zzz"))
}

func TestEveryChangeIsOneGenerationAndReadsAndNothingAreNone(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Tags: map[string]string{"a": "b"}})
	s := b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	at := b.Generation()
	steps := []struct {
		what string
		do   func() error
		grow int64
	}{
		{"empty update", func() error { return b.VolumeUpdate(v, cluster.VolumeChange{}) }, 0},
		{"own name, size and tags", func() error {
			return b.VolumeUpdate(v, cluster.VolumeChange{Rename: new("v"), Size: new(gib), Tags: map[string]string{"a": "b", "c": ""}})
		}, 0},
		{"empty snapshot update", func() error { return b.SnapshotUpdate(s, cluster.SnapshotChange{}) }, 0},
		{"many members", func() error {
			return b.VolumeUpdate(v, cluster.VolumeChange{
				Rename: new("w"), SizeAdd: new(gib), Tags: map[string]string{"x": "y"}, Policy: cluster.Policy{IOPS: new(cluster.Limit(5))},
			})
		}, 1},
		{"copy", func() error { _, err := b.VolumeCreate(cluster.VolumeSpec{BaseOn: v}); return err }, 1},
		{"attach two", func() error {
			return b.Reassign([]cluster.Assignment{{Volume: v, RW: []int{1}}, {Snapshot: s, RO: []int{2}}})
		}, 1},
		{"detach what is not attached", func() error {
			return b.Reassign([]cluster.Assignment{{Volume: v, Detach: []int{5}}})
		}, 0},
		{"reads", func() error {
			_, _, _ = b.Volumes(), b.Disks(), b.TemplateStatus()
			_, err := b.Volume(v)
			return err
		}, 0},
	}
	for _, s := range steps {
		require.NoError(t, s.do(), s.what)
		assert.Equal(t, s.grow, b.Generation()-at, s.what)
		at = b.Generation()
	}
}

func TestEncodingsAreKeptWithTheStateTheyEncode(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	assert.Empty(t, b.vol(v).Encoding())
	b.vol(v).SetEncoding("kept")
	assert.Equal(t, "kept", b.vol(v).Encoding())
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Rename: new("n")}))
	assert.Empty(t, b.vol(v).Encoding())
}

func TestBadOptionsAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	m := cluster.DefaultModel()
	m.Servers, m.HDDsPerServer, m.Replication, m.Clients = 0, 0, 4, 5000
	m.Templates = append(m.Templates, cluster.ModelTemplate{Name: "ssd", Replication: -1})
	m.Locations = []cluster.ModelLocation{{ID: "X", Name: "a b"}, {ID: "x", Name: "home"}}
	m.Clusters = []cluster.ModelCluster{{ID: "b", Name: "c", Location: "nowhere"}, {ID: "B", Name: "d", Location: "home"}}
	_, err := cluster.New(cluster.Options{ID: "oops", Name: "a b", Model: m})
	require.Error(t, err)
	for _, text := range []string{
		`"oops"`, "location.subcluster", "servers: 0", "replication: 4", "clients: 5000", `repeated name "ssd"`, "replication -1",
		`"hdd": placement group "hdd" has no disks`, `bad id "X"`, `repeated name "a b"`, `repeated name "home"`,
		`unknown location "nowhere"`, `bad id "B"`,
	} {
		assert.ErrorContains(t, err, text)
	}
}

func TestManyMayUseTheClusterAtOnce(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "shared"})
	clock.Gather(b.clock, slices.Repeat([]func(){func() {
		for i := range 30 {
			made, err := b.VolumeCreate(cluster.VolumeSpec{BaseOn: v})
			assert.NoError(t, err)
			ref := cluster.Ref(made.Name)
			assert.NoError(t, b.Reassign([]cluster.Assignment{{Volume: ref, RW: []int{i%5 + 1}}}))
			d, err := b.Device(i%5+1, ref)
			assert.NoError(t, err)
			_, err = d.WriteAt([]byte{1}, int64(i))
			assert.NoError(t, err)
			for o := range b.Volumes().All() {
				_, _ = o.ParentName(), b.Space(o)
			}
			_ = b.TemplateStatus()
			assert.NoError(t, b.Reassign([]cluster.Assignment{{Volume: ref, DetachAll: true, Force: true}}))
			_, err = d.ReadAt(make([]byte, 1), 0)
			assert.ErrorIs(t, err, cluster.ErrDetached)
			assert.NoError(t, b.VolumeDelete(ref, ""))
		}
	}}, 4)...)
	assert.Equal(t, []string{"shared"}, names(b.Volumes()))
	assert.Equal(t, 0, b.Snapshots().Len())
	assert.Equal(t, 0, b.Attachments().Len())
}
