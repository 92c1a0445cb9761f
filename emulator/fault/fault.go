// Package fault holds rules that make a call go wrong: refuse it, delay it, lose its answer, cut the
// connection, hang. One [Rule] serves Go, HTTP and Gherkin; a [Set] is asked around every call of the
// emulator and around every step of an agent's command.
package fault

import (
	"encoding/json"
	"errors"
	"fmt"
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
	// Malformed makes the call and answers with something that is not JSON.
	Malformed Kind = "malformed"
)

// Effect is a kind with its particulars.
type Effect struct {
	Kind Kind `json:"kind"`
	// Error is the error name of refuse and transient; "busy" when empty.
	Error string `json:"error,omitempty"`
	// Descr is the text that goes with Error.
	Descr string `json:"descr,omitempty"`
	// Delay is the time of delay and late.
	Delay Duration `json:"delay,omitempty"`
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
	// Object is a name, ~globalId or tag=value of the object that the call addresses.
	Object string `json:"object,omitempty"`
	// Caller is the client or host that calls, as the transport knows it.
	Caller string `json:"caller,omitempty"`
	// Nth is the first matching call that goes wrong, counted from 1; 0 means 1.
	Nth int `json:"nth,omitempty"`
	// Times is how many calls go wrong from there on; 0 means 1, -1 all.
	Times  int    `json:"times,omitempty"`
	Effect Effect `json:"effect"`
}

// Call is one call as it happens.
type Call struct {
	Name string
	// Objects are all spellings of the addressed object: name, ~globalId, and tag=value pairs.
	Objects func() []string
	Caller  string
}

// Refusal is the error of a refused call.
type Refusal struct {
	Name      string
	Descr     string
	Transient bool
}

func (r *Refusal) Error() string { return r.Name + ": " + r.Descr }

var (
	// ErrConnectionLost stands for a connection that broke before the answer; transports turn it into their own kind of failure.
	ErrConnectionLost = errors.New("connection lost")
	// ErrMalformed stands for an answer that is not JSON.
	ErrMalformed = errors.New("malformed answer")
	// ErrRule is the reason of every refused rule.
	ErrRule = errors.New("fault rule refused")
)

// Check refuses a rule that makes no sense by itself; whether its call and caller exist is the owner's question.
func (r Rule) Check() error {
	if r.Call == "" {
		return fmt.Errorf("%w: it names no call", ErrRule)
	}
	if r.Nth < 0 || r.Times < -1 {
		return fmt.Errorf("%w: nth counts from 1, times is a count or -1 for all", ErrRule)
	}
	e := r.Effect
	switch e.Kind {
	case Delay, Late:
		if e.Delay <= 0 {
			return fmt.Errorf("%w: %s needs a delay", ErrRule, e.Kind)
		}
	case Refuse, Transient, Lose, Cut, Hang, Malformed:
		if e.Delay != 0 {
			return fmt.Errorf("%w: %s takes no delay", ErrRule, e.Kind)
		}
	default:
		return fmt.Errorf("%w: unknown effect %q: use refuse, transient, delay, lose, late, cut, hang or malformed", ErrRule, e.Kind)
	}
	if e.Error != "" && e.Kind != Refuse && e.Kind != Transient {
		return fmt.Errorf("%w: %s takes no error name", ErrRule, e.Kind)
	}
	return nil
}
