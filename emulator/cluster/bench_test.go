//go:build unix

package cluster_test

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/spsim/spsim/emulator/cluster"
)

const (
	many   = 100_000
	window = 10_000 // operations at the beginning and at the end that are compared
	rounds = 5
)

// stopwatch returns the seconds of processor time that f takes, which other programs do not stretch. Garbage is
// collected before, so that no window pays for another.
func stopwatch(f func()) float64 {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	start := spent()
	f()
	return spent() - start
}

// spent returns the processor time that the process has used.
func spent() float64 {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

func report(b *testing.B, ratios []float64) {
	b.Helper()
	slices.Sort(ratios)
	median := ratios[len(ratios)/2]
	b.ReportMetric(median, "ratio")
	b.ReportMetric((ratios[len(ratios)-1]-ratios[0])/median, "spread")
}

// reportEach makes a benchmark of every series.
func reportEach(b *testing.B, order []string, ratios map[string][]float64) {
	b.Helper()
	for _, name := range order {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				report(b, ratios[name])
			}
		})
	}
}

// large returns a cluster with as many clients as many attachments need.
func large(b *testing.B) *cluster.Cluster {
	b.Helper()
	m := cluster.DefaultModel()
	m.Clients = 1 + many/1000
	c, err := cluster.New(cluster.Options{Model: m})
	require.NoError(b, err)
	return c
}

