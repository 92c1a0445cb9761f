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

// of returns the status of an error.
func (p StatusProfile) of(e *cluster.Error) int {
	base, exceptions, _ := strings.Cut(string(p), ",")
	name := string(e.Name)
	if e.Transient {
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
	if e.Transient {
		return http.StatusServiceUnavailable
	}
	switch e.Name {
	case cluster.InvalidParam:
		return http.StatusBadRequest
	case cluster.AccessDenied:
		return http.StatusUnauthorized
	case cluster.ObjectDoesNotExist, cluster.UnknownQuery:
		return http.StatusNotFound
	case cluster.ObjectExists, cluster.Busy:
		return http.StatusConflict
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

// brokeOff tells whether err leaves the caller without an answer: the connection is lost, or the caller is gone.
func brokeOff(ctx context.Context, err error) bool {
	return errors.Is(err, fault.ErrConnectionLost) || ctx.Err() != nil && err != nil
}
