package cluster

import (
	"errors"
	"fmt"
)

// ErrorName is a StorPool error name. It is an error itself, so that
// errors.Is(err, cluster.ObjectDoesNotExist) holds for every [Error] of that name.
type ErrorName string

// Error names, storpool-api 3.
const (
	// ObjectDoesNotExist: an addressed or referenced object is unknown.
	ObjectDoesNotExist ErrorName = "objectDoesNotExist"
	// ObjectExists: the name is taken; volumes and snapshots share one namespace.
	ObjectExists ErrorName = "objectExists"
	// InvalidParam: a malformed or inapplicable value.
	InvalidParam ErrorName = "invalidParam"
	// Busy: the object is attached, open or in use.
	Busy ErrorName = "busy"
	// InsufficientResources: the cluster cannot hold what was asked for.
	InsufficientResources ErrorName = "insufficientResources"
	// RunIfVersionIsMismatch: a key-value bucket has another version.
	RunIfVersionIsMismatch ErrorName = "runIfVersionIsMismatch"
	// UnknownQuery: the call itself is unknown (inferred, storpool-api 2.3).
	UnknownQuery ErrorName = "unknownQuery"
	// AccessDenied: the token is wrong (inferred, storpool-api 2.3).
	AccessDenied ErrorName = "accessDenied"
	// Unreachable: another cluster that the call needs is cut off; transient (inferred).
	Unreachable ErrorName = "clusterUnreachable"
	// ClusterDown: the cluster has no quorum (inferred, storpool-api 3).
	ClusterDown ErrorName = "clusterDown"
	// Timeout: the change was made, but clients did not apply it in time (inferred, storpool-api 7.2).
	Timeout ErrorName = "timeout"
)

// Error returns the name.
func (n ErrorName) Error() string { return string(n) }

// NoSuchClient is the exact descr with which a reassign refuses an unknown client (storpool-api 3).
const NoSuchClient = "No such client registered"

// Error is a refusal in StorPool's terms. A refused call has changed nothing, but for [Timeout].
type Error struct {
	Name      ErrorName
	Descr     string
	Transient bool // the caller may try again later
}

// Error returns "name: descr".
func (e *Error) Error() string { return string(e.Name) + ": " + e.Descr }

// Unwrap returns the name, for errors.Is.
func (e *Error) Unwrap() error { return e.Name }

// Errors of a [Device].
var (
	// ErrDetached: the client has lost the attachment that the device was opened on.
	ErrDetached = errors.New("device is detached")
	// ErrReadOnly: the attachment does not permit writing.
	ErrReadOnly = errors.New("device is read-only")
	// ErrClosed: the device was closed.
	ErrClosed = errors.New("device is closed")
	// ErrClientDead: the host of the device is dead.
	ErrClientDead = errors.New("client is dead")
	// ErrUnavailable: the cluster cannot serve the data: no quorum, or no disk that holds it is up. A real client
	// waits instead.
	ErrUnavailable = errors.New("data is unavailable")
	// ErrNoSpace: the disks have no room left. A real client waits instead.
	ErrNoSpace = errors.New("no space left on the disks")
)

func refuse(name ErrorName, format string, args ...any) *Error {
	return &Error{Name: name, Descr: fmt.Sprintf(format, args...)}
}

func missing(kind, name string) *Error {
	return refuse(ObjectDoesNotExist, "%s '%s' does not exist", kind, name)
}
