package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// Error names of the server itself; real clusters have no need for them.
const (
	// NameNotSupported answers a call of the catalogue that is not emulated; the text tells why.
	NameNotSupported cluster.ErrorName = "notSupported"
	// NameInternal answers a defect of the emulator itself.
	NameInternal cluster.ErrorName = "internalError"
	// NameReadOnly answers a write over the admin API through an attachment that does not permit it.
	NameReadOnly cluster.ErrorName = "readOnly"
	// NameDetached answers an access over the admin API to what the client has not, or no longer, attached.
	NameDetached cluster.ErrorName = "detached"
)

// StatusProfile decides the HTTP status of an error, which no public source fixes (storpool-api 2.3): byName or
// always500, then exceptions for single error names, as in "byName,busy=423,transient=500". The word transient stands for
// every error that is marked so.
type StatusProfile string

const (
	// StatusByName gives each error name the status that fits it. It is the default.
	StatusByName StatusProfile = "byName"
	// StatusAlways500 gives every error status 500.
	StatusAlways500 StatusProfile = "always500"
)

// check says what is wrong with a profile.
func (p StatusProfile) check() error {
	base, exceptions, more := strings.Cut(string(p), ",")
	if b := StatusProfile(base); b != StatusByName && b != StatusAlways500 {
		return fmt.Errorf("unknown status profile %q: use %s or %s", base, StatusByName, StatusAlways500)
	}
	if !more {
		return nil
	}
	const first, last = 200, 599
	for one := range strings.SplitSeq(exceptions, ",") {
		name, status, _ := strings.Cut(one, "=")
		if n, err := strconv.Atoi(status); err != nil || name == "" || n < first || n > last {
			return fmt.Errorf("status profile: %q is not of the form NAME=STATUS, with %d to %d", one, first, last)
		}
	}
	return nil
}

// Of returns the HTTP status of an error by its name, and by whether it is marked as passing.
func (p StatusProfile) Of(called cluster.ErrorName, transient bool) int {
	base, exceptions, _ := strings.Cut(string(p), ",")
	name := string(called)
	if transient {
		name = "transient"
	}
	for one := range strings.SplitSeq(exceptions, ",") {
		if status, ok := strings.CutPrefix(one, name+"="); ok {
			n, _ := strconv.Atoi(status) // check has seen it
			return n
		}
	}
	if StatusProfile(base) == StatusAlways500 {
		return http.StatusInternalServerError
	}
	if transient {
		return http.StatusServiceUnavailable
	}
	switch called {
	case cluster.InvalidParam:
		return http.StatusBadRequest
	case cluster.AccessDenied:
		return http.StatusUnauthorized
	case cluster.ObjectDoesNotExist, cluster.UnknownQuery:
		return http.StatusNotFound
	case cluster.ObjectExists, cluster.Busy, NameDetached:
		return http.StatusConflict
	case NameReadOnly:
		return http.StatusForbidden
	case NameNotSupported:
		return http.StatusNotImplemented
	case cluster.InsufficientResources:
		return http.StatusInsufficientStorage
	case cluster.Timeout:
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}

// vendorError turns what a handler or a fault rule returned into StorPool's error.
func vendorError(err error) *cluster.Error {
	var e *cluster.Error
	if errors.As(err, &e) {
		return e
	}
	var r *fault.Refusal
	if errors.As(err, &r) {
		return &cluster.Error{Name: cluster.ErrorName(r.Name), Descr: r.Descr, Transient: r.Transient}
	}
	return &cluster.Error{Name: NameInternal, Descr: err.Error()}
}

// statusOf is the HTTP status of an error: what its fault rule says, else what the profile gives the error.
func (s *Server) statusOf(err error, vendor *cluster.Error) int {
	var r *fault.Refusal
	if errors.As(err, &r) && r.Status != 0 {
		return r.Status
	}
	return s.cfg.status.Of(vendor.Name, vendor.Transient)
}

// noAnswer tells whether err stands for something that is no answer of the API.
func noAnswer(ctx context.Context, err error) bool {
	var bare *fault.StatusError
	return errors.Is(err, fault.ErrMalformed) || errors.As(err, &bare) || brokeOff(ctx, err)
}

// brokeOff tells whether err leaves the caller without an answer: the connection is lost, or the caller is gone.
func brokeOff(ctx context.Context, err error) bool {
	return errors.Is(err, fault.ErrConnectionLost) || ctx.Err() != nil && err != nil
}
