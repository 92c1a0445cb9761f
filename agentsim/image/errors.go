package image

import (
	"errors"
	"fmt"
)

// Reasons why an image is refused. Compare with [errors.Is].
var (
	ErrNotQcow2     = errors.New("not a qcow2 image")
	ErrVersion      = errors.New("unknown qcow2 version")
	ErrCorrupt      = errors.New("image is corrupt")
	ErrTruncated    = errors.New("image is shorter than its tables say")
	ErrBackingFile  = errors.New("image has a backing file")
	ErrNotEncrypted = errors.New("image is not encrypted")
	ErrEncrypted    = errors.New("image is encrypted")
	ErrDataFile     = errors.New("image keeps its data in another file")
	ErrFeature      = errors.New("image uses an incompatible feature that is not supported")
	ErrReadOnly     = errors.New("image can only be read")
	ErrTooLarge     = errors.New("size is beyond the limit")
	ErrTooSmall     = errors.New("target is smaller than the source and cannot grow")
	ErrBadArgument  = errors.New("argument out of range")
)

// Error says what was being done and what about the image prevented it. It unwraps to one of the reasons of this
// package.
type Error struct {
	Op     string // what was being done: "open qcow2", "write"
	Reason error  // one of the Err values
	Detail string // the field and its value
}

// Error gives operation, reason and detail in one line.
func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Reason)
	}
	return fmt.Sprintf("%s: %v: %s", e.Op, e.Reason, e.Detail)
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Reason }

func fail(op string, reason error, format string, args ...any) error {
	return &Error{Op: op, Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
