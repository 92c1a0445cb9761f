package driver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
)

func TestPathsAndNamesAreTheTwoSidesOfOneID(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][2]string{
		"/dev/storpool-byid/a.b.c":         {"a.b.c", "~a.b.c"},
		"/dev/storpool-byid/a.b.c/further": {"a.b.c", "~a.b.c"},
		"/dev/storpool/old-name":           {"old-name", "old-name"},
		"/dev/storpool/old-name/x":         {"old-name", "old-name"},
		"/dev/storpool-byid/":              {"", ""},
		"/mnt/nfs/a.b.c":                   {"", ""},
		"":                                 {"", ""},
	} {
		assert.Equal(t, want, [2]string{apiName(path, false), apiName(path, true)}, path)
	}
	assert.Equal(t, "/dev/storpool-byid/a.b.c", devPath("~a.b.c"))
	assert.Equal(t, "/dev/storpool-byid/a.b.c", devPath("a.b.c"))
	assert.Empty(t, devPath(""), "no id has no path")
	assert.Empty(t, devPath("~"))
	_, err := nameOf("snapshots/1", "snapshot 1")
	require.ErrorIs(t, err, ErrNotOnStorPool)
}

// TestAURLIsReadInBothForms holds the vectors of driver-management 2, as they are and as they ought to be.
func TestAURLIsReadInBothForms(t *testing.T) {
	t.Parallel()
	plain := descriptor{"10.0.0.1:81", "42", "hdd"}
	const scheme, ok = "scheme", ""
	for text, want := range map[string]struct {
		right     descriptor
		wrong     string // what the error of the correct reading says
		upstream  descriptor
		upstreamW string
	}{
		"SP_API_HTTP=10.0.0.1:81;SP_AUTH_TOKEN=42;SP_TEMPLATE=hdd":     {plain, ok, plain, ok},
		"SP_AUTH_TOKEN=42;SP_TEMPLATE=hdd;SP_API_HTTP=10.0.0.1:81;x=y": {plain, ok, plain, ok},
		"storpool://42@10.0.0.1:81/hdd":                                {plain, ok, plain, ok},
		"STORPOOL://42@10.0.0.1:81/hdd":                                {plain, ok, plain, ok},
		"storpool://42@10.0.0.1:81/a/b":                                {descriptor{}, "SP_TEMPLATE", descriptor{"10.0.0.1:81", "42", "ab"}, ok},
		"storpool://4%2F2@h:81/hdd":                                    {descriptor{"h:81", "4/2", "hdd"}, ok, descriptor{"h:81", "4/2", "hdd"}, ok},
		"storpool://4:2@h:81/hdd":                                      {descriptor{"h:81", "4:2", "hdd"}, ok, descriptor{"h:81", "4:2", "hdd"}, ok},
		"storpool://42@10.0.0.1/hdd":                                   {descriptor{}, "SP_API_HTTP", descriptor{"10.0.0.1:-1", "42", "hdd"}, ok},
		"storpool://42@10.0.0.1:81":                                    {descriptor{}, "No SP_TEMPLATE", descriptor{"10.0.0.1:81", "42", ""}, ok},
		"storpool://10.0.0.1:81/hdd":                                   {descriptor{}, "No SP_AUTH_TOKEN", descriptor{}, "No SP_AUTH_TOKEN"},
		"storpool://42@:81/hdd":                                        {descriptor{}, "SP_API_HTTP", descriptor{"null:81", "42", "hdd"}, ok},
		"storpool://42@h:0/hdd":                                        {descriptor{}, "port", descriptor{"h:0", "42", "hdd"}, ok},
		"storpool://42@h:65536/hdd":                                    {descriptor{}, "port", descriptor{"h:65536", "42", "hdd"}, ok},
		"storpool://42@[::1]:81/hdd":                                   {descriptor{"[::1]:81", "42", "hdd"}, ok, descriptor{"[::1]:81", "42", "hdd"}, ok},
		"hdd":                                                          {descriptor{}, "use storpool://", descriptor{}, scheme},
		"http://x/y":                                                   {descriptor{}, "use storpool://", descriptor{}, scheme},
		"SP_API_HTTP=h;SP_AUTH_TOKEN=1;SP_TEMPLATE=t":                  {descriptor{}, "not of the form host:port", descriptor{}, scheme},
		"SP_API_HTTP=h:81;SP_AUTH_TOKEN=a=b;SP_TEMPLATE=t":             {descriptor{"h:81", "a=b", "t"}, ok, descriptor{}, "No SP_AUTH_TOKEN"},
		"SP_API_HTTP=h:81;SP_AUTH_TOKEN=42":                            {descriptor{}, "No SP_TEMPLATE", descriptor{}, "No SP_TEMPLATE"},
		"SP_API_HTTP=https://h:81;SP_AUTH_TOKEN=42;SP_TEMPLATE=t":      {descriptor{"https://h:81", "42", "t"}, ok, descriptor{"https://h:81", "42", "t"}, ok},
		"SP_API_HTTP=h:81;SP_AUTH_TOKEN=42;SP_TEMPLATE=a b":            {descriptor{}, "SP_TEMPLATE", descriptor{"h:81", "42", "a b"}, ok},
	} {
		judge := func(desc descriptor, err error, want descriptor, wrong, how string) {
			if wrong == ok {
				assert.NoError(t, err, "%s, %s", text, how)
				assert.Equal(t, want, desc, "%s, %s", text, how)
				return
			}
			assert.ErrorContains(t, err, wrong, "%s, %s", text, how)
			if err != nil {
				assert.NotContains(t, err.Error(), "42", "the token of %s, %s", text, how)
			}
		}
		desc, err := readURL(correct(), text)
		judge(desc, err, want.right, want.wrong, "correct")
		desc, err = readURL(only(t, "D-18"), text)
		judge(desc, err, want.upstream, want.upstreamW, "upstream")
	}
}