func createMany(b *testing.B, c *cluster.Cluster, from, to int, name func(int) string) {
	b.Helper()
	size := gib
	for i := from; i < to; i++ {
		if _, err := c.VolumeCreate(cluster.VolumeSpec{
			Name: name(i), Size: &size, Template: "ssd",
			Tags: map[string]string{
				"cs": "volume", "uuid": fmt.Sprintf("8a7c4b12-2f0e-4c6a-9d1b-%012d", i), "cvm": fmt.Sprintf("vm-%d", i/4),
			},
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func nameless(int) string   { return "" }
func named(i int) string    { return fmt.Sprintf("volume-%d", i) }
func ref(i int) cluster.Ref { return cluster.Ref(named(i)) }

// growth is one operation whose rate must not fall: ends holds the seconds of the first and the last window.
type growth struct {
	name string
	do   func(i int) error
	ends [2]float64
}

// run performs the operation on every volume.
func (g *growth) run(b *testing.B) {
	b.Helper()
	part := func(from, to int) {
		for i := from; i < to; i++ {
			if err := g.do(i); err != nil {
				b.Fatal(g.name, err)
			}
		}
	}
	g.ends[0] = stopwatch(func() { part(0, window) })
	part(window, many-window)
	g.ends[1] = stopwatch(func() { part(many-window, many) })
}

// BenchmarkB5FlatGrowth compares the rate of the last 10,000 operations with that of the first: creating 100,000
// volumes, snapshots and attachments, detaching, deleting; and that of look-ups among 100,000 volumes with those
// among 10,000, which sit in nearer caches.
func BenchmarkB5FlatGrowth(b *testing.B) {
	ratios := map[string][]float64{}
	var order []string
	for round := range rounds + 1 {
		for _, g := range grow(b) {
			if round == 0 { // warm-up
				order = append(order, g.name)
				continue
			}
			ratios[g.name] = append(ratios[g.name], g.ends[0]/g.ends[1])
		}
	}
	reportEach(b, order, ratios)
}

func grow(b *testing.B) []*growth {
	b.Helper()
	c := large(b)
	snapped := make([]cluster.Ref, many)
	at := func(i int) int { return 1 + i/1000 }
	create := func(i int) error { createMany(b, c, i, i+1, named); return nil }
	operations := []*growth{
		{name: "create", do: create},
		{name: "snapshot", do: func(i int) error {
			made, err := c.VolumeSnapshot(ref(i), cluster.SnapshotSpec{})
			snapped[i] = cluster.Ref(made.Name)
			return err
		}},
		{name: "attach", do: func(i int) error { return c.Reassign([]cluster.Assignment{{Volume: ref(i), RW: []int{at(i)}}}) }},
		{name: "update", do: func(i int) error {
			return c.VolumeUpdate(ref(i), cluster.VolumeChange{Tags: map[string]string{"cvm": "none"}})
		}},
		{name: "detach", do: func(i int) error { return c.Reassign([]cluster.Assignment{{Volume: ref(i), DetachAll: true}}) }},
		{name: "deleteSnapshot", do: func(i int) error { return c.SnapshotDelete(snapped[i]) }},
		{name: "deleteVolume", do: func(i int) error { return c.VolumeDelete(ref(i), "") }},
		{name: "createWithTagIndex", do: create}, // which the first search has built
	}
	for _, g := range operations {
		if g.name == "createWithTagIndex" {
			c.FindByTag("cs", "volume")
		}
		g.run(b)
	}
	return append(operations, lookUps(b, c)...)
}

// lookUps compares 10,000 look-ups of each kind among 10,000 volumes with the same among many.
func lookUps(b *testing.B, lots *cluster.Cluster) []*growth {
	b.Helper()
	few := large(b)
	createMany(b, few, 0, window, named)
	kinds := finds(b, few)
	for i, g := range finds(b, lots) {
		kinds[i].ends[1] = g.ends[0]
	}
	return kinds
}

func finds(b *testing.B, c *cluster.Cluster) []*growth {
	b.Helper()
	made, err := c.VolumeSnapshot("volume-1", cluster.SnapshotSpec{})
	require.NoError(b, err)
	gids := make([]cluster.Ref, window)
	for i := range gids {
		o, err := c.Volume(ref(i))
		require.NoError(b, err)
		gids[i] = cluster.Ref("~" + o.GlobalID)
	}
	c.FindByTag("cs", "none")
	kinds := []*growth{
		{name: "findName", do: func(i int) error { _, err := c.Volume(ref(i)); return err }},
		{name: "findID", do: func(i int) error { _, err := c.Volume(gids[i]); return err }},
		{name: "findTag", do: func(i int) error {
			if n := len(c.FindByTag("uuid", fmt.Sprintf("8a7c4b12-2f0e-4c6a-9d1b-%012d", i))); n != 1 {
				return fmt.Errorf("%d found", n)
			}
			return nil
		}},
		{name: "findChildren", do: func(int) error {
			if n := len(c.Children(made.GlobalID)); n != 1 {
				return fmt.Errorf("%d children", n)
			}
			return nil
		}},
	}
	for _, g := range kinds {
		g.ends[0] = stopwatch(func() {
			for i := range window {
				if err := g.do(i); err != nil {
					b.Fatal(g.name, err)
				}
			}
		})
	}
	return kinds
}

// chain is a volume with many snapshots, each with a block of its own.
type chain struct {
	c     *cluster.Cluster
	snaps []cluster.Ref // oldest first
}

const chainBlock = 4096

func newChain(b *testing.B, depth int) *chain {
	b.Helper()
	ch := &chain{c: large(b)}
	size := gib
	_, err := ch.c.VolumeCreate(cluster.VolumeSpec{Name: "v", Size: &size})
	require.NoError(b, err)
	for range depth {
		ch.grow(b)
	}
	return ch
}

// grow writes a block and snaps the volume.
func (ch *chain) grow(b *testing.B) {
	b.Helper()
	off := int64(len(ch.snaps)) * chainBlock % (64 << 20)
	if err := ch.c.WriteContent("v", off, make([]byte, chainBlock)); err != nil {
		b.Fatal(err)
	}
	made, err := ch.c.VolumeSnapshot("v", cluster.SnapshotSpec{})
	if err != nil {
		b.Fatal(err)
	}
	ch.snaps = append(ch.snaps, cluster.Ref(made.Name))
}

// seconds times each operation on the chain, which grows and shrinks by a batch.
func (ch *chain) seconds(b *testing.B) map[string]float64 {
	b.Helper()
	const batch = 200
	p := make([]byte, chainBlock)
	grown := len(ch.snaps) + batch
	repeat := func(n int, do func(i int) error) float64 {
		return stopwatch(func() {
			for i := range n {
				if err := do(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	sum := map[string]float64{}
	sum["snapshot"] = repeat(batch, func(int) error { ch.grow(b); return nil })
	sum["read"] = repeat(20*batch, func(i int) error { return ch.c.ReadContent("v", int64(i%10)*chainBlock, p) })
	sum["revert"] = repeat(batch, func(i int) error { return ch.c.VolumeRevert("v", ch.snaps[i%grown], true) })
	require.NoError(b, ch.c.VolumeRevert("v", ch.snaps[grown-1], true))
	sum["listEntry"] = repeat(20_000/grown, func(int) error {
		for o := range ch.c.Snapshots().All() {
			if o.ParentName() == o.Name {
				return errors.New("its own parent")
			}
		}
		return nil
	})
	mid := (grown - batch) / 2
	sum["deleteMiddle"] = repeat(batch, func(i int) error { return ch.c.SnapshotDelete(ch.snaps[mid+i]) })
	ch.snaps = slices.Delete(ch.snaps, mid, mid+batch)
	return sum
}

// BenchmarkB6ChainDepth compares a volume with 10,000 snapshots with one that has 10: time over time.
func BenchmarkB6ChainDepth(b *testing.B) {
	deep, shallow := newChain(b, 10_000), newChain(b, 10)
	order := []string{"read", "snapshot", "listEntry", "deleteMiddle", "revert"}
	ratios := map[string][]float64{}
	for round := range rounds + 1 {
		d, s := deep.seconds(b), shallow.seconds(b)
		for _, name := range order {
			if round > 0 { // the first warms up
				ratios[name] = append(ratios[name], d[name]/s[name])
			}
		}
	}
	reportEach(b, order, ratios)
}

// heap returns the bytes in use.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// encoded is about what the server keeps of an object.
func encoded(o *cluster.Object) string {
	return fmt.Sprintf(`"id":%d,"name":%q,"globalId":%q,"size":%d,"objectsCount":%d,"creationTimestamp":%d,"visibleVolumeId":%d,`+
		`"parentVolumeId":%d,"originalParentVolumeId":%d,"flags":0,"firstNotParentObjectId":0,"snapshot":false,"tags":%q`,
		o.VisibleID, o.Name, o.GlobalID, o.Size, o.ObjectsCount(), o.Created, o.VisibleID, o.ParentID, o.ParentID, o.Tags.Map())
}

// BenchmarkB7Memory reports KB (1,000 bytes) of heap: per volume with three tags and its encoding, nameless as
// CloudStack's and named as Cinder's; and per snapshot of an unchanged volume.
func BenchmarkB7Memory(b *testing.B) {
	kinds := []struct {
		name string
		fill func(c *cluster.Cluster) int
	}{
		{"volume", func(c *cluster.Cluster) int { createMany(b, c, 0, many, nameless); return encodeAll(c) }},
		{"namedVolume", func(c *cluster.Cluster) int { createMany(b, c, 0, many, named); return encodeAll(c) }},
		{"snapshot", func(c *cluster.Cluster) int { return snapMany(b, c) }},
	}
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				ratios := make([]float64, 3)
				for i := range ratios {
					c := large(b)
					if k.name == "snapshot" {
						createMany(b, c, 0, window, named)
					}
					before := heap()
					n := k.fill(c)
					ratios[i] = (heap() - before) / float64(n) / 1000
					runtime.KeepAlive(c)
				}
				report(b, ratios)
			}
		})
	}
}

func encodeAll(c *cluster.Cluster) int {
	for o := range c.Volumes().All() {
		o.SetEncoding(encoded(o))
	}
	return many
}

func snapMany(b *testing.B, c *cluster.Cluster) int {
	b.Helper()
	for i := range many {
		if _, err := c.VolumeSnapshot(ref(i%window), cluster.SnapshotSpec{}); err != nil {
			b.Fatal(err)
		}
	}
	return many
}
