package luks

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// maxLayers is where counting ends; nothing real has more than two.
const maxLayers = 4

// Detect tells whether a device begins like a LUKS container of any version. It is for judges: nothing may be decided by
// what a guest could have written (agent 16, A-3).
func Detect(r io.ReaderAt) (bool, error) {
	b := make([]byte, len(magic()))
	err := readFull(r, b, 0)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	if err != nil {
		return false, &Error{Op: "detect LUKS", Reason: err}
	}
	return bytes.Equal(b, magic()), nil
}

// Unwrap opens containers that lie in one another with the same passphrase (agent 13) until the contents are none, and gives the
// innermost, read only, with their number. Without a container both are zero and there is no error. When something
// begins like a container and does not open, the error says why, and the result is what had opened until there.
func Unwrap(ctx context.Context, r io.ReaderAt, size int64, passphrase []byte, o Options) (*Container, int, error) {
	var inner *Container
	for layers := 0; ; layers++ {
		found, err := Detect(r)
		if err != nil || !found {
			return inner, layers, err
		}
		if layers == maxLayers {
			return inner, layers, fail("unwrap LUKS", ErrLimit, "more than %d layers", maxLayers)
		}
		c, err := OpenReader(ctx, r, size, passphrase, o)
		if err != nil {
			return inner, layers, err
		}
		inner, r, size = c, c, c.Size()
	}
}

// Layers counts the containers that lie in one another and open with the passphrase; see [Unwrap]. An encrypted volume
// has exactly one.
func Layers(ctx context.Context, r io.ReaderAt, size int64, passphrase []byte, o Options) (int, error) {
	_, n, err := Unwrap(ctx, r, size, passphrase, o)
	return n, err
}
