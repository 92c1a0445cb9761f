package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

// yardVolume is a volume of the yardstick: as many members as a real answer, in a map behind a mutex.
type yardVolume struct {
	volumeSummary
}

// yardstick is the least that a server of volumes does: chi, a mutex, a map, encoding/json.
type yardstick struct {
	mu         sync.Mutex
	volumes    map[string]*yardVolume
	generation int64
}

type yardAnswer struct {
	Data       any   `json:"data"`
	Generation int64 `json:"generation"`
}

func newYardstick() http.Handler {
	y := &yardstick{volumes: map[string]*yardVolume{}}
	r := chi.NewRouter()
	r.Get(apiPrefix+"Volume/{name}", y.get)
	r.Post(apiPrefix+"VolumeCreate", y.create)
	r.Post(apiPrefix+"VolumeUpdate/{name}", y.update)
	r.Post(apiPrefix+"VolumeDelete/{name}", y.drop)
	return r
}

func (y *yardstick) answer(w http.ResponseWriter, data any) {
	text, err := json.Marshal(yardAnswer{data, y.generation})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	newHeaders().set(w.Header())
	send(w, http.StatusOK, text)
}

func (y *yardstick) get(w http.ResponseWriter, r *http.Request) {
	y.mu.Lock()
	defer y.mu.Unlock()
	v, ok := y.volumes[chi.URLParam(r, "name")]
	if !ok {
		http.Error(w, "no such volume", http.StatusNotFound)
		return
	}
	y.answer(w, []*yardVolume{v})
}

type yardRequest struct {
	Name     string            `json:"name"`
	Size     int64             `json:"size"`
	Template string            `json:"template"`
	Tags     map[string]string `json:"tags"`
}

func (y *yardstick) create(w http.ResponseWriter, r *http.Request) {
	var q yardRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if _, taken := y.volumes[q.Name]; taken {
		http.Error(w, "exists", http.StatusConflict)
		return
	}
	y.generation++
	v := &yardVolume{}
	v.Name, v.Size, v.TemplateName, v.Tags = q.Name, q.Size, q.Template, q.Tags
	v.placement = placement{PlaceAll: "ssd", PlaceTail: "ssd", PlaceHead: "ssd"}
	y.volumes[q.Name] = v
	y.answer(w, volumeCreated{apiOK: apiOK{OK: true, Generation: y.generation}, Name: q.Name, GlobalID: "a.b.c"})
}

func (y *yardstick) update(w http.ResponseWriter, r *http.Request) {
	var q yardRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	v, ok := y.volumes[chi.URLParam(r, "name")]
	if !ok {
		http.Error(w, "no such volume", http.StatusNotFound)
		return
	}
	y.generation++
	for k, t := range q.Tags {
		v.Tags[k] = t
	}
	y.answer(w, apiOK{OK: true, Generation: y.generation})
}

func (y *yardstick) drop(w http.ResponseWriter, r *http.Request) {
	y.mu.Lock()
	defer y.mu.Unlock()
	name := chi.URLParam(r, "name")
	if _, ok := y.volumes[name]; !ok {
		http.Error(w, "no such volume", http.StatusNotFound)
		return
	}
	y.generation++
	delete(y.volumes, name)
	y.answer(w, apiOK{OK: true, Generation: y.generation})
}

// step is one call of the mixed load.
type step struct{ method, path, body string }

// mixedLoad is the script of one worker: 70% read, 15% create, 10% update, 5% delete, all on its own volumes.
// Names carry the round, so that each round works on volumes of its own and leaves none.
func mixedLoad(worker, round, n int) []step {
	var steps []step
	name := func(i int) string { return fmt.Sprintf("v-%d-%d-%d", worker, round, i) }
	create := func(i int) step {
		return step{
			"POST", apiPrefix + "VolumeCreate",
			fmt.Sprintf(`{"name":%q,"size":1073741824,"template":"ssd","tags":{"cs":"volume","uuid":"u-%d"}}`, name(i), i),
		}
	}
	drop := func(i int) step { return step{"POST", apiPrefix + "VolumeDelete/" + name(i), ""} }
	made, gone := 0, 0
	for len(steps) < n {
		for k := range 20 {
			switch at := gone + k%max(1, made-gone); {
			case k%7 == 0: // 3 of 20
				steps = append(steps, create(made))
				made++
			case k == 9 || k == 18: // 2 of 20
				steps = append(steps, step{"POST", apiPrefix + "VolumeUpdate/" + name(at), `{"tags":{"qc":"gold"}}`})
			case k == 19: // 1 of 20
				steps = append(steps, drop(gone))
				gone++
			default:
				steps = append(steps, step{"GET", apiPrefix + "Volume/" + name(at), ""})
			}
		}
	}
	for ; gone < made; gone++ {
		steps = append(steps, drop(gone))
	}
	return steps
}

