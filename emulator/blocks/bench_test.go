//go:build unix

package blocks

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const (
	benchSize = 64 << 20
	rounds    = 7 // of a comparison; the two sides alternate and the median counts
)

// stopwatch returns the seconds of processor time that f takes, which other programs do not stretch.
func stopwatch(f func()) float64 {
	start := spent()
	f()
	return spent() - start
}

// spent returns the processor time that the process has used, garbage collection included.
func spent() float64 {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// duel reports the median of theirs/ours over alternating rounds, after one round to warm up: above one, ours is
// faster.
func duel(b *testing.B, ours, theirs func() float64) {
	b.Helper()
	for b.Loop() {
		ours()
		theirs()
		ratios := make([]float64, rounds)
		for i := range ratios {
			if i%2 == 0 {
				ratios[i] = theirs() / ours()
			} else {
				t := ours()
				ratios[i] = theirs() / t
			}
		}
		slices.Sort(ratios)
		median := ratios[rounds/2]
		b.ReportMetric(median, "ratio")
		b.ReportMetric((ratios[rounds-1]-ratios[0])/median, "spread")
	}
}

// written returns an image full of data.
func written(b *testing.B) *Image {
	b.Helper()
	im, err := NewStore().New(benchSize)
	require.NoError(b, err)
	each(b, sequential(1<<20), im.WriteAt)
	return im
}

// access is one read or write: length and offset.
type access struct{ n, off int }

func sequential(n int) (all []access) {
	for off := 0; off < benchSize; off += n {
		all = append(all, access{n, off})
	}
	return all
}

func random(n int) []access {
	all := sequential(n)
	r := rand.New(rand.NewPCG(1, 2)) // the same order every time
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// each performs the accesses.
func each(b *testing.B, all []access, do func(p []byte, off int64) (int, error)) {
	b.Helper()
	p := make([]byte, 1<<20)
	for i := range p {
		p[i] = byte(i)
	}
	for _, a := range all {
		if _, err := do(p[:a.n], int64(a.off)); err != nil {
			b.Fatal(err)
		}
	}
}

// flatSlice is the yardstick: a byte slice of which every page is in memory.
type flatSlice []byte

func newFlatSlice() flatSlice {
	f := make(flatSlice, benchSize)
	for i := range f {
		f[i] = 1
	}
	return f
}

func (f flatSlice) ReadAt(p []byte, off int64) (int, error)  { return copy(p, f[off:]), nil }
func (f flatSlice) WriteAt(p []byte, off int64) (int, error) { return copy(f[off:], p), nil }

// BenchmarkB9Direct compares the store with a flat byte slice: rate over rate. After a clone or a hundred
// snapshots, of which each has its share of the pages, a round of writes begins with another copy on both
// sides: a snapshot here, a copy of all bytes there.
func BenchmarkB9Direct(b *testing.B) {
	flat := newFlatSlice()
	for _, size := range []struct {
		name string
		all  []access
	}{{"1MiB", sequential(1 << 20)}, {"4KiB", random(4 << 10)}} {
		for _, from := range []struct {
			name string
			make func(*testing.B) *Image
		}{{"", written}, {"AfterClone", cloned}, {"After100Snapshots", snapped}} {
			b.Run("read"+size.name+from.name, func(b *testing.B) {
				im := from.make(b)
				duel(b,
					func() float64 { return stopwatch(func() { each(b, size.all, im.ReadAt) }) },
					func() float64 { return stopwatch(func() { each(b, size.all, flat.ReadAt) }) })
			})
			b.Run("write"+size.name+from.name, func(b *testing.B) {
				im, copied := from.make(b), from.name != ""
				duel(b,
					func() float64 { return stopwatch(func() { rewrite(b, im, size.all, copied) }) },
					func() float64 { return stopwatch(func() { flat = flat.rewrite(b, size.all, copied) }) })
			})
		}
	}
}

// rewrite performs the writes, after a snapshot when the old contents have to stay.
func rewrite(b *testing.B, im *Image, all []access, keep bool) {
	b.Helper()
	if keep {
		s, err := im.Snapshot()
		require.NoError(b, err)
		defer s.Delete()
	}
	each(b, all, im.WriteAt)
}

func (f flatSlice) rewrite(b *testing.B, all []access, keep bool) flatSlice {
	b.Helper()
	if keep {
		f = slices.Clone(f)
	}
	each(b, all, f.WriteAt)
	return f
}

func cloned(b *testing.B) *Image {
	b.Helper()
	s, err := written(b).Snapshot()
	require.NoError(b, err)
	c, err := s.Clone(benchSize)
	require.NoError(b, err)
	return c
}

func snapped(b *testing.B) *Image {
	b.Helper()
	im := written(b)
	for i, a := range slices.Collect(slices.Chunk(random(4<<10), benchSize>>12/100)) {
		if i == 100 {
			break
		}
		each(b, a, im.WriteAt)
		_, err := im.Snapshot()
		require.NoError(b, err)
	}
	return im
}

// BenchmarkB9Clone reports the milliseconds that the clone of a sparse volume of 1 TiB and its first write take.
func BenchmarkB9Clone(b *testing.B) {
	const clones = 100
	im, err := NewStore().New(1 << 40)
	require.NoError(b, err)
	for off := int64(0); off < 1<<40; off += 1 << 30 {
		_, err := im.WriteAt([]byte{1}, off)
		require.NoError(b, err)
	}
	s, err := im.Snapshot()
	require.NoError(b, err)
	for b.Loop() {
		times := make([]float64, rounds)
		for i := range times {
			times[i] = 1000 / clones * stopwatch(func() {
				for range clones {
					c, err := s.Clone(1 << 40)
					require.NoError(b, err)
					_, err = c.WriteAt([]byte{2}, 1<<39)
					require.NoError(b, err)
				}
			})
		}
		slices.Sort(times)
		b.ReportMetric(times[rounds/2], "ratio")
		b.ReportMetric((times[rounds-1]-times[0])/times[rounds/2], "spread")
	}
}
