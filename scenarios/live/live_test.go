package live_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/live"
	"github.com/spsim/spsim/scenarios/world"
)

// stand is an emulator that stands for a cluster in which somebody else has a volume, attached, with a snapshot.
type stand struct {
	t       *testing.T
	server  *emulator.Server
	cfg     live.Config
	volume  string // ~globalId
	shot    string
	journal string
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t, server: emulator.Start(t), journal: filepath.Join(t.TempDir(), "journal.jsonl")}
	size := int64(1 << 20)
	v, err := s.server.Cluster().VolumeCreate(cluster.VolumeSpec{Name: "theirs", Size: &size, Template: "hdd", Tags: map[string]string{"cs": "volume"}})
	require.NoError(t, err)
	x, err := s.server.Cluster().VolumeSnapshot("theirs", cluster.SnapshotSpec{Tags: map[string]string{"cs": "delayDelete"}})
	require.NoError(t, err)
	require.NoError(t, s.server.Cluster().Reassign([]cluster.Assignment{{Volume: "theirs", RW: []int{2}}}))
	s.volume, s.shot = "~"+v.GlobalID, "~"+x.GlobalID
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	s.cfg = live.Config{
		Name: live.Live, API: strings.TrimPrefix(s.server.URL(), "http://"), Token: s.server.Token(), Template: "ssd", Journal: s.journal, Transport: tr,
	}
	return s
}

// connect begins a run and gives the StorPool of its first scenario with a client of it.
func (s *stand) connect() (*live.Session, world.Target, *spapi.Client) {
	s.t.Helper()
	session, err := live.Connect(s.t.Context(), s.cfg)
	require.NoError(s.t, err)
	target, err := session.Target()
	require.NoError(s.t, err)
	return session, target, s.client(target)
}

func (s *stand) client(target world.Target) *spapi.Client {
	s.t.Helper()
	hostPort, token := target.Endpoint()
	c, err := spapi.New(spapi.Config{HostPort: hostPort, Token: token, Transport: target.Transport("management")})
	require.NoError(s.t, err)
	return c
}

func (s *stand) create(ctx context.Context, c *spapi.Client) string {
	s.t.Helper()
	made, err := c.VolumeCreate(ctx, spapi.VolumeCreate{Size: 1 << 20, Template: "hdd", Tags: spapi.Tags{"cs": "volume"}}, nil)
	require.NoError(s.t, err)
	return "~" + made.GlobalID
}

func (s *stand) end(session *live.Session) live.Ending {
	s.t.Helper()
	end, err := session.End(context.WithoutCancel(s.t.Context()))
	require.NoError(s.t, err)
	return end
}

