package cluster_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/blocks"
	"github.com/spsim/spsim/emulator/cluster"
)

// attached lists all attachments as "object client rights pos".
func (b *bed) attached() []string {
	all := []string{}
	for a := range b.Attachments().All() {
		all = append(all, fmt.Sprintf("%s %d %s %d", a.ObjectName(), a.Client, a.Rights, a.Pos))
	}
	return all
}

func TestReassignComputesWhatRemains(t *testing.T) {
	t.Parallel()
	cases := []struct {
		what string
		item cluster.Assignment
		want []string
	}{
		{"attach another", cluster.Assignment{RW: []int{3}}, []string{"v 1 rw 0", "v 2 ro 0", "v 3 rw 0"}},
		{"attach again", cluster.Assignment{RW: []int{1}}, []string{"v 1 rw 0", "v 2 ro 0"}},
		{"change rights", cluster.Assignment{RO: []int{1}, RW: []int{2}}, []string{"v 1 ro 0", "v 2 rw 0"}},
		{"detach one", cluster.Assignment{Detach: []int{2}}, []string{"v 1 rw 0"}},
		{"detach unknown and unattached", cluster.Assignment{Detach: []int{4, 99}}, []string{"v 1 rw 0", "v 2 ro 0"}},
		{"detach all", cluster.Assignment{DetachAll: true, Force: true}, []string{}},
		{"move", cluster.Assignment{DetachAll: true, RW: []int{3}, Force: true}, []string{"v 3 rw 0"}},
		{"detach all but the one that is open", cluster.Assignment{DetachAll: true, RW: []int{1}}, []string{"v 1 rw 0"}},
		{"detach and attach the same", cluster.Assignment{Detach: []int{1}, RO: []int{1}}, []string{"v 1 ro 0", "v 2 ro 0"}},
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			v := b.volume(cluster.VolumeSpec{Name: "v"})
			require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: v, RW: []int{1}, RO: []int{2}}}))
			_, err := b.Device(1, v)
			require.NoError(t, err)
			c.item.Volume = "v"
			require.NoError(t, b.Reassign([]cluster.Assignment{c.item}))
			assert.ElementsMatch(t, c.want, b.attached())
		})
	}
}

func TestReassignRefusesTheWholeRequestForOneItem(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.TransientLifetime = time.Hour }))
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.volume(cluster.VolumeSpec{Name: "w"})
	b.volume(cluster.VolumeSpec{BaseOn: "w"})
	b.snapshot("w", cluster.SnapshotSpec{Name: "s"})
	b.attach(v, 1)
	_, err := b.Device(1, v)
	require.NoError(t, err)
	at := b.Generation()
	cases := []struct {
		what  string
		item  cluster.Assignment
		name  cluster.ErrorName
		descr string
	}{
		{"unknown volume", cluster.Assignment{Volume: "none", RW: []int{1}}, cluster.ObjectDoesNotExist, ""},
		{"snapshot as volume", cluster.Assignment{Volume: "s", RO: []int{1}}, cluster.ObjectDoesNotExist, ""},
		{"volume as snapshot", cluster.Assignment{Snapshot: "v", RO: []int{1}}, cluster.ObjectDoesNotExist, ""},
		{"nothing", cluster.Assignment{RO: []int{1}}, cluster.InvalidParam, ""},
		{"both", cluster.Assignment{Volume: "v", Snapshot: "s"}, cluster.InvalidParam, ""},
		{"unknown client rw", cluster.Assignment{Volume: "v", RW: []int{99}}, cluster.InvalidParam, "No such client registered"},
		{"unknown client ro", cluster.Assignment{Snapshot: "s", RO: []int{4000}}, cluster.InvalidParam, "No such client registered"},
		{"ro and rw", cluster.Assignment{Volume: "v", RO: []int{2}, RW: []int{2}}, cluster.InvalidParam, ""},
		{"open device", cluster.Assignment{Volume: "v", Detach: []int{1}}, cluster.Busy, "'v' is open at client 1"},
		{"open device of all", cluster.Assignment{Volume: "v", DetachAll: true, RW: []int{2}}, cluster.Busy, "'v' is open at client 1"},
		{"transient", cluster.Assignment{Snapshot: "w@3", RO: []int{1}}, cluster.InvalidParam, ""},
	}
	for _, c := range cases {
		err := b.Reassign([]cluster.Assignment{{Volume: "w", RW: []int{2}}, c.item, {Snapshot: "s", RO: []int{2}}})
		refused(t, err, c.name, c.descr)
		assert.Equal(t, []string{"v 1 rw 0"}, b.attached(), c.what)
	}
	assert.Equal(t, at, b.Generation())
}

