package image

import (
	"errors"
	"os"
	"syscall"
)

const (
	seekData = 3 // lseek(2)
	seekHole = 4
)

// fileData asks the file system for the next range with data at or after off. A file system that cannot tell
// answers that all is data.
func fileData(f *os.File, off, size int64) (from, to int64, err error) {
	from, err = f.Seek(off, seekData)
	switch {
	case errors.Is(err, syscall.ENXIO):
		return size, size, nil
	case err != nil:
		return off, size, nil //nolint:nilerr // no hole information is not an error
	}
	to, err = f.Seek(from, seekHole)
	if err != nil {
		to = size
	}
	return min(from, size), min(to, size), nil
}
