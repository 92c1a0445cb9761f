package driver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

func TestAPoolIsRegisteredWithItsDetailsAndNothingIsMade(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	id, err := b.Initialize(t.Context(), PoolRequest{
		Name: "p", Zone: 1, URL: poolURL, Capacity: 100, Details: map[string]string{"k": "v"},
	})
	require.NoError(t, err)
	assert.Equal(t, inventory.Pool{
		ID: 1, UUID: "hdd;id-1", Name: "p", Zone: 1, Provider: "StorPool", Type: "StorPool", State: inventory.PoolInitial,
		Host: "n/a", Path: "/dev/storpool-byid/", Tags: "p", Capacity: 100, Hypervisor: "KVM",
	}, b.row(id))
	assert.Equal(t, map[string]string{
		"k": "v", "SP_API_HTTP_HOST": "10.0.0.1:81", "SP_AUTH_TOKEN": poolToken, "SP_TEMPLATE": "hdd",
	}, b.details(id))
	assert.Equal(t, []fakeCall{{"VolumeTemplateDescribe/hdd", ""}}, b.sp.made())
	assert.Empty(t, b.sp.names())
}

func TestAPoolIsRefusedWithTheReasonAndWithoutItsToken(t *testing.T) {
	t.Parallel()
	right := PoolRequest{Name: "p", Zone: 1, URL: poolURL, Capacity: 100}
	for name, x := range map[string]struct {
		edit  func(*PoolRequest)
		fault *fakeFault
		says  string
	}{
		"no template on StorPool": {func(r *PoolRequest) { r.URL = "storpool://t0k3n@h:81/nvme" }, nil, `no StorPool template "nvme"`},
		"no token":                {func(r *PoolRequest) { r.URL = "SP_API_HTTP=h:81;SP_TEMPLATE=hdd" }, nil, "No SP_AUTH_TOKEN"},
		"no URL":                  {func(r *PoolRequest) { r.URL = "t0k3n" }, nil, "use storpool://"},
		"no capacity":             {func(r *PoolRequest) { r.Capacity = 0 }, nil, "capacityBytes"},
		"no zone":                 {func(r *PoolRequest) { r.Zone = 7 }, nil, "zone 7"},
		"bad credentials":         {nil, &fakeFault{Refuse: "accessDenied"}, "accessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			r := right
			if x.edit != nil {
				x.edit(&r)
			}
			b.sp.Fault = func(string, int) *fakeFault { return x.fault }
			_, err := b.Initialize(t.Context(), r)
			require.ErrorContains(t, err, x.says)
			assert.NotContains(t, err.Error()+b.lines.String(), poolToken)
			b.view(func(tx *inventory.Tx) { assert.Zero(t, tx.Pools.Len()) })
		})
	}
}

func TestThePluginsLogShowsTheTokenOnlyUpstream(t *testing.T) {
	t.Parallel()
	for quirks, shown := range map[string]bool{"": false, "D-36": true} {
		b := newBench(t, quirks)
		b.pool()
		assert.Equal(t, shown, strings.Contains(b.lines.String(), poolToken), quirks)
	}
	r := PoolRequest{Name: "p", URL: poolURL}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", r, r, r, r), poolToken)
}

func TestATemplateOfAClusterBelongsToOnePool(t *testing.T) {
	t.Parallel()
	const alias = "SP_API_HTTP=10.0.0.2:81;SP_AUTH_TOKEN=42;SP_TEMPLATE="
	for _, x := range []struct {
		quirks, url string
		taken       bool
	}{
		{"", poolURL, true},
		{"", alias + "hdd", true}, // another address of the same cluster
		{"", alias + "ssd", false},
		{"D-19", poolURL, true},
		{"D-19", alias + "hdd", false},
	} {
		b := newBench(t, x.quirks)
		b.pool()
		_, err := b.Initialize(t.Context(), PoolRequest{Name: "q", Zone: 1, URL: x.url, Capacity: 1})
		if x.taken {
			require.ErrorIs(t, err, ErrRefused, "%v", x)
			require.ErrorContains(t, err, `"p"`, "the pool that has it is named")
		} else {
			require.NoError(t, err, "%v", x)
		}
	}
}

