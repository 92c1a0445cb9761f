package cluster

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/blocks"
	"github.com/spsim/spsim/internal/clock"
)

// derived names the members of the cluster's structs that a saved state leaves out, with the reason. All others are
// compared between a cluster and the same one loaded.
func derived() map[string]string {
	return map[string]string{
		"Cluster.clock":          "the program's, given to Load; its time is saved with the document",
		"Federation.store":       "its contents are compared image by image",
		"Federation.watch":       "the program's own interest",
		"Federation.mu":          "a lock",
		"Cluster.isolated":       "a matter of the network between clusters",
		"Cluster.mu":             "a lock",
		"Cluster.outage":         "follows from disks and conditions",
		"Maintenance.Overrun":    "filled in when somebody looks",
		"Maintenance.Remaining":  "filled in when somebody looks",
		"ISCSITarget.Volume":     "filled in when somebody looks",
		"ISCSITarget.Controller": "filled in when somebody looks",
		"state.store":            "its contents are compared image by image",
		"state.exporting":        "follows from the exports",
		"ties.readers":           "follows from the transfers; their order does not show",
		"state.settings":         "shared values of the objects, a cache",
		"state.tags":             "an index, built at the first search",
		"SnapshotInfo.source":    "the volume with the number CreatedFromID; one that is gone does not show",
		"node.gone":              "only what is there is saved",
		"node.child":             "follows from the parents; the order of siblings does not show",
		"node.next":              "as node.child",
		"node.prev":              "as node.child",
		"binding.open":           "the devices of a program end with it",
		"binding.io":             "a lock",
		"Object.encoding":        "a cache",
		"Disk.AGAllocated":       "counted when somebody looks",
		"Disk.EntriesAllocated":  "counted when somebody looks",
		"Disk.ObjectsAllocated":  "counted when somebody looks",
		"Disk.OnDiskSize":        "counted when somebody looks",
	}
}

// fullModel has every member.
func fullModel() Model {
	m := DefaultModel()
	m.Templates = append(m.Templates, ModelTemplate{
		Name: "odd", PlaceAll: "hdd", PlaceTail: "ssd", PlaceHead: "ssd", Replication: 2,
	})
	m.FaultSets = []ModelFaultSet{{Name: "rack", Servers: []int{1, 2}}}
	m.Locations[0].MinimumDeleteDelay = 60
	m.Clusters = []ModelCluster{{ID: "c", Name: "second", Location: m.Location}}
	return m
}

// fullBehaviour has every member, without knowing them.
func fullBehaviour(t *testing.T) Behaviour {
	t.Helper()
	var b Behaviour
	for v, i := reflect.ValueOf(&b).Elem(), 0; i < v.NumField(); i++ {
		switch f := v.Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int64:
			f.SetInt(int64(time.Hour))
		default:
			require.Fail(t, "fill "+v.Type().Field(i).Name)
		}
	}
	b.SizeGranularity, b.MaxVolumeSize = 4096, 1<<40
	return b
}

