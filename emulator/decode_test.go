package emulator

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/spsim/spsim/emulator/cluster"
)

// bound decodes a body as the request of a call on volume "v".
func bound[Q any](t *testing.T, query, body string) (Q, []string, error) {
	t.Helper()
	var zero Q
	r := &request{body: []byte(body)}
	for range pathArguments(query) {
		r.args = append(r.args, "v")
	}
	v, err := newDecoder(reflect.TypeFor[Q](), query)(r)
	if err != nil {
		return zero, r.unknown, err
	}
	q, ok := v.Interface().(Q)
	require.True(t, ok)
	return q, r.unknown, nil
}

func number[T any](n T) *T { return &n }

func TestBodyThatSaysNothingIsEmpty(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " \n", "{}", "null", `""`, `"{}"`, `"null"`} {
		q, unknown, err := bound[volumeUpdateArguments](t, "VolumeUpdate/{volumeName}", body)
		require.NoError(t, err, body)
		assert.Empty(t, unknown)
		assert.Equal(t, volumeUpdateArguments{volumeArguments: volumeArguments{Volume: "v"}}, q, body)
	}
}

func TestBodyEncodedTwiceIsUnderstood(t *testing.T) {
	t.Parallel()
	q, _, err := bound[volumeUpdateArguments](t, "VolumeUpdate/{volumeName}", `"{\"size\":512}"`)
	require.NoError(t, err)
	assert.Equal(t, number(int64(512)), q.Size)
}

func TestNumbersMayBeStrings(t *testing.T) {
	t.Parallel()
	q, _, err := bound[reassignArguments](t, "VolumesReassign", `[{"volume":"v","rw":["5",6],"detach":["1"]}]`)
	require.NoError(t, err)
	assert.Equal(t, []int{5, 6}, q.Items[0].RW)
	assert.Equal(t, []int{1}, q.Items[0].Detach.clients)
	u, _, err := bound[volumeUpdateArguments](t, "VolumeUpdate/{volumeName}", `{"size":"1073741824","iops":"100"}`)
	require.NoError(t, err)
	assert.Equal(t, number(int64(1<<30)), u.Size)
	assert.Equal(t, number(cluster.Limit(100)), u.IOPS.limit())
}

func TestNullMembersAreAbsent(t *testing.T) {
	t.Parallel()
	q, unknown, err := bound[volumeUpdateArguments](t, "VolumeUpdate/{volumeName}",
		`{"size":null,"rename":null,"tags":{"a":null,"b":"c"},"colour":null}`)
	require.NoError(t, err)
	assert.Nil(t, q.Size)
	assert.Nil(t, q.Rename)
	assert.Equal(t, tagMap{"b": "c"}, q.Tags)
	assert.Empty(t, unknown)
}

func TestTagsMayBeAnEmptyStringOrHoldNumbers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]tagMap{
		`{"tags":""}`:                      {},
		`{"tags":{}}`:                      {},
		`{"tags":{"a":7,"b":true,"c":""}}`: {"a": "7", "b": "true", "c": ""},
		`{"tags":{"a":1.50}}`:              {"a": "1.50"},
	} {
		q, _, err := bound[volumeCreateArguments](t, "VolumeCreate", body)
		require.NoError(t, err, body)
		assert.Equal(t, want, q.Tags, body)
	}
}

func TestUnknownMembersAreReportedWhereverTheyAre(t *testing.T) {
	t.Parallel()
	_, unknown, err := bound[reassignWaitArguments](t, "VolumesReassignWait",
		`{"colour":1,"reassign":[{"volume":"v"},{"volume":"w","shape":{"a":1}}]}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"colour", "reassign.1.shape"}, unknown)
}

func TestReassignWaitTakesABareArray(t *testing.T) {
	t.Parallel()
	q, _, err := bound[reassignWaitArguments](t, "VolumesReassignWait", `[{"volume":"v","detach":"all"}]`)
	require.NoError(t, err)
	require.Len(t, q.Items, 1)
	assert.True(t, q.Items[0].Detach.all)
	assert.Nil(t, q.AttachTimeout.span())
}

func TestMemberNamesAreCaseSensitive(t *testing.T) {
	t.Parallel()
	q, unknown, err := bound[volumeUpdateArguments](t, "VolumeUpdate/{volumeName}", `{"Size":512}`)
	require.NoError(t, err)
	assert.Nil(t, q.Size)
	assert.Equal(t, []string{"Size"}, unknown)
}

func TestBadValuesAreInvalidParameters(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{`, `{"size":1}{`, `[]`, `1`, `true`, `"x"`, `"{"`, `{"size":{}}`, `{"size":"x"}`, `{"size":1.5}`, `{"size":true}`,
		`{"size":1e30}`, `{"size":"512.0"}`, `{"size":"1e3"}`, `{"size":""}`, `{"rename":7}`, `{"shrinkOk":"true"}`, `{"shrinkOk":1}`, `{"tags":[]}`, `{"tags":"x"}`,
		`{"tags":{"a":{}}}`, `{"tags":{"a":[]}}`, `{"iops":"x"}`, `{"iops":-1}`, `{"replication":[1]}`, `{"replication":99999999999999999999}`,
	} {
		_, _, err := bound[volumeUpdateArguments](t, "VolumeUpdate/{volumeName}", body)
		assert.ErrorIs(t, err, cluster.InvalidParam, body)
	}
	for _, body := range []string{
		``, `null`, `{}`, `{"reassign":[]}`, `[1]`, `[null]`, `[{"volume":"v","rw":5}]`, `[{"volume":"v","rw":[null]}]`,
		`[{"volume":"v","detach":"some"}]`, `[{"volume":"v","detach":5}]`, `[{"volume":"v","onRemoteAttached":"x"}]`,
		`[{"volume":"v","mcMode":"x"}]`, `[{"volume":7}]`, `[{"volume":"v","detach":[{}]}]`,
	} {
		_, _, err := bound[reassignArguments](t, "VolumesReassign", body)
		assert.ErrorIs(t, err, cluster.InvalidParam, body)
	}
	for _, body := range []string{`{"attachTimeout":-1}`, `{"attachTimeout":"x"}`, `{"reassign":{}}`} {
		_, _, err := bound[reassignWaitArguments](t, "VolumesReassignWait", body)
		assert.ErrorIs(t, err, cluster.InvalidParam, body)
	}
}

