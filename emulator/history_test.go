package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

const (
	histNames   = 4 // that all clients work on
	histClients = 3 // of StorPool, to which volumes are attached
)

// histOp is what a caller asked. Volumes and snapshots share their names, n0 to n3.
type histOp struct {
	kind   string // create, update, snapshot, attach, detach, delete, deleteSnapshot, volumes or attachments
	name   int
	to     int // name of the snapshot
	size   int64
	client int
}

// histView is what a list shows: sizes of volumes by name, or the clients of each as bits.
type histView [histNames]int64

// histAnswer is what the caller got.
type histAnswer struct {
	refusal string // error name, "" for success
	view    histView
}

// histThing is a volume or snapshot of the model; without size there is none.
type histThing struct {
	size     int64
	snapshot bool
	attached int64 // a bit for each client
}

type histState [histNames]histThing

// next is what the model answers, and its state afterwards.
func (s histState) next(op histOp) (histAnswer, histState) {
	refuse := func(name cluster.ErrorName) (histAnswer, histState) { return histAnswer{refusal: string(name)}, s }
	n := &s[op.name]
	switch op.kind {
	case "volumes", "attachments":
		return histAnswer{view: s.view(op.kind)}, s
	case "create":
		if n.size != 0 {
			return refuse(cluster.ObjectExists)
		}
		*n = histThing{size: op.size}
		return histAnswer{}, s
	case "deleteSnapshot":
		if n.size == 0 || !n.snapshot {
			return refuse(cluster.ObjectDoesNotExist)
		}
		*n = histThing{}
		return histAnswer{}, s
	}
	if n.size == 0 || n.snapshot {
		return refuse(cluster.ObjectDoesNotExist)
	}
	switch op.kind {
	case "update":
		if op.size < n.size {
			return refuse(cluster.InvalidParam)
		}
		n.size = op.size
	case "snapshot":
		if s[op.to].size != 0 {
			return refuse(cluster.ObjectExists)
		}
		s[op.to] = histThing{size: n.size, snapshot: true}
	case "attach":
		n.attached |= 1 << op.client
	case "detach":
		n.attached &^= 1 << op.client
	case "delete":
		if n.attached != 0 {
			return refuse(cluster.Busy)
		}
		*n = histThing{}
	}
	return histAnswer{}, s
}

func (s histState) view(kind string) (v histView) {
	for i, t := range s {
		switch {
		case t.snapshot:
		case kind == "volumes":
			v[i] = t.size
		default:
			v[i] = t.attached
		}
	}
	return v
}

func histModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return histState{} },
		Step: func(state, input, output any) (bool, any) {
			answer, after := state.(histState).next(input.(histOp))
			return answer == output.(histAnswer), after
		},
	}
}

// histCaller asks a server.
type histCaller struct {
	client *http.Client
	base   string
}

func (c histCaller) ask(op histOp) (histAnswer, error) {
	name, size := fmt.Sprintf("n%d", op.name), op.size
	switch op.kind {
	case "create":
		return c.send("POST", "VolumeCreate", fmt.Sprintf(`{"name":%q,"size":%d}`, name, size))
	case "update":
		return c.send("POST", "VolumeUpdate/"+name, fmt.Sprintf(`{"size":%d}`, size))
	case "snapshot":
		return c.send("POST", "VolumeSnapshot/"+name, fmt.Sprintf(`{"name":"n%d"}`, op.to))
	case "attach":
		return c.send("POST", "VolumesReassign", fmt.Sprintf(`[{"volume":%q,"rw":[%d]}]`, name, op.client))
	case "detach":
		return c.send("POST", "VolumesReassignWait", fmt.Sprintf(`[{"volume":%q,"detach":[%d]}]`, name, op.client))
	case "delete":
		return c.send("POST", "VolumeDelete/"+name, "")
	case "deleteSnapshot":
		return c.send("POST", "SnapshotDelete/"+name, "")
	case "volumes":
		return c.send("GET", "VolumesList", "")
	default:
		return c.send("GET", "AttachmentsList", "")
	}
}

func (c histCaller) send(method, path, body string) (histAnswer, error) {
	req, err := http.NewRequest(method, c.base+apiPrefix+path, strings.NewReader(body)) //nolint:noctx // a server in this process
	if err != nil {
		return histAnswer{}, err
	}
	req.Header.Set("Authorization", "Storpool v1:"+DefaultToken)
	r, err := c.client.Do(req)
	if err != nil {
		return histAnswer{}, err
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return histAnswer{}, err
	}
	var out struct {
		Data  json.RawMessage
		Error struct{ Name string }
	}
	if err := json.Unmarshal(text, &out); err != nil || method == "POST" || out.Error.Name != "" {
		return histAnswer{refusal: out.Error.Name}, err
	}
	view, err := viewOf(out.Data)
	return histAnswer{view: view}, err
}

// viewOf reads VolumesList, whose entries have a size, or AttachmentsList, whose entries have a client.
func viewOf(data json.RawMessage) (v histView, err error) {
	var list []struct {
		Name, Volume string
		Size         int64
		Client       int
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return v, err
	}
	for _, e := range list {
		var n int
		if _, err := fmt.Sscanf(e.Name+e.Volume, "n%d", &n); err != nil {
			return v, err
		}
		if v[n] |= e.Size; e.Client != 0 {
			v[n] |= 1 << e.Client
		}
	}
	return v, nil
}

