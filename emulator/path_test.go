package emulator

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestPathIsTakenApart(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]target{
		"VolumesList":                          {segments: []string{"VolumesList"}},
		"Volume/~bgu4.b.dkt":                   {segments: []string{"Volume", "~bgu4.b.dkt"}},
		"Volume/%7Ebgu4.b.dkt":                 {segments: []string{"Volume", "~bgu4.b.dkt"}},
		"Snapshot/vol@12":                      {segments: []string{"Snapshot", "vol@12"}},
		"Snapshot/vol%4012":                    {segments: []string{"Snapshot", "vol@12"}},
		"Volume/%23sys:1":                      {segments: []string{"Volume", "#sys:1"}},
		"Snapshot/*gone":                       {segments: []string{"Snapshot", "*gone"}},
		"KV/Get/b/a%2Fb":                       {segments: []string{"KV", "Get", "b", "a/b"}},
		"Volume/a%252Fb":                       {segments: []string{"Volume", "a%2Fb"}},
		"MultiCluster/VolumesList":             {multi: true, segments: []string{"VolumesList"}},
		"MultiCluster/AllClusters/VolumesList": {multi: true, all: true, segments: []string{"VolumesList"}},
		"RemoteCommand/~spsm.b/VolumesList":    {remote: "~spsm.b", segments: []string{"VolumesList"}},
		"RemoteCommand/c1/MultiCluster/Volume/a": {
			remote: "c1", multi: true, segments: []string{"Volume", "a"},
		},
	} {
		got, err := parsePath(apiPrefix + path)
		require.NoError(t, err, path)
		assert.Equal(t, want, got, path)
	}
}

func TestPathThatNoQueryHasIsUnknown(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", "/", "/ctrl/1.0", "/ctrl/1.0/", "/ctrl/2.0/VolumesList", "/ctrl/1.0//VolumesList",
		"/ctrl/1.0/RemoteCommand/", "/ctrl/1.0/RemoteCommand/c", "/ctrl/1.0/RemoteCommand//VolumesList",
		"/ctrl/1.0/MultiCluster", "/ctrl/1.0/MultiCluster/", "/ctrl/1.0/MultiCluster/AllClusters/",
		"/ctrl/1.0/Volume/%zz", "/CTRL/1.0/VolumesList",
	} {
		_, err := parsePath(path)
		assert.ErrorIs(t, err, cluster.UnknownQuery, path)
	}
}

func TestRemoteCommandNamesTheClusterByNameOrTildeAndID(t *testing.T) {
	t.Parallel()
	s := Start(t, WithCluster("spsm.b", "main"))
	for remote, want := range map[string]bool{
		"": true, "main": true, "~spsm.b": true, "spsm.b": false, "~main": false, "~spsm.c": false, "other": false,
	} {
		on, err := s.addressed(remote)
		if !want {
			assert.ErrorIs(t, err, cluster.ObjectDoesNotExist, remote)
			continue
		}
		assert.NoError(t, err, remote)
		assert.Same(t, s, on, remote)
	}
}

func TestOperationIsFoundByMethodNameAndNumberOfArguments(t *testing.T) {
	t.Parallel()
	tab := newTable(Operations())
	for call, want := range map[string]string{
		"GET VolumesList":            "VolumesList",
		"GET Volume/a":               "Volume/{volumeName}",
		"GET VolumeBalancerStatus":   "VolumeBalancerStatus",
		"POST VolumeAbandonDisk/a":   "VolumeAbandonDisk/{volumeName}",
		"GET KV":                     "KV",
		"GET KV/List/b":              "KV/List/{bucketName}",
		"GET KV/Get/b/k":             "KV/Get/{bucketName}/{keyName}",
		"GET ServerDiskDescribe/1/2": "ServerDiskDescribe/{serverId}/{diskId}",
	} {
		method, path, _ := strings.Cut(call, " ")
		o, args, err := tab.find(method, strings.Split(path, "/"))
		require.NoError(t, err, call)
		assert.Equal(t, want, o.Query, call)
		assert.Len(t, args, strings.Count(want, "{"), call)
	}
	for _, call := range []string{
		"POST VolumesList", "GET Volume", "GET Volume/a/b", "GET volumeslist", "GET KV/Get/b", "DELETE Volume/a", "GET Nothing",
	} {
		method, path, _ := strings.Cut(call, " ")
		_, _, err := tab.find(method, strings.Split(path, "/"))
		assert.ErrorIs(t, err, cluster.UnknownQuery, call)
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{
		"/ctrl/1.0/Volume/~a.b.c", "/ctrl/1.0/RemoteCommand/~a.b/MultiCluster/AllClusters/VolumesList",
		"/ctrl/1.0/KV/Get/b/%2f", "/ctrl/1.0/%", "//", "/ctrl/1.0/MultiCluster/MultiCluster/x",
	} {
		f.Add(s)
	}
	tab := newTable(Operations())
	f.Fuzz(func(t *testing.T, path string) {
		got, err := parsePath(path)
		if err != nil {
			require.ErrorIs(t, err, cluster.UnknownQuery)
			return
		}
		require.NotEmpty(t, got.segments)
		require.NotEmpty(t, got.segments[0])
		_, args, err := tab.find("GET", got.segments)
		if err != nil {
			require.ErrorIs(t, err, cluster.UnknownQuery)
			return
		}
		// What was understood can be said again, escaped, and means the same.
		again := apiPrefix
		if got.remote != "" {
			again += wordRemote + "/" + url.PathEscape(got.remote) + "/"
		}
		if got.multi {
			again += wordMulti + "/"
		}
		if got.all {
			again += wordAll + "/"
		}
		escaped := make([]string, len(got.segments))
		for i, s := range got.segments {
			escaped[i] = url.PathEscape(s)
		}
		again += strings.Join(escaped, "/")
		same, err := parsePath(again)
		require.NoError(t, err)
		require.Equal(t, got, same)
		require.Less(t, len(args), len(got.segments))
	})
}
