package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

const tib = int64(1) << 40

func TestVolumeCreateRefusesWhatItCannotDoAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	gone := b.volume(cluster.VolumeSpec{})
	require.NoError(t, b.VolumeDelete(gone, ""))
	at, size := b.Generation(), new(gib)
	cases := []struct {
		what  string
		spec  cluster.VolumeSpec
		name  cluster.ErrorName
		descr string
	}{
		{"name of a volume", cluster.VolumeSpec{Name: "v", Size: size}, cluster.ObjectExists, "Volume 'v' already exists"},
		{"name of a snapshot", cluster.VolumeSpec{Name: "s", Size: size}, cluster.ObjectExists, "Snapshot 's' already exists"},
		{"bad name", cluster.VolumeSpec{Name: "a@b", Size: size}, cluster.InvalidParam, ""},
		{"bad tag name", cluster.VolumeSpec{Size: size, Tags: map[string]string{"a b": "c"}}, cluster.InvalidParam, ""},
		{"bad tag value", cluster.VolumeSpec{Size: size, Tags: map[string]string{"a": "\n"}}, cluster.InvalidParam, ""},
		{"unknown template", cluster.VolumeSpec{Template: "none", Size: size}, cluster.ObjectDoesNotExist, "Template 'none' does not exist"},
		{"unknown parent", cluster.VolumeSpec{Parent: "none"}, cluster.ObjectDoesNotExist, "Snapshot 'none' does not exist"},
		{"volume as parent", cluster.VolumeSpec{Parent: "v"}, cluster.ObjectDoesNotExist, ""},
		{"bad parent", cluster.VolumeSpec{Parent: "a/b"}, cluster.InvalidParam, ""},
		{"unknown base", cluster.VolumeSpec{BaseOn: gone}, cluster.ObjectDoesNotExist, ""},
		{"snapshot as base", cluster.VolumeSpec{BaseOn: "s"}, cluster.ObjectDoesNotExist, "Volume 's' does not exist"},
		{"parent and base", cluster.VolumeSpec{Parent: "s", BaseOn: "v"}, cluster.InvalidParam, ""},
		{"no size", cluster.VolumeSpec{Template: "ssd"}, cluster.InvalidParam, ""},
		{"size zero", cluster.VolumeSpec{Size: new(int64)}, cluster.InvalidParam, ""},
		{"negative size", cluster.VolumeSpec{Size: new(int64(-512))}, cluster.InvalidParam, ""},
		{"odd size", cluster.VolumeSpec{Size: new(gib + 511)}, cluster.InvalidParam, ""},
		{"less than the parent", cluster.VolumeSpec{Parent: "s", Size: new(gib - 512)}, cluster.InvalidParam, ""},
		{"more than the disks", cluster.VolumeSpec{Size: new(1000 * tib)}, cluster.InsufficientResources, ""},
		{"unknown group", cluster.VolumeSpec{Size: size, Policy: cluster.Policy{PlaceAll: "none"}}, cluster.ObjectDoesNotExist, ""},
		{"bad group", cluster.VolumeSpec{Size: size, Policy: cluster.Policy{PlaceTail: "a b"}}, cluster.InvalidParam, ""},
		{"replication 4", cluster.VolumeSpec{Size: size, Policy: cluster.Policy{Replication: new(4)}}, cluster.InvalidParam, ""},
		{"replication 0", cluster.VolumeSpec{Size: size, Policy: cluster.Policy{Replication: new(0)}}, cluster.InvalidParam, ""},
		{"negative iops", cluster.VolumeSpec{Size: size, Policy: cluster.Policy{IOPS: new(cluster.Limit(-1))}}, cluster.InvalidParam, ""},
		{"negative bw", cluster.VolumeSpec{Size: size, Policy: cluster.Policy{BW: new(cluster.Limit(-1))}}, cluster.InvalidParam, ""},
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			_, err := b.VolumeCreate(c.spec)
			refused(t, err, c.name, c.descr)
		})
	}
	t.Cleanup(func() {
		assert.Equal(t, at, b.Generation())
		assert.Equal(t, []string{"v"}, names(b.Volumes()))
		assert.Equal(t, []string{"s"}, names(b.Snapshots()), "no transient snapshot is left")
	})
}

