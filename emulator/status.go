package emulator

import (
	"context"
	"errors"
	"net/http"

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

// StatusProfile decides the HTTP status of an error, which no public source fixes (storpool-api 2.3).
type StatusProfile string

const (
	// StatusByName gives each error name the status that fits it. It is the default.
	StatusByName StatusProfile = "byName"
	// StatusAlways500 gives every error status 500.
	StatusAlways500 StatusProfile = "always500"
)

// of returns the status of an error.
func (p StatusProfile) of(e *cluster.Error) int {
	if p == StatusAlways500 {
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
