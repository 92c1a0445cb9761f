package emulator

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call is one call as the server saw it. It never holds a token, a passphrase or a CHAP secret.
type Call struct {
	// Seq counts the calls of a server from 1, in the order in which they arrived.
	Seq uint64 `json:"seq"`
	// Request is the id that the caller gave the request in its X-Request-Id header; the answer carries it as well.
	Request string `json:"request,omitempty"`
	// At is the arrival on the server's clock, Took the time until the answer was ready
	// (in JSON nanoseconds).
	At   time.Time     `json:"at"`
	Took time.Duration `json:"took"`
	// Method and Query are the operation as the catalogue spells it ("VolumeUpdate/{volumeName}"). Query is empty
	// when no operation has the path.
	Method string `json:"method"`
	Query  string `json:"query"`
	// Path is the escaped path as it came, prefixes included.
	Path string `json:"path"`
	// Args are the path arguments, unescaped, in the order of the query.
	Args []string `json:"args,omitempty"`
	// Body is the request body, or ?json= of a GET, with the values of secret members replaced by ***. What is
	// beyond 16 KiB is cut off.
	Body string `json:"body,omitempty"`
	// Caller is what the transport knows of the caller, see [Server.ClientFor].
	Caller string `json:"caller"`
	// Answer is the vendor's error name, "ok", "lost" when the caller got no answer, or what a fault rule made of it:
	// "malformed", "truncated", "status". Status is the HTTP status.
	Answer string `json:"answer"`
	Status int    `json:"status"`
	// Fault is the number of the fault rule that changed the call.
	Fault int `json:"fault,omitempty"`
	// Generation is that of the cluster when the answer was ready.
	Generation int64 `json:"generation"`
	// Unknown are request members that the operation does not know, Ignored those that it knows and that have no effect,
	// both as paths: "reassign.0.colour". [Server.Unread] counts them.
	Unknown []string `json:"unknown,omitempty"`
	Ignored []string `json:"ignored,omitempty"`
}

// What [Call.Answer] says of a call that no error name describes.
const (
	answerOK   = "ok"
	answerLost = "lost"
)

// journal keeps the last calls, oldest first.
type journal struct {
	mu     sync.Mutex
	unread map[UnreadMember]int64
	limit  int
	seq    uint64
	ring   []Call
	next   int // the place of the oldest call once the ring is full
	// added counts the calls that were kept, changed is closed at the next one; nil when nobody waits.
	added   uint64
	changed chan struct{}
}

// enter gives a call its number.
func (j *journal) enter() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seq++
	return j.seq
}

// add keeps a call, dropping the oldest one when the ring is full.
func (j *journal) add(c *Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count(c)
	if j.limit == 0 {
		return
	}
	j.added++
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
	if len(j.ring) < j.limit {
		j.ring = append(j.ring, *c)
		return
	}
	j.ring[j.next] = *c
	j.next = (j.next + 1) % j.limit
}

// calls returns the kept calls in the order of arrival.
func (j *journal) calls() []Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Call, 0, len(j.ring))
	out = append(out, j.ring[j.next:]...)
	out = append(out, j.ring[:j.next]...)
	slices.SortStableFunc(out, func(a, b Call) int {
		switch {
		case a.Seq < b.Seq:
			return -1
		case a.Seq > b.Seq:
			return 1
		default:
			return 0
		}
	})
	return out
}

// bodyText is what the journal keeps of a body.
func bodyText(body []byte) string {
	const most = 16 << 10
	text := redact(body)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// redact returns body with the values of secret members replaced. Text that is not JSON is dropped when it
// may hold a secret, since there is no telling where.
func redact(body []byte) string {
	text := string(body)
	if !mayHoldSecret(text) {
		return text
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return "***"
	}
	if inner, ok := v.(string); ok {
		return redact([]byte(inner))
	}
	clean, err := json.Marshal(withoutSecrets(v))
	if err != nil {
		return "***"
	}
	return string(clean)
}

// mayHoldSecret is the cheap question; withoutSecrets gives the exact answer.
func mayHoldSecret(text string) bool {
	for _, word := range [...]string{"secret", "passphrase", "password", "token"} {
		for i := 0; i+len(word) <= len(text); i++ {
			if text[i]|0x20 == word[0] && strings.EqualFold(text[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}

func withoutSecrets(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if mayHoldSecret(k) {
				v[k] = "***"
			} else {
				v[k] = withoutSecrets(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutSecrets(v[i])
		}
	}
	return v
}
