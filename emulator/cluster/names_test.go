package cluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNamesFollowTheRulesOfTheBindings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 199)
	rules := []struct {
		what      string
		rule      func(string) bool
		good, bad []string
	}{
		{
			"volume name", validName,
			[]string{"Volume", "0.-volume", "v0l.ume", "_0", "#:", long},
			[]string{"", "#", `Volu"me`, "*vol", "volume#", "volume*", "vol@1", "~a.b.c", "list", "status", "a b", long + "x", "#" + long},
		},
		{
			"reference", func(s string) bool { return validRef(Ref(s)) },
			[]string{"Volume", "#sys", "*:", "*a@1", "vol@12", "~a.a.a", "~f00.b4r.quuxquuxqu8x", long},
			[]string{"", "#", "*", "~", "~a.a", "~a.a.a.a", "~.a.a", "~a.a.", "~a.a.a!", "~A.a.a", "a b", "a/b", long + "x"},
		},
		{
			"global id", validGlobalID,
			[]string{"a.a.a", "f00.b4r.quuxquuxqu8x"},
			[]string{"a", "a.a", "a.a.a.a", ".a.a", "a.a.", "a.a.a!", ""},
		},
		{"template name", validTemplateName, []string{"ssd", "a_B-9", "status", long}, []string{"", "list", "a.b", "a:b", long + "x"}},
		{
			"placement group name", validGroupName,
			[]string{"ssd", strings.Repeat("x", 127)},
			[]string{"", "list", "a.b", strings.Repeat("x", 128)},
		},
		{"location name", validSiteName, []string{"Sofia-1.a:b", "#x", strings.Repeat("x", 63)}, []string{"", "list", "a@b", strings.Repeat("x", 64)}},
		{"location id", validSiteID, []string{"bgu4"}, []string{"", "Bgu4", "a.b", "a-b"}},
		{"tag name", validTagName, []string{"vc-policy", "a.b:c_d", long}, []string{"", "a b", "ä", long + "x"}},
		{"disk description", validDiskText, []string{"", "shelf 1 - a_b", strings.Repeat("x", 30)}, []string{"a/b", strings.Repeat("x", 31)}},
		{
			"tag value", func(s string) bool { return validTagValue(s, false) },
			[]string{"", "~bgu4.b.dkt", "any text, ä", long},
			[]string{"a\nb", "a\x00b", "a\x7fb", long + "x"},
		},
		{
			"strict tag value", func(s string) bool { return validTagValue(s, true) },
			[]string{"", "a.b:c-d_e"},
			[]string{"~bgu4.b.dkt", "a b"},
		},
	}
	for _, r := range rules {
		for _, s := range r.good {
			assert.True(t, r.rule(s), "%s %q", r.what, s)
		}
		for _, s := range r.bad {
			assert.False(t, r.rule(s), "%s %q", r.what, s)
		}
	}
}

func TestTagsMergeAndEmptyValuesRemove(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("v", 199)
	tags := Tags{}.merge(map[string]string{"b": long, "a": "1", "gone": ""})
	assert.Equal(t, map[string]string{"a": "1", "b": long}, tags.Map())
	assert.Equal(t, tags, tags.merge(nil))
	assert.Equal(t, tags, tags.merge(map[string]string{"a": "1", "none": ""}), "equal sets are equal values")

	next := tags.merge(map[string]string{"b": "", "c": "3", "a": "2"})
	assert.Equal(t, map[string]string{"a": "2", "c": "3"}, next.Map())
	assert.Equal(t, 2, next.Len())
	value, has := next.Get("c")
	assert.Equal(t, "3", value)
	assert.True(t, has)
	_, has = next.Get("b")
	assert.False(t, has)
	for name := range next.All() {
		assert.Equal(t, "a", name, "in ascending order")
		break
	}
	assert.NotNil(t, Tags{}.Map())
}

func TestTheIndexesKeepNothingOfWhatIsGone(t *testing.T) {
	t.Parallel()
	c, err := New(Options{Model: DefaultModel()})
	require.NoError(t, err)
	size := int64(512)
	c.FindByTag("a", "1")
	made, err := c.VolumeCreate(VolumeSpec{Size: &size, Tags: map[string]string{"a": "1", "b": "2"}})
	require.NoError(t, err)
	require.NoError(t, c.VolumeUpdate(Ref(made.Name), VolumeChange{Tags: map[string]string{"a": "2", "b": ""}}))
	assert.Equal(t, 1, c.tags.set.Len())
	assert.Empty(t, c.byName, "the volume has no name")
	require.NoError(t, c.VolumeDelete(Ref(made.Name), ""))
	assert.Equal(t, 0, c.tags.set.Len())
	assert.Equal(t, 0, c.volumes.Len())
}

func TestEqualSettingsAreNoChangeEvenWhenTheyAreNoLongerShared(t *testing.T) {
	t.Parallel()
	c, err := New(Options{Model: DefaultModel()})
	require.NoError(t, err)
	size := int64(512)
	made, err := c.VolumeCreate(VolumeSpec{Size: &size})
	require.NoError(t, err)
	for i := range maxShared + 1 {
		_, err := c.VolumeCreate(VolumeSpec{Size: &size, Policy: Policy{IOPS: new(Limit(i))}})
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, len(c.settings), maxShared)
	at := c.Generation()
	require.NoError(t, c.VolumeUpdate(Ref(made.Name), VolumeChange{Policy: Policy{IOPS: new(Limit(0))}}))
	assert.Equal(t, at, c.Generation())
}
