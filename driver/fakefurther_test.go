package driver

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/spapi"
)

// serveFurther serves group snapshots and what goes between locations; false for other calls.
func (s *fakeStorPool) serveFurther(name, arg string, body []byte) (fakeEnvelope, bool) {
	switch name {
	case "VolumesGroupSnapshot":
		return s.groupSnapshot(decode[spapi.GroupSnapshot](body)), true
	case "SnapshotExport":
		r := decode[spapi.SnapshotExport](body)
		o := s.find(r.Snapshot, true)
		if o == nil {
			return missing(r.Snapshot), true
		}
		o.Exports = append(o.Exports, r.Location)
		return done(), true
	case "SnapshotUnexport":
		r := decode[spapi.SnapshotUnexport](body)
		o := s.find(r.Snapshot, true)
		if o == nil {
			return missing(r.Snapshot), true
		}
		o.Exports = slices.DeleteFunc(o.Exports, func(at string) bool { return r.All || at == r.Location })
		return done(), true
	case "SnapshotFromRemote":
		r := decode[spapi.SnapshotFromRemote](body)
		if s.find("~"+r.RemoteID, true) != nil {
			return refusal(spapi.NameExists, r.RemoteID), true
		}
		s.put(fakeObject{ID: r.RemoteID, Snapshot: true, Template: r.Template, Tags: r.Tags, Remote: true})
		return done(), true
	case "SnapshotReconcile":
		if s.find(arg, true) == nil {
			return missing(arg), true
		}
		return done(), true
	}
	return fakeEnvelope{}, false
}

func (s *fakeStorPool) groupSnapshot(r spapi.GroupSnapshot) fakeEnvelope {
	var out spapi.GroupCreated
	for _, item := range r.Volumes {
		if s.find(item.Volume, false) == nil {
			return missing(item.Volume)
		}
	}
	for _, item := range r.Volumes {
		o := s.find(item.Volume, false)
		id := s.put(fakeObject{
			Snapshot: true, Size: o.Size, Parent: o.Parent, Template: o.Template, Tags: r.Tags, Cluster: o.Cluster, OnVolume: item.Volume,
		})
		o.Parent = "~" + id
		out.Snapshots = append(out.Snapshots, spapi.GroupMember{Volume: item.Volume, VolumeGlobalID: o.ID, SnapshotGlobalID: id})
	}
	return fakeEnvelope{Data: out}
}

// recorder keeps the calls that go through it.
type recorder struct {
	next  http.RoundTripper
	calls []fakeCall
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	if q.Body != nil {
		body, _ = io.ReadAll(q.Body) // a buffer
		q.Body = io.NopCloser(bytes.NewReader(body))
	}
	path := strings.TrimPrefix(strings.TrimPrefix(q.URL.Path, "/ctrl/1.0/"), "MultiCluster/")
	r.calls = append(r.calls, fakeCall{path, string(body)})
	return r.next.RoundTrip(q)
}
