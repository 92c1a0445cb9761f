package driver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spsim/spsim/driver/spapi"
)

// fakeObject is a volume or a snapshot of a [fakeStorPool].
type fakeObject struct {
	ID       string // global id
	Snapshot bool
	Size     int64
	Parent   string // name of a snapshot
	Template string
	IOPS     *int64
	Tags     spapi.Tags
	Cluster  string
	OnVolume string // of a snapshot
	Made     int64  // UNIX seconds
	Remote   bool   // its data is still on its way
	Exports  []string
	Named    string // of the days before global ids
}

// fakeCall is a request as it came, without its prefix of the multi-cluster.
type fakeCall struct{ Call, Body string }

// fakeFault is what happens to a call instead of its answer.
type fakeFault struct {
	Refuse string // error name
	Do     bool   // the call is executed
	Lost   bool   // the connection breaks
	Body   string // the answer is this text
}

// fakeStorPool is a StorPool cluster just good enough for the tests of this package: it keeps objects with their tags,
// parents and sizes, answers the calls that the driver makes and fails on command.
type fakeStorPool struct {
	mu        sync.Mutex
	Templates []string
	Objects   []*fakeObject
	Calls     []fakeCall
	Cluster   string
	// Fault decides on the n-th call (from 1) of a name; nil lets it happen.
	Fault func(call string, n int) *fakeFault
	count map[string]int
	next  int
}

func newFakeStorPool() *fakeStorPool {
	return &fakeStorPool{Templates: []string{"hdd", "ssd"}, Cluster: "a.b", count: map[string]int{}}
}

// made returns the calls so far and forgets them.
func (s *fakeStorPool) made() []fakeCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.Calls
	s.Calls = nil
	return out
}

// hit arms a fault for the n-th call from here, counted from 1, that changes something.
func (s *fakeStorPool) hit(n int, f func() *fakeFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Fault = func(call string, _ int) *fakeFault {
		reads := []string{"VolumesList", "SnapshotsList", "Volume", "Snapshot", "AttachmentsList", "VolumeTemplateDescribe"}
		if slices.Contains(reads, call) {
			return nil
		}
		if n--; n == 0 {
			return f()
		}
		return nil
	}
}

// names returns the global ids of all objects.
func (s *fakeStorPool) names() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.Objects {
		out = append(out, o.ID)
	}
	return out
}

// find returns an object by its API name, or nil.
func (s *fakeStorPool) find(name string, snapshot bool) *fakeObject {
	for _, o := range s.Objects {
		if ("~"+o.ID == name || o.Named != "" && o.Named == name) && o.Snapshot == snapshot {
			return o
		}
	}
	return nil
}

// add puts an object there and returns its global id.
func (s *fakeStorPool) add(o fakeObject) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(o)
}

func (s *fakeStorPool) put(o fakeObject) string {
	s.next++
	if o.ID == "" {
		o.ID = fmt.Sprintf("%s.%d", s.Cluster, s.next)
	}
	if o.Cluster == "" {
		o.Cluster = s.Cluster
	}
	tags := spapi.Tags{}
	for name, value := range o.Tags {
		if value != "" {
			tags[name] = value
		}
	}
	o.Tags = tags
	s.Objects = append(s.Objects, &o)
	return o.ID
}

// remove takes an object away behind the driver's back.
func (s *fakeStorPool) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Objects = slices.DeleteFunc(s.Objects, func(o *fakeObject) bool { return o.ID == id })
}

// RoundTrip answers a call.
func (s *fakeStorPool) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/ctrl/1.0/"), "MultiCluster/")
	name, arg, _ := strings.Cut(path, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Calls = append(s.Calls, fakeCall{path, string(body)})
	s.count[name]++
	var f *fakeFault
	if s.Fault != nil {
		f = s.Fault(name, s.count[name])
	}
	if f == nil {
		return s.respond(s.serve(name, arg, body)), nil
	}
	if f.Do {
		s.serve(name, arg, body)
	}
	switch {
	case f.Lost:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	case f.Refuse != "":
		return s.respond(refusal(f.Refuse, "as told")), nil
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(f.Body))}, nil
}

type fakeError struct {
	Name  string `json:"name"`
	Descr string `json:"descr"`
}

type fakeEnvelope struct {
	Data      any        `json:"data,omitempty"`
	Error     *fakeError `json:"error,omitempty"`
	ClusterID string     `json:"clusterId,omitempty"`
}

type fakeClusters struct {
	Clusters []fakeCluster `json:"clusters"`
}

type fakeCluster struct {
	ClusterID string       `json:"clusterId"`
	Response  fakeEnvelope `json:"response"`
}

func (s *fakeStorPool) respond(e fakeEnvelope) *http.Response {
	if e.ClusterID == "" {
		e.ClusterID = s.Cluster
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text))}
}

func refusal(name, descr string) fakeEnvelope { return fakeEnvelope{Error: &fakeError{name, descr}} }

func missing(what string) fakeEnvelope { return refusal(spapi.NameNotFound, what+" does not exist") }

// done is the answer to a change.
func done() fakeEnvelope { return fakeEnvelope{Data: map[string]bool{"ok": true}} }

