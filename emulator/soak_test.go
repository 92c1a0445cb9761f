package emulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// soakVariable holds the number of rounds for each virtual day of the soak; the long one of `make nightly` sets it.
const soakVariable = "SPSIM_SOAK"

// soakRounds is how often the work of a host is done on each day of the short soak.
const soakRounds = 40

// soak is ten days of work on one server, with faults.
type soak struct {
	server *Server
	clock  *clock.Virtual
	draw   *rand.Rand
	caller histCaller
	lists  int // every so many rounds everything is listed
}

// soakLists is how often a day everything is listed in the long soak, whose lists are long.
const soakLists = 400

// round is what a host and its management do in a while: a volume comes, is used, is copied and goes. Calls may be
// refused or lost on the way; what is left over goes with sweep.
func (k *soak) round(ctx context.Context, n int) {
	v, s := fmt.Sprintf("v%d", n), fmt.Sprintf("s%d", n)
	client := 1 + k.draw.IntN(5)
	k.post(ctx, "VolumeCreate", fmt.Sprintf(`{"name":%q,"size":67108864,"tags":{"cs":"volume","n":"%d"}}`, v, n))
	k.post(ctx, "VolumesReassignWait", fmt.Sprintf(`{"attachTimeout":30,"reassign":[{"volume":%q,"rw":[%d]}]}`, v, client))
	if d, err := k.server.Host(client).Open(v); err == nil {
		for range 4 {
			_, _ = d.WriteAt([]byte(strings.Repeat(v, 1<<10)), int64(k.draw.IntN(60<<20)))
		}
		_ = d.Discard(int64(k.draw.IntN(30<<20)), 16<<20)
		_ = d.Close()
	}
	k.post(ctx, "VolumeSnapshot/"+v, fmt.Sprintf(`{"name":%q,"deleteAfter":%d}`, s, 3600*(1+k.draw.IntN(48))))
	k.post(ctx, "VolumeCreate", fmt.Sprintf(`{"name":"c%d","parent":%q}`, n, s))
	k.post(ctx, "VolumeCreate", fmt.Sprintf(`{"name":"d%d","baseOn":%q}`, n, v))
	k.post(ctx, "VolumeUpdate/"+v, `{"sizeAdd":1048576,"tags":{"disk":"1"}}`)
	k.post(ctx, "VolumeRevert/c"+strconv.Itoa(n), fmt.Sprintf(`{"toSnapshot":%q}`, s))
	if n%k.lists == 0 {
		for _, list := range []string{"VolumesList", "SnapshotsSpace", "VolumeTemplatesStatus", "AttachmentsList"} {
			k.send(ctx, http.MethodGet, list, "")
		}
	}
	k.post(ctx, "VolumesReassign", fmt.Sprintf(`[{"volume":%q,"detach":"all","force":true}]`, v))
	k.post(ctx, "VolumeDelete/"+v, "")
	k.post(ctx, "VolumeDelete/d"+strconv.Itoa(n), "")
}

func (k *soak) post(ctx context.Context, path, body string) { k.send(ctx, http.MethodPost, path, body) }

// send makes a call and gives it up after a virtual minute.
func (k *soak) send(ctx context.Context, method, path, body string) {
	ctx, cancel := k.clock.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, k.caller.base+apiPrefix+path, strings.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Storpool v1:"+DefaultToken)
	if r, err := k.caller.client.Do(req); err == nil {
		_ = r.Body.Close()
	}
}

// disturb arms a fault and a condition of the day.
func (k *soak) disturb(t *testing.T, day int) {
	t.Helper()
	k.server.faults.Reset()
	k.server.cluster.ClearConditions()
	effects := []fault.Effect{
		{Kind: fault.Transient, Error: "busy"},
		{Kind: fault.Lose},
		{Kind: fault.Hang},
		{Kind: fault.Cut},
		{Kind: fault.Malformed},
		{Kind: fault.Late, Delay: fault.Duration(2 * time.Minute)},
		{Kind: fault.Delay, Delay: fault.Duration(5 * time.Second)},
		{Kind: fault.Refuse, Error: "insufficientResources"},
	}
	calls := []string{"POST VolumeCreate", "POST VolumesReassignWait", "POST VolumeSnapshot", "GET VolumesList"}
	_, err := k.server.Arm(fault.Rule{Call: calls[day%len(calls)], Times: 5, Effect: effects[day%len(effects)]})
	require.NoError(t, err)
	conditions := []cluster.Condition{
		{Kind: cluster.ClientDead, ID: 2}, {Kind: cluster.DiskGone, ID: 101}, {Kind: cluster.ServerDown, ID: 3}, {Kind: cluster.ClientDown, ID: 4},
	}
	require.NoError(t, k.server.SetCondition(conditions[day%len(conditions)]))
}

// sweep ends what the faults of a day have left over.
func (k *soak) sweep(t *testing.T) {
	t.Helper()
	k.server.faults.Reset()
	k.server.cluster.ClearConditions()
	c := k.server.cluster
	for v := range c.Volumes().All() {
		require.NoError(t, c.VolumeDelete(cluster.Ref("~"+v.GlobalID), cluster.OnAttachedDetachForce))
	}
}

// weight is the heap and the number of goroutines when all that can go has gone.
func weight() (heap int64, goroutines int) {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), runtime.NumGoroutine()
}

// Ten days of work leave nothing behind: no volume, no extent, no goroutine and no memory. It is alone in its process
// when the long one runs, so that the memory of other tests does not count; the short one allows for theirs.
func TestTenDaysOfWorkLeaveNothingBehind(t *testing.T) { //nolint:paralleltest // it weighs the process
	const days = 10
	rounds := soakRounds
	if text := os.Getenv(soakVariable); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, soakVariable)
		rounds = n
	}
	now := clock.NewVirtual(testStart())
	s := Start(t, WithClock(now), WithJournal(100), WithBehaviour(cluster.Behaviour{DeleteDelay: time.Hour, TransientLifetime: time.Minute}))
	k := &soak{server: s, clock: now, draw: rand.New(rand.NewPCG(1, 1)), caller: histCaller{s.Client(), "http://spsim"}}
	k.lists = max(1, rounds/soakLists)
	var heap int64
	var goroutines int
	for day := range days {
		k.disturb(t, day)
		for r := range rounds {
			now.Run(func() { k.round(t.Context(), day*rounds+r) })
			now.Advance(24 * time.Hour / time.Duration(rounds))
		}
		k.sweep(t)
		now.Advance(time.Hour)
		if day == 1 { // by then caches and pools have their size
			heap, goroutines = weight()
		}
	}
	now.Advance(7 * 24 * time.Hour)
	assert.Zero(t, s.cluster.Volumes().Len())
	assert.Zero(t, s.cluster.Snapshots().Len(), "all of them were to be deleted after two days at most")
	for _, d := range s.cluster.Disks() {
		assert.Zero(t, d.OnDiskSize, "disk %d holds data of nobody", d.ID)
	}
	assert.Less(t, len(stateOf(t, s)), 64<<10, "the state is as small as that of a new cluster")
	after, running := weight()
	const slack = 4 << 20 // bytes
	assert.Less(t, after, heap+heap/10+slack, "bytes on the heap after ten days, and after two")
	assert.LessOrEqual(t, running, goroutines, "goroutines")
}
