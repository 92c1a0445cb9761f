package emulator

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// UnreadMember is a member of requests that no handler reads.
type UnreadMember struct {
	// Call is the operation as fault rules name it.
	Call string `json:"call"`
	// Member is the path without numbers, as in "reassign[].colour".
	Member string `json:"member"`
	// Known tells a member that the API has and the emulator ignores from one that the API does not have.
	Known bool `json:"known"`
}

// UnreadCount is how often a member came that no handler reads.
type UnreadCount struct {
	UnreadMember
	Count int64 `json:"count"`
}

// Unread counts the members of all requests so far that no handler reads, by call and member. Unlike [Server.Calls] it
// forgets none, but for members beyond the first thousand different ones.
func (s *Server) Unread() []UnreadCount { return s.journal.unreadCounts() }

// count adds what a call carried and nobody read; the caller holds the lock.
func (j *journal) count(c *Call) {
	if len(c.Unknown) == 0 && len(c.Ignored) == 0 {
		return
	}
	name, _, _ := strings.Cut(c.Query, "/{")
	call := c.Method + " " + name
	for _, path := range c.Unknown {
		j.countOne(UnreadMember{Call: call, Member: withoutNumbers(path)})
	}
	for _, path := range c.Ignored {
		j.countOne(UnreadMember{Call: call, Member: withoutNumbers(path), Known: true})
	}
}

func (j *journal) countOne(m UnreadMember) {
	const most = 1000
	if _, known := j.unread[m]; !known && len(j.unread) >= most {
		return
	}
	if j.unread == nil {
		j.unread = map[UnreadMember]int64{}
	}
	j.unread[m]++
}

func (j *journal) unreadCounts() []UnreadCount {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]UnreadCount, 0, len(j.unread))
	for m, n := range j.unread {
		all = append(all, UnreadCount{m, n})
	}
	slices.SortFunc(all, func(a, b UnreadCount) int {
		return cmp.Or(strings.Compare(a.Call, b.Call), strings.Compare(a.Member, b.Member))
	})
	return all
}

// withoutNumbers makes "reassign.0.colour" "reassign[].colour".
func withoutNumbers(path string) string {
	parts := strings.Split(path, ".")
	var out strings.Builder
	out.WriteString(parts[0])
	for _, p := range parts[1:] {
		if _, err := strconv.Atoi(p); err == nil {
			out.WriteString("[]")
		} else {
			out.WriteString("." + p)
		}
	}
	return out.String()
}