func TestReassignItemsOfOneObjectAddUp(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.volume(cluster.VolumeSpec{Name: "v"})
	b.attach("v", 1)
	require.NoError(t, b.Reassign([]cluster.Assignment{
		{Volume: "v", DetachAll: true}, {Volume: "v", RO: []int{1, 2}}, {Volume: "v", RW: []int{2}},
	}))
	assert.Equal(t, []string{"v 1 ro 0", "v 2 rw 0"}, b.attached())
}

func TestSnapshotsAreAttachedReadOnlyWhateverIsAsked(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.snapshot(b.volume(cluster.VolumeSpec{}), cluster.SnapshotSpec{Name: "s"})
	require.NoError(t, b.Reassign([]cluster.Assignment{{Snapshot: "s", RW: []int{1}}}))
	assert.Equal(t, []string{"s 1 ro 0"}, b.attached())
	d, err := b.Device(1, "s")
	require.NoError(t, err)
	_, err = d.WriteAt([]byte{1}, 0)
	assert.ErrorIs(t, err, cluster.ErrReadOnly)
}

func TestSlotsAreTheLowestFreeAndEnd(t *testing.T) {
	t.Parallel()
	b := start(t)
	var items []cluster.Assignment
	var refs []cluster.Ref
	for range 1025 {
		refs = append(refs, b.volume(cluster.VolumeSpec{}))
		items = append(items, cluster.Assignment{Volume: refs[len(refs)-1], RW: []int{1}})
	}
	refused(t, b.Reassign(items), cluster.InvalidParam, "Client 1 has no free slot")
	assert.Empty(t, b.attached())
	require.NoError(t, b.Reassign(items[:1024]))
	pos := func(i int) int { return b.AttachmentsOf(string(refs[i][1:]))[0].Pos }
	assert.Equal(t, []int{0, 700, 1023}, []int{pos(0), pos(700), pos(1023)})

	full := b.Reassign(items[1024:])
	refused(t, full, cluster.InvalidParam, "")
	require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: refs[700], DetachAll: true}, items[1024]}))
	assert.Equal(t, 700, pos(1024))
}

