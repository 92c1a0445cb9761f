package steps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"

	"github.com/spsim/spsim/scenarios/world"
)

// proxy is a target whose answers can be meddled with on their way, for oddities that StorPool itself does not show.
type proxy struct {
	*world.Embedded

	mu   sync.Mutex
	dead string             // an address that answers nothing any more
	call string             // what is meddled with, once; empty for nothing
	edit func(answer) error // what is done to the answer's data
}

// answer is the data of an API answer, member by member.
type answer map[string]json.RawMessage

// oddities are the ways to meddle, by their words.
func oddities() map[string]struct {
	call string
	edit func(answer) error
} {
	type oddity = struct {
		call string
		edit func(answer) error
	}
	return map[string]oddity{
		"a new volume without a name":                                  {"VolumeCreate", without("name", "globalId")},
		"clusters without a response":                                  {"SnapshotsList", unanswered},
		"statistics without a response":                                {"VolumesSpace", unanswered},
		"template figures without a response":                          {"VolumeTemplatesStatus", unanswered},
		"locations, the first of them with a part of the cluster's id": {"LocationsList", elsewhere},
		"a group snapshot without its last member":                     {"VolumesGroupSnapshot", withoutLast},
		"services without clients":                                     {"ServicesList", without("clients")},
	}
}

func without(names ...string) func(answer) error {
	return func(a answer) error {
		for _, name := range names {
			delete(a, name)
		}
		return nil
	}
}

// unanswered takes the response of each cluster out of an answer under AllClusters.
func unanswered(a answer) error {
	var clusters []answer
	if err := json.Unmarshal(a["clusters"], &clusters); err != nil {
		return fmt.Errorf("answer of all clusters: %w", err)
	}
	for _, c := range clusters {
		delete(c, "response")
	}
	raw, err := json.Marshal(clusters)
	if err != nil {
		return fmt.Errorf("answer of all clusters: %w", err)
	}
	a["clusters"] = raw
	return nil
}

// withoutLast takes the last snapshot out of an answer.
func withoutLast(a answer) error {
	var members []json.RawMessage
	if err := json.Unmarshal(a["snapshots"], &members); err != nil {
		return fmt.Errorf("snapshots of a group: %w", err)
	}
	raw, err := json.Marshal(members[:max(0, len(members)-1)])
	if err != nil {
		return fmt.Errorf("snapshots of a group: %w", err)
	}
	a["snapshots"] = raw
	return nil
}

// elsewhere puts another location before all others.
func elsewhere(a answer) error {
	var locations []json.RawMessage
	if err := json.Unmarshal(a["locations"], &locations); err != nil {
		return fmt.Errorf("list of locations: %w", err)
	}
	odd := json.RawMessage(`{"id":"s","name":"elsewhere","sendBufferSize":0,"recvBufferSize":0}`)
	raw, err := json.Marshal(append([]json.RawMessage{odd}, locations...))
	if err != nil {
		return fmt.Errorf("list of locations: %w", err)
	}
	a["locations"] = raw
	return nil
}

// meddle arms an oddity; it happens to the next answer of its call.
func (p *proxy) meddle(words string) error {
	o, ok := oddities()[words]
	if !ok {
		return fmt.Errorf("no oddity %q", words)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.call, p.edit = o.call, o.edit
	return nil
}

// pending names the call that no oddity has happened to yet.
func (p *proxy) pending() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.call
}

// take hands out the edit for a path once.
func (p *proxy) take(path string) func(answer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.call == "" || !strings.Contains(path, "/"+p.call) {
		return nil
	}
	p.call = ""
	return p.edit
}

// kill makes an address refuse connections.
func (p *proxy) kill(hostPort string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = hostPort
}

func (p *proxy) isDead(hostPort string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead != "" && p.dead == hostPort
}

// Transport passes every call on and edits the answers that are due.
func (p *proxy) Transport(caller string) http.RoundTripper {
	return meddler{p, p.Embedded.Transport(caller)}
}

type meddler struct {
	proxy *proxy
	next  http.RoundTripper
}

// RoundTrip passes the call on.
func (m meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.proxy.isDead(r.URL.Host) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	resp, err := m.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	edit := m.proxy.take(r.URL.Path)
	if edit == nil {
		return resp, nil
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, err
	}
	if err := resp.Body.Close(); err != nil {
		return resp, err
	}
	if raw, err = edited(raw, edit); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	resp.Header.Del("Content-Length")
	return resp, nil
}

func edited(raw []byte, edit func(answer) error) ([]byte, error) {
	var envelope, data answer
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return nil, fmt.Errorf("meddle with an answer: %w", err)
	}
	if err := json.Unmarshal(envelope["data"], &data); err != nil {
		return nil, fmt.Errorf("meddle with an answer's data: %w", err)
	}
	if err := edit(data); err != nil {
		return nil, err
	}
	var err error
	if envelope["data"], err = json.Marshal(data); err != nil {
		return nil, fmt.Errorf("meddle with an answer's data: %w", err)
	}
	if raw, err = json.Marshal(envelope); err != nil {
		return nil, fmt.Errorf("meddle with an answer: %w", err)
	}
	return raw, nil
}