func drawOp(draw *rand.Rand) histOp {
	kinds := []string{
		"create", "create", "update", "snapshot", "attach", "detach", "delete", "delete", "deleteSnapshot", "volumes", "attachments",
	}
	return histOp{
		kind: kinds[draw.IntN(len(kinds))], name: draw.IntN(histNames), to: draw.IntN(histNames),
		size: int64(1+draw.IntN(8)) << 20, client: 1 + draw.IntN(histClients),
	}
}

// histRecord lets callers work at once and returns what happened. Times are places in the order of events.
func histRecord(t *testing.T, seed uint64, callers []histCaller, each int) []porcupine.Operation {
	t.Helper()
	var clock atomic.Int64
	histories := make([][]porcupine.Operation, len(callers))
	errs := make([]error, len(callers))
	var all sync.WaitGroup
	for i, c := range callers {
		all.Go(func() {
			draw := rand.New(rand.NewPCG(seed, uint64(i)))
			for range each {
				op := drawOp(draw)
				call := clock.Add(1)
				answer, err := c.ask(op)
				if err != nil {
					errs[i] = err
					return
				}
				histories[i] = append(histories[i], porcupine.Operation{
					ClientId: i, Input: op, Call: call, Output: answer, Return: clock.Add(1),
				})
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return slices.Concat(histories...)
}

// histLimit bounds a check; a history of this size takes milliseconds.
const histLimit = 30 * time.Second

func TestConcurrentCallsAreLinearizable(t *testing.T) {
	t.Parallel()
	const callers, each, rounds = 5, 50, 6
	for name, connect := range map[string]func(*testing.T, *Server) histCaller{
		"InProcess": func(_ *testing.T, s *Server) histCaller { return histCaller{s.Client(), "http://spsim"} },
		"Loopback": func(t *testing.T, s *Server) histCaller {
			t.Helper()
			tr := &http.Transport{}
			t.Cleanup(tr.CloseIdleConnections)
			return histCaller{&http.Client{Transport: tr}, s.URL()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(rounds) {
				s := Start(t)
				all := make([]histCaller, callers)
				for i := range all {
					all[i] = connect(t, s)
				}
				history := histRecord(t, seed, all, each)
				require.Len(t, history, callers*each)
				assert.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(histModel(), history, histLimit), "seed %d", seed)
			}
		})
	}
}

// stale answers every second list with the one before.
type stale struct {
	next  http.RoundTripper
	mu    sync.Mutex
	lists map[string][]byte
	count int
}

func (s *stale) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := s.next.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet {
		return r, err
	}
	fresh, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := fresh
	if s.count++; s.count%2 == 0 && s.lists[req.URL.Path] != nil {
		shown = s.lists[req.URL.Path]
	}
	s.lists[req.URL.Path] = fresh
	r.Body = io.NopCloser(bytes.NewReader(shown))
	return r, nil
}

func TestAStaleReadIsCaught(t *testing.T) {
	t.Parallel()
	s := Start(t)
	c := histCaller{&http.Client{Transport: &stale{next: s.Client().Transport, lists: map[string][]byte{}}}, "http://spsim"}
	history := histRecord(t, 1, []histCaller{c, c, c}, 60)
	assert.Equal(t, porcupine.Illegal, porcupine.CheckOperationsTimeout(histModel(), history, histLimit))
}

func TestRecordedRacesAreCaught(t *testing.T) {
	t.Parallel()
	create := histOp{kind: "create", name: 0, size: 512}
	list := histOp{kind: "volumes"}
	ok, one := histAnswer{}, histAnswer{view: histView{512}}
	op := func(who int, call, end int64, in histOp, out histAnswer) porcupine.Operation {
		return porcupine.Operation{ClientId: who, Input: in, Call: call, Output: out, Return: end}
	}
	cases := []struct {
		name    string
		history []porcupine.Operation
		want    bool
	}{
		{"two creates of one name", []porcupine.Operation{op(0, 1, 4, create, ok), op(1, 2, 3, create, ok)}, false},
		{"one of them refused", []porcupine.Operation{op(0, 1, 4, create, histAnswer{refusal: "objectExists"}), op(1, 2, 3, create, ok)}, true},
		{"a list without what was there", []porcupine.Operation{op(0, 1, 2, create, ok), op(1, 3, 4, list, ok)}, false},
		{"a list during the create", []porcupine.Operation{op(0, 1, 3, create, ok), op(1, 2, 4, list, ok)}, true},
		{"a volume that comes and goes", []porcupine.Operation{
			op(0, 1, 6, create, ok), op(1, 2, 3, list, one), op(1, 4, 5, list, ok),
		}, false},
		{"a delete of an attached volume", []porcupine.Operation{
			op(0, 1, 2, create, ok), op(0, 3, 4, histOp{kind: "attach", client: 1}, ok), op(1, 5, 6, histOp{kind: "delete"}, ok),
		}, false},
	}
	for _, c := range cases {
		assert.Equal(t, c.want, porcupine.CheckOperations(histModel(), c.history), c.name)
	}
}
