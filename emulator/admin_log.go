package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/spsim/spsim/emulator/cluster"
)

// AdminCalls is a part of the call log.
type AdminCalls struct {
	// Calls are in the order in which they were answered.
	Calls []Call `json:"calls"`
	// Next is what to ask for after these: the number of calls that have been answered up to here.
	Next uint64 `json:"next"`
	// Missed is how many of the calls that were asked for the log no longer holds.
	Missed uint64 `json:"missed"`
}

// adminCalls serves the call log: all of it, what is behind a place, what one request id belongs to; or everything to
// come, a line each, for as long as the caller stays.
func (s *Server) adminCalls(w http.ResponseWriter, r *http.Request) {
	const all = 1 << 30
	after, err := countOf(r, "after", 0)
	if err != nil {
		s.adminFail(w, err)
		return
	}
	limit, err := countOf(r, "limit", all)
	if err != nil {
		s.adminFail(w, err)
		return
	}
	request := r.URL.Query().Get("request")
	if r.URL.Query().Get("follow") == "true" {
		s.follow(r.Context(), w, uint64(after), request)
		return
	}
	page := s.journal.since(uint64(after), int(min(limit, all)))
	page.Calls = ofRequest(page.Calls, request)
	s.adminSend(w, page)
}

// ofRequest keeps the calls of one request id, or all when it is empty.
func ofRequest(calls []Call, request string) []Call {
	if request == "" {
		return calls
	}
	return slices.DeleteFunc(calls, func(c Call) bool { return c.Request != request })
}

// follow sends each call as it is answered.
func (s *Server) follow(ctx context.Context, w http.ResponseWriter, after uint64, request string) {
	const few = 100
	out := http.NewResponseController(w)
	if _, ok := w.(*recorder); ok {
		s.adminFail(w, &cluster.Error{Name: NameNotSupported, Descr: "The log is followed over a socket only; ask for pages here"})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	lines := json.NewEncoder(w)
	for {
		page, changed := s.journal.await(after, few)
		after = page.Next
		for _, c := range ofRequest(page.Calls, request) {
			if lines.Encode(c) != nil {
				return // the caller has gone
			}
		}
		if out.Flush() != nil {
			return
		}
		if len(page.Calls) > 0 {
			continue
		}
		select { // not on the clock: a follower must not hold virtual time still, nor let it run
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// since returns up to limit calls that were answered after the first so many.
func (j *journal) since(after uint64, limit int) AdminCalls {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.page(after, limit)
}

// await is since; the channel is closed when there are more.
func (j *journal) await(after uint64, limit int) (AdminCalls, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return j.page(after, limit), j.changed
}

// page: the lock is held.
func (j *journal) page(after uint64, limit int) AdminCalls {
	after = min(after, j.added)
	first := j.added - uint64(len(j.ring)) // the place of the oldest call
	p := AdminCalls{Calls: []Call{}, Missed: max(first, after) - after}
	for at := max(first, after); at < j.added && len(p.Calls) < limit; at++ {
		p.Calls = append(p.Calls, j.ring[(j.next+int(at-first))%len(j.ring)])
		after = at + 1
	}
	p.Next = max(after, first)
	return p
}
