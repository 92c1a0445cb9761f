package agentsim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/internal/clock"
)

const (
	mib   = 1 << 20
	store = "nfs://nas/sec"
)

var _ API = (*spapi.Client)(nil)

// storpool is a StorPool cluster of a few maps.
type storpool struct {
	mu        sync.Mutex
	objects   map[string]*object // by ~globalId
	calls     []string
	fail      map[string][]error // by call and object ("detach ~a.b.1"), or by call alone: one error each time
	clients   map[string]spapi.Service
	locations []spapi.Location
}

type object struct {
	data     []byte
	snapshot bool
	on       map[int]bool // client to writable
	open     map[int]int
	tags     spapi.Tags
}

func newStorpool() *storpool {
	return &storpool{
		objects: map[string]*object{}, fail: map[string][]error{},
		clients:   map[string]spapi.Service{"1": {ID: 1, NodeID: 1, Status: running}, "2": {ID: 2, NodeID: 2, Status: "down"}},
		locations: []spapi.Location{{ID: "a", Name: "wrong"}, {ID: "a7k", Name: "sofia"}},
	}
}

func (s *storpool) add(gid string, data []byte, snapshot bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects["~"+gid] = &object{data: data, snapshot: snapshot, on: map[int]bool{}, open: map[int]int{}}
	return byID + gid
}

func (s *storpool) get(path string) *object {
	name, _ := ObjectName(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[name]
}

// failing makes the next calls fail, in order; nil lets one pass.
func (s *storpool) failing(call string, errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail[call] = append(s.fail[call], errs...)
}

// called notes a call; the lock is held.
func (s *storpool) called(name, object string) error {
	call := name
	if object != "" {
		call += " " + object
	}
	s.calls = append(s.calls, call)
	for _, key := range []string{call, name} {
		if queue := s.fail[key]; len(queue) > 0 {
			s.fail[key] = queue[1:]
			return queue[0]
		}
	}
	return nil
}

func (s *storpool) took(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if len(c) >= len(prefix) && c[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

func (s *storpool) attachments() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for name, o := range s.objects {
		for client := range o.on {
			out = append(out, name+" on "+strconv.Itoa(client))
		}
	}
	slices.Sort(out)
	return out
}

func missing(name string) error { return &spapi.Error{Name: spapi.NameNotFound, Descr: name} }

func (s *storpool) VolumesReassignWait(_ context.Context, r spapi.ReassignWait) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	item := r.Reassign[0]
	name := item.Volume + item.Snapshot
	what := "attach"
	if len(item.Detach.IDs) > 0 {
		what = "detach"
	}
	if err := s.called(what, name); err != nil {
		return err
	}
	o := s.objects[name]
	if o == nil || o.snapshot != (item.Snapshot != "") {
		return missing(name)
	}
	for _, c := range item.Detach.IDs {
		if o.open[c] > 0 {
			return &spapi.Error{Name: spapi.NameBusy, Descr: name + " is open at client " + strconv.Itoa(c)}
		}
		delete(o.on, c)
	}
	for _, c := range item.ReadOnly {
		o.on[c] = false
	}
	for _, c := range item.ReadWrite {
		o.on[c] = true
	}
	if what == "attach" && item.OnRemoteAttached != "export" {
		return errors.New("an attach says export")
	}
	return nil
}

func (s *storpool) VolumeUpdate(_ context.Context, volume string, r spapi.VolumeUpdate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("update", volume); err != nil {
		return err
	}
	o := s.objects[volume]
	if o == nil {
		return missing(volume)
	}
	if r.Size%512 != 0 || r.ShrinkOK == nil || !*r.ShrinkOK {
		return &spapi.Error{Name: spapi.NameInvalid, Descr: "size"}
	}
	o.data = append(o.data[:min(len(o.data), int(r.Size))], make([]byte, max(0, int(r.Size)-len(o.data)))...)
	return nil
}

func (s *storpool) SnapshotDelete(_ context.Context, snapshot string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("delete", snapshot); err != nil {
		return err
	}
	if s.objects[snapshot] == nil {
		return missing(snapshot)
	}
	delete(s.objects, snapshot)
	return nil
}

func (s *storpool) ServicesList(context.Context) (spapi.Services, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return spapi.Services{Clients: s.clients}, s.called("services", "")
}

func (s *storpool) LocationsList(context.Context) ([]spapi.Location, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("locations", ""); err != nil {
		return nil, err
	}
	return s.locations, nil
}

// devices are what one client sees.
type devices struct {
	*storpool
	client int
}

type device struct {
	devices
	object *object
}

func (d devices) Open(_ context.Context, path string) (Device, error) {
	o := d.get(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	if o == nil {
		return nil, os.ErrNotExist
	}
	if _, ok := o.on[d.client]; !ok {
		return nil, os.ErrNotExist
	}
	o.open[d.client]++
	return &device{d, o}, nil
}

func (d *device) check(write bool) error {
	if rw, ok := d.object.on[d.client]; !ok || write && !rw {
		return fmt.Errorf("I/O error on client %d", d.client)
	}
	return nil
}

func (d *device) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(false); err != nil {
		return 0, err
	}
	return bytes.NewReader(d.object.data).ReadAt(p, off)
}

func (d *device) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(true); err != nil {
		return 0, err
	}
	if off+int64(len(p)) > int64(len(d.object.data)) {
		return 0, io.ErrShortWrite
	}
	return copy(d.object.data[off:], p), nil
}

