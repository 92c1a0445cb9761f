package emulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// BenchmarkB1Read: Volume/{name} among 100k volumes over 32 connections, against a bare chi route that answers
// the same bytes. Ratio: our requests per second over theirs.
func BenchmarkB1Read(b *testing.B) {
	const volumes, connections, requests = 100_000, 32, 32_000
	s, names := populated(b, volumes)
	ready := make([][]byte, len(names))
	for i, name := range names {
		ready[i] = requestBytes("GET", apiPrefix+"Volume/"+name, "")
	}
	body, err := inMemory(s, "GET", apiPrefix+"Volume/"+names[volumes/2], "")
	require.NoError(b, err)
	bare := chi.NewRouter()
	bare.Get(apiPrefix+"Volume/{volumeName}", func(w http.ResponseWriter, r *http.Request) {
		_ = chi.URLParam(r, "volumeName")
		newHeaders().set(w.Header())
		send(w, http.StatusOK, body)
	})
	theirs := plainServer(b, bare)
	pick := func(worker, i int) []byte { return ready[(worker*7919+i*31)%volumes] }
	duel(b,
		func() float64 { return flood(b, s.Addr(), connections, requests, pick) },
		func() float64 { return flood(b, theirs, connections, requests, pick) })
}

// null is a ResponseWriter that keeps nothing but the time of the first byte.
type null struct {
	header http.Header
	first  time.Time
	bytes  int
}

func (n *null) Header() http.Header { return n.header }
func (n *null) WriteHeader(int)     {}

func (n *null) Write(p []byte) (int, error) {
	if n.bytes == 0 {
		n.first = now()
	}
	n.bytes += len(p)
	return len(p), nil
}

// listAll asks for VolumesList and returns what was written.
func listAll(b *testing.B, s *Server) *null {
	b.Helper()
	w := &null{header: http.Header{}}
	s.ServeHTTP(w, listRequest(b))
	return w
}

func listRequest(b *testing.B) *http.Request {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), "GET", "http://localhost"+apiPrefix+"VolumesList", nil)
	require.NoError(b, err)
	req.Header.Set("Authorization", "Storpool v1:"+DefaultToken)
	return req
}

// summaries decodes VolumesList into typed values, for the side that encodes them.
func summaries(b *testing.B, s *Server) []volumeSummary {
	b.Helper()
	out := []volumeSummary{}
	for o := range s.cluster.Volumes().All() {
		out = append(out, volumeSummaryOf(o, inCluster{}))
	}
	return out
}

// BenchmarkB4List: VolumesList of 100k volumes.
// Throughput: time of encoding/json for the same slice over our time. FirstByte: time to the first byte over the
// whole time. WriterWait: longest wait of a VolumeUpdate meanwhile over 5 ms. EightWriters: the same of eight writers
// that pause between their writes. Allocation: bytes allocated for a list of 100k over those for one of 10k.
func BenchmarkB4List(b *testing.B) {
	const volumes = 100_000
	b.Run("Throughput", func(b *testing.B) {
		s, _ := populated(b, volumes)
		slice := summaries(b, s)
		duel(b,
			func() float64 {
				return 1 / stopwatch(func() { require.Positive(b, listAll(b, s).bytes) })
			},
			func() float64 {
				return 1 / stopwatch(func() {
					require.NoError(b, json.NewEncoder(io.Discard).Encode(struct {
						Data       []volumeSummary `json:"data"`
						Generation int64           `json:"generation"`
					}{slice, s.cluster.Generation()}))
				})
			})
	})
	b.Run("FirstByte", func(b *testing.B) {
		s, _ := populated(b, volumes)
		for b.Loop() {
			ratios := make([]float64, rounds)
			for i := range ratios {
				start := now()
				w := listAll(b, s)
				ratios[i] = w.first.Sub(start).Seconds() / now().Sub(start).Seconds()
			}
			report(b, ratios)
		}
	})
	b.Run("WriterWait", benchmarkWriterWait)
	b.Run("EightWriters", benchmarkEightWriters)
	b.Run("Allocation", func(b *testing.B) {
		large, _ := populated(b, volumes)
		small, _ := populated(b, volumes/10)
		duel(b, func() float64 { return allocated(b, large) }, func() float64 { return allocated(b, small) })
	})
}

// allocated returns the bytes that one list allocates.
func allocated(b *testing.B, s *Server) float64 {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	listAll(b, s)
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// benchmarkWriterWait lists on one goroutine while another writes; the longest write counts.
func benchmarkWriterWait(b *testing.B) {
	const volumes, limit = 100_000, 5 * time.Millisecond
	s, names := populated(b, volumes)
	for b.Loop() {
		ratios := make([]float64, rounds)
		for i := range ratios {
			done := make(chan struct{})
			req := listRequest(b)
			go func() {
				defer close(done)
				s.ServeHTTP(&null{header: http.Header{}}, req)
			}()
			var longest time.Duration
			for n, listing := 0, true; listing; n++ {
				select {
				case <-done:
					listing = false
				default:
				}
				start := now()
				err := s.cluster.VolumeUpdate(cluster.Ref(names[n*101%volumes]), cluster.VolumeChange{
					Tags: map[string]string{"disk": "1"},
				})
				require.NoError(b, err)
				longest = max(longest, now().Sub(start))
			}
			ratios[i] = longest.Seconds() / limit.Seconds()
		}
		report(b, ratios)
	}
}

// benchmarkEightWriters lists while eight others write, each a millisecond after its last write, so that they wait for
// the list and not for a processor.
func benchmarkEightWriters(b *testing.B) {
	const volumes, writers, limit, pause = 100_000, 8, 5 * time.Millisecond, time.Millisecond
	s, names := populated(b, volumes)
	for b.Loop() {
		ratios := make([]float64, rounds)
		for i := range ratios {
			listing, done := context.WithCancel(b.Context())
			req := listRequest(b)
			waits := make([]time.Duration, writers)
			var all sync.WaitGroup
			for w := range writers {
				all.Go(func() {
					for n := w; listing.Err() == nil; n += writers {
						start := now()
						_ = s.cluster.VolumeUpdate(cluster.Ref(names[n*101%volumes]), cluster.VolumeChange{
							Tags: map[string]string{"disk": "1"},
						})
						waits[w] = max(waits[w], now().Sub(start))
						_ = (clock.Real{}).Sleep(listing, pause)
					}
				})
			}
			s.ServeHTTP(&null{header: http.Header{}}, req)
			done()
			all.Wait()
			ratios[i] = slices.Max(waits).Seconds() / limit.Seconds()
		}
		report(b, ratios)
	}
}