func TestCallsThatWouldChangeForeignObjectsAreNotSent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, *spapi.Client, *stand) error{
		"update a volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.VolumeUpdate(ctx, s.volume, spapi.VolumeUpdate{Tags: spapi.Tags{"cs": ""}})
		},
		"delete a volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.VolumeDelete(ctx, s.volume, spapi.VolumeDelete{OnAttached: spapi.DetachForce})
		},
		"delete a volume by name": func(ctx context.Context, c *spapi.Client, _ *stand) error {
			return c.VolumeDelete(ctx, "theirs", spapi.VolumeDelete{OnAttached: spapi.DetachForce})
		},
		"snapshot a volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			_, err := c.VolumeSnapshot(ctx, s.volume, spapi.VolumeSnapshot{}, nil)
			return err
		},
		"snapshot a group": func(ctx context.Context, c *spapi.Client, s *stand) error {
			_, err := c.VolumesGroupSnapshot(ctx, spapi.GroupSnapshot{Volumes: []spapi.GroupVolume{{Volume: s.volume}}}, nil)
			return err
		},
		"clone a snapshot": func(ctx context.Context, c *spapi.Client, s *stand) error {
			_, err := c.VolumeCreate(ctx, spapi.VolumeCreate{Parent: s.shot}, nil)
			return err
		},
		"clone a volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			_, err := c.VolumeCreate(ctx, spapi.VolumeCreate{BaseOn: s.volume}, nil)
			return err
		},
		"revert a volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.VolumeRevert(ctx, s.volume, spapi.VolumeRevert{ToSnapshot: s.shot})
		},
		"revert an own volume to a foreign snapshot": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.VolumeRevert(ctx, s.create(ctx, c), spapi.VolumeRevert{ToSnapshot: s.shot})
		},
		"update a snapshot": func(ctx context.Context, c *spapi.Client, s *stand) error {
			_, err := c.SnapshotUpdate(ctx, s.shot, spapi.SnapshotUpdate{Tags: spapi.Tags{"x": "y"}})
			return err
		},
		"delete a snapshot": func(ctx context.Context, c *spapi.Client, s *stand) error { return c.SnapshotDelete(ctx, s.shot) },
		"detach a volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.VolumesReassign(ctx, spapi.Reassign{Volume: s.volume, Detach: spapi.Clients{All: true}, Force: true})
		},
		"attach a snapshot, behind an own volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.VolumesReassignWait(ctx, spapi.ReassignWait{Reassign: []spapi.Reassign{
				{Volume: s.create(ctx, c), ReadWrite: []int{1}}, {Snapshot: s.shot, ReadOnly: []int{1}},
			}})
		},
		"export a snapshot": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.SnapshotExport(ctx, spapi.SnapshotExport{Snapshot: s.shot, Location: "far"})
		},
		"take the tag from an own volume": func(ctx context.Context, c *spapi.Client, s *stand) error {
			return c.VolumeUpdate(ctx, s.create(ctx, c), spapi.VolumeUpdate{Tags: spapi.Tags{live.Tag: ""}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			session, _, c := s.connect()
			err := change(t.Context(), c, s)
			var foreign *live.ForeignError
			require.ErrorAs(t, err, &foreign)
			end := s.end(session)
			assert.Empty(t, end.Differences)
			require.Len(t, end.Refused, 1)
			require.ErrorContains(t, end.Err(), "a call was not sent")
			s.server.AssertNoLeaks(t, "theirs", cluster.Ref(s.shot))
		})
	}
}

func TestAScenarioSeesItsOwnObjectsAloneAndWithoutTheTag(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	session, target, c := s.connect()
	id := s.create(t.Context(), c)
	second, err := session.Target()
	require.NoError(t, err)
	other := s.create(t.Context(), s.client(second))
	shot, err := c.VolumeSnapshot(t.Context(), id, spapi.VolumeSnapshot{Tags: spapi.Tags{"cs": "snapshot"}}, nil)
	require.NoError(t, err)
	require.NoError(t, c.VolumesReassignWait(t.Context(), spapi.ReassignWait{Reassign: []spapi.Reassign{{Volume: id, ReadWrite: []int{1}}}}))

	objects, attachments, err := target.Look(t.Context())
	require.NoError(t, err)
	require.Len(t, objects, 2)
	require.Len(t, attachments, 1)
	assert.Equal(t, map[string]string{"cs": "volume"}, objects[0].Tags)
	assert.Equal(t, "hdd", objects[0].Template, "ssd of the cluster stands for hdd")
	assert.Equal(t, shot.SnapshotGlobalID, objects[1].GlobalID)

	v, err := s.server.Cluster().Volume(cluster.Ref(id))
	require.NoError(t, err)
	assert.Equal(t, session.Run()+".1", v.Tags.Map()[live.Tag])
	assert.Equal(t, "ssd", v.Template)
	o, err := s.server.Cluster().Volume(cluster.Ref(other))
	require.NoError(t, err)
	assert.Equal(t, session.Run()+".2", o.Tags.Map()[live.Tag])

	require.NoError(t, target.Close())
	_, err = s.server.Cluster().Volume(cluster.Ref(id))
	require.Error(t, err, "a scenario's end removes what it has made")
	_, err = s.server.Cluster().Volume(cluster.Ref(other))
	require.NoError(t, err, "and nothing of another scenario")
	end := s.end(session)
	require.NoError(t, end.Err())
	assert.Equal(t, 1, end.Removed.Volumes)
	s.server.AssertNoLeaks(t, "theirs", cluster.Ref(s.shot))
	assert.NoFileExists(t, s.journal)
}

func TestTheJournalIsOnDiskBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	var before string
	next := s.cfg.Transport
	s.cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/VolumeCreate") {
			raw, err := os.ReadFile(s.journal)
			require.NoError(t, err)
			before = string(raw)
		}
		return next.RoundTrip(r)
	})
	_, _, c := s.connect()
	id := s.create(t.Context(), c)
	assert.Contains(t, before, `"will":"VolumeCreate"`, "the intent comes before the call")
	assert.NotContains(t, before, "made")
	raw, err := os.ReadFile(s.journal)
	require.NoError(t, err)
	assert.Contains(t, string(raw), `"made":"`+strings.TrimPrefix(id, "~")+`"`)
	assert.NotContains(t, string(raw), s.server.Token())
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatAKilledRunLeavesIsRemovedByItsJournal(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	_, target, c := s.connect()
	id := s.create(t.Context(), c)
	shot, err := c.VolumeSnapshot(t.Context(), id, spapi.VolumeSnapshot{}, nil)
	require.NoError(t, err)
	child, err := c.VolumeCreate(t.Context(), spapi.VolumeCreate{Parent: "~" + shot.SnapshotGlobalID}, nil)
	require.NoError(t, err)
	require.NoError(t, c.VolumesReassignWait(t.Context(), spapi.ReassignWait{Reassign: []spapi.Reassign{
		{Volume: "~" + child.GlobalID, ReadWrite: []int{1}}, {Snapshot: "~" + shot.SnapshotGlobalID, ReadOnly: []int{3}},
	}}))
	_, err = target.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Lose}})
	require.NoError(t, err)
	_, err = c.VolumeCreate(t.Context(), spapi.VolumeCreate{Size: 1 << 20}, nil)
	require.Error(t, err, "made, and nobody knows its id")

	// a line that the kill has cut off, and an object that is somebody else's now
	f, err := os.OpenFile(s.journal, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"made":"` + strings.TrimPrefix(s.volume, "~") + "\"}\n" + `{"made":"spsm`)
	require.NoError(t, errors.Join(err, f.Close()))

	_, err = live.Connect(t.Context(), s.cfg)
	require.ErrorIs(t, err, live.ErrUsage, "the journal is not overwritten")
	require.ErrorContains(t, err, "--cleanup")

	out, err := live.Cleanup(t.Context(), live.Config{Token: s.cfg.Token, Transport: s.cfg.Transport}, s.journal)
	require.NoError(t, err)
	assert.Equal(t, 3, out.Volumes)
	assert.Equal(t, 1, out.Snapshots)
	assert.Equal(t, []string{strings.TrimPrefix(s.volume, "~")}, out.Kept)
	s.server.AssertNoLeaks(t, "theirs", cluster.Ref(s.shot))
	assert.NoFileExists(t, s.journal)
}

func TestAForeignObjectThatHasChangedIsReported(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	session, _, c := s.connect()
	s.create(t.Context(), c)
	require.NoError(t, s.server.Cluster().Reassign([]cluster.Assignment{{Volume: "theirs", DetachAll: true, Force: true}}))
	require.NoError(t, s.server.Cluster().SnapshotDelete(cluster.Ref(s.shot)))
	size := int64(1 << 20)
	_, err := s.server.Cluster().VolumeCreate(cluster.VolumeSpec{Name: "newcomer", Size: &size, Template: "hdd"})
	require.NoError(t, err)
	end := s.end(session)
	require.Len(t, end.Differences, 2, "what others have made meanwhile is none")
	said := end.Err().Error()
	assert.Contains(t, said, s.volume+" is changed; no call of this run has named it")
	assert.Contains(t, said, "rw at client 2")
	assert.Contains(t, said, s.shot+" is gone")
}

func TestAWrongTargetIsRefusedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*live.Config)
		says   string
	}{
		"a wrong token":       {func(c *live.Config) { c.Token = "wrong" }, "refuses the token"},
		"nobody there":        {func(c *live.Config) { c.API = "127.0.0.1:1" }, "no StorPool API answers at 127.0.0.1:1"},
		"no such template":    {func(c *live.Config) { c.Template = "gold" }, `no placement template "gold"`},
		"one template twice":  {func(c *live.Config) { c.Second = "ssd" }, "are the same"},
		"no such client":      {func(c *live.Config) { c.Clients = []int{1, 99} }, "client 99 of the cluster does not run"},
		"another's admin API": {func(c *live.Config) { c.Admin = "http://127.0.0.1:1" }, "no admin API answers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			c.change(&s.cfg)
			_, err := live.Connect(t.Context(), s.cfg)
			require.ErrorIs(t, err, live.ErrUsage)
			require.ErrorContains(t, err, c.says)
			assert.NoFileExists(t, s.journal)
		})
	}
}

func TestOnlyTheClientsOfTheRunAreUsed(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.cfg.Clients = []int{4}
	session, target, c := s.connect()
	id := s.create(t.Context(), c)
	attach := func(client int) error {
		return c.VolumesReassignWait(t.Context(), spapi.ReassignWait{Reassign: []spapi.Reassign{{Volume: id, ReadWrite: []int{client}}}})
	}
	require.NoError(t, attach(1))
	_, attachments, err := target.Look(t.Context())
	require.NoError(t, err)
	require.Len(t, attachments, 1)
	assert.Equal(t, 1, attachments[0].Client)
	for a := range s.server.Cluster().Attachments().All() {
		if "~"+a.GlobalID == id {
			assert.Equal(t, 4, a.Client, "the cluster's id")
		}
	}
	require.ErrorContains(t, attach(2), "the run may not use it")
	var unknown *spapi.Error
	require.ErrorAs(t, attach(99), &unknown, "the cluster answers for a client that it does not have")
	services, err := c.ServicesList(t.Context())
	require.NoError(t, err)
	require.Len(t, services.Clients, 1)
	assert.Equal(t, 1, services.Clients["1"].ID)
	require.NoError(t, target.Close())
	s.end(session)
}

func TestWithoutDevicesBytesFollowTheCalls(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	session, target, c := s.connect()
	id := s.create(t.Context(), c)
	gid := strings.TrimPrefix(id, "~")
	require.NoError(t, c.VolumesReassignWait(t.Context(), spapi.ReassignWait{Reassign: []spapi.Reassign{{Volume: id, ReadWrite: []int{1}}}}))
	d, err := target.Devices(1).Open(t.Context(), "/dev/storpool-byid/"+gid)
	require.NoError(t, err)
	_, err = d.WriteAt([]byte("before"), 5000)
	require.NoError(t, err)
	_, err = target.Devices(2).Open(t.Context(), "/dev/storpool-byid/"+gid)
	require.Error(t, err, "it is not attached there")
	shot, err := c.VolumeSnapshot(t.Context(), id, spapi.VolumeSnapshot{}, nil)
	require.NoError(t, err)
	_, err = d.WriteAt([]byte("after!"), 5000)
	require.NoError(t, err)
	require.NoError(t, d.Discard(5002, 2))
	read := func(gid string, snapshot bool) string {
		b, err := target.Borrow(t.Context(), gid, snapshot)
		require.NoError(t, err)
		out := make([]byte, 6)
		_, err = b.ReadAt(out, 5000)
		require.NoError(t, err)
		return string(out)
	}
	assert.Equal(t, "af\x00\x00r!", read(gid, false))
	assert.Equal(t, "before", read(shot.SnapshotGlobalID, true))
	require.NoError(t, c.VolumesReassign(t.Context(), spapi.Reassign{Volume: id, Detach: spapi.Clients{All: true}}))
	require.NoError(t, c.VolumeRevert(t.Context(), id, spapi.VolumeRevert{ToSnapshot: "~" + shot.SnapshotGlobalID}))
	assert.Equal(t, "before", read(gid, false))
	require.NoError(t, target.Close())
	require.NoError(t, s.end(session).Err())
}
