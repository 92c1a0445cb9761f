package emulator

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// OpenNebula's scripts post forms that are none, and take a change for done when data.ok is true (storpool-api 15).

func TestOpenNebulaSnapshotsAGroupByNames(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asCurl(t, s)
	for _, name := range []string{"one-img-1-2-0", "one-img-1-2-1"} {
		a.post(t, "VolumeCreate", `{"name":"`+name+`","size":"1048576","template":"hybrid","tags":{"nvm":"2","virt":"one","del":"y"}}`)
		s.WriteContent(t, cref(name), 0, []byte(name))
	}
	r := a.post(t, "VolumesGroupSnapshot", `{"volumes":[{"volume":"one-img-1-2-0","name":"one-img-1-2-0-snap7"},`+
		`{"volume":"one-img-1-2-1","name":"one-img-1-2-1-snap7"}]}`)
	members, ok := r.object(t)["snapshots"].([]any)
	require.True(t, ok)
	require.Len(t, members, 2)
	for i, name := range []string{"one-img-1-2-0", "one-img-1-2-1"} {
		m, ok := members[i].(map[string]any)
		require.True(t, ok)
		assert.Equal(t, name, m["volume"])
		assert.Equal(t, name+"-snap7", m["snapshot"])
		assert.Equal(t, []byte(name), s.ReadContent(t, cref(name+"-snap7"), 0, len(name)))
	}
}

func TestOpenNebulaAttachesSeveralAtOnce(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asCurl(t, s)
	for _, name := range []string{"one-sys-7-0-raw", "one-img-3"} {
		a.post(t, "VolumeCreate", `{"name":"`+name+`","size":"1048576","template":"hybrid"}`)
	}
	a.post(t, "VolumeSnapshot/one-img-3", `{"name":"one-img-3-ro"}`)
	a.post(t, "VolumesReassignWait", `{"attachTimeout":20,"reassign":[{"volume":"one-sys-7-0-raw","rw":["3"]},`+
		`{"volume":"one-img-3","rw":["3"]},{"snapshot":"one-img-3-ro","ro":["3"]}]}`)
	assert.Len(t, a.get(t, "AttachmentsList").list(t), 3)
	a.post(t, "VolumesReassignWait", `{"attachTimeout":20,"reassign":[{"volume":"one-sys-7-0-raw","rw":["4"]}]}`)
	host, err := s.Host(3).Open("one-sys-7-0-raw")
	require.NoError(t, err)
	const detach = `{"reassign":[{"volume":"one-sys-7-0-raw","detach":["3"],"force":false},{"volume":"one-img-3","detach":["3"],"force":true}]}`
	for range 10 {
		a.refused(t, "POST", "VolumesReassignWait", detach, "busy")
	}
	assert.Len(t, a.get(t, "AttachmentsList").list(t), 4, "the first refusal rejects all")
	require.NoError(t, host.Close())
	a.post(t, "VolumesReassignWait", detach)
	a.post(t, "VolumesReassignWait", `{"reassign":[{"snapshot":"one-img-3-ro","detach":"all","force":true}]}`)
	left := a.get(t, "AttachmentsList").list(t)
	require.Len(t, left, 1)
	assert.Equal(t, "one-sys-7-0-raw", left[0]["volume"])
}

func TestOpenNebulaRevertsByRenaming(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asCurl(t, s)
	const v, old = "one-img-5", "one-img-5-tmp"
	before, after := bytes.Repeat([]byte("before--"), 64), bytes.Repeat([]byte("after---"), 64)
	a.post(t, "VolumeCreate", `{"name":"`+v+`","size":"1048576","template":"hybrid"}`)
	s.WriteContent(t, v, 0, before)
	a.post(t, "VolumeSnapshot/"+v, `{"name":"one-img-5-snap0"}`)
	s.WriteContent(t, v, 0, after)
	a.post(t, "VolumeUpdate/"+v, `{"rename":"`+old+`"}`)
	a.post(t, "VolumeCreate", `{"name":"`+v+`","parent":"one-img-5-snap0","size":"1048576","template":"hybrid"}`)
	a.post(t, "VolumeDelete/"+old, "")
	assert.Equal(t, before, s.ReadContent(t, v, 0, len(before)))
	a.refused(t, "GET", "Volume/"+old, "", "objectDoesNotExist")
	a.post(t, "VolumeUpdate/"+v, `{"tags":{"nvm":"9","vc-policy":"daily","qc":"gold","diskid":"0"}}`)
	assert.Equal(t, map[string]any{"nvm": "9", "vc-policy": "daily", "qc": "gold", "diskid": "0"},
		a.get(t, "Volume/"+v).list(t)[0]["tags"])
}

func TestOpenNebulaDeletesOneOfDisksWithNamesAlike(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asCurl(t, s)
	alike := []string{"one-img-1", "one-img-1-2-0", "one-img-10", "one-img-11", "one-img-1-snap1", "ONE-img-1"}
	for _, name := range alike {
		a.post(t, "VolumeCreate", `{"name":"`+name+`","size":"1048576","template":"hybrid"}`)
		s.WriteContent(t, cref(name), 0, []byte(name))
	}
	a.post(t, "VolumeSnapshot/one-img-10", `{"name":"one-img-10-snap"}`)
	a.post(t, "VolumesReassignWait", `{"reassign":[{"volume":"one-img-1","detach":"all","force":true}]}`)
	a.post(t, "VolumeDelete/one-img-1", "")
	var left []string
	for _, v := range a.get(t, "VolumesList").list(t) {
		left = append(left, v["name"].(string))
	}
	assert.ElementsMatch(t, alike[1:], left)
	for _, name := range left {
		assert.Equal(t, []byte(name), s.ReadContent(t, cref(name), 0, len(name)))
	}
	assert.Len(t, a.get(t, "SnapshotsList").list(t), 1)
}
