package secondary

import "os"

// OpenWrite opens a file that is there for reading and writing, as a disk of a guest, and gives its length in bytes.
func (d *Dir) OpenWrite(name string) (*os.File, int64, error) {
	return d.open(name, os.O_RDWR)
}
