package cluster_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spsim/spsim/emulator/blocks"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

const copying = time.Minute

// item is the model of a volume or snapshot in one of the clusters.
type item struct {
	gid      string
	at       int // index of the cluster
	data     []byte
	snapshot bool
	exported bool // a snapshot, to the other location
	held     map[[2]int]bool
	// from and until frame the transfer of a copy, source is its original.
	from, until time.Time
	source      *item
	torn        bool
}

func (x *item) ref() cluster.Ref { return cluster.Ref("~" + x.gid) }

// union runs the same actions on two sub-clusters and a remote location, and on a model of them.
type union struct {
	fed   *cluster.Federation
	c     []*cluster.Cluster // two of location one, one of location two
	clock *clock.Virtual
	items []*item
}

func locationOfIndex(at int) string { return []string{"one", "one", "two"}[at] }

func (u *union) pick(t *rapid.T, what string, fits func(*item) bool) *item {
	var fit []*item
	for _, x := range u.items {
		if fits(x) {
			fit = append(fit, x)
		}
	}
	if len(fit) == 0 {
		t.Skip("no such " + what)
	}
	return rapid.SampledFrom(fit).Draw(t, what)
}

// under tells whether the copy is still on its way.
func (u *union) under(x *item) bool {
	return x.source != nil && !x.torn && u.clock.Now().Before(x.until)
}

func (u *union) Create(t *rapid.T) {
	at := rapid.IntRange(0, 2).Draw(t, "at")
	made, err := u.c[at].VolumeCreate(cluster.VolumeSpec{Size: new(int64(4 * blocks.PageSize))})
	require.NoError(t, err)
	data := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte") | 1}, 4*blocks.PageSize)
	require.NoError(t, u.c[at].WriteContent(cluster.Ref("~"+made.GlobalID), 0, data))
	u.items = append(u.items, &item{gid: made.GlobalID, at: at, data: data, held: map[[2]int]bool{}})
}

func (u *union) Snapshot(t *rapid.T) {
	v := u.pick(t, "volume", func(x *item) bool { return !x.snapshot })
	made, err := u.c[v.at].VolumeSnapshot(v.ref(), cluster.SnapshotSpec{})
	require.NoError(t, err)
	u.items = append(u.items, &item{
		gid: made.GlobalID, at: v.at, data: bytes.Clone(v.data), snapshot: true, held: map[[2]int]bool{},
	})
}

// Move brings an object to the other sub-cluster.
func (u *union) Move(t *rapid.T) {
	x := u.pick(t, "object of location one", func(x *item) bool { return x.at < 2 })
	on := rapid.SampledFrom([]cluster.OnAttached{"", cluster.OnAttachedDetach, cluster.OnAttachedExport}).Draw(t, "on")
	to := 1 - x.at
	var err error
	if x.snapshot {
		err = u.c[x.at].SnapshotMoveToRemote(x.ref(), "~"+u.c[to].ID(), on)
	} else {
		err = u.c[to].VolumeAcquire(x.ref(), on)
	}
	if x.exported || u.under(x) || len(x.held) > 0 && on == "" {
		require.ErrorIs(t, err, cluster.Busy)
		return
	}
	require.NoError(t, err)
	if x.at = to; on == cluster.OnAttachedDetach {
		clear(x.held)
	}
}

// Attach attaches an object to a client of any sub-cluster, or detaches it everywhere.
func (u *union) Attach(t *rapid.T) {
	x := u.pick(t, "object of location one", func(x *item) bool { return x.at < 2 })
	by, client := rapid.IntRange(0, 1).Draw(t, "by"), rapid.IntRange(1, 2).Draw(t, "client")
	a := cluster.Assignment{Anywhere: true, Export: rapid.Bool().Draw(t, "export")}
	if a.Volume = x.ref(); x.snapshot {
		a.Volume, a.Snapshot = "", x.ref()
	}
	if rapid.Bool().Draw(t, "detach") {
		a.DetachAll = true
		require.NoError(t, u.c[by].Reassign([]cluster.Assignment{a}))
		clear(x.held)
		return
	}
	a.RO = []int{client}
	require.NoError(t, u.c[by].Reassign([]cluster.Assignment{a}))
	elsewhere := false
	for at := range x.held {
		elsewhere = elsewhere || at[0] != by
	}
	if !x.snapshot && x.at != by && !a.Export && !elsewhere {
		x.at = by
	}
	x.held[[2]int{by, client}] = true
}

func (u *union) Export(t *rapid.T) {
	x := u.pick(t, "snapshot", func(x *item) bool { return x.snapshot })
	to := map[bool]string{true: "two", false: "one"}[x.at < 2]
	err := u.c[x.at].SnapshotExport(x.ref(), to)
	if x.exported {
		require.ErrorIs(t, err, cluster.ObjectExists)
		return
	}
	require.NoError(t, err)
	x.exported = true
}

