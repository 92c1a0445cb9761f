package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
)

// Entry is one call as its caller saw it, without secrets.
type Entry struct {
	At     time.Time
	Caller string // a management server ("management" is the first) or a host's name
	// Call is "POST VolumeCreate" without the form (MultiCluster) and the argument, or "agent BackupSnapshot".
	Call    string
	Object  string // the argument of an API call, or the host of a command
	Address string // host:port of the StorPool that was called
	Multi   bool   // the API call was made under MultiCluster/
	Request string // JSON body, or the command
	Answer  string // JSON body, or the answer; empty when there was none
	Err     string // why there was no answer
}

func (e Entry) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Caller, e.Call, e.Object, e.Request))
}

// journal keeps what was asked, in order.
type journal struct {
	clock   clock.Clock
	secret  string
	mu      sync.Mutex
	entries []Entry
}

func (j *journal) add(e Entry) {
	e.At = j.clock.Now()
	for _, text := range []*string{&e.Request, &e.Answer, &e.Err} {
		if j.secret != "" {
			*text = strings.ReplaceAll(*text, j.secret, "***")
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, e)
}

func (j *journal) list() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Entry(nil), j.entries...)
}

func (j *journal) length() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.entries)
}

// since returns the entries from the n-th on.
func (j *journal) since(n int) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Entry(nil), j.entries[min(n, len(j.entries)):]...)
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = nil
}

// recorder is a transport that writes the journal.
type recorder struct {
	next    http.RoundTripper
	journal *journal
	caller  string
	at      func(caller, call, object string) // before each call, unless nil
}

const apiPrefix = "/ctrl/1.0/"

// RoundTrip passes the call on and notes it. Headers, where the token is, are not looked at.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := Entry{Caller: r.caller, Address: req.URL.Host}
	call := strings.TrimPrefix(req.URL.Path, apiPrefix)
	if rest, ok := strings.CutPrefix(call, "MultiCluster/"); ok {
		call, e.Multi = rest, true
	}
	call = strings.TrimPrefix(call, "AllClusters/")
	name, arg, _ := strings.Cut(call, "/")
	e.Call, e.Object = req.Method+" "+name, arg
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, errors.Join(err, req.Body.Close())
		}
		if err := req.Body.Close(); err != nil {
			return nil, err
		}
		e.Request = string(body)
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	if r.at != nil {
		r.at(e.Caller, e.Call, e.Object)
	}
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		e.Err = err.Error()
	} else if resp.Body != nil {
		var answer []byte
		answer, err = io.ReadAll(resp.Body)
		err = errors.Join(err, resp.Body.Close())
		resp.Body = io.NopCloser(bytes.NewReader(answer))
		e.Answer = string(answer)
	}
	r.journal.add(e)
	return resp, err
}

// agents reaches the fleet by rows of the inventory and writes the journal.
type agents struct {
	inv     *inventory.Store
	fleet   *agentsim.Fleet
	journal *journal
	caller  string
}

// Send executes a command on a host that the inventory knows. One that is marked Down is not asked.
func (a *agents) Send(ctx context.Context, host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
	var h inventory.Host
	err := a.inv.View(func(tx *inventory.Tx) (err error) {
		h, err = tx.Hosts.Must(host)
		return err
	})
	if err != nil {
		return nil, err
	}
	if h.State == inventory.HostDown {
		return nil, fmt.Errorf("host %s is down: %w", h.Name, agentsim.ErrUnreachable)
	}
	e := Entry{Caller: a.caller, Call: "agent " + cmd.Command(), Object: h.Name, Request: fmt.Sprintf("%+v", cmd)}
	ans, err := a.fleet.Send(ctx, h.UUID, cmd)
	switch {
	case err != nil:
		e.Err = err.Error()
	case ans == nil:
		e.Err = "no answer"
	default:
		e.Answer = fmt.Sprintf("%+v", *ans)
	}
	a.journal.add(e)
	return ans, err
}