const mixedWorkers, mixedSteps = 8, 4000

// mixedInProcess returns the calls per second of the workers on a handler without a socket.
func mixedInProcess(b *testing.B, h http.Handler, round *int) float64 {
	b.Helper()
	*round++
	scripts := make([][]step, mixedWorkers)
	total := 0
	for w := range scripts {
		scripts[w] = mixedLoad(w, *round, mixedSteps)
		total += len(scripts[w])
	}
	errs := make([]error, mixedWorkers)
	seconds := stopwatch(func() {
		var wg sync.WaitGroup
		for w, script := range scripts {
			wg.Go(func() {
				for _, s := range script {
					if _, err := inMemory(h, s.method, s.path, s.body); err != nil {
						errs[w] = err
						return
					}
				}
			})
		}
		wg.Wait()
	})
	for _, err := range errs {
		require.NoError(b, err)
	}
	return float64(total) / seconds
}

// mixedOverLoopback returns the calls per second of the workers over one connection each.
func mixedOverLoopback(b *testing.B, addr string, round *int) float64 {
	b.Helper()
	*round++
	scripts := make([][][]byte, mixedWorkers)
	for w := range scripts {
		for _, s := range mixedLoad(w, *round, mixedSteps) {
			scripts[w] = append(scripts[w], requestBytes(s.method, s.path, s.body))
		}
	}
	return flood(b, addr, mixedWorkers, mixedWorkers*len(scripts[0]), func(w, i int) []byte { return scripts[w][i] })
}

// BenchmarkB2Mixed: 8 workers, 70% read, 15% create, 10% update, 5% delete, against the yardstick. Ratio: our calls
// per second over theirs.
func BenchmarkB2Mixed(b *testing.B) {
	b.Run("InProcess", func(b *testing.B) {
		s, _ := populated(b, 0)
		y := newYardstick()
		var ours, theirs int
		duel(b,
			func() float64 { return mixedInProcess(b, s, &ours) },
			func() float64 { return mixedInProcess(b, y, &theirs) })
	})
	b.Run("Loopback", func(b *testing.B) {
		s, _ := populated(b, 0)
		y := plainServer(b, newYardstick())
		var ours, theirs int
		duel(b,
			func() float64 { return mixedOverLoopback(b, s.Addr(), &ours) },
			func() float64 { return mixedOverLoopback(b, y, &theirs) })
	})
}

// BenchmarkB2Rules: the same load with 10 fault rules that do not match, and with a rule set that was emptied,
// against a server that never had a rule. Ratio: calls per second with over without.
func BenchmarkB2Rules(b *testing.B) {
	run := func(b *testing.B, prepare func(*Server)) {
		b.Helper()
		with, _ := populated(b, 0)
		without, _ := populated(b, 0)
		prepare(with)
		var ours, theirs int
		duel(b,
			func() float64 { return mixedInProcess(b, with, &ours) },
			func() float64 { return mixedInProcess(b, without, &theirs) })
	}
	arm := func(s *Server) {
		for i := range 10 {
			call := []string{"POST VolumeCreate", "GET Volume", "POST VolumeUpdate", "GET Snapshot", "POST VolumeDelete"}[i%5]
			_, err := s.Arm(fault.Rule{Call: call, Object: fmt.Sprintf("nothing-%d", i), Effect: fault.Effect{Kind: fault.Cut}})
			require.NoError(b, err)
		}
	}
	b.Run("Ten", func(b *testing.B) { run(b, arm) })
	b.Run("Empty", func(b *testing.B) {
		run(b, func(s *Server) {
			arm(s)
			s.Faults().Reset()
		})
	})
}
