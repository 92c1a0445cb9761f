package driver

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// failing makes one host answer no, for this reason; the others say yes.
func failing(host inventory.ID, details string) func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) {
	return func(to inventory.ID, _ agentapi.Command) (*agentapi.Answer, error) {
		if to == host {
			return &agentapi.Answer{Details: details}, nil
		}
		return connected(to), nil
	}
}

func silent(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return nil, nil }

func TestAHostThatConnectsIsRecordedWithWhatItTells(t *testing.T) {
	t.Parallel()
	for quirks, body := range map[string]string{
		"":             `{"name":"","size":512,"template":"hdd","tags":{"cs":"check-volume-is-on-host","op":"id-2"}}`,
		quirk.Upstream: `{"name":"","size":512,"template":"hdd","tags":{"cs":"check-volume-is-on-host"}}`,
	} {
		b := newBench(t, quirks)
		pool := b.pool()
		require.NoError(t, b.HostConnect(t.Context(), 1, pool))
		calls := b.sp.made()
		require.Len(t, calls, 1)
		assert.Equal(t, "VolumeCreate", calls[0].Call)
		assert.JSONEq(t, body, calls[0].Body)
		check := devPath(b.sp.names()[0])
		assert.Equal(t, check, b.details(pool)["SP_VOLUME_ON_CLUSTER-1"])
		assert.Equal(t, []agentapi.Command{agentapi.ModifyStoragePool{
			Add: true, LocalPath: "/dev/storpool-byid/", CheckVolume: check,
			Pool: agentapi.Pool{UUID: "hdd;id-1", Type: agentapi.StorPool, Host: "n/a", Path: "/dev/storpool-byid/"},
		}}, b.hosts.Sent)
		b.view(func(tx *inventory.Tx) {
			h, _ := tx.Hosts.Get(1)
			assert.Equal(t, "1", h.Parent)
			assert.Equal(t, []inventory.PoolHost{{ID: 1, Pool: pool, Host: 1, LocalPath: "/dev/storpool-byid"}}, tx.PoolHosts.All(nil))
			id, _ := tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: 1}, SettingClusterID)
			assert.Equal(t, "a.b", id)
		})
		assert.Equal(t, "west", b.details(pool)[SettingClusterLocation])
		require.NoError(t, b.HostConnect(t.Context(), 2, pool))
		assert.Empty(t, b.sp.made(), "one check volume serves the cluster")
		assert.Equal(t, []inventory.ID{1, 2}, b.connectedTo(pool))
		assert.Empty(t, b.intents())
	}
}

func TestAHostThatFailsLeavesThePoolAndTheCheckVolumeStays(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		answer   func(inventory.ID, agentapi.Command) (*agentapi.Answer, error)
		is       error
		upstream bool // the check volume is deleted there
	}{
		"silent":      {silent, nil, true},
		"no StorPool": {failing(1, "spNotFound"), ErrNoStorPool, true},
		"cannot see":  {failing(1, "objectDoesNotExist"), ErrNoStorPool, true},
		"other":       {failing(1, "out of order"), nil, false},
		"not reached": {func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return nil, errors.New("unreachable") }, nil, false},
		"odd": {func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) {
			return &agentapi.Answer{OK: true, Payload: agentapi.Volume{}}, nil
		}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for quirks, dropped := range map[string]bool{"": false, "D-22a": x.upstream} {
				b := newBench(t, quirks)
				pool := b.pool()
				require.NoError(t, b.AttachZone(t.Context(), pool, KVM))
				b.hosts.Answer = x.answer
				err := b.HostConnect(t.Context(), 1, pool)
				require.ErrorContains(t, err, "connect host 1 to pool 1")
				if x.is != nil {
					require.ErrorIs(t, err, x.is)
				}
				assert.Equal(t, []inventory.ID{2}, b.connectedTo(pool))
				assert.Equal(t, dropped, len(b.sp.names()) == 0)
				assert.Equal(t, dropped, b.details(pool)["SP_VOLUME_ON_CLUSTER-1"] == "")
				assert.Contains(t, b.lines.String(), "host alert")
			}
		})
	}
}

func TestACheckVolumeThatIsGoneIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool := b.pool()
	require.NoError(t, b.HostConnect(t.Context(), 1, pool))
	b.sp.remove(b.sp.names()[0])
	b.hosts.Answer = func(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
		m, ok := cmd.(agentapi.ModifyStoragePool)
		if ids := b.sp.names(); ok && len(ids) == 1 && devPath(ids[0]) == m.CheckVolume {
			return connected(host), nil
		}
		return &agentapi.Answer{Details: "objectDoesNotExist"}, nil
	}
	require.NoError(t, b.HostConnect(t.Context(), 2, pool))
	assert.Equal(t, devPath(b.sp.names()[0]), b.details(pool)["SP_VOLUME_ON_CLUSTER-1"])
}

func TestAHostThatConnectsAgainIsRefreshed(t *testing.T) {
	t.Parallel()
	for quirks, want := range map[string][3]string{
		"": {"/new", "77", "a.b"}, "D-22b": {"/dev/storpool-byid", "77", "a.b"},
		"D-22c": {"/new", "1", "a.b"}, "D-22d": {"/new", "77", "a.c"},
	} {
		b := newBench(t, quirks)
		pool := b.pool()
		require.NoError(t, b.HostConnect(t.Context(), 1, pool))
		b.hosts.Answer = func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) {
			return &agentapi.Answer{OK: true, Payload: agentapi.PoolInfo{LocalPath: "//new", ClientNodeID: "77", ClusterID: "a.c"}}, nil
		}
		require.NoError(t, b.HostConnect(t.Context(), 1, pool))
		b.view(func(tx *inventory.Tx) {
			h, _ := tx.Hosts.Get(1)
			id, _ := tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: 1}, SettingClusterID)
			rows := tx.PoolHosts.All(nil)
			require.Len(t, rows, 1)
			assert.Equal(t, want, [3]string{rows[0].LocalPath, h.Parent, id}, quirks)
		})
		assert.Equal(t, "west", b.details(pool)[SettingClusterLocation], "an unknown location overwrites nothing")
	}
}

func TestAPoolOfANewerDriverTakesNoHosts(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool := b.pool()
	set(b, pool, "SP-FEATURE-1", "SP-FEATURE-1")
	require.ErrorIs(t, b.HostConnect(t.Context(), 1, pool), ErrRefused)
	assert.Empty(t, b.hosts.Sent)
	assert.Empty(t, b.sp.made())
}

func TestTwoManagementServersKeepOneCheckVolume(t *testing.T) {
	t.Parallel()
	for quirks, objects := range map[string]int{"": 1, "D-22e": 2} {
		b := newBench(t, quirks)
		pool := b.pool()
		other := ""
		b.sp.Fault = func(call string, n int) *fakeFault {
			if call == "VolumeCreate" && n == 1 { // the other server is faster by a moment
				other = devPath(b.sp.put(fakeObject{Size: 512}))
				set(b, pool, "SP_VOLUME_ON_CLUSTER-1", other)
			}
			return nil
		}
		require.NoError(t, b.HostConnect(t.Context(), 1, pool))
		assert.Len(t, b.sp.names(), objects)
		assert.Equal(t, quirks == "", b.details(pool)["SP_VOLUME_ON_CLUSTER-1"] == other)
	}
}

func TestAClusterWithoutHostsForgetsItsStorPoolCluster(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	require.NoError(t, b.AttachZone(t.Context(), b.pool(), KVM))
	id := func() (id string) {
		b.view(func(tx *inventory.Tx) {
			id, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: 1}, SettingClusterID)
		})
		return id
	}
	require.NoError(t, b.HostRemoved(t.Context(), 1, 1))
	assert.Equal(t, "a.b", id(), "another host is left")
	b.change(func(tx *inventory.Tx) { tx.Hosts.Delete(1) })
	require.NoError(t, b.HostRemoved(t.Context(), 2, 1))
	assert.Equal(t, "n/a", id())
	require.NoError(t, b.HostDisconnected(t.Context(), 1, 1))
}