// full returns a cluster in which every member of every struct has a value somewhere.
func full(t *testing.T) *Cluster {
	t.Helper()
	c, err := New(Options{
		Clock: clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), Seed: 7,
		Model: fullModel(), Behaviour: fullBehaviour(t),
	})
	require.NoError(t, err)
	fillObjects(t, c)
	require.NoError(t, c.DiskSetDescription(101, "first"))
	require.NoError(t, c.DiskSoftEject(101, "paused"))
	require.NoError(t, c.DiskScrubPause(102, true))
	require.NoError(t, c.DiskScrubStart(102))
	require.NoError(t, c.DiskScrubStart(103))
	require.NoError(t, c.DiskEject(104))
	require.NoError(t, c.PlacementGroupUpdate("few", GroupChange{AddDisks: []int{101, 201, 301}}))
	require.NoError(t, c.KVCreate("bucket"))
	require.NoError(t, c.KVSet("bucket", KVSet{Pairs: map[string]string{"key": "value"}}))
	require.NoError(t, c.LocationUpdate("remote", new(int64(4096)), new(int64(8192))))
	require.NoError(t, c.RemoteBridgeAdd(Bridge{Remote: "second", BridgeSpec: BridgeSpec{
		IP: "192.0.2.1", PublicKey: "key.1", NoCrypto: true, MinimumDeleteDelay: new(int64(60)),
	}}))
	made, err := c.VolumeCreate(VolumeSpec{Name: "moved", Size: new(int64(4096))})
	require.NoError(t, err)
	n := c.byGlobalID(made.GlobalID)
	info := n.obj.Load().Info
	info.GlobalID = "rmte.a.5"
	c.publish(n, info)
	c.foreign[info.GlobalID] = n
	n.addExport(export{to: "spsm.c", backup: true})
	fillISCSI(t, c)
	require.NoError(t, c.VAGUpdate(uint64(c.lastID), 4))
	require.NoError(t, c.BalancerCommand("start"))
	c.disks[2].Scrub = Scrub{Completed: 1, Started: 2, Paused: true, PausedAt: 3, Total: 4, Done: 5, Since: 6}
	require.NoError(t, c.DiskSoftEject(105, "on"))
	require.NoError(t, c.clock.Sleep(t.Context(), time.Second))
	require.NoError(t, c.DiskSoftEject(105, "paused"))
	require.NoError(t, c.DiskSoftEject(205, "on"))
	c.Disks()
	require.NoError(t, c.MaintenanceSet(MaintenanceRequest{Node: 5, Duration: 60, Description: "kernel update"}))
	require.NoError(t, c.SetCondition(Condition{Kind: DiskGone, ID: 202}))
	require.NoError(t, c.DiskIgnore(202))
	require.NoError(t, c.SetCondition(Condition{Kind: ClientDead, ID: 4}))
	require.NoError(t, c.SetCondition(Condition{Kind: CapacityExhausted, Group: "few"}))
	fillTransfers(t, c)
	for _, m := range c.fed.members { // a heap has several orders
		slices.SortFunc(m.due.items, func(a, b due) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order)) })
	}
	return c
}

// fillTransfers has a backup under way, a copy that is on its way here and one that is torn.
func fillTransfers(t *testing.T, c *Cluster) {
	t.Helper()
	_, err := c.VolumesBackup("remote", GroupSpec{Volumes: []GroupVolume{{Volume: "one"}}})
	require.NoError(t, err)
	r, err := c.Remote("remote")
	require.NoError(t, err)
	_, err = r.VolumeCreate(VolumeSpec{Name: "there", Size: new(int64(1 << 20))})
	require.NoError(t, err)
	require.NoError(t, r.WriteContent("there", 0, bytes.Repeat([]byte("there"), 4096)))
	for _, name := range []string{"whole", "torn"} {
		s, err := r.VolumeSnapshot("there", SnapshotSpec{Name: name})
		require.NoError(t, err)
		require.NoError(t, r.SnapshotExport(Ref(name), "home"))
		require.NoError(t, c.SnapshotFromRemote(RemoteSpec{GlobalID: s.GlobalID, Location: "remote", Name: name}))
	}
	require.NoError(t, r.SnapshotUnexport("torn", Unexport{All: true, Force: true}))
}

func fillObjects(t *testing.T, c *Cluster) {
	t.Helper()
	size, bw, iops := int64(1<<20), Limit(500), Limit(600)
	policy := Policy{
		Replication: new(2), PlaceAll: "hdd", PlaceTail: "ssd", PlaceHead: "ssd", BW: &bw, IOPS: &iops, ReuseServer: new(true),
	}
	create := func(spec VolumeSpec) Ref {
		made, err := c.VolumeCreate(spec)
		require.NoError(t, err)
		return Ref("~" + made.GlobalID)
	}
	snap := func(v Ref, spec SnapshotSpec) Ref {
		made, err := c.VolumeSnapshot(v, spec)
		require.NoError(t, err)
		return Ref("~" + made.GlobalID)
	}
	v := create(VolumeSpec{Name: "one", Size: &size, Template: "odd", Policy: policy, Tags: map[string]string{"b": "2", "a": "1"}})
	require.NoError(t, c.WriteContent(v, 4000, []byte("first")))
	golden := snap(v, SnapshotSpec{Name: "golden", Bind: true, Schedule: Schedule{DeleteAfter: new(int64(86400))}})
	require.NoError(t, c.WriteContent(v, 8192, []byte("second")))
	require.NoError(t, c.TemplateCreate(TemplateSpec{Name: "sourced", Size: &size, Parent: golden, Policy: policy}))
	create(VolumeSpec{Name: "two", Template: "sourced"})
	nameless := create(VolumeSpec{Size: &size})
	create(VolumeSpec{BaseOn: nameless})
	blocked := snap(v, SnapshotSpec{})
	create(VolumeSpec{Parent: blocked})
	require.NoError(t, c.SnapshotDelete(blocked))
	lingering := snap(nameless, SnapshotSpec{Name: "lingering"})
	require.NoError(t, c.SnapshotDelete(lingering))
	require.NoError(t, c.Reassign([]Assignment{
		{Volume: v, RW: []int{1}, RO: []int{2}}, {Snapshot: golden, RO: []int{2}}, {Volume: nameless, RW: []int{2}},
	}))
	require.NoError(t, c.Reassign([]Assignment{{Snapshot: golden, Detach: []int{2}}}))
	require.NoError(t, c.Reassign([]Assignment{{Snapshot: golden, RO: []int{2}}}))
	require.NoError(t, c.SetClientDown(3, true))
	gone := create(VolumeSpec{Name: "gone", Size: &size})
	snap(gone, SnapshotSpec{Name: "orphan"})
	require.NoError(t, c.VolumeDelete(gone, OnAttachedFail))
}

