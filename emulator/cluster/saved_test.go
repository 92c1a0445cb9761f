package cluster_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// everything is what the reading methods tell of a cluster.
func everything(c *cluster.Cluster) []string {
	lines := []string{fmt.Sprint(c.ID(), c.Name(), c.Generation(), c.Locations(), c.Peers(), c.ClientsConfig(), c.Services())}
	for _, list := range []cluster.List[*cluster.Object]{c.Volumes(), c.Snapshots()} {
		for o := range list.All() {
			line := fmt.Sprint(o.Name, o.GlobalID, o.Size, o.Created, o.VisibleID, o.ParentID, *o.Settings, o.Tags.Map(),
				o.ParentName(), o.OnVolume(), c.Space(o), len(c.Children(o.GlobalID)), c.Layout(o).Counts())
			if s := o.Snap; s != nil {
				line += fmt.Sprint(s.AutoName, s.Bound, s.Transient, s.Deleted, s.DeleteBlocked, s.TargetDeleteDate, s.CreatedFrom)
			}
			lines = append(lines, line)
		}
	}
	for a := range c.Attachments().All() {
		lines = append(lines, fmt.Sprint(a.GlobalID, a.Client, a.Rights, a.Pos, a.Snapshot, a.ObjectName()))
	}
	for _, t := range c.TemplateStatus() {
		lines = append(lines, fmt.Sprint(t))
	}
	for _, d := range c.Disks() {
		lines = append(lines, fmt.Sprint(d))
	}
	return append(lines, fmt.Sprint(c.PlacementGroups()))
}

func saved(t require.TestingT, c *cluster.Cluster) []byte {
	var text bytes.Buffer
	require.NoError(t, c.Save(&text))
	return text.Bytes()
}

// loaded returns the only cluster of a saved state.
func loaded(t require.TestingT, text []byte, k clock.Clock) *cluster.Cluster {
	f, err := cluster.Load(bytes.NewReader(text), k)
	require.NoError(t, err)
	require.Len(t, f.Clusters(), 1)
	return f.Clusters()[0]
}

// SaveAndLoad goes on with the cluster of a saved state; the model does not notice.
func (m *machine) SaveAndLoad(t *rapid.T) {
	before, text := everything(m.c), saved(t, m.c)
	c := loaded(t, text, m.clock)
	require.Equal(t, before, everything(c))
	require.Equal(t, string(text), string(saved(t, c)))
	m.c = c
}

func TestALoadedClusterGoesOnWhereTheSavedOneStopped(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(b *cluster.Behaviour) { b.DeleteDelay = time.Hour }))
	v := b.volume(cluster.VolumeSpec{Name: "v", Tags: map[string]string{"a": "1"}})
	b.snapshot(v, cluster.SnapshotSpec{Name: "scheduled", Schedule: cluster.Schedule{DeleteAfter: new(int64(60))}})
	lingering := b.snapshot(v, cluster.SnapshotSpec{Name: "lingering"})
	require.NoError(t, b.SnapshotDelete(lingering))
	require.NoError(t, b.SetClientDown(1, true))
	later := clock.NewVirtual(b.clock.Now())
	c := loaded(t, saved(t, b.Cluster), later)

	later.Advance(2 * time.Minute)
	_, err := c.Snapshot("scheduled")
	require.ErrorIs(t, err, cluster.ObjectDoesNotExist)
	later.Advance(59 * time.Minute)
	assert.Equal(t, 1, c.Snapshots().Len(), "the lingering one is gone, the scheduled one lingers")
	later.Advance(time.Minute)
	assert.Zero(t, c.Snapshots().Len())
	_, err = b.Snapshot("scheduled")
	require.NoError(t, err, "the saved cluster knows nothing of the loaded one")

	made, err := c.VolumeCreate(cluster.VolumeSpec{Size: new(gib)})
	require.NoError(t, err)
	assert.Equal(t, "spsm.b.4", made.GlobalID, "ids go on")
	assert.Len(t, c.FindByTag("a", "1"), 1)
	config, err := c.ClientConfig(1)
	require.NoError(t, err)
	assert.Equal(t, "down", config.Status)
	require.NoError(t, c.SetClientDown(1, false))
}

func TestASavedStateThatIsNotWholeOrNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	require.NoError(t, b.WriteContent(v, 0, []byte("data")))
	text := string(saved(t, b.Cluster))
	const version = `{"format":"spsim-state","version":1,`
	cases := []struct{ what, text, want string }{
		{"nothing", "", "it does not begin as one of spsim"},
		{"another format", `{"volumes":[]}`, "it does not begin as one of spsim"},
		{"the future", strings.Replace(text, version, `{"format":"spsim-state","version":2,`, 1), "it has version 2, this program understands version 1"},
		{"no version", strings.Replace(text, version, `{"format":"spsim-state","version":x,`, 1), "it has no version"},
		{"the beginning alone", version, "it is cut off"},
		{"half of it", text[:len(text)/2], "it is cut off: there is no checksum at its end"},
		{"all but the last byte", text[:len(text)-1], "it is cut off: there is no checksum at its end"},
		{"a byte more", text + "\n", "it is cut off: there is no checksum at its end"},
		{"another name", strings.Replace(text, `"name":"v"`, `"name":"w"`, 1), "it is damaged: the checksum does not match"},
		{"an unknown member", sealed(text, `"clock":`, `"more":1,"clock":`), `json: unknown field "more"`},
	}
	for _, c := range cases {
		_, err := cluster.ReadState(strings.NewReader(c.text))
		require.ErrorIs(t, err, cluster.ErrState, c.what)
		assert.EqualError(t, err, "the saved state cannot be loaded: "+c.want, c.what)
	}
}

// sealed replaces a text in a saved state and gives it the checksum that fits.
func sealed(text, from, to string) string {
	text, _, _ = strings.Cut(text, `,"checksum":`)
	text = strings.Replace(text, from, to, 1)
	sum := sha256.Sum256([]byte(text))
	return text + `,"checksum":"` + hex.EncodeToString(sum[:]) + "\"}\n"
}

func TestAStateThatNoClusterCanHaveIsRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Tags: map[string]string{"a": "1"}})
	require.NoError(t, b.WriteContent(v, 0, []byte("data")))
	b.snapshot(v, cluster.SnapshotSpec{Name: "s", Schedule: cluster.Schedule{DeleteAfter: new(int64(60))}})
	require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: v, RW: []int{1}}}))
	text := string(saved(t, b.Cluster))
	cases := []struct{ what, from, to, want string }{
		{"a cluster without disks", `"servers":3`, `"servers":0`, "servers: 0 is not in"},
		{"an unknown parent", `"parent":2`, `"parent":9`, "object 1: unknown parent 9"},
		{
			"a volume as parent", `"size":1073741824,"created":1767225600,"vag":1,"settings":0,"contents":1,"snapshot"`,
			`"size":1073741824,"created":1767225600,"parent":1,"settings":0,"contents":1,"snapshot"`, "object 2: parent 1: image is not frozen",
		},
		{
			"a snapshot below itself", `"size":1073741824,"created":1767225600,"vag":1,"settings":0,"contents":1,"snapshot"`,
			`"size":1073741824,"created":1767225600,"parent":2,"settings":0,"contents":1,"snapshot"`, "snapshot spsm.b.2 is its own ancestor",
		},
		{"unknown settings", `"settings":0`, `"settings":1`, "object 1: unknown settings 1"},
		{"settings without group", `"PlaceAll":"default"`, `"PlaceAll":"none"`, `groups: group "none" of a volume is missing`},
		{"no replication", `"settings":[` + "{\"Replication\":3", `"settings":[` + "{\"Replication\":0", "replication 0 of a volume is not in 1..3"},
		{"contents that are missing", `"contents":1`, `"contents":7`, "object 1: bad saved contents: unknown root 6"},
		{"a name twice", `"name":"s"`, `"name":"v"`, `object 2: the name "v" is there twice`},
		{"an object without name", `"name":"s"`, `"name":""`, "object 2: without name, or with a bad global id"},
		{"an object beyond the last id", `"lastId":2`, `"lastId":1`, "object 2 is out of order"},
		{"half a tag", `["a","1"]`, `["a"]`, "object 1: a tag without value"},
		{"tags out of order", `["a","1"]`, `["b","1","a","1"]`, `object 1: bad tag "a"`},
		{"a part less", `"due":`, `"duo":`, `the part "due" is missing`},
		{"a part more", `"due":`, `"extra":{},"due":`, `1 of its parts are unknown`},
		{"a disk twice", `"ID":102,`, `"ID":101,`, "disks: disk 101 is out of order"},
		{"a group with an unknown disk", `"disks":[101`, `"disks":[999`, "disk 999 is unknown or out of order"},
		{"an attachment of nothing", `"object":1,"client":1`, `"object":5,"client":1`, "attachment 1: unknown object or client"},
		{"an attachment to nobody", `"object":1,"client":1`, `"object":1,"client":99`, "attachment 1: unknown object or client"},
		{"a slot beyond", `"pos":0`, `"pos":1024`, "attachment 1: client 1 has no free slot 1024"},
		{"odd rights", `"rights":"rw"`, `"rights":"wo"`, "attachment 1: bad rights"},
		{"an appointment of nothing", `"object":2,"kind":0`, `"object":5,"kind":0`, "due: appointment 1: unknown object or kind"},
		{"an appointment for nothing", `"object":2,"kind":0`, `"object":2,"kind":7`, "due: appointment 1: unknown object or kind"},
		{"a template twice", `"name":"ssd","policy"`, `"name":"hdd","policy"`, "Template 'hdd' already exists"},
		{"a cluster that is not its own", `{"id":"b","name":"spsim"`, `{"id":"c","name":"spsim"`, "sites: the cluster itself is not the first"},
		{"a client twice", `{"id":2}`, `{"id":1}`, "clients: client 1 is out of order"},
	}
	for _, c := range cases {
		require.Contains(t, text, c.from, c.what)
		_, err := cluster.Load(strings.NewReader(sealed(text, c.from, c.to)), b.clock)
		require.ErrorIs(t, err, cluster.ErrState, c.what)
		assert.ErrorContains(t, err, c.want, c.what)
	}
}