// manyClusters gives the bench a second cluster in the zone with hosts 3 and 4, and one in another zone with host 5.
func manyClusters(b *bench) inventory.ID {
	b.t.Helper()
	pool := b.pool()
	b.change(func(tx *inventory.Tx) {
		tx.Clusters.Put(inventory.Cluster{Zone: 1})
		tx.Clusters.Put(inventory.Cluster{Zone: 2})
		for _, cluster := range []inventory.ID{2, 2, 3} {
			tx.Hosts.Put(inventory.Host{Zone: 1 + cluster/3, Cluster: cluster, State: inventory.HostUp})
		}
		for host := inventory.ID(1); host <= 5; host++ {
			tx.PoolHosts.Put(inventory.PoolHost{Pool: pool, Host: host})
		}
		for cluster, id := range map[inventory.ID]string{1: "a.b", 2: "a.bc", 3: "a.d"} {
			tx.Details.Set(inventory.Owner{Kind: inventory.OfCluster, ID: cluster}, SettingClusterID, id)
		}
	})
	return pool
}

func TestAHostIsChosenWhereTheSnapshotLives(t *testing.T) {
	t.Parallel()
	down := func(hosts ...inventory.ID) func(tx *inventory.Tx) {
		return func(tx *inventory.Tx) {
			for _, id := range hosts {
				_ = tx.Hosts.Change(id, func(h *inventory.Host) { h.State = inventory.HostDown })
			}
		}
	}
	for name, x := range map[string]struct {
		quirks  string
		cluster string // where the snapshot lives
		change  func(tx *inventory.Tx)
		host    inventory.ID // 0: an error
	}{
		"its own cluster":                       {"", "a.bc", nil, 3},
		"the next one there when one is down":   {"", "a.bc", down(3), 4},
		"another cluster when all are down":     {"", "a.bc", down(3, 4), 1},
		"hosts of other zones do not count":     {"", "a.d", nil, 1},
		"not connected":                         {"", "a.bc", func(tx *inventory.Tx) { tx.PoolHosts.Delete(3) }, 4},
		"nobody":                                {"", "a.bc", down(1, 2, 3, 4), 0},
		"upstream compares substrings":          {"SUS-12", "a.bc", nil, 1},
		"upstream takes the first in any state": {"D-21", "a.b", down(1), 1},
		"upstream looks at other zones":         {"D-21", "a.d", nil, 5},
		"upstream fails without a match":        {"D-21", "z.z", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, x.quirks)
			pool := manyClusters(b)
			if x.change != nil {
				b.change(x.change)
			}
			id := b.sp.add(fakeObject{Snapshot: true, Cluster: x.cluster})
			c, err := b.connect(t.Context(), pool)
			require.NoError(t, err)
			host, err := b.hostNear(t.Context(), c, "~"+id)
			assert.Equal(t, x.host, host)
			assert.Equal(t, x.host == 0, err != nil, "%v", err)
			if name == "nobody" {
				require.ErrorIs(t, err, ErrNoHost)
			}
		})
	}
}

func TestStorPoolIsAskedForAPlaceOnlyWhereItMatters(t *testing.T) {
	t.Parallel()
	for quirks, calls := range map[string][]fakeCall{"": nil, quirk.Upstream: {{"SnapshotUpdate/~a.b.1", "{}"}}} {
		b := newBench(t, quirks)
		pool := b.pool()
		id := b.sp.add(fakeObject{Snapshot: true})
		require.Equal(t, "a.b.1", id)
		b.change(func(tx *inventory.Tx) { tx.PoolHosts.Put(inventory.PoolHost{Pool: pool, Host: 2}) })
		c, err := b.connect(t.Context(), pool)
		require.NoError(t, err)
		host, err := b.hostNear(t.Context(), c, "~"+id)
		require.NoError(t, err)
		assert.Equal(t, inventory.ID(2), host)
		assert.Equal(t, calls, b.sp.made())
	}
	b := newBench(t, "")
	c, err := b.connect(t.Context(), manyClusters(b))
	require.NoError(t, err)
	_, err = b.hostNear(t.Context(), c, "~a.b.9")
	require.ErrorIs(t, err, spapi.ErrNotFound)
}