func TestNumberThatDoesNotFitIsInvalid(t *testing.T) {
	t.Parallel()
	var small int32
	err := setInt(reflect.ValueOf(&small).Elem(), gjson.Parse("2147483648"), "n", nil)
	require.ErrorIs(t, err, cluster.InvalidParam)
	require.NoError(t, setInt(reflect.ValueOf(&small).Elem(), gjson.Parse("2147483647"), "n", nil))
	assert.EqualValues(t, 2147483647, small)
}

func TestAttachTimeoutBeyondAnybodysPatienceIsForEver(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]*time.Duration{
		`{}`: nil, `{"attachTimeout":1000000000000}`: nil, `{"attachTimeout":0}`: number(time.Duration(0)),
		`{"attachTimeout":"90"}`: number(90 * time.Second),
	} {
		q, _, err := bound[reassignWaitArguments](t, "VolumesReassignWait", body)
		require.NoError(t, err)
		assert.Equal(t, want, q.AttachTimeout.span(), body)
	}
}

func TestMissingRequiredMemberIsAnInvalidParameter(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", `{"toSnapshot":null}`, `{"revertSize":true}`} {
		_, _, err := bound[volumeRevertArguments](t, "VolumeRevert/{volumeName}", body)
		require.ErrorIs(t, err, cluster.InvalidParam, body)
		assert.ErrorContains(t, err, "toSnapshot", body)
	}
	_, _, err := bound[groupSnapshotArguments](t, "VolumesGroupSnapshot", `{"volumes":[{"name":"x"}]}`)
	require.ErrorIs(t, err, cluster.InvalidParam)
	assert.ErrorContains(t, err, "volumes.0.volume")
}

func TestLimitDashAndZeroBothMeanNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"iops":"-"}`, `{"iops":0}`, `{"iops":"0"}`} {
		q, _, err := bound[volumeUpdateArguments](t, "VolumeUpdate/{volumeName}", body)
		require.NoError(t, err, body)
		assert.Equal(t, number(cluster.Limit(0)), q.IOPS.limit(), body)
	}
}

func TestQueryStringCarriesTheArgumentsOfAGet(t *testing.T) {
	t.Parallel()
	body, err := queryBody("json=%7B%22msecsTimeout%22%3A5%7D")
	require.NoError(t, err)
	assert.JSONEq(t, `{"msecsTimeout":5}`, string(body))
	body, err = queryBody("")
	require.NoError(t, err)
	assert.Empty(t, body)
	_, err = queryBody("json=%zz")
	assert.ErrorIs(t, err, cluster.InvalidParam)
}

func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		"", "null", `{"size":"512","tags":{"a":1},"iops":"-"}`, `"{\"size\":1}"`, `[{"volume":"v","rw":["1"],"detach":"all"}]`,
		`{"reassign":[{"snapshot":"s","ro":[1]}],"attachTimeout":5}`, `{"tags":""}`, `{"a":{"b":[1,2,{"c":null}]}}`, strings.Repeat("[", 64),
	} {
		f.Add(s)
	}
	var ops []Op
	for _, o := range Operations() {
		if o.Emulated() && o.Method == "POST" {
			ops = append(ops, o)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, o := range ops {
			r := &request{body: []byte(body)}
			for range pathArguments(o.Query) {
				r.args = append(r.args, "1")
			}
			if _, err := o.decode(r); err != nil {
				require.ErrorIs(t, err, cluster.InvalidParam, o.Call())
			}
		}
		_ = redact([]byte(body))
	})
}