// brokenDisk fails after some bytes.
type brokenDisk struct{ room int }

var errFull = errors.New("no space left")

func (d *brokenDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

func TestAnErrorOfTheWriterEndsTheSaving(t *testing.T) {
	t.Parallel()
	b := start(t)
	all := len(saved(t, b.Cluster))
	for _, room := range []int{0, all / 2, all - 1} {
		assert.ErrorIs(t, b.Save(&brokenDisk{room: room}), errFull)
	}
	assert.NoError(t, b.Save(&brokenDisk{room: all}))
}

func TestReplacingTheStateTakesDevicesAndWaitersAlong(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	require.NoError(t, b.WriteContent(v, 0, []byte("old")))
	text := saved(t, b.Cluster)
	require.NoError(t, b.WriteContent(v, 0, []byte("new")))
	b.volume(cluster.VolumeSpec{Name: "later"})
	require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: v, RW: []int{1}}}))
	device, err := b.Device(1, v)
	require.NoError(t, err)
	changes := 0
	b.Federation().Watch(func() { changes++ })

	fresh := loaded(t, text, b.clock)
	require.NoError(t, b.Federation().Replace(fresh.Federation()))
	assert.Equal(t, string(text), string(saved(t, b.Cluster)))
	_, err = device.WriteAt([]byte("x"), 0)
	require.ErrorIs(t, err, cluster.ErrDetached)
	assert.Equal(t, 1, changes)
	require.NoError(t, b.WriteContent(v, 0, []byte("x")))
	assert.Equal(t, 2, changes, "contents count as well")
	require.NoError(t, b.SetClientDown(1, true))
	assert.Equal(t, 3, changes)
	b.Federation().Watch(nil)
	b.volume(cluster.VolumeSpec{})
	assert.Equal(t, 3, changes)

	other, err := cluster.New(cluster.Options{ID: "spsm.c", Clock: b.clock, Model: cluster.DefaultModel()})
	require.NoError(t, err)
	require.ErrorIs(t, b.Federation().Replace(other.Federation()), cluster.ErrState)
}