func (d *device) Discard(off, n int64) error {
	_, err := d.WriteAt(make([]byte, n), off)
	return err
}

func (d *device) Size() (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(d.object.data)), d.check(false)
}

func (d *device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.object.open[d.client]--
	return nil
}

// bench is a fleet of two hosts with StorPool clients 1 and 2, on a virtual clock.
type bench struct {
	*Fleet
	clock *clock.Virtual
	sp    *storpool
	sec   *secondary.Storage
	one   *Host
	again func() // brings back what a command takes away even when it fails
}

func newBench(t *testing.T, selected string) *bench {
	t.Helper()
	set, err := quirk.Parse(selected, Quirks())
	require.NoError(t, err)
	sec, err := secondary.New(t.TempDir())
	require.NoError(t, err)
	d, err := sec.Export(store)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	b := &bench{clock: clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), sp: newStorpool(), sec: sec, again: func() {}}
	b.Fleet, err = New(Config{Secondary: sec, Clock: b.clock, Quirks: set, Encryption: Encryption{Iterations: luks.MinIterations}})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	for i := 1; i <= 2; i++ {
		_, err := b.AddHost(HostConfig{
			UUID: "host-" + strconv.Itoa(i), OurID: i, ClusterID: "a7k.b", API: b.sp, Devices: devices{b.sp, i},
		})
		require.NoError(t, err)
	}
	b.one, err = b.Host("host-1")
	require.NoError(t, err)
	return b
}

// ask sends a command to the first host, as an actor.
func (b *bench) ask(t *testing.T, cmd agentapi.Command) (ans *agentapi.Answer) {
	t.Helper()
	b.clock.Run(func() {
		var err error
		ans, err = b.Send(context.Background(), "host-1", cmd)
		require.NoError(t, err)
	})
	return ans
}

// send sends a command to the first host and wants an answer.
func (b *bench) send(t *testing.T, cmd agentapi.Command) *agentapi.Answer {
	t.Helper()
	ans := b.ask(t, cmd)
	require.NotNil(t, ans)
	return ans
}

// took gives the virtual time that f takes.
func (b *bench) took(f func()) time.Duration {
	begun := b.clock.Now()
	f()
	return b.clock.Now().Sub(begun)
}

func pool() agentapi.Pool { return agentapi.Pool{UUID: "ssd;1", Type: agentapi.StorPool} }

// pattern gives bytes that are the same for the same seed and hold no zero.
func pattern(seed uint64, n int) []byte {
	p := make([]byte, n+8)
	g := rand.NewPCG(seed, 9)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(p[i:], g.Uint64()|0x0101010101010101)
	}
	return p[:n:n]
}

// contents gives sparse data of n bytes.
func contents(seed uint64, n int) []byte {
	p := make([]byte, n)
	copy(p[n/4:], pattern(seed, n/4))
	return p
}

func backupOf(path string) agentapi.BackupSnapshot {
	return agentapi.BackupSnapshot{
		Source: agentapi.Snapshot{Name: "s", Path: path, Volume: &agentapi.Volume{Name: "v"}},
		Dest: agentapi.Snapshot{
			Name: "s-20260101", Path: secondary.SnapshotDir("2", "17"), Store: &agentapi.Store{URL: store},
		},
	}
}

func restoreTo(path string) agentapi.DownloadTemplate {
	return agentapi.DownloadTemplate{
		Snapshot:   &agentapi.Snapshot{Path: secondary.SnapshotDir("2", "17") + "/s-20260101", Store: &agentapi.Store{URL: store}},
		DestVolume: &agentapi.Volume{Name: "new", Path: path}, ObjectType: "volume",
	}
}

func vm(name string, paths ...string) agentapi.VM {
	v := agentapi.VM{Name: name}
	for i, p := range paths {
		v.Disks = append(v.Disks, agentapi.Disk{Path: p, Pool: pool(), DeviceID: i})
	}
	return v
}

// putTemplate writes a qcow2 template to secondary storage.
func (b *bench) putTemplate(t *testing.T, data []byte) agentapi.Template {
	t.Helper()
	d, err := b.sec.Open(store)
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	name := secondary.TemplateDir("1", "5") + "/t.qcow2"
	o, err := d.Create(name, secondary.Write{})
	require.NoError(t, err)
	im, err := image.Create(o, image.Qcow2, int64(len(data)), image.Options{})
	require.NoError(t, err)
	_, err = im.WriteAt(data, 0)
	require.NoError(t, err)
	require.NoError(t, im.Flush())
	require.NoError(t, o.Commit())
	return agentapi.Template{Name: "t", Path: name, Format: agentapi.QCOW2, Store: &agentapi.Store{URL: store}}
}

func (b *bench) files(t *testing.T) []secondary.Entry {
	t.Helper()
	d, err := b.sec.Open(store)
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	files, err := d.Files()
	require.NoError(t, err)
	return files
}

func (b *bench) clean(t *testing.T) {
	t.Helper()
	b.clock.Run(func() { require.NoError(t, b.clock.Settle(context.Background())) })
	for _, h := range b.Hosts() {
		s := h.State()
		require.Empty(t, s.Uses, "uses on %s", h.Name())
		require.Empty(t, s.Mounts, "mounts on %s", h.Name())
		require.Zero(t, s.Unfinished, "unfinished on %s", h.Name())
		require.Empty(t, s.Stray, "stray files on %s", h.Name())
	}
	require.Empty(t, b.sp.attachments())
}
