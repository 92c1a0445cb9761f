package spapi_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/spapi"
)

// golden is a call with its spelling on the wire.
type golden struct {
	call func(context.Context, *spapi.Client) error
	want exchange
}

func volumeCreate(r spapi.VolumeCreate) func(context.Context, *spapi.Client) error {
	return func(ctx context.Context, c *spapi.Client) error {
		_, err := c.VolumeCreate(ctx, r, nil)
		return err
	}
}

func volumeUpdate(r spapi.VolumeUpdate) func(context.Context, *spapi.Client) error {
	return func(ctx context.Context, c *spapi.Client) error { return c.VolumeUpdate(ctx, "~a.b.c", r) }
}

func volumeSnapshot(r spapi.VolumeSnapshot) func(context.Context, *spapi.Client) error {
	return func(ctx context.Context, c *spapi.Client) error {
		_, err := c.VolumeSnapshot(ctx, "~a.b.c", r, nil)
		return err
	}
}

// TestRequestsAreSpelledAsThePluginSpellsThem holds each body of driver-management 4.3 and 17 that has a fixed form.
func TestRequestsAreSpelledAsThePluginSpellsThem(t *testing.T) {
	t.Parallel()
	create := func(r spapi.VolumeCreate, body string) golden {
		return golden{volumeCreate(r), exchange{"POST", "MultiCluster/VolumeCreate", body}}
	}
	update := func(r spapi.VolumeUpdate, body string) golden {
		return golden{volumeUpdate(r), exchange{"POST", "MultiCluster/VolumeUpdate/~a.b.c", body}}
	}
	for name, g := range map[string]golden{
		"VC1 sends an empty name": create(
			spapi.VolumeCreate{Name: new(""), Parent: "~a.b.c", Size: 512, Template: "hdd", Tags: spapi.Tags{"uuid": "T", "vc-policy": "no", "cs": "template"}},
			`{"name":"","parent":"~a.b.c","size":512,"template":"hdd","tags":{"uuid":"T","vc-policy":"no","cs":"template"}}`),
		"VC2 detached sends no name and an empty policy": create(
			spapi.VolumeCreate{Size: 10737418240, Template: "hdd", Tags: spapi.Tags{"uuid": "V", "vc-policy": "", "cs": "volume"}},
			`{"size":10737418240,"tags":{"uuid":"V","vc-policy":"","cs":"volume"},"template":"hdd"}`),
		"VC2 of a VM with a limit": create(
			spapi.VolumeCreate{
				Size: 10739515392, IOPS: new(int64(500)), Template: "hdd",
				Tags: spapi.Tags{"uuid": "V", "cvm": "M", "vc-policy": "gold", "qc": "ssd", "cs": "volume", "disk": "1"},
			},
			`{"size":10739515392,"tags":{"uuid":"V","cvm":"M","vc-policy":"gold","qc":"ssd","cs":"volume","disk":"1"},"iops":500,"template":"hdd"}`),
		"VC3 sends no name and no size": create(
			spapi.VolumeCreate{BaseOn: "~a.b.c", Template: "hdd2", Tags: spapi.Tags{"uuid": "V", "cs": "volume"}},
			`{"baseOn":"~a.b.c","template":"hdd2","tags":{"uuid":"V","cs":"volume"}}`),
		"VC4 the check volume": create(
			spapi.VolumeCreate{Name: new(""), Size: 512, Template: "hdd", Tags: spapi.Tags{"cs": "check-volume-is-on-host"}},
			`{"name":"","size":512,"template":"hdd","tags":{"cs":"check-volume-is-on-host"}}`),
		"VU1 with a tier": update(
			spapi.VolumeUpdate{Size: 1024, Tags: spapi.Tags{"qc": "ssd"}, ShrinkOK: new(false)},
			`{"size":1024,"tags":{"qc":"ssd"},"shrinkOk":false}`),
		"VU1 with a template sends empty tags": update(
			spapi.VolumeUpdate{Size: 1024, Tags: spapi.Tags{}, Template: "nvme", ShrinkOK: new(false)},
			`{"size":1024,"tags":{},"template":"nvme","shrinkOk":false}`),
		"VU1 plain sends no tags and a limit of zero": update(
			spapi.VolumeUpdate{Size: 21474836480, IOPS: new(int64(0)), ShrinkOK: new(false)},
			`{"size":21474836480,"iops":0,"shrinkOk":false}`),
		"VU2 without a limit": update(
			spapi.VolumeUpdate{Size: 1024, ShrinkOK: new(true)}, `{"size":1024,"shrinkOk":true}`),
		"VU3 drops the name": update(
			spapi.VolumeUpdate{Rename: new(""), Tags: spapi.Tags{"uuid": "old"}}, `{"rename":"","tags":{"uuid":"old"}}`),
		"VU4 clears tags": update(
			spapi.VolumeUpdate{Tags: spapi.Tags{"cvm": "", "vc-policy": "", "disk": ""}}, `{"tags":{"cvm":"","vc-policy":"","disk":""}}`),
		"VU5 sends empty tags": update(spapi.VolumeUpdate{IOPS: new(int64(500)), Tags: spapi.Tags{}}, `{"iops":500,"tags":{}}`),
		"VU7 sends a template only": update(
			spapi.VolumeUpdate{Template: "hdd"}, `{"template":"hdd"}`),
		"VS1 sends an empty name": {
			volumeSnapshot(spapi.VolumeSnapshot{Name: new(""), Tags: spapi.Tags{"uuid": "S", "cvm": "M", "cs": "snapshot"}}),
			exchange{"POST", "MultiCluster/VolumeSnapshot/~a.b.c", `{"name":"","tags":{"uuid":"S","cvm":"M","cs":"snapshot"}}`},
		},
		"VS2 sends no name": {
			volumeSnapshot(spapi.VolumeSnapshot{DeleteAfter: 60, Tags: spapi.Tags{"cs": "delayDelete"}}),
			exchange{"POST", "MultiCluster/VolumeSnapshot/~a.b.c", `{"deleteAfter":60,"tags":{"cs":"delayDelete"}}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkGolden(t, g)
		})
	}
}

// TestOtherCallsAreSpelledAsThePluginSpellsThem holds the calls that create nothing.
func TestOtherCallsAreSpelledAsThePluginSpellsThem(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]golden{
		"GS": {
			func(ctx context.Context, c *spapi.Client) error {
				_, err := c.VolumesGroupSnapshot(ctx, spapi.GroupSnapshot{
					Tags: spapi.Tags{"cs": "group"}, Volumes: []spapi.GroupVolume{{Name: new(""), Volume: "~a.b.c"}},
				}, nil)
				return err
			},
			exchange{"POST", "MultiCluster/VolumesGroupSnapshot", `{"tags":{"cs":"group"},"volumes":[{"name":"","volume":"~a.b.c"}]}`},
		},
		"VR": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.VolumeRevert(ctx, "~a.b.c", spapi.VolumeRevert{ToSnapshot: "~a.b.s"})
			},
			exchange{"POST", "MultiCluster/VolumeRevert/~a.b.c", `{"toSnapshot":"~a.b.s"}`},
		},
		"VR of the size too, without a snapshot": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.VolumeRevert(ctx, "~a.b.c", spapi.VolumeRevert{RevertSize: true})
			},
			exchange{"POST", "MultiCluster/VolumeRevert/~a.b.c", `{"revertSize":true}`},
		},
		"VD": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.VolumeDelete(ctx, "~a.b.c", spapi.VolumeDelete{OnAttached: spapi.DetachForce})
			},
			exchange{"POST", "MultiCluster/VolumeDelete/~a.b.c", `{"onAttached":"detachForce"}`},
		},
		"RA": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.VolumesReassign(ctx, spapi.Reassign{Snapshot: "~a.b.c", Detach: spapi.Everybody(), Force: true})
			},
			exchange{"POST", "MultiCluster/VolumesReassign", `[{"snapshot":"~a.b.c","detach":"all","force":true}]`},
		},
		"an attachment that waits": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.VolumesReassignWait(ctx, spapi.ReassignWait{
					Reassign:      []spapi.Reassign{{Volume: "~a.b.c", Detach: spapi.Clients{IDs: []int{2}}, ReadWrite: []int{1}, OnRemoteAttached: "export"}},
					AttachTimeout: new(0),
				})
			},
			exchange{"POST", "MultiCluster/VolumesReassignWait", `{"reassign":[{"volume":"~a.b.c","detach":[2],"rw":[1],"onRemoteAttached":"export"}],"attachTimeout":0}`},
		},
		"SD sends no body": {
			func(ctx context.Context, c *spapi.Client) error { return c.SnapshotDelete(ctx, "~a.b.c") },
			exchange{"POST", "MultiCluster/SnapshotDelete/~a.b.c", ""},
		},
		"SU sends an empty object": {
			func(ctx context.Context, c *spapi.Client) error {
				_, err := c.SnapshotUpdate(ctx, "~a.b.c", spapi.SnapshotUpdate{})
				return err
			},
			exchange{"POST", "MultiCluster/SnapshotUpdate/~a.b.c", `{}`},
		},
		"SE": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.SnapshotExport(ctx, spapi.SnapshotExport{Snapshot: "~a.b.c", Location: "west"})
			},
			exchange{"POST", "SnapshotExport", `{"snapshot":"~a.b.c","location":"west"}`},
		},
		"SX": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.SnapshotUnexport(ctx, spapi.SnapshotUnexport{Snapshot: "~a.b.c", Force: true, All: true})
			},
			exchange{"POST", "SnapshotUnexport", `{"snapshot":"~a.b.c","force":true,"all":true}`},
		},
		"SR": {
			func(ctx context.Context, c *spapi.Client) error {
				return c.SnapshotFromRemote(ctx, spapi.SnapshotFromRemote{
					RemoteID: "a.b.c", RemoteLocation: "west", Template: "hdd", Name: new(""), Tags: spapi.Tags{"cs": "snapshot", "uuid": "S"},
				})
			},
			exchange{"POST", "SnapshotFromRemote", `{"remoteId":"a.b.c","remoteLocation":"west","template":"hdd","name":"","tags":{"cs":"snapshot","uuid":"S"}}`},
		},
		"SC": {
			func(ctx context.Context, c *spapi.Client) error { return c.SnapshotReconcile(ctx, "~a.b.c") },
			exchange{"POST", "SnapshotReconcile/~a.b.c", ""},
		},
		"TD": {
			func(ctx context.Context, c *spapi.Client) error {
				_, err := c.VolumeTemplateDescribe(ctx, "hdd")
				return err
			},
			exchange{"GET", "VolumeTemplateDescribe/hdd", ""},
		},
		"a name that a URL cannot hold": {
			func(ctx context.Context, c *spapi.Client) error { return c.SnapshotDelete(ctx, "#v@1:x") },
			exchange{"POST", "MultiCluster/SnapshotDelete/%23v@1:x", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkGolden(t, g)
		})
	}
}

func checkGolden(t *testing.T, g golden) {
	t.Helper()
	c, w := client(t, spapi.Config{}, reply{body: okReply})
	require.NoError(t, g.call(t.Context(), c))
	require.Len(t, w.seen, 1)
	got := w.seen[0]
	assert.Equal(t, g.want.method+" "+g.want.path, got.method+" "+got.path)
	assert.Equal(t, "Storpool v1:"+token, w.headers[0].Get("Authorization"))
	if g.want.body == "" {
		assert.Empty(t, got.body)
		assert.Empty(t, w.headers[0].Get("Content-Type"))
		return
	}
	assert.JSONEq(t, g.want.body, got.body)
	assert.Equal(t, "application/json; charset=UTF-8", w.headers[0].Get("Content-Type"))
}

// TestListsAreAskedForWithTheirPrefix holds the reading calls.
func TestListsAreAskedForWithTheirPrefix(t *testing.T) {
	t.Parallel()
	ask := func(path, data string, call func(context.Context, *spapi.Client) (any, error), want any) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			c, w := client(t, spapi.Config{}, reply{body: `{"data":` + data + `,"clusterId":"a.b"}`})
			got, err := call(t.Context(), c)
			require.NoError(t, err)
			assert.Equal(t, []exchange{{"GET", path, ""}}, w.seen)
			assert.Equal(t, want, got)
		})
	}
	volume := spapi.Volume{Name: "~a.b.c", GlobalID: "a.b.c", Size: 512, IOPS: spapi.Limit{Value: 7, Set: true}, Tags: spapi.Tags{"cs": "volume"}}
	text := `"name":"~a.b.c","globalId":"a.b.c","size":512,"iops":7,"tags":{"cs":"volume"}`
	ask("MultiCluster/VolumesList", "[{"+text+"}]",
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.VolumesList(ctx) }, []spapi.Volume{volume})
	ask("MultiCluster/Volume/~a.b.c", "[{"+text+"}]",
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.Volume(ctx, "~a.b.c") }, volume)
	ask("MultiCluster/Snapshot/~a.b.c", "[{"+text+`,"deleted":true}]`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.Snapshot(ctx, "~a.b.c") },
		spapi.Snapshot{Volume: volume, Deleted: true})
	ask("MultiCluster/SnapshotsList", `[{"name":"s","iops":"-"}]`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.SnapshotsList(ctx) },
		[]spapi.Snapshot{{Volume: spapi.Volume{Name: "s"}}})
	ask("MultiCluster/AttachmentsList", `[{"volume":"v","client":3,"rights":"rw"}]`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.AttachmentsList(ctx) },
		[]spapi.Attachment{{Volume: "v", Client: 3, Rights: "rw"}})
	ask("ServicesList", `{"clusterStatus":"running","clients":{"7":{"id":7,"nodeId":8,"status":"down"}}}`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.ServicesList(ctx) },
		spapi.Services{ClusterStatus: "running", Clients: map[string]spapi.Service{"7": {ID: 7, NodeID: 8, Status: "down"}}})
	ask("LocationsList", `{"locations":[{"id":"a","name":"west"}]}`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.LocationsList(ctx) },
		[]spapi.Location{{ID: "a", Name: "west"}})
	ask("ClustersList", `{"clusters":[{"id":"b","name":"one","location":"west"}]}`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.ClustersList(ctx) },
		[]spapi.Cluster{{ID: "b", Name: "one", Location: "west"}})
	ask("MultiCluster/AllClusters/SnapshotsList", `{"clusters":[{"clusterId":"a.b","response":{"data":[{"name":"s"}]}}]}`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.AllSnapshots(ctx) },
		[]spapi.ByCluster[spapi.Snapshot]{{ClusterID: "a.b", Data: []spapi.Snapshot{{Volume: spapi.Volume{Name: "s"}}}}})
	ask("MultiCluster/AllClusters/VolumeTemplatesStatus",
		`{"clusters":[{"clusterId":"a.b","response":{"data":[{"name":"hdd","stored":{"capacity":9,"free":4}}]}}]}`,
		func(ctx context.Context, c *spapi.Client) (any, error) { return c.AllTemplatesStatus(ctx) },
		[]spapi.ByCluster[spapi.TemplateStatus]{{
			ClusterID: "a.b", Data: []spapi.TemplateStatus{{Name: "hdd", Stored: spapi.StoredRoom{Capacity: 9, Free: 4}}},
		}})
}

func TestAClusterThatFailsIsToldApartFromTheOthers(t *testing.T) {
	t.Parallel()
	c, w := client(t, spapi.Config{}, reply{body: `{"data":{"clusters":[
		{"clusterId":"a.b","response":{"data":[{"name":"v","spaceUsed":5}]}},
		{"clusterId":"a.c","error":{"name":"objectDoesNotExist","descr":"gone"}},
		{"clusterId":"a.d"}]}}`})
	got, err := c.AllVolumesSpace(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "MultiCluster/AllClusters/VolumesSpace", w.seen[0].path)
	require.Len(t, got, 3)
	assert.Equal(t, []spapi.VolumeSpace{{Volume: spapi.Volume{Name: "v"}, SpaceUsed: 5}}, got[0].Data)
	require.NoError(t, got[0].Err)
	require.ErrorIs(t, got[1].Err, spapi.ErrNotFound)
	require.Error(t, got[2].Err)
}

func TestASnapshotUpdateTellsWhereTheSnapshotLives(t *testing.T) {
	t.Parallel()
	c, _ := client(t, spapi.Config{}, reply{body: `{"data":{"ok":true},"clusterId":"a.b"}`})
	cluster, err := c.SnapshotUpdate(t.Context(), "~a.b.c", spapi.SnapshotUpdate{})
	require.NoError(t, err)
	assert.Equal(t, "a.b", cluster)
}

func TestTaggedObjectsAreFoundByAllTheirTags(t *testing.T) {
	t.Parallel()
	c, _ := client(t, spapi.Config{}, reply{body: `{"data":[
		{"name":"1","tags":{"op":"x","cs":"volume"}},
		{"name":"2","tags":{"op":"x"}},
		{"name":"*3","tags":{"op":"x","cs":"volume"}},
		{"name":"4","deleted":true,"tags":{"op":"x","cs":"volume"}}]}`})
	want := spapi.Tags{"op": "x", "cs": "volume"}
	volumes, err := c.VolumesTagged(t.Context(), want)
	require.NoError(t, err)
	assert.Len(t, volumes, 3)
	snapshots, err := c.SnapshotsTagged(t.Context(), want)
	require.NoError(t, err)
	require.Len(t, snapshots, 1, "what is being deleted is not found")
	assert.Equal(t, "1", snapshots[0].Name)
}