func TestADeviceSeesWhatItsRightsPermit(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v", Size: new(mib)})
	_, err := b.Device(1, v)
	require.ErrorIs(t, err, cluster.ErrDetached)
	_, err = b.Device(1, "none")
	refused(t, err, cluster.ObjectDoesNotExist, "")
	require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: v, RW: []int{1}, RO: []int{2}}}))
	rw, err := b.Device(1, "v")
	require.NoError(t, err)
	ro, err := b.Device(2, v)
	require.NoError(t, err)

	n, err := rw.WriteAt([]byte{1, 2, 3}, 10)
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	p := make([]byte, 3)
	_, err = ro.ReadAt(p, 10)
	require.NoError(t, err)
	assert.Equal(t, []byte{1, 2, 3}, p)
	_, err = ro.WriteAt(p, 0)
	assert.ErrorIs(t, err, cluster.ErrReadOnly)
	assert.ErrorIs(t, ro.Zero(0, 512), cluster.ErrReadOnly)
	assert.ErrorIs(t, ro.Discard(0, 512), cluster.ErrReadOnly)
	assert.EqualError(t, err, "write 'v' at client 2: device is read-only")

	require.NoError(t, rw.Zero(0, 512))
	b.holds(v, 0, 0, 512)
	assert.Equal(t, int64(0), b.Space(b.vol(v)).Stored)
	require.NoError(t, rw.Discard(0, mib))
	assert.ErrorIs(t, rw.Discard(0, mib+1), blocks.ErrOutOfRange)
	_, err = rw.WriteAt(p, mib)
	assert.ErrorIs(t, err, blocks.ErrOutOfRange)
	n, err = rw.ReadAt(p, mib-1)
	assert.Equal(t, 1, n)
	assert.Equal(t, io.EOF, err, "as it is, for readers that compare")

	require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: v, RO: []int{1}, RW: []int{2}}}))
	_, err = rw.WriteAt(p, 0)
	assert.ErrorIs(t, err, cluster.ErrReadOnly)
	_, err = ro.WriteAt(p, 0)
	assert.NoError(t, err)
}

func TestAClosedDeviceNoLongerHoldsUpADetachAndADetachedOneIsDeadForGood(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	b.attach(v, 1)
	first, err := b.Device(1, v)
	require.NoError(t, err)
	second, err := b.Device(1, v)
	require.NoError(t, err)
	detach := []cluster.Assignment{{Volume: v, Detach: []int{1}}}
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())
	refused(t, b.Reassign(detach), cluster.Busy, "'v' is open at client 1")
	_, err = first.ReadAt([]byte{0}, 0)
	assert.ErrorIs(t, err, cluster.ErrClosed)

	detach[0].Force = true
	require.NoError(t, b.Reassign(detach))
	b.attach(v, 1)
	_, err = second.WriteAt([]byte{1}, 0)
	assert.ErrorIs(t, err, cluster.ErrDetached, "attaching again does not revive it")
	_, err = second.Size()
	assert.ErrorIs(t, err, cluster.ErrDetached)
	require.NoError(t, second.Close())
	detach[0].Force = false
	require.NoError(t, b.Reassign(detach))
}

func TestReassignWaitWaitsForClientsThatAreDown(t *testing.T) {
	t.Parallel()
	b := start(t)
	v := b.volume(cluster.VolumeSpec{Name: "v"})
	require.NoError(t, b.SetClientDown(2, true))
	attach := []cluster.Assignment{{Volume: v, RW: []int{2}}}
	since := b.clock.Now()
	require.NoError(t, b.ReassignWait(t.Context(), []cluster.Assignment{{Volume: v, RW: []int{1}}}, nil))
	require.NoError(t, b.ReassignWait(t.Context(), attach, new(time.Duration)))
	require.NoError(t, b.Reassign([]cluster.Assignment{{Volume: v, Detach: []int{2}}}))
	assert.Equal(t, since, b.clock.Now(), "none of these waits")

	err := b.ReassignWait(t.Context(), attach, new(20*second))
	refused(t, err, cluster.Timeout, "Client 2 did not apply the change within 20s")
	assert.Equal(t, since.Add(20*second), b.clock.Now())
	assert.Equal(t, []string{"v 1 rw 0", "v 2 rw 0"}, b.attached(), "the change stays")
	require.NoError(t, b.ReassignWait(t.Context(), attach, nil), "there is nothing left to apply")

	force := []cluster.Assignment{{Volume: v, DetachAll: true, Force: true}}
	require.NoError(t, b.ReassignWait(t.Context(), force, nil), "a forced detach does not wait for the dead")
	b.clock.Run(func() {
		b.clock.Go(func() {
			assert.NoError(t, b.clock.Sleep(context.Background(), time.Hour))
			assert.NoError(t, b.SetClientDown(2, false))
		})
		assert.NoError(t, b.ReassignWait(t.Context(), attach, nil))
	})
	assert.Equal(t, since.Add(20*second+time.Hour), b.clock.Now())
	_, err = b.Volume("v")
	require.NoError(t, err)

	require.NoError(t, b.SetClientDown(2, true))
	ctx, cancel := b.clock.WithTimeout(t.Context(), second)
	defer cancel()
	err = b.ReassignWait(ctx, []cluster.Assignment{{Volume: v, RO: []int{2}}}, new(time.Hour))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, cluster.Timeout)
	refused(t, b.ReassignWait(t.Context(), []cluster.Assignment{{Volume: "none"}}, nil), cluster.ObjectDoesNotExist, "")
}