// Fetch copies an exported snapshot to the other location.
func (u *union) Fetch(t *rapid.T) {
	// How much of a copy survives of which the original is damaged already is not part of the model.
	x := u.pick(t, "exported snapshot", func(x *item) bool { return x.exported && len(x.data) == 4*blocks.PageSize })
	to := 2
	if x.at == 2 {
		to = rapid.IntRange(0, 1).Draw(t, "to")
	}
	err := u.c[to].SnapshotFromRemote(cluster.RemoteSpec{GlobalID: x.gid, Location: locationOfIndex(x.at)})
	if slices.ContainsFunc(u.items, func(o *item) bool { return o.gid == x.gid && locationOfIndex(o.at) == locationOfIndex(to) }) {
		require.ErrorIs(t, err, cluster.ObjectExists)
		return
	}
	require.NoError(t, err)
	from := u.clock.Now()
	if u.under(x) {
		from = x.until
	}
	u.items = append(u.items, &item{
		gid: x.gid, at: to, data: bytes.Clone(x.data), snapshot: true, held: map[[2]int]bool{},
		from: from, until: from.Add(copying), source: x, // complete in time, even if what it copies has lost something
	})
}

func (u *union) Unexport(t *rapid.T) {
	x := u.pick(t, "exported snapshot", func(x *item) bool { return x.exported })
	force := rapid.Bool().Draw(t, "force")
	read := slices.ContainsFunc(u.items, func(o *item) bool { return o.source == x && u.under(o) })
	err := u.c[x.at].SnapshotUnexport(x.ref(), cluster.Unexport{All: true, Force: force})
	if read && !force {
		require.ErrorIs(t, err, cluster.InvalidParam)
		return
	}
	require.NoError(t, err)
	x.exported = false
	u.tear(x)
}

// tear breaks the copies that are being made of an object.
func (u *union) tear(x *item) {
	for _, o := range u.items {
		if o.source != x || !u.under(o) {
			continue
		}
		o.torn = true
		done := max(u.clock.Now().Sub(o.from), 0)
		keep := int(float64(len(o.data)/blocks.PageSize) * float64(done) / float64(copying))
		if keep*blocks.PageSize < len(o.data) {
			o.data = o.data[:keep*blocks.PageSize]
		}
		u.tear(o)
	}
}

func (u *union) Delete(t *rapid.T) {
	x := u.pick(t, "object", func(*item) bool { return true })
	var err error
	if x.snapshot {
		err = u.c[x.at].SnapshotDelete(x.ref())
	} else {
		err = u.c[x.at].VolumeDelete(x.ref(), "")
	}
	if len(x.held) > 0 || x.exported {
		require.ErrorIs(t, err, cluster.Busy)
		return
	}
	require.NoError(t, err)
	u.items = slices.DeleteFunc(u.items, func(o *item) bool { return o == x })
}

func (u *union) Wait(t *rapid.T) {
	u.clock.Advance(time.Duration(rapid.IntRange(1, 80).Draw(t, "seconds")) * time.Second)
}

// Check compares what every cluster shows with the model.
func (u *union) Check(t *rapid.T) {
	for at, c := range u.c {
		got, want := map[string]string{}, map[string]string{}
		for _, l := range []cluster.List[*cluster.Object]{c.Volumes(), c.Snapshots()} {
			for o := range l.All() {
				if o.Snap == nil || !o.Snap.Deleted {
					got[o.GlobalID] = fmt.Sprint(o.Snap != nil, o.Snap != nil && o.Snap.Exported, o.Snap != nil && o.Snap.Recovering)
				}
			}
		}
		for _, x := range u.items {
			if x.at == at {
				want[x.gid] = fmt.Sprint(x.snapshot, x.exported, u.under(x) || x.torn && x.source != nil)
				u.checkData(t, c, x)
				assert.Same(t, c, c.Find(x.ref()))
			}
		}
		require.Equal(t, want, got, c.ID())
		u.checkSeats(t, at)
	}
}

func (u *union) checkData(t *rapid.T, c *cluster.Cluster, x *item) {
	got := make([]byte, len(x.data))
	if len(got) > 0 {
		require.NoError(t, c.ReadContent(x.ref(), 0, got))
	}
	require.True(t, bytes.Equal(x.data, got), "contents of %s", x.gid)
	if len(x.data) < 4*blocks.PageSize {
		require.ErrorIs(t, c.ReadContent(x.ref(), int64(len(x.data)), make([]byte, 1)), blocks.ErrLost)
	}
}

func (u *union) checkSeats(t *rapid.T, at int) {
	got, want := map[string]bool{}, map[string]bool{}
	for a := range u.c[at].Attachments().All() {
		got[fmt.Sprint(a.GlobalID, a.Client)] = true
	}
	for _, x := range u.items {
		for s := range x.held {
			if s[0] == at && x.at < 2 {
				want[fmt.Sprint(x.gid, s[1])] = true
			}
		}
	}
	require.Equal(t, want, got, "attachments of %s", u.c[at].ID())
}

func TestSubClustersAndARemoteLocationBehaveAsTheirModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := &union{fed: cluster.NewFederation(), clock: clock.NewVirtual(time.Unix(1e9, 0))}
		for i, id := range []string{"one.a", "one.b", "two.a"} {
			m := cluster.DefaultModel()
			m.Clients, m.Location = 2, locationOfIndex(i)
			m.Locations = []cluster.ModelLocation{{ID: "two", Name: "two"}}
			if i == 2 {
				m.Locations = []cluster.ModelLocation{{ID: "one", Name: "one"}}
			}
			c, err := cluster.New(cluster.Options{
				ID: id, Name: "c" + id, Model: m, Clock: u.clock, Federation: u.fed,
				Behaviour: cluster.Behaviour{RemoteCopy: copying},
			})
			require.NoError(t, err)
			u.c = append(u.c, c)
		}
		u.Create(t)
		t.Repeat(rapid.StateMachineActions(u))
	})
}