func TestVolumesOf512BytesAndOfHundredsOfTiBFit(t *testing.T) {
	t.Parallel()
	b := start(t)
	assert.Equal(t, int64(512), b.vol(b.volume(cluster.VolumeSpec{Size: new(int64(512))})).Size)
	huge := b.volume(cluster.VolumeSpec{Size: new(300 * tib)})
	b.write(huge, 300*tib-512, 7, 512)
	b.holds(huge, 300*tib-512, 7, 512)
	assert.Equal(t, int64(4096), b.Space(b.vol(huge)).Stored)
}

func TestSettingsComeFromRequestTemplateSourceAndDefaultsInThisOrder(t *testing.T) {
	t.Parallel()
	b := start(t)
	limited := cluster.Policy{IOPS: new(cluster.Limit(500)), BW: new(cluster.Limit(0)), Replication: new(2), ReuseServer: new(true)}
	require.NoError(t, b.TemplateCreate(cluster.TemplateSpec{Name: "limited", Policy: limited}))
	require.NoError(t, b.TemplateCreate(cluster.TemplateSpec{Name: "sized", Size: new(2 * gib)}))
	policy := cluster.Policy{PlaceAll: "ssd", BW: new(cluster.Limit(9))}
	src := b.snapshot(b.volume(cluster.VolumeSpec{Template: "hybrid", Policy: policy}), cluster.SnapshotSpec{Name: "src"})
	id := func(name string) int64 {
		tm, err := b.Template(name)
		require.NoError(t, err)
		return tm.ID
	}
	cases := []struct {
		what string
		spec cluster.VolumeSpec
		want cluster.Settings
	}{
		{"nothing", cluster.VolumeSpec{}, cluster.Settings{
			Replication: 3, PlaceAll: "default", PlaceTail: "default", PlaceHead: "default",
		}},
		{"placeAll alone", cluster.VolumeSpec{Policy: cluster.Policy{PlaceAll: "ssd", Replication: new(1)}}, cluster.Settings{
			Replication: 1, PlaceAll: "ssd", PlaceTail: "ssd", PlaceHead: "ssd",
		}},
		{"template", cluster.VolumeSpec{Template: "hybrid"}, cluster.Settings{
			Replication: 3, PlaceAll: "hdd", PlaceTail: "ssd", PlaceHead: "hdd", Template: "hybrid", TemplateID: id("hybrid"),
		}},
		{"request over template", cluster.VolumeSpec{Template: "limited", Policy: cluster.Policy{
			IOPS: new(cluster.Limit(0)), Replication: new(1), ReuseServer: new(false),
		}}, cluster.Settings{
			Replication: 1, PlaceAll: "default", PlaceTail: "default", PlaceHead: "default",
			Template: "limited", TemplateID: id("limited"),
		}},
		{"source", cluster.VolumeSpec{Parent: src}, cluster.Settings{
			Replication: 3, PlaceAll: "ssd", PlaceTail: "ssd", PlaceHead: "hdd", BW: 9, Template: "hybrid", TemplateID: id("hybrid"),
		}},
		{"template over source, its unset members do not count", cluster.VolumeSpec{Parent: src, Template: "limited"}, cluster.Settings{
			Replication: 2, PlaceAll: "ssd", PlaceTail: "ssd", PlaceHead: "hdd", BW: 9, IOPS: 500, ReuseServer: true,
			Template: "limited", TemplateID: id("limited"),
		}},
		{"size of the template", cluster.VolumeSpec{Template: "sized"}, cluster.Settings{
			Replication: 3, PlaceAll: "default", PlaceTail: "default", PlaceHead: "default", Template: "sized", TemplateID: id("sized"),
		}},
	}
	for _, c := range cases {
		if c.spec.Template != "sized" && c.spec.Parent == "" {
			c.spec.Size = new(gib)
		}
		made, err := b.VolumeCreate(c.spec)
		require.NoError(t, err, c.what)
		o := b.vol(cluster.Ref(made.Name))
		assert.Equal(t, c.want, *o.Settings, c.what)
		assert.Equal(t, map[bool]int64{true: 2 * gib, false: gib}[c.spec.Template == "sized"], o.Size, c.what)
	}
}