func decode[T any](body []byte) (out T) {
	if err := json.Unmarshal(body, &out); err != nil {
		panic(err)
	}
	return out
}

func (s *fakeStorPool) serve(name, arg string, body []byte) fakeEnvelope {
	switch name {
	case "VolumeTemplateDescribe":
		if !slices.Contains(s.Templates, arg) {
			return missing("template " + arg)
		}
		return fakeEnvelope{Data: map[string]string{"name": arg}}
	case "AttachmentsList":
		return fakeEnvelope{Data: []spapi.Attachment{}}
	case "AllClusters": // one cluster, snapshots only
		return fakeEnvelope{Data: fakeClusters{Clusters: []fakeCluster{{ClusterID: s.Cluster, Response: s.list("", true)}}}}
	case "VolumesList", "Volume":
		return s.list(arg, false)
	case "SnapshotsList", "Snapshot":
		return s.list(arg, true)
	case "VolumeCreate":
		return s.volumeCreate(decode[spapi.VolumeCreate](body))
	case "VolumesReassign":
		for _, item := range decode[[]struct {
			Volume, Snapshot string
		}](body) {
			if item.Volume != "" && s.find(item.Volume, false) == nil || item.Volume == "" && s.find(item.Snapshot, true) == nil {
				return missing(item.Volume + item.Snapshot)
			}
		}
		return done()
	}
	if e, ok := s.serveFurther(name, arg, body); ok {
		return e
	}
	return s.change(name, arg, body)
}

// change serves the calls on one object.
func (s *fakeStorPool) change(name, arg string, body []byte) fakeEnvelope {
	o := s.find(arg, strings.HasPrefix(name, "Snapshot"))
	if o == nil {
		return missing(arg)
	}
	switch name {
	case "VolumeUpdate":
		r := decode[spapi.VolumeUpdate](body)
		o.update(r)
	case "VolumeSnapshot":
		r := decode[spapi.VolumeSnapshot](body)
		id := s.put(fakeObject{Snapshot: true, Size: o.Size, Parent: o.Parent, Template: o.Template, Tags: r.Tags, Cluster: o.Cluster})
		o.Parent = "~" + id
		return fakeEnvelope{Data: spapi.SnapshotCreated{SnapshotGlobalID: id}}
	case "VolumeRevert":
		r := decode[spapi.VolumeRevert](body)
		to := s.find(r.ToSnapshot, true)
		if to == nil {
			return missing(r.ToSnapshot)
		}
		if o.Parent = r.ToSnapshot; r.RevertSize {
			o.Size = to.Size
		}
	case "VolumeDelete", "SnapshotDelete":
		s.Objects = slices.DeleteFunc(s.Objects, func(x *fakeObject) bool { return x == o })
	case "SnapshotUpdate":
		return fakeEnvelope{Data: map[string]bool{"ok": true}, ClusterID: o.Cluster}
	default:
		return refusal("unknownQuery", name)
	}
	return done()
}

func (o *fakeObject) update(r spapi.VolumeUpdate) {
	if r.Rename != nil {
		o.Named = *r.Rename
	}
	if r.Size != 0 {
		o.Size = r.Size
	}
	if r.IOPS != nil {
		o.IOPS = r.IOPS
	}
	if r.Template != "" {
		o.Template = r.Template
	}
	for name, value := range r.Tags {
		if value == "" {
			delete(o.Tags, name)
		} else {
			o.Tags[name] = value
		}
	}
}

func (s *fakeStorPool) volumeCreate(r spapi.VolumeCreate) fakeEnvelope {
	if r.Parent != "" && s.find(r.Parent, true) == nil {
		return missing(r.Parent)
	}
	if r.Template != "" && !slices.Contains(s.Templates, r.Template) {
		return missing(r.Template)
	}
	if r.BaseOn != "" {
		from := s.find(r.BaseOn, false)
		if from == nil {
			return missing(r.BaseOn)
		}
		r.Size = from.Size
	}
	id := s.put(fakeObject{Size: r.Size, Parent: r.Parent, Template: r.Template, IOPS: r.IOPS, Tags: r.Tags})
	return fakeEnvelope{Data: spapi.VolumeCreated{Name: "~" + id, GlobalID: id}}
}

func (s *fakeStorPool) list(arg string, snapshots bool) fakeEnvelope {
	out := []spapi.Snapshot{}
	for _, o := range s.Objects {
		if o.Snapshot != snapshots || arg != "" && arg != "~"+o.ID && (o.Named == "" || arg != o.Named) {
			continue
		}
		v := spapi.Volume{
			Name: "~" + o.ID, GlobalID: o.ID, Size: o.Size, ParentName: o.Parent, TemplateName: o.Template, Tags: o.Tags, ClusterID: o.Cluster,
		}
		if o.IOPS != nil {
			v.IOPS = spapi.Limit{Value: *o.IOPS, Set: true}
		}
		v.CreatedAt = o.Made
		out = append(out, spapi.Snapshot{Volume: v, OnVolume: o.OnVolume, RecoveringFromRemote: o.Remote})
	}
	if arg != "" && len(out) == 0 {
		return missing(arg)
	}
	return fakeEnvelope{Data: out}
}
