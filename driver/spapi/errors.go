package spapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Names of errors (storpool-api 3). No public source lists all of them.
const (
	NameNotFound     = "objectDoesNotExist"
	NameExists       = "objectExists"
	NameInvalid      = "invalidParam"
	NameBusy         = "busy"
	NameInsufficient = "insufficientResources"
)

// Targets for [errors.Is]. Each matches every [*Error] of its name; ErrExported matches by text, since no name is known.
var (
	ErrNotFound     error = &Error{Name: NameNotFound}
	ErrExists       error = &Error{Name: NameExists}
	ErrInvalid      error = &Error{Name: NameInvalid}
	ErrBusy         error = &Error{Name: NameBusy}
	ErrInsufficient error = &Error{Name: NameInsufficient}
	ErrExported           = errors.New("still exported")
)

// Error is a refusal by StorPool: nothing was changed, unless Doubt.
type Error struct {
	Name      string
	Descr     string
	Transient bool   // try again later
	Call      string // VolumeCreate
	Object    string // name or ~globalId in the path; empty when the call has none
	Status    int    // HTTP status; StorPool's meaning is in Name
	Doubt     bool   // an earlier attempt of the same call went unanswered: it may have been executed
}

// Error gives StorPool's "name: descr" behind the call and its object.
func (e *Error) Error() string {
	return where(e.Call, e.Object) + e.Text()
}

// Text is the error as StorPool words it: "name: descr".
func (e *Error) Text() string { return e.Name + ": " + e.Descr }

// Is makes errors of one name equal, so that errors.Is(err, ErrNotFound) works.
func (e *Error) Is(target error) bool {
	if target == ErrExported {
		return strings.Contains(e.Descr, ErrExported.Error())
	}
	t, ok := target.(*Error)
	return ok && t.Name == e.Name && t.Call == "" && t.Descr == ""
}

// TransportError is a call without an answer.
type TransportError struct {
	Call   string
	Object string
	// MayHaveRun tells that the request may have been executed, or may yet be.
	MayHaveRun bool
	// Timeout tells that the time for one attempt was up, or that the caller gave up.
	Timeout bool
	Err     error
}

func (e *TransportError) Error() string {
	fate := "not executed"
	if e.MayHaveRun {
		fate = "perhaps executed"
	}
	return fmt.Sprintf("%sno answer (%s): %v", where(e.Call, e.Object), fate, e.Err)
}

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// AnswerError is an answer that StorPool does not give: the request may have been executed.
type AnswerError struct {
	Call   string
	Object string
	Status int
	Err    error
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("%sunusable answer with status %d: %v", where(e.Call, e.Object), e.Status, e.Err)
}

// Unwrap returns the cause.
func (e *AnswerError) Unwrap() error { return e.Err }

func where(name, object string) string {
	switch {
	case name == "":
		return ""
	case object == "":
		return name + ": "
	}
	return name + " " + object + ": "
}

// broken wraps a failure of the transport.
func (q call) broken(ctx context.Context, err error, mayHaveRun bool) error {
	return &TransportError{
		Call: q.name, Object: q.arg, MayHaveRun: mayHaveRun,
		Timeout: ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded), Err: err,
	}
}

// neverSent tells whether the request cannot have reached StorPool.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// MayHaveRun tells whether the call that ended with err may have been executed, or may yet be.
func MayHaveRun(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Doubt
	}
	var lost *TransportError
	if errors.As(err, &lost) {
		return lost.MayHaveRun
	}
	var odd *AnswerError
	return errors.As(err, &odd)
}