func TestReassignTimeoutMaySucceed(t *testing.T) {
	t.Parallel()
	b := start(t, with(func(k *cluster.Behaviour) { k.TimeoutSucceeds = true }))
	v := b.volume(cluster.VolumeSpec{})
	require.NoError(t, b.SetClientDown(2, true))
	require.NoError(t, b.ReassignWait(t.Context(), []cluster.Assignment{{Volume: v, RW: []int{2}}}, new(second)))
}

func TestClientsTellTheGenerationThatTheyHaveApplied(t *testing.T) {
	t.Parallel()
	b := start(t)
	require.NoError(t, b.SetClientDown(2, true))
	old := b.Generation()
	b.volume(cluster.VolumeSpec{})
	config, err := b.ClientConfig(1)
	require.NoError(t, err)
	assert.Equal(t, cluster.ClientConfig{ID: 1, Generation: old + 1, ClientGeneration: old + 1, Status: "ok"}, config)
	all := b.ClientsConfig()
	require.Len(t, all, 5)
	assert.Equal(t, cluster.ClientConfig{ID: 2, Generation: old + 1, ClientGeneration: old, Status: "down"}, all[1])
	assert.Equal(t, cluster.Down, b.Services().Clients[1].Status)

	b.clock.Run(func() {
		b.clock.Go(func() {
			assert.NoError(t, b.clock.Sleep(context.Background(), 3*second))
			assert.NoError(t, b.SetClientDown(2, false))
		})
		config, err = b.ClientConfigWait(t.Context(), 2)
	})
	require.NoError(t, err)
	assert.Equal(t, cluster.ClientConfig{ID: 2, Generation: old + 1, ClientGeneration: old + 1, Status: "ok", Delay: 3000}, config)
	_, err = b.ClientConfig(99)
	refused(t, err, cluster.ObjectDoesNotExist, "")
	_, err = b.ClientConfigWait(t.Context(), 99)
	refused(t, err, cluster.ObjectDoesNotExist, "")
	refused(t, b.SetClientDown(99, true), cluster.ObjectDoesNotExist, "")
}

func TestServicesListTheRegistry(t *testing.T) {
	t.Parallel()
	b := start(t, func(o *cluster.Options) {
		o.Model.Clusters = []cluster.ModelCluster{{ID: "c", Name: "other", Location: "remote"}}
	})
	s := b.Services()
	started := b.clock.Now().Unix()
	assert.Equal(t, cluster.Running, s.Cluster)
	assert.Equal(t, []cluster.Service{{ID: 1, Node: 1, Version: "21.0", StartTime: started, Status: cluster.Running, Active: true}}, s.Mgmt)
	assert.Len(t, s.Clients, 5)
	assert.Equal(t, cluster.Service{ID: 3, Node: 3, Version: "21.0", StartTime: started, Status: cluster.Running}, s.Servers[2])
	assert.Equal(t, []cluster.Location{{ID: "spsm", Name: "home"}, {ID: "rmte", Name: "remote"}}, b.Locations())
	assert.Equal(t, []cluster.Peer{{ID: "b", Name: "spsim", Location: "home"}, {ID: "c", Name: "other", Location: "remote"}}, b.Peers())
	assert.Equal(t, []string{"spsm.b", "spsim"}, []string{b.ID(), b.Name()})
}
