// Package fault holds rules that make a call go wrong: refuse it, delay it, lose or spoil its answer, cut the
// connection, hang. One [Rule] serves Go, HTTP and Gherkin; a [Set] is asked around every call of the
// emulator and around every step of an agent's command.
package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is what happens to a call.
type Kind string

// The effects.
const (
	// Refuse answers with Effect.Error; the call is not made.
	Refuse Kind = "refuse"
	// Transient answers with Effect.Error marked as passing; the call is not made.
	Transient Kind = "transient"
	// Status answers with the HTTP status Effect.Status and a page that is no answer of the API, as a proxy does that
	// finds nobody behind it; the call is not made.
	Status Kind = "status"
	// Delay makes the call after Effect.Delay.
	Delay Kind = "delay"
	// Lose makes the call and drops its answer: the caller sees a lost connection.
	Lose Kind = "lose"
	// Late drops the connection and makes the call Effect.Delay after that.
	Late Kind = "late"
	// Cut drops the connection; the call is not made.
	Cut Kind = "cut"
	// Hang answers nothing until the caller gives up; the call is not made.
	Hang Kind = "hang"
	// Truncated makes the call and breaks the connection in the middle of its answer, after Effect.Keep bytes.
	Truncated Kind = "truncated"
	// Malformed makes the call and answers with something that is not JSON.
	Malformed Kind = "malformed"
)

// kinds lists the effects in words.
const kinds = "refuse, transient, status, delay, lose, late, cut, hang, truncated or malformed"

// Effect is a kind with its particulars.
type Effect struct {
	Kind Kind `json:"kind"`
	// Error is the error name of refuse and transient; "busy" when empty.
	Error string `json:"error,omitempty"`
	// Descr is the text that goes with Error.
	Descr string `json:"descr,omitempty"`
	// Status is the HTTP status of status, and of refuse and transient where it is not the usual one of the error.
	Status int `json:"status,omitempty"`
	// Delay is the time of delay and late.
	Delay Duration `json:"delay,omitempty"`
	// Jitter is the most that is added to Delay, each time another part of it, drawn from a seeded source.
	Jitter Duration `json:"jitter,omitempty"`
	// Keep is how many bytes of a truncated answer arrive; half of it when 0.
	Keep int `json:"keep,omitempty"`
}

// Duration is a time span that JSON writes as text ("1.5s").
type Duration time.Duration

// MarshalJSON writes the span as Go writes it.
func (d Duration) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(time.Duration(d).String())
	if err != nil {
		return nil, fmt.Errorf("encode delay: %w", err)
	}
	return text, nil
}

// UnmarshalJSON reads "1.5s".
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a delay is text like \"1.5s\": %w", err)
	}
	span, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("a delay is text like \"1.5s\": %w", err)
	}
	*d = Duration(span)
	return nil
}

// Rule says which call goes wrong and how. Empty members match everything.
type Rule struct {
	// Call is "POST VolumeCreate" (method and the catalogue's query without arguments) or a step of an agent's
	// command, "agent BackupSnapshot/convert".
	Call string `json:"call"`
	// Object is a name, ~globalId or tag=value of an object that the call addresses; * stands for any text in it and
	// ? for any one character.
	Object string `json:"object,omitempty"`
	// Tag is tag=value, with * and ? as in Object, for rules that ask for both.
	Tag string `json:"tag,omitempty"`
	// Client is the StorPool client (host id) that the call is about: the one that an attachment is changed of.
	Client int `json:"client,omitempty"`
	// Caller is the client or host that calls, as the transport knows it.
	Caller string `json:"caller,omitempty"`
	// Cluster is the name or the id of the cluster that serves the call, with or without a tilde.
	Cluster string `json:"cluster,omitempty"`
	// Nth is the first matching call that goes wrong, counted from 1; 0 means 1.
	Nth int `json:"nth,omitempty"`
	// Times is how many calls go wrong from there on; 0 means 1, -1 all.
	Times  int    `json:"times,omitempty"`
	Effect Effect `json:"effect"`
}

