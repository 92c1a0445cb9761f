package mgmt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/inventory"
)

// Images is what CloudStack does by itself on secondary storage, without any host.
type Images struct {
	inv     *inventory.Store
	storage *secondary.Storage
}

// NewImages works on the exports in storage that the stores of inv name.
func NewImages(inv *inventory.Store, storage *secondary.Storage) *Images {
	return &Images{inv: inv, storage: storage}
}

// DeleteSnapshotFile removes the file behind a store record of role Image; a missing file is success.
func (i *Images) DeleteSnapshotFile(_ context.Context, ref inventory.SnapshotRef) error {
	return i.remove(ref.Store, ref.Path)
}

// DeleteTemplateFiles removes the folder ref.Path of a template with its files; a missing folder is success.
func (i *Images) DeleteTemplateFiles(_ context.Context, ref inventory.TemplateStore) error {
	return i.in(ref.Store, func(d *secondary.Dir) error {
		files, err := d.Files()
		errs := []error{err}
		for _, f := range files {
			if strings.HasPrefix(f.Name, ref.Path+"/") {
				errs = append(errs, d.Remove(f.Name))
			}
		}
		return errors.Join(append(errs, d.Remove(ref.Path))...)
	})
}

// remove deletes a file of a store and the folders that become empty.
func (i *Images) remove(store inventory.ID, path string) error {
	return i.in(store, func(d *secondary.Dir) error { return d.Remove(path) })
}

// size is the length of a file of a store in bytes.
func (i *Images) size(store inventory.ID, path string) (n int64, err error) {
	err = i.in(store, func(d *secondary.Dir) (err error) {
		n, err = d.Size(path)
		return err
	})
	return n, err
}

// in opens the folder of a store for f.
func (i *Images) in(store inventory.ID, f func(*secondary.Dir) error) (err error) {
	var st inventory.SecondaryStore
	err = i.inv.View(func(tx *inventory.Tx) (err error) {
		st, err = tx.SecondaryStores.Must(store)
		return err
	})
	if err != nil {
		return err
	}
	d, err := i.storage.Open(st.URL)
	if err != nil {
		return fmt.Errorf("secondary storage %d: %w", store, err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return f(d)
}