func fillISCSI(t *testing.T, c *Cluster) {
	t.Helper()
	require.NoError(t, c.ISCSIConfigChange(
		ISCSISetBaseName{Name: "iqn.other"},
		ISCSICreatePortalGroup{Name: "pg"}, ISCSIPortalGroupAddNetwork{PortalGroup: "pg", Net: "10.0.0.1/24"},
		ISCSICreatePortal{PortalGroup: "pg", Controller: 2, IP: "10.0.0.2"},
		ISCSICreateInitiator{Name: "iqn.host", Username: "user", Secret: "chap"},
		ISCSIInitiatorAddNetwork{Initiator: "iqn.host", Net: "10.1.0.0/16"},
		ISCSICreateTarget{Volume: "one"}, ISCSIExport{Initiator: "iqn.host", PortalGroup: "pg", Volume: "one"},
	))
	_, err := c.ISCSILogin("iqn.host", "iqn.other:one", netip.MustParseAddrPort("10.1.0.1:4000"),
		netip.MustParseAddrPort("10.0.0.2:3260"))
	require.NoError(t, err)
}

// comparison walks two clusters side by side.
type comparison struct {
	derived map[string]string
	met     map[string]bool // members; true when one had a value
	twins   map[unsafe.Pointer]unsafe.Pointer
	diffs   []string
}

func (w *comparison) differ(at string, a, b any) {
	w.diffs = append(w.diffs, fmt.Sprintf("%s: %v, loaded %v", at, a, b))
}

func (w *comparison) compare(at string, a, b reflect.Value) {
	switch a.Kind() {
	case reflect.Pointer:
		w.pointers(at, a, b)
	case reflect.Struct:
		w.structs(at, a, b)
	case reflect.Slice:
		if a.Len() != b.Len() {
			w.differ(at, a.Len(), b.Len())
			return
		}
		for i := range a.Len() {
			w.compare(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i))
		}
	case reflect.Map:
		if a.Len() != b.Len() {
			w.differ(at, a.Len(), b.Len())
			return
		}
		for _, k := range a.MapKeys() {
			if v := b.MapIndex(k); v.IsValid() {
				w.compare(fmt.Sprintf("%s[%v]", at, k), copied(a.MapIndex(k)), copied(v))
			} else {
				w.differ(at, k, "nothing")
			}
		}
	default:
		if x, y := a.Interface(), b.Interface(); x != y {
			w.differ(at, x, y)
		}
	}
}