func TestACloneOfASnapshotMayBeLargerAndInheritsNoTags(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Tags: map[string]string{"cs": "template"}})
	b.write(v, 0, 1, mib)
	s := b.snapshot(v, cluster.SnapshotSpec{Name: "s", Tags: map[string]string{"cs": "template"}})
	c := b.volume(cluster.VolumeSpec{Parent: "s", Size: new(2 * gib), Tags: map[string]string{"own": "1"}})
	o := b.vol(c)
	assert.Equal(t, "s", o.ParentName())
	assert.Equal(t, b.snap(s).VisibleID, o.ParentID)
	assert.Equal(t, map[string]string{"own": "1"}, o.Tags.Map())
	b.holds(c, 0, 1, mib)
	b.holds(c, gib, 0, mib)
	assert.Equal(t, cluster.Space{Stored: 0, Used: mib}, b.Space(o))
}

func TestACopyOfAVolumeLeavesNoTransientSnapshotBehind(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.write(v, 0, 1, mib)
	s := b.snapshot(v, cluster.SnapshotSpec{Name: "s"})
	b.write(v, mib, 2, mib)
	made, err := b.VolumeCreate(cluster.VolumeSpec{BaseOn: "v"})
	require.NoError(t, err)
	assert.Equal(t, "v@3", made.AutoName)
	c := cluster.Ref(made.Name)

	b.write(v, 0, 9, mib)
	b.holds(c, 0, 1, mib)
	b.holds(c, mib, 2, mib)
	assert.Equal(t, []string{"s"}, names(b.Snapshots()))
	for _, ref := range []cluster.Ref{v, c} {
		assert.Equal(t, "s", b.vol(ref).ParentName())
	}
	assert.Equal(t, []int64{2 * mib, mib}, []int64{b.Space(b.vol(v)).Stored, b.Space(b.vol(c)).Stored})
	assert.Equal(t, int64(0), b.Space(b.snap(s)).Used)

	nameless, err := b.VolumeCreate(cluster.VolumeSpec{BaseOn: c})
	require.NoError(t, err)
	assert.Equal(t, made.GlobalID+"@5", nameless.AutoName, "without tilde")
}

func TestATransientSnapshotStaysForItsLifetime(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.TransientLifetime = 10 * second }))
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.write(v, 0, 1, mib)
	c := b.volume(cluster.VolumeSpec{BaseOn: "v"})
	s := b.snap("v@2")
	assert.True(t, s.Snap.Transient)
	assert.True(t, s.Snap.AutoName)
	assert.Equal(t, "v@2", b.vol(c).ParentName())
	refused(t, b.Reassign([]cluster.Assignment{{Snapshot: "v@2", RO: []int{1}}}), cluster.InvalidParam, "")

	at := b.Generation()
	b.clock.Advance(10 * second)
	assert.Empty(t, names(b.Snapshots()))
	assert.Equal(t, at+1, b.Generation())
	assert.Empty(t, b.vol(c).ParentName())
	b.holds(c, 0, 1, mib)
	b.holds(v, 0, 1, mib)
}

func TestATransientSnapshotGoesWithItsLastChild(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.TransientLifetime = 10 * second }))
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	c := b.volume(cluster.VolumeSpec{BaseOn: "v"})
	require.NoError(t, b.VolumeDelete(c, ""))
	assert.Equal(t, 1, b.Snapshots().Len())
	require.NoError(t, b.VolumeDelete(v, ""))
	assert.Equal(t, 0, b.Snapshots().Len())
	b.clock.Advance(20 * second)
	assert.Equal(t, 0, b.Snapshots().Len())
}

