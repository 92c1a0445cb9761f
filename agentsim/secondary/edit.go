package secondary

import (
	"errors"
	"fmt"
	"os"
)

// OpenWrite opens a file that is there for reading and writing, as a disk of a guest, and gives its length in bytes.
func (d *Dir) OpenWrite(name string) (*os.File, int64, error) {
	if err := d.check("open", name); err != nil {
		return nil, 0, err
	}
	f, err := d.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s/%s: %w", d.uri, name, err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("open %s/%s: %w: not a file", d.uri, name, ErrBadName)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, st.Size(), nil
}
