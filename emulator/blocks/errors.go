package blocks

import (
	"errors"
	"fmt"
)

// Errors of images, for errors.Is.
var (
	// ErrOutOfRange: the access reaches beyond the image. The error is a [*RangeError].
	ErrOutOfRange = errors.New("out of range")
	// ErrFrozen: the image is a snapshot and cannot be changed.
	ErrFrozen = errors.New("image is frozen")
	// ErrNotFrozen: only a snapshot can be a parent.
	ErrNotFrozen = errors.New("image is not frozen")
	// ErrTwice: a group names an image twice.
	ErrTwice = errors.New("image is named twice")
	// ErrDeleted: the image has been deleted.
	ErrDeleted = errors.New("image is deleted")
	// ErrNotAncestor: an image can be rebased only to one of its ancestors.
	ErrNotAncestor = errors.New("image is not an ancestor")
)

// RangeError says which access was out of range; all figures in bytes.
type RangeError struct {
	Op   string
	Off  int64
	Len  int64
	Size int64 // of the image
}

// Error names the access and the size.
func (e *RangeError) Error() string {
	return fmt.Sprintf("%s of %d bytes at %d: %v: the image has %d bytes", e.Op, e.Len, e.Off, ErrOutOfRange, e.Size)
}

// Unwrap returns [ErrOutOfRange].
func (e *RangeError) Unwrap() error { return ErrOutOfRange }