func readURL(r rules, text string) (descriptor, error) {
	desc, err := r.parseURL(text)
	if err == nil {
		err = r.checkDescriptor(desc)
	}
	return desc, err
}

// only returns the rules with one quirk.
func only(t *testing.T, id string) rules {
	t.Helper()
	r := correct()
	for _, q := range quirks() {
		if q.ID == id {
			q.Apply(&r)
			return r
		}
	}
	t.Fatalf("no quirk %s", id)
	return r
}

func FuzzAURLNeverEchoesItsToken(f *testing.F) {
	f.Add("storpool://", "@h:81/hdd")
	f.Add("SP_API_HTTP=h;SP_AUTH_TOKEN=", ";SP_TEMPLATE=t")
	f.Add("storpool://%", "@")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "Sesam-0pen"
		if strings.Contains(before+after, secret) {
			t.Skip("the text holds the token itself")
		}
		for _, r := range []rules{correct(), only(t, "D-18")} {
			if _, err := readURL(r, before+secret+after); err != nil {
				assert.NotContains(t, err.Error(), secret)
			}
		}
	})
}

func set(b *bench, pool inventory.ID, pairs ...string) {
	b.t.Helper()
	b.change(func(tx *inventory.Tx) {
		for i := 0; i < len(pairs); i += 2 {
			tx.Details.Set(inventory.Owner{Kind: inventory.OfPool, ID: pool}, pairs[i], pairs[i+1])
		}
	})
}

func TestAnAlternativeEndpointKeepsThePoolsTemplateUnlessItNamesOne(t *testing.T) {
	t.Parallel()
	const host = "SP_API_HTTP=10.0.0.9:81;SP_AUTH_TOKEN=99"
	for _, x := range []struct {
		quirks, endpoint, template, wrong string
	}{
		{"", host, "hdd", ""},
		{"", host + ";SP_TEMPLATE=ssd", "ssd", ""},
		{"", "", "", "is empty"},
		{"", "SP_API_HTTP=10.0.0.9:81", "", "No SP_AUTH_TOKEN"},
		{"D-34a", host, "", "No SP_TEMPLATE"},
		{"D-34a", host + ";SP_TEMPLATE=ssd", "ssd", ""},
	} {
		b := newBench(t, x.quirks)
		pool := b.pool()
		set(b, pool, SettingAlternativeOn, "true", SettingAlternativeEndpoint, x.endpoint)
		c, err := b.connect(t.Context(), pool)
		if x.wrong != "" {
			require.ErrorContains(t, err, x.wrong)
			require.ErrorContains(t, err, "pool 1")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, x.template, c.template)
		desc, _, err := b.resolve(t.Context(), pool)
		require.NoError(t, err)
		assert.Equal(t, "10.0.0.9:81", desc.hostPort)
		set(b, pool, SettingAlternativeOn, "false")
		desc, _, err = b.resolve(t.Context(), pool)
		require.NoError(t, err)
		assert.Equal(t, descriptor{"10.0.0.1:81", poolToken, "hdd"}, desc, "the connection is resolved afresh")
	}
}

func TestALegacyPoolIsTakenOverToDetails(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		quirks    string
		connected bool
		renamed   bool
	}{
		{"", false, true}, {"", true, false}, {"D-34b", true, true},
	} {
		b := newBench(t, x.quirks)
		b.change(func(tx *inventory.Tx) {
			tx.Pools.Put(inventory.Pool{UUID: poolURL, Zone: 1, Provider: inventory.StorPool})
			if x.connected {
				tx.PoolHosts.Put(inventory.PoolHost{Pool: 1, Host: 1})
			}
		})
		c, err := b.connect(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, "hdd", c.template)
		assert.Equal(t, map[string]string{keyHost: "10.0.0.1:81", keyToken: poolToken, keyTemplate: "hdd"}, b.details(1))
		if x.renamed {
			assert.Equal(t, "hdd;id-1", b.row(1).UUID)
		} else {
			assert.Equal(t, poolURL, b.row(1).UUID)
		}
		_, err = b.connect(t.Context(), 1)
		require.NoError(t, err)
	}
}

func TestAPoolThatCannotBeReachedSaysWhy(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.change(func(tx *inventory.Tx) {
		tx.Pools.Put(inventory.Pool{UUID: "nfs", Provider: "DefaultPrimary"})
		tx.Pools.Put(inventory.Pool{UUID: "no-url-" + poolToken, Provider: inventory.StorPool})
	})
	_, err := b.connect(t.Context(), 1)
	require.ErrorIs(t, err, ErrNotOnStorPool)
	_, err = b.connect(t.Context(), 2)
	require.ErrorContains(t, err, "no URL")
	assert.NotContains(t, err.Error(), poolToken)
	_, err = b.connect(t.Context(), 3)
	require.ErrorIs(t, err, inventory.ErrNotFound)
}

func TestOneClientServesAnEndpointUntilItsTokenChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	one, err := b.client(descriptor{"h:1", "t", "hdd"})
	require.NoError(t, err)
	same, err := b.client(descriptor{"h:1", "t", "ssd"})
	require.NoError(t, err)
	other, err := b.client(descriptor{"h:1", "u", "hdd"})
	require.NoError(t, err)
	assert.Same(t, one, same)
	assert.NotSame(t, one, other)
}
