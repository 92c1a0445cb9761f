package emulator

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMembersThatNobodyReadsAreReportedAndCounted(t *testing.T) {
	t.Parallel()
	s := Start(t, WithJournal(1))
	a := inProcess(t, s)
	assert.Empty(t, s.Unread())
	a.post(t, "VolumeCreate", `{"name":"v","size":512,"colour":1,"nothing":null}`)
	a.post(t, "VolumesReassign", `[{"volume":"v","rw":[1],"x":{"y":1}},{"volume":"v","rw":[1],"x":2}]`)
	a.get(t, "AllPeersActiveRequests?json="+url.QueryEscape(`{"msecsTimeout":100,"colour":1}`))
	last := s.Calls()[0]
	assert.Equal(t, []string{"colour"}, last.Unknown)
	assert.Equal(t, []string{"msecsTimeout"}, last.Ignored)
	a.refused(t, "GET", "AllPeersActiveRequests?json="+url.QueryEscape(`{"msecsTimeout":{}}`), "", "invalidParam")
	a.post(t, "VolumeTemplateUpdate/ssd", `{"tags":{"a":"b"}}`)
	assert.Equal(t, []UnreadCount{
		{UnreadMember{"GET AllPeersActiveRequests", "colour", false}, 1},
		{UnreadMember{"GET AllPeersActiveRequests", "msecsTimeout", true}, 2},
		{UnreadMember{"POST VolumeCreate", "colour", false}, 1},
		{UnreadMember{"POST VolumeTemplateUpdate", "tags", true}, 1},
		{UnreadMember{"POST VolumesReassign", "body[].x", false}, 2},
	}, s.Unread(), "the count outlives the journal")
}

func TestIgnoredMembersAreNotUnknownOnesForAStrictServer(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t, WithStrict()))
	a.post(t, "VolumeTemplateUpdate/ssd", `{"tags":{"a":"b"}}`)
	a.refused(t, "POST", "VolumeTemplateUpdate/ssd", `{"tags":{"a":"b"},"colour":1}`, "invalidParam")
}

func TestCountOfUnreadMembersHasALimit(t *testing.T) {
	t.Parallel()
	var j journal
	for i := range 3000 {
		j.add(&Call{Method: "GET", Query: "VolumesList", Unknown: []string{"x" + string(rune('a'+i))}})
	}
	j.add(&Call{Method: "GET", Query: "VolumesList", Unknown: []string{"xa"}})
	counts := j.unreadCounts()
	require.Len(t, counts, 1000)
	assert.Equal(t, int64(2), counts[0].Count)
}