// Call is one call as it happens.
type Call struct {
	Name string
	// Objects are all spellings of the addressed objects: name, ~globalId, and tag=value pairs.
	Objects func() []string
	// Clients are the StorPool clients that the call is about; every one when all is true.
	Clients func() (ids []int, all bool)
	Caller  string
	// Cluster gives the id and the name of the cluster that serves the call.
	Cluster func() [2]string
}

// Refusal is the error of a refused call.
type Refusal struct {
	Name      string
	Descr     string
	Transient bool
	Status    int // HTTP, 0 for the usual one of the error
}

func (r *Refusal) Error() string { return r.Name + ": " + r.Descr }

// StatusError stands for an answer that has an HTTP status and nothing of the API.
type StatusError struct{ Code int }

func (e *StatusError) Error() string { return "HTTP status " + strconv.Itoa(e.Code) }

// Truncation comes beside the answer of a call whose answer breaks off after Keep bytes, or half-way when Keep is 0.
type Truncation struct {
	Keep int
	Err  error // of the call itself, which has been made
}

func (*Truncation) Error() string { return "truncated answer" }

// Unwrap is the error of the call itself, which may be nil.
func (t *Truncation) Unwrap() error { return t.Err }

var (
	// ErrConnectionLost stands for a connection that broke before the answer; transports turn it into their own kind of failure.
	ErrConnectionLost = errors.New("connection lost")
	// ErrMalformed stands for an answer that is not JSON.
	ErrMalformed = errors.New("malformed answer")
	// ErrRule is the reason of every refused rule.
	ErrRule = errors.New("fault rule refused")
)

// Check refuses a rule that makes no sense by itself; whether its call, caller, client and cluster exist is the
// owner's question.
func (r Rule) Check() error {
	switch {
	case r.Call == "":
		return fmt.Errorf("%w: it names no call", ErrRule)
	case r.Nth < 0 || r.Times < -1:
		return fmt.Errorf("%w: nth counts from 1, times is a count or -1 for all", ErrRule)
	case r.Client < 0:
		return fmt.Errorf("%w: a client id is above 0", ErrRule)
	case r.Tag != "" && !strings.Contains(r.Tag, "="):
		return fmt.Errorf("%w: a tag is written tag=value, with * for any value", ErrRule)
	}
	return r.Effect.check()
}

func (e *Effect) check() error {
	switch e.Kind {
	case Delay, Late:
		if e.Delay < 0 || e.Jitter < 0 || e.Delay+e.Jitter <= 0 {
			return fmt.Errorf("%w: %s needs a delay", ErrRule, e.Kind)
		}
	case Refuse, Transient, Status, Lose, Cut, Hang, Truncated, Malformed:
		if e.Delay != 0 || e.Jitter != 0 {
			return fmt.Errorf("%w: %s takes no delay", ErrRule, e.Kind)
		}
	default:
		return fmt.Errorf("%w: unknown effect %q: use %s", ErrRule, e.Kind, kinds)
	}
	refusal := e.Kind == Refuse || e.Kind == Transient
	switch {
	case !refusal && (e.Error != "" || e.Descr != ""):
		return fmt.Errorf("%w: %s takes no error name and no descr", ErrRule, e.Kind)
	case !refusal && e.Kind != Status && e.Status != 0:
		return fmt.Errorf("%w: %s takes no HTTP status", ErrRule, e.Kind)
	case e.Kind == Status && e.Status == 0:
		return fmt.Errorf("%w: status needs an HTTP status", ErrRule)
	case e.Status != 0 && (e.Status < minStatus || e.Status > maxStatus):
		return fmt.Errorf("%w: HTTP status %d is not in %d..%d", ErrRule, e.Status, minStatus, maxStatus)
	case e.Keep < 0 || e.Keep != 0 && e.Kind != Truncated:
		return fmt.Errorf("%w: keep is a number of bytes of a truncated answer", ErrRule)
	}
	return nil
}

// The final statuses of HTTP.
const (
	minStatus = 200
	maxStatus = 599
)