func TestOneAddressIsOneClusterAlthoughStorPoolDoesNotSayWhich(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.sp.Cluster = ""
	b.pool()
	_, err := b.Initialize(t.Context(), PoolRequest{Name: "q", Zone: 1, URL: poolURL, Capacity: 1})
	require.ErrorIs(t, err, ErrRefused)
	_, err = b.Initialize(t.Context(), PoolRequest{Name: "q", Zone: 1, URL: "storpool://42@10.0.0.2:81/hdd", Capacity: 1})
	require.NoError(t, err, "two addresses may be two clusters")
}

func TestAnAlternativeEndpointCountsAsTheClusterOfItsPool(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	set(b, b.pool(), SettingAlternativeEndpoint, "SP_API_HTTP=10.0.0.2:81;SP_AUTH_TOKEN=42;SP_TEMPLATE=ssd")
	_, err := b.Initialize(t.Context(), PoolRequest{
		Name: "q", Zone: 1, URL: "SP_API_HTTP=10.0.0.2:81;SP_AUTH_TOKEN=42;SP_TEMPLATE=ssd", Capacity: 1,
	})
	require.ErrorIs(t, err, ErrRefused)
}

func TestAPoolThatCannotBeReadDoesNotBlockAnother(t *testing.T) {
	t.Parallel()
	for quirks, fails := range map[string]bool{"": false, "D-19": true} {
		b := newBench(t, quirks)
		b.change(func(tx *inventory.Tx) {
			tx.Pools.Put(inventory.Pool{Name: "legacy", UUID: "hdd", Provider: inventory.StorPool})
		})
		_, err := b.Initialize(t.Context(), PoolRequest{Name: "p", Zone: 1, URL: poolURL, Capacity: 1})
		assert.Equal(t, fails, err != nil, "%q: %v", quirks, err)
	}
}

func TestTwoPoolsAtOnceDoNotGetOneTemplate(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := b.Initialize(t.Context(), PoolRequest{Name: "p", Zone: 1, URL: poolURL, Capacity: 1})
			results <- err
		}()
	}
	one, other := <-results, <-results
	assert.NotEqual(t, one == nil, other == nil, "%v, %v", one, other)
}

func TestAZoneIsAttachedHostByHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool := b.pool()
	b.change(func(tx *inventory.Tx) {
		tx.Hosts.Put(inventory.Host{Zone: 1, Cluster: 1, State: inventory.HostDown})
		tx.Hosts.Put(inventory.Host{Zone: 2, Cluster: 2, State: inventory.HostUp})
	})
	b.hosts.Answer = failing(1, "spNotFound")
	require.ErrorIs(t, b.AttachZone(t.Context(), pool, "VMware"), ErrRefused)
	require.ErrorIs(t, b.AttachCluster(t.Context(), pool, 1), ErrRefused)
	require.NoError(t, b.AttachHost(t.Context(), pool, 1))
	assert.Equal(t, inventory.PoolInitial, b.row(pool).State)
	require.NoError(t, b.AttachZone(t.Context(), pool, KVM))
	assert.Equal(t, inventory.PoolUp, b.row(pool).State, "although one host has no StorPool")
	assert.Equal(t, []inventory.ID{1, 2}, b.hosts.To)
	assert.Equal(t, []inventory.ID{2}, b.connectedTo(pool))
}

// connectedTo returns the hosts of a pool.
func (b *bench) connectedTo(pool inventory.ID) (out []inventory.ID) {
	b.t.Helper()
	b.view(func(tx *inventory.Tx) {
		for _, h := range tx.PoolHosts.All(func(h inventory.PoolHost) bool { return h.Pool == pool }) {
			out = append(out, h.Host)
		}
	})
	return out
}