func TestATemplateMayHaveAParentOfItsOwn(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{})
	b.write(v, 0, 1, mib)
	b.snapshot(v, cluster.SnapshotSpec{Name: "golden"})
	other := b.snapshot(b.volume(cluster.VolumeSpec{}), cluster.SnapshotSpec{Name: "other"})
	require.NoError(t, b.TemplateCreate(cluster.TemplateSpec{Name: "t", Parent: "golden"}))
	made, err := b.VolumeCreate(cluster.VolumeSpec{Template: "t"})
	require.NoError(t, err)
	b.holds(cluster.Ref(made.Name), 0, 1, mib)
	assert.Equal(t, "other", b.vol(b.volume(cluster.VolumeSpec{Template: "t", Parent: other})).ParentName())

	tm, err := b.Template("t")
	require.NoError(t, err)
	assert.Equal(t, "golden", tm.ParentName)
	require.NoError(t, b.SnapshotDelete("golden"))
	assert.Len(t, names(b.Snapshots()), 2, "it lingers for its two children")
	for range 2 { // the second time it is gone for good
		tm, err = b.Template("t")
		require.NoError(t, err)
		assert.Empty(t, tm.ParentName)
		_, err = b.VolumeCreate(cluster.VolumeSpec{Template: "t"})
		refused(t, err, cluster.InvalidParam, "")
		_ = b.VolumeDelete(v, "")
	}
	assert.Equal(t, []string{"other"}, names(b.Snapshots()))
}

func TestVolumesSwapNamesOverAThirdAndKeepWhatIsTheirs(t *testing.T) {
	t.Parallel()
	b := start(t)
	a := b.volume(cluster.VolumeSpec{Name: "a"})
	c := b.volume(cluster.VolumeSpec{Name: "c"})
	b.attach(a, 1)
	rename := func(ref cluster.Ref, to string) error { return b.VolumeUpdate(ref, cluster.VolumeChange{Rename: &to}) }
	refused(t, rename("a", "c"), cluster.ObjectExists, "")
	require.NoError(t, rename("a", "tmp"))
	require.NoError(t, rename("c", "a"))
	require.NoError(t, rename("tmp", "c"))
	assert.Equal(t, "c", b.vol(a).Name)
	assert.Equal(t, b.vol(c).GlobalID, b.vol("a").GlobalID)
	assert.Equal(t, "c", b.AttachmentsOf(b.vol(a).GlobalID)[0].ObjectName())

	require.NoError(t, rename("c", ""))
	assert.Equal(t, string(a), b.vol(a).Name)
	_, err := b.Volume("c")
	refused(t, err, cluster.ObjectDoesNotExist, "Volume 'c' does not exist")
}

func TestVolumeUpdateChecksEverythingBeforeItChangesAnything(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Tags: map[string]string{"a": "1"}})
	b.volume(cluster.VolumeSpec{Name: "taken"})
	before, at := b.vol(v), b.Generation()
	cases := []struct {
		what string
		ch   cluster.VolumeChange
		name cluster.ErrorName
	}{
		{"size and sizeAdd", cluster.VolumeChange{Size: new(2 * gib), SizeAdd: new(gib)}, cluster.InvalidParam},
		{"shrink without shrinkOk", cluster.VolumeChange{Size: new(gib - 512)}, cluster.InvalidParam},
		{"odd size", cluster.VolumeChange{Size: new(gib + 1)}, cluster.InvalidParam},
		{"odd sizeAdd", cluster.VolumeChange{SizeAdd: new(int64(100))}, cluster.InvalidParam},
		{"negative sizeAdd", cluster.VolumeChange{SizeAdd: new(int64(-512))}, cluster.InvalidParam},
		{"sizeAdd that overflows", cluster.VolumeChange{SizeAdd: new(int64(1<<63 - 512))}, cluster.InsufficientResources},
		{"too large", cluster.VolumeChange{Size: new(1000 * tib)}, cluster.InsufficientResources},
		{"taken name", cluster.VolumeChange{Rename: new("taken")}, cluster.ObjectExists},
		{"bad name", cluster.VolumeChange{Rename: new("~a.b.c")}, cluster.InvalidParam},
		{"unknown template", cluster.VolumeChange{Template: "none"}, cluster.ObjectDoesNotExist},
		{"bad tag", cluster.VolumeChange{Tags: map[string]string{"": "x"}}, cluster.InvalidParam},
		{"unknown group", cluster.VolumeChange{Policy: cluster.Policy{PlaceHead: "none"}}, cluster.ObjectDoesNotExist},
	}
	for _, c := range cases {
		if c.ch.Tags == nil {
			c.ch.Tags = map[string]string{"a": "2"}
		}
		refused(t, b.VolumeUpdate("v", c.ch), c.name, "")
		assert.Same(t, before, b.vol(v), c.what)
	}
	assert.Equal(t, at, b.Generation())
	refused(t, b.VolumeUpdate("none", cluster.VolumeChange{}), cluster.ObjectDoesNotExist, "")
}

