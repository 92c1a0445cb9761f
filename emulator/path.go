package emulator

import (
	"net/url"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
)

// apiPrefix is where a StorPool cluster serves its management API (storpool-api 2.1).
const apiPrefix = "/ctrl/1.0/"

// The words that may stand before a query, in the only order they come in (storpool-api 2.1, 9).
const (
	wordRemote = "RemoteCommand"
	wordMulti  = "MultiCluster"
	wordAll    = "AllClusters"
)

// target is a request path taken apart: prefixes peeled off, percent escapes undone once.
type target struct {
	remote   string   // the cluster of RemoteCommand/<cluster>/, empty without that prefix
	multi    bool     // MultiCluster/ stands before the query
	all      bool     // MultiCluster/AllClusters/ stands before the query
	segments []string // the query, split at its slashes; never empty
}

// parsePath takes an escaped request path apart. Characters that a client sends raw and the same characters
// percent-encoded mean the same; a slash inside an argument has to be encoded.
func parsePath(escaped string) (target, error) {
	rest, ok := strings.CutPrefix(escaped, apiPrefix)
	if !ok {
		return target{}, unknownQuery(escaped)
	}
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil {
			return target{}, unknownQuery(escaped)
		}
		segments[i] = plain
	}
	var t target
	if len(segments) > 1 && segments[0] == wordRemote {
		t.remote, segments = segments[1], segments[2:]
		if t.remote == "" {
			return target{}, unknownQuery(escaped)
		}
	}
	if len(segments) > 0 && segments[0] == wordMulti {
		t.multi, segments = true, segments[1:]
		if len(segments) > 0 && segments[0] == wordAll {
			t.all, segments = true, segments[1:]
		}
	}
	if len(segments) == 0 || segments[0] == "" {
		return target{}, unknownQuery(escaped)
	}
	t.segments = segments
	return t, nil
}

// unknownQuery answers a path that no operation has.
func unknownQuery(path string) error {
	return &cluster.Error{Name: cluster.UnknownQuery, Descr: "Unknown query '" + path + "'"}
}