// copied copies what a map holds, so that its members can be looked at.
func copied(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

func (w *comparison) pointers(at string, a, b reflect.Value) {
	if a.IsNil() || b.IsNil() {
		if a.IsNil() != b.IsNil() {
			w.differ(at, a, b)
		}
		return
	}
	if twin, ok := w.twins[a.UnsafePointer()]; ok {
		if twin != b.UnsafePointer() {
			w.differ(at, "one thing in two places", "two things")
		}
		return
	}
	w.twins[a.UnsafePointer()] = b.UnsafePointer()
	switch x := a.Interface().(type) {
	case *blocks.Image:
		y, _ := b.Interface().(*blocks.Image)
		if fa, fb := imageFigures(x), imageFigures(y); fa != fb {
			w.differ(at, fa, fb)
		}
	case *clock.Event:
	default:
		if values := a.MethodByName("Values"); values.IsValid() && strings.HasPrefix(a.Type().String(), "*btree.Map[") {
			keys, none := a.MethodByName("Keys"), []reflect.Value{}
			w.compare(at+" keys", keys.Call(none)[0], b.MethodByName("Keys").Call(none)[0])
			w.compare(at, values.Call(none)[0], b.MethodByName("Values").Call(none)[0])
			return
		}
		w.compare(at, a.Elem(), b.Elem())
	}
}

// imageFigures is what an image looks like from outside.
func imageFigures(im *blocks.Image) string {
	data := new(bytes.Buffer)
	for e := range im.Extents(0) {
		p := make([]byte, e.Len)
		_, err := im.ReadAt(p, e.Off)
		fmt.Fprintf(data, "%d %v %q\n", e.Off, err, bytes.TrimRight(p, "\x00"))
	}
	return fmt.Sprintf("%d bytes, stored %d, used %d, freed %d: %s",
		im.Size(), im.Stored(), im.Used(), im.Freed(), data)
}

func (w *comparison) structs(at string, a, b reflect.Value) {
	switch x := a.Addr().Interface().(type) {
	case *atomic.Pointer[Object]:
		y, _ := b.Addr().Interface().(*atomic.Pointer[Object])
		w.compare(at, reflect.ValueOf(x.Load()), reflect.ValueOf(y.Load()))
		return
	case *atomic.Pointer[Cluster]:
		y, _ := b.Addr().Interface().(*atomic.Pointer[Cluster])
		w.compare(at, reflect.ValueOf(x.Load()), reflect.ValueOf(y.Load()))
		return
	case *atomic.Int64:
		y, _ := b.Addr().Interface().(*atomic.Int64)
		if x.Load() != y.Load() {
			w.differ(at, x.Load(), y.Load())
		}
		return
	case *atomic.Bool:
		y, _ := b.Addr().Interface().(*atomic.Bool)
		if x.Load() != y.Load() {
			w.differ(at, x.Load(), y.Load())
		}
		return
	case *netip.Prefix, *netip.AddrPort:
		if a.Interface() != b.Interface() {
			w.differ(at, a, b)
		}
		return
	}
	ours := a.Type().PkgPath() == reflect.TypeFor[Cluster]().PkgPath()
	for i := range a.NumField() {
		f := a.Type().Field(i)
		member := a.Type().Name() + "." + f.Name
		if _, skip := w.derived[member]; skip {
			w.met[member] = true
			continue
		}
		fa, fb := exposed(a.Field(i)), exposed(b.Field(i))
		if ours {
			empty := fa.IsZero() || (fa.Kind() == reflect.Slice || fa.Kind() == reflect.Map) && fa.Len() == 0
			w.met[member] = w.met[member] || !empty
		}
		w.compare(path.Join(at, f.Name), fa, fb)
	}
}

// exposed is a member of a struct without the protection of its name.
func exposed(v reflect.Value) reflect.Value {
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
}

func saveAndLoad(t *testing.T, c *Cluster) (*Cluster, []byte) {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, c.Save(&text))
	f, err := Load(bytes.NewReader(text.Bytes()), c.clock)
	require.NoError(t, err)
	i := slices.IndexFunc(f.members, func(m *Cluster) bool { return m.id == c.id })
	require.GreaterOrEqual(t, i, 0)
	return f.members[i], text.Bytes()
}

func TestEveryMemberIsSavedOrNamedAsDerived(t *testing.T) {
	t.Parallel()
	c := full(t)
	loaded, text := saveAndLoad(t, c)
	again, textAgain := saveAndLoad(t, loaded)
	assert.Equal(t, string(text), string(textAgain), "saved, loaded and saved again")
	for _, other := range []*Cluster{loaded, again} {
		w := &comparison{derived: derived(), met: map[string]bool{}, twins: map[unsafe.Pointer]unsafe.Pointer{}}
		w.compare("", reflect.ValueOf(c.fed), reflect.ValueOf(other.fed))
		assert.Empty(t, w.diffs, "a part of parts must save and load it, or derived must say why not")
		for _, member := range slices.Sorted(maps.Keys(w.met)) {
			assert.True(t, w.met[member], "%s has no value in the cluster of this test, so nothing shows that it is saved: "+
				"give it one in full", member)
		}
		for member, reason := range derived() {
			assert.Contains(t, w.met, member, "derived (%s), but there is no such member", reason)
		}
	}
}