func TestResizeKeepsWhatRemainsAndShowsOnTheDevice(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Size: new(mib)})
	b.attach(v, 1)
	d, err := b.Device(1, v)
	require.NoError(t, err)
	b.write(v, 0, 1, mib)
	size := func() int64 {
		n, err := d.Size()
		require.NoError(t, err)
		return n
	}
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{SizeAdd: new(int64(1024))}))
	assert.Equal(t, mib+1024, size())
	b.holds(v, mib, 0, 1024)
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Size: new(mib - 1024), ShrinkOK: true}))
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Size: new(2 * mib), ShrinkOK: false}))
	assert.Equal(t, 2*mib, size())
	b.holds(v, 0, 1, mib-1024)
	b.holds(v, mib-1024, 0, mib+1024)
}

func TestUpdatesTakeSettingsFromATemplateAndClearLimits(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Template: "ssd", Policy: cluster.Policy{IOPS: new(cluster.Limit(100)), BW: new(cluster.Limit(7))}})
	require.NoError(t, b.VolumeUpdate(v, cluster.VolumeChange{Template: "hdd", Policy: cluster.Policy{IOPS: new(cluster.Limit(0))}}))
	o := b.vol(v)
	assert.Equal(t, "hdd", o.Template)
	assert.Equal(t, []string{"hdd", "hdd", "hdd"}, []string{o.PlaceAll, o.PlaceTail, o.PlaceHead})
	assert.Equal(t, []cluster.Limit{0, 7}, []cluster.Limit{o.IOPS, o.BW})
}

func TestVolumeDeleteWhileAttachedDoesAsItIsTold(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.attach(v, 1, 2)
	d, err := b.Device(2, v)
	require.NoError(t, err)
	refused(t, b.VolumeDelete(v, ""), cluster.Busy, "Volume 'v' is attached")
	refused(t, b.VolumeDelete(v, cluster.OnAttachedFail), cluster.Busy, "")
	refused(t, b.VolumeDelete(v, cluster.OnAttachedDetach), cluster.Busy, "'v' is open at client 2")
	refused(t, b.VolumeDelete(v, cluster.OnAttachedExport), cluster.InvalidParam, "")
	assert.Equal(t, 2, b.Attachments().Len())

	require.NoError(t, b.VolumeDelete(v, cluster.OnAttachedDetachForce))
	assert.Equal(t, 0, b.Attachments().Len())
	_, err = d.WriteAt([]byte{1}, 0)
	assert.ErrorIs(t, err, cluster.ErrDetached)
	refused(t, b.VolumeDelete(v, ""), cluster.ObjectDoesNotExist, "")

	w := b.volume(cluster.VolumeSpec{})
	b.attach(w, 1)
	require.NoError(t, b.VolumeDelete(w, cluster.OnAttachedDetach))
	assert.Equal(t, 0, b.Attachments().Len())
}

func TestKnobsOfSizesAndTags(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) {
		k.SizeGranularity, k.MaxVolumeSize, k.StrictTagValues = 4096, gib, true
	}))
	_, err := b.VolumeCreate(cluster.VolumeSpec{Size: new(int64(512))})
	refused(t, err, cluster.InvalidParam, "")
	_, err = b.VolumeCreate(cluster.VolumeSpec{Size: new(gib + 4096)})
	refused(t, err, cluster.InsufficientResources, "")
	_, err = b.VolumeCreate(cluster.VolumeSpec{Size: new(gib), Tags: map[string]string{"uuid": "~a.b.c"}})
	refused(t, err, cluster.InvalidParam, "Invalid value of tag 'uuid'")
}