func TestThePoolsStateFollowsItsActions(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool := b.pool()
	for _, x := range []struct {
		do   func() error
		want inventory.PoolState
	}{
		{func() error { return b.Maintain(t.Context(), pool) }, inventory.PoolMaintenance},
		{func() error { return b.CancelMaintain(t.Context(), pool) }, inventory.PoolUp},
		{func() error { return b.Disable(t.Context(), pool) }, inventory.PoolDisabled},
		{func() error { return b.Enable(t.Context(), pool) }, inventory.PoolUp},
	} {
		require.NoError(t, x.do())
		assert.Equal(t, x.want, b.row(pool).State)
	}
	require.ErrorIs(t, b.Enable(t.Context(), 99), inventory.ErrNotFound)
}

func TestNewCredentialsAreTriedAndStored(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool := b.pool()
	require.NoError(t, b.UpdateStoragePool(t.Context(), pool, "storpool://new@10.0.0.2:81/hdd"))
	assert.Equal(t, "new", b.details(pool)[keyToken])
	require.ErrorIs(t, b.UpdateStoragePool(t.Context(), pool, "storpool://new@10.0.0.2:81/ssd"), ErrRefused)
	b.sp.Fault = func(string, int) *fakeFault { return &fakeFault{Refuse: "accessDenied"} }
	require.ErrorContains(t, b.UpdateStoragePool(t.Context(), pool, "storpool://bad@10.0.0.2:81/hdd"), "accessDenied")
	assert.Equal(t, "new", b.details(pool)[keyToken])

	b = newBench(t, "D-40")
	pool = b.pool()
	require.NoError(t, b.UpdateStoragePool(t.Context(), pool, "storpool://new@10.0.0.2:81/hdd"))
	assert.Equal(t, poolToken, b.details(pool)[keyToken])
}

// furnish gives a pool a connected host with its check volume, and cached templates on and off StorPool.
func furnish(b *bench) (pool inventory.ID, check string, cached []string) {
	b.t.Helper()
	pool = b.pool()
	require.NoError(b.t, b.AttachZone(b.t.Context(), pool, KVM))
	check = b.sp.names()[0]
	for range 2 {
		cached = append(cached, b.sp.add(fakeObject{Snapshot: true}))
	}
	b.change(func(tx *inventory.Tx) {
		tx.TemplatePools.Put(inventory.TemplatePool{Template: 1, Pool: pool, LocalPath: devPath(cached[0])})
		tx.TemplatePools.Put(inventory.TemplatePool{Template: 2, Pool: pool, InstallPath: devPath(cached[1])})
		tx.TemplatePools.Put(inventory.TemplatePool{Template: 3, Pool: pool})
		tx.TemplatePools.Put(inventory.TemplatePool{Template: 4, Pool: 99, LocalPath: "/dev/storpool-byid/other"})
	})
	b.sp.made()
	return pool, check, cached
}

func TestADeletedPoolLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool, check, cached := furnish(b)
	require.NoError(t, b.DeleteDataStore(t.Context(), pool))
	assert.Empty(t, b.sp.names())
	assert.Empty(t, b.details(pool))
	assert.Empty(t, b.connectedTo(pool))
	assert.Empty(t, b.intents())
	b.view(func(tx *inventory.Tx) {
		assert.Zero(t, tx.Pools.Len())
		assert.Equal(t, 1, tx.TemplatePools.Len(), "another pool's stay")
	})
	detach := func(id string) string { return `[{"snapshot":"~` + id + `","detach":"all","force":true}]` }
	assert.Equal(t, []fakeCall{
		{"VolumesReassign", detach(cached[0])},
		{"SnapshotDelete/~" + cached[0], ""},
		{"VolumesReassign", detach(cached[1])},
		{"SnapshotDelete/~" + cached[1], ""},
		{"VolumeDelete/~" + check, `{"onAttached":"detachForce"}`},
	}, b.sp.made())
	require.ErrorIs(t, b.DeleteDataStore(t.Context(), pool), inventory.ErrNotFound)
}

func TestAPoolInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		put      func(tx *inventory.Tx, pool inventory.ID)
		says     string
		upstream bool // refused there too
	}{
		"a volume": {func(tx *inventory.Tx, pool inventory.ID) {
			tx.Volumes.Put(inventory.Volume{Pool: pool, Path: "/dev/storpool-byid/x", State: inventory.VolumeReady})
		}, "contains volume 1", false},
		"a snapshot": {func(tx *inventory.Tx, pool inventory.ID) {
			tx.Details.Set(inventory.Owner{Kind: inventory.OfSnapshot, ID: 5}, detailPool, fmt.Sprint(pool))
		}, "contains snapshots", true},
		"a template": {func(tx *inventory.Tx, pool inventory.ID) {
			tx.Details.Set(inventory.Owner{Kind: inventory.OfTemplate, ID: 5}, detailPool, fmt.Sprint(pool))
		}, "contains template snapshots", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for quirks, refused := range map[string]bool{"": true, "D-23d": x.upstream} {
				b := newBench(t, quirks)
				pool, _, _ := furnish(b)
				b.change(func(tx *inventory.Tx) { x.put(tx, pool) })
				err := b.DeleteDataStore(t.Context(), pool)
				if !refused {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, ErrRefused)
				require.ErrorContains(t, err, x.says)
				assert.Empty(t, b.sp.made())
			}
		})
	}
	b := newBench(t, "")
	pool, _, _ := furnish(b)
	b.change(func(tx *inventory.Tx) {
		tx.Volumes.Put(inventory.Volume{Pool: pool, State: inventory.VolumeAllocated})
		tx.Volumes.Put(inventory.Volume{Pool: pool, Path: "/dev/storpool-byid/x", State: inventory.VolumeExpunged})
	})
	require.NoError(t, b.DeleteDataStore(t.Context(), pool), "volumes that are not there do not count")
}

func TestADeletionThatFailsHalfWayIsFinishedByARepetition(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	pool, check, cached := furnish(b)
	b.sp.remove(cached[0])
	b.sp.Fault = func(call string, n int) *fakeFault {
		if call == "VolumeDelete" && n == 1 {
			return &fakeFault{Refuse: spapi.NameBusy}
		}
		return nil
	}
	require.ErrorIs(t, b.DeleteDataStore(t.Context(), pool), spapi.ErrBusy)
	assert.Equal(t, []string{check}, b.sp.names())
	assert.NotEmpty(t, b.details(pool), "what is left is on record")
	require.NoError(t, b.Reconcile(t.Context()))
	assert.Empty(t, b.sp.names())
	assert.Empty(t, b.intents())
	assert.Empty(t, b.details(pool))
}

func TestUpstreamsDeletionOfAPoolShowsItsDefects(t *testing.T) {
	t.Parallel()
	b := newBench(t, "D-23a")
	pool, _, cached := furnish(b)
	require.NoError(t, b.DeleteDataStore(t.Context(), pool))
	assert.Contains(t, b.sp.made(), fakeCall{"VolumesReassign", `[{"detach":"all","force":true}]`})
	assert.Contains(t, b.sp.names(), cached[1], "the install path is not considered")

	b = newBench(t, "D-23b")
	pool, _, cached = furnish(b)
	b.sp.remove(cached[0])
	require.ErrorIs(t, b.DeleteDataStore(t.Context(), pool), spapi.ErrNotFound)

	b = newBench(t, "D-23c")
	pool, check, _ := furnish(b)
	b.sp.Fault = func(call string, _ int) *fakeFault {
		if call == "VolumeDelete" {
			return &fakeFault{Refuse: spapi.NameBusy}
		}
		return nil
	}
	require.NoError(t, b.DeleteDataStore(t.Context(), pool))
	assert.Equal(t, []string{check}, b.sp.names(), "leaked")
}
