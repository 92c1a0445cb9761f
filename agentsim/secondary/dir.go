package secondary

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir is the folder of one URI. All names are slash-separated and relative to it.
type Dir struct {
	uri       string
	root      *os.Root
	unflushed func(*Dir, string) // told of files that were finished without a flush
}

// Entry is a file with its length in bytes.
type Entry struct {
	Name string
	Size int64
}

// URI is what the folder was opened by.
func (d *Dir) URI() string { return d.uri }

// Close gives the folder back; the Dir is of no use after it.
func (d *Dir) Close() error { return d.root.Close() }

func (d *Dir) check(op, name string) error {
	err := checkName(name)
	if err == nil {
		err = noLinks(d.root, name)
	}
	if err != nil {
		return fmt.Errorf("%s %s/%s: %w", op, d.uri, name, err)
	}
	return nil
}

// Open opens a file for reading and gives its length in bytes.
func (d *Dir) Open(name string) (*os.File, int64, error) {
	return d.open(name, os.O_RDONLY)
}

func (d *Dir) open(name string, flag int) (*os.File, int64, error) {
	if err := d.check("open", name); err != nil {
		return nil, 0, err
	}
	f, err := d.root.OpenFile(name, flag, 0)
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

// ReadFile gives the contents of a file.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	if err := d.check("read", name); err != nil {
		return nil, err
	}
	return d.root.ReadFile(name)
}

// Size is the length of a file in bytes, 0 when there is none (agent 9.2 step 5).
func (d *Dir) Size(name string) (int64, error) {
	if err := d.check("stat", name); err != nil {
		return 0, err
	}
	st, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Mkdir makes a folder with its parents; one that is there is fine.
func (d *Dir) Mkdir(name string) error {
	if err := d.check("mkdir", name); err != nil {
		return err
	}
	return d.root.MkdirAll(name, 0o750)
}

// Remove deletes a file or an empty folder. What is not there is deleted already.
func (d *Dir) Remove(name string) error {
	if err := d.check("remove", name); err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s/%s: %w", d.uri, name, err)
	}
	return nil
}

// Files lists every file below the folder, unfinished ones too, in the order of their names. It follows no links, and
// goes by paths as it opens none of the files.
func (d *Dir) Files() ([]Entry, error) {
	var out []Entry
	top := d.root.Name()
	err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		out = append(out, Entry{Name: filepath.ToSlash(strings.TrimPrefix(name[len(top):], string(filepath.Separator))), Size: st.Size()})
		return nil
	})
	return out, err
}

// First is the first file right in the folder, by name, that ends in suffix; false when there is none.
func (d *Dir) First(suffix string) (string, bool, error) {
	all, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return "", false, err
	}
	for _, e := range all {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), suffix) && !strings.HasPrefix(e.Name(), temporary) {
			return e.Name(), true, nil
		}
	}
	return "", false, nil
}

// syncDir makes the names in a folder durable.
func (d *Dir) syncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
