package secondary

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"sync"
)

// temporary begins the names of files that are not finished. No name of the layout begins so.
const temporary = ".part-"

// Write says how a file comes into being. The zero value is the right way; the others are what do.
type Write struct {
	InPlace   bool // write under the final name and leave what there is after a failure
	Unflushed bool // finish without making the file durable
}

// Output is a file being written.
type Output struct {
	*os.File
	dir  *Dir
	how  Write
	name string // final
	temp string // as long as it is not finished; the same as name when written in place

	mu   sync.Mutex
	done bool
}

// Create begins a file; folders above it are made. What was there under the name stays until Commit, unless written
// in place.
func (d *Dir) Create(name string, how Write) (*Output, error) {
	if err := d.check("create", name); err != nil {
		return nil, err
	}
	if up := path.Dir(name); up != "." {
		if err := d.root.MkdirAll(up, 0o750); err != nil {
			return nil, fmt.Errorf("create %s/%s: %w", d.uri, name, err)
		}
	}
	o := &Output{dir: d, how: how, name: name, temp: name}
	err := o.open()
	if err != nil {
		return nil, fmt.Errorf("create %s/%s: %w", d.uri, name, err)
	}
	return o, nil
}

func (o *Output) open() (err error) {
	if o.how.InPlace {
		o.File, err = o.dir.root.OpenFile(o.name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o640)
		return err
	}
	for n := 1; ; n++ {
		o.temp = path.Join(path.Dir(o.name), temporary+strconv.Itoa(n))
		o.File, err = o.dir.root.OpenFile(o.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
}

// Commit makes the file durable and gives it its name; after an error it is gone.
func (o *Output) Commit() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return ErrClosed
	}
	if err := o.commit(); err != nil {
		return errors.Join(fmt.Errorf("finish %s/%s: %w", o.dir.uri, o.name, err), o.discard())
	}
	o.done = true
	if o.how.Unflushed && o.dir.unflushed != nil {
		o.dir.unflushed(o.dir, o.name)
	}
	return nil
}

func (o *Output) commit() error {
	if !o.how.Unflushed {
		if err := o.Sync(); err != nil {
			return err
		}
	}
	if err := o.Close(); err != nil {
		return err
	}
	if o.temp != o.name {
		if err := o.dir.root.Rename(o.temp, o.name); err != nil {
			return err
		}
	}
	if o.how.Unflushed {
		return nil
	}
	return o.dir.syncDir(path.Dir(o.name))
}

// Discard drops the file, except one written in place, which stays as far as it got. After Commit it does nothing,
// so it can be deferred; another goroutine may call it while the file is written.
func (o *Output) Discard() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return nil
	}
	return o.discard()
}

func (o *Output) discard() error {
	o.done = true
	err := o.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if o.how.InPlace {
		return err
	}
	return errors.Join(err, o.dir.Remove(o.temp))
}
