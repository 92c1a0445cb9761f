package luks

import (
	"errors"
	"fmt"
)

// Reasons why a container is refused. Compare with [errors.Is].
var (
	ErrNotLUKS     = errors.New("not a LUKS container")
	ErrVersion     = errors.New("not LUKS version 1")
	ErrUnsupported = errors.New("LUKS1 feature that is not supported")
	ErrCorrupt     = errors.New("LUKS header is damaged")
	ErrTruncated   = errors.New("device is shorter than its LUKS header says")
	ErrLimit       = errors.New("LUKS header asks for more than is allowed")
	ErrNoKeySlot   = errors.New("no active key slot")
	// ErrPassphrase is also the answer when key material, a salt or the digest is damaged: LUKS1 cannot tell these apart.
	ErrPassphrase  = errors.New("no key slot opens with this passphrase")
	ErrTooSmall    = errors.New("device is too small for a LUKS container")
	ErrReadOnly    = errors.New("container can only be read")
	ErrClosed      = errors.New("container is closed")
	ErrBadArgument = errors.New("argument out of range")
)

// Error says what was being done and what prevented it. It unwraps to one of the reasons of this package, or to the
// error of the device below. It never carries a passphrase or a key.
type Error struct {
	Op     string // what was being done: "open LUKS", "write"
	Reason error
	Detail string // the field and its value, or what of the device was read or written
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
