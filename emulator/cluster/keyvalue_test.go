package cluster_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestBucketGrowsOneVersionWithEveryChange(t *testing.T) {
	t.Parallel()
	c := start(t)
	require.NoError(t, c.KVCreate("b"))
	assert.Equal(t, map[string]int64{"b": 1}, c.KVBuckets())
	require.NoError(t, c.KVSet("b", cluster.KVSet{Pairs: map[string]string{"k": "v", "gone": "x"}}))
	require.NoError(t, c.KVSet("b", cluster.KVSet{Pairs: map[string]string{"gone": "", "never": ""}}))
	require.NoError(t, c.KVSet("b", cluster.KVSet{}))
	b, err := c.KVList("b")
	require.NoError(t, err)
	assert.Equal(t, cluster.Bucket{Name: "b", Version: 4, Pairs: map[string]string{"k": "v"}}, b)
}

func TestConditionalSetChangesNothingAtAnotherVersion(t *testing.T) {
	t.Parallel()
	c := start(t)
	require.NoError(t, c.KVCreate("b"))
	before := c.Generation()
	for _, v := range []int64{0, 2, -1} {
		err := c.KVSet("b", cluster.KVSet{Pairs: map[string]string{"k": "v"}, IfVersion: &v})
		require.ErrorIs(t, err, cluster.RunIfVersionIsMismatch)
	}
	assert.Equal(t, before, c.Generation())
	now := int64(1)
	require.NoError(t, c.KVSet("b", cluster.KVSet{Pairs: map[string]string{"k": "v"}, IfVersion: &now}))
	require.ErrorIs(t, c.KVSet("b", cluster.KVSet{IfVersion: &now}), cluster.RunIfVersionIsMismatch)
}

func TestKeyValueRefusals(t *testing.T) {
	t.Parallel()
	c := start(t)
	require.NoError(t, c.KVCreate("b"))
	long := strings.Repeat("k", 1023)
	get := func(bucket, key string) error { _, err := c.KVGet(bucket, key); return err }
	list := func(bucket string) error { _, err := c.KVList(bucket); return err }
	set := func(bucket, key string) error {
		return c.KVSet(bucket, cluster.KVSet{Pairs: map[string]string{"good": "v", key: "v"}})
	}
	before := c.Generation()
	for name, one := range map[string]struct {
		err  error
		want cluster.ErrorName
	}{
		"create again":             {c.KVCreate("b"), cluster.ObjectExists},
		"create a bad name":        {c.KVCreate("a b"), cluster.InvalidParam},
		"create a long name":       {c.KVCreate(long), cluster.InvalidParam},
		"create no name":           {c.KVCreate("#"), cluster.InvalidParam},
		"create # and a long name": {c.KVCreate("#" + long[:1022]), cluster.InvalidParam},
		"delete unknown":           {c.KVDelete("x"), cluster.ObjectDoesNotExist},
		"list unknown":             {list("x"), cluster.ObjectDoesNotExist},
		"list a bad name":          {list("a/b"), cluster.InvalidParam},
		"get from unknown":         {get("x", "k"), cluster.ObjectDoesNotExist},
		"get a long key":           {get("b", long), cluster.InvalidParam},
		"set in unknown":           {set("x", "k"), cluster.ObjectDoesNotExist},
		"set an empty key":         {set("b", ""), cluster.InvalidParam},
		"set a key too long":       {set("b", long), cluster.InvalidParam},
		"get with empty name":      {get("", "k"), cluster.InvalidParam},
	} {
		assert.ErrorIs(t, one.err, one.want, name)
	}
	assert.Equal(t, before, c.Generation(), "a refused call changes nothing")
	b, err := c.KVList("b")
	require.NoError(t, err)
	assert.Empty(t, b.Pairs)
	require.NoError(t, c.KVCreate("#x_-.:"))
}

func TestBucketThatWasHandedOutDoesNotChange(t *testing.T) {
	t.Parallel()
	c := start(t)
	require.NoError(t, c.KVCreate("b"))
	require.NoError(t, c.KVSet("b", cluster.KVSet{Pairs: map[string]string{"k": "v"}}))
	b, err := c.KVList("b")
	require.NoError(t, err)
	b.Pairs["k"] = "mine"
	one, err := c.KVGet("b", "k")
	require.NoError(t, err)
	assert.Equal(t, cluster.Bucket{Name: "b", Version: 2, Pairs: map[string]string{"k": "v"}}, one)
	require.NoError(t, c.KVDelete("b"))
	require.NoError(t, c.KVCreate("b"))
	b, err = c.KVList("b")
	require.NoError(t, err)
	assert.Equal(t, cluster.Bucket{Name: "b", Version: 1, Pairs: map[string]string{}}, b, "a new bucket has nothing of the old")
}

func TestKeyValueStoreAgreesWithAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, err := cluster.New(cluster.Options{Model: cluster.DefaultModel()})
		require.NoError(t, err)
		model := map[string]cluster.Bucket{}
		names := rapid.SampledFrom([]string{"a", "b"})
		pairs := rapid.MapOfN(rapid.SampledFrom([]string{"k", "l", "m/n"}), rapid.SampledFrom([]string{"", "1", "2"}), 0, 3)
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				name := names.Draw(t, "name")
				_, there := model[name]
				require.Equal(t, there, c.KVCreate(name) != nil)
				if !there {
					model[name] = cluster.Bucket{Name: name, Version: 1, Pairs: map[string]string{}}
				}
			},
			"delete": func(t *rapid.T) {
				name := names.Draw(t, "name")
				_, there := model[name]
				require.Equal(t, there, c.KVDelete(name) == nil)
				delete(model, name)
			},
			"set": func(t *rapid.T) {
				name, set := names.Draw(t, "name"), cluster.KVSet{Pairs: pairs.Draw(t, "pairs")}
				b, there := model[name]
				if rapid.Bool().Draw(t, "conditional") {
					v := rapid.Int64Range(0, 4).Draw(t, "version")
					set.IfVersion, there = &v, there && v == b.Version
				}
				require.Equal(t, there, c.KVSet(name, set) == nil)
				if !there {
					return
				}
				maps.Copy(b.Pairs, set.Pairs)
				maps.DeleteFunc(b.Pairs, func(_, v string) bool { return v == "" })
				b.Version++
				model[name] = b
			},
			"": func(t *rapid.T) {
				for name, want := range model {
					have, err := c.KVList(name)
					require.NoError(t, err)
					require.Equal(t, want, have)
				}
				require.Len(t, c.KVBuckets(), len(model))
			},
		})
	})
}
