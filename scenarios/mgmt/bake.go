package mgmt

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// CreateTemplateFromVolume makes a template of a volume that no running VM uses (E3: not of an encrypted one). A
// template that failed leaves nothing.
func (s *Server) CreateTemplateFromVolume(ctx context.Context, volume inventory.ID, name string) (inventory.Template, error) {
	v, unlock, err := s.lockVolume(ctx, volume)
	if err != nil {
		return inventory.Template{}, err
	}
	defer unlock()
	m, _ := s.vm(v.VM) // none when it is detached
	if reason := readRefusal(v, m); reason != "" {
		return inventory.Template{}, &Refused{"createTemplate", fmt.Sprintf("volume %d", volume), reason}
	}
	src := driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: v.Pool}
	return s.bake(name, v, v.Size, func(dst driver.Object) (driver.Result, error) { return s.driver.CopyAsync(ctx, src, dst) })
}

// CreateTemplateFromSnapshot makes a template of a snapshot: by the plugin's strategy when it has a record on StorPool,
// else of its backup.
func (s *Server) CreateTemplateFromSnapshot(ctx context.Context, snapshot inventory.ID, name string) (inventory.Template, error) {
	sn, err := s.snapshot(snapshot)
	if err != nil {
		return inventory.Template{}, err
	}
	_, unlock, err := s.lockVolume(ctx, sn.Volume)
	if err != nil {
		return inventory.Template{}, err
	}
	defer unlock()
	refuse := func(reason string) (inventory.Template, error) {
		return inventory.Template{}, &Refused{"createTemplate", fmt.Sprintf("snapshot %d", snapshot), reason}
	}
	if sn, err = s.snapshot(snapshot); err != nil {
		return inventory.Template{}, err
	}
	var ref inventory.SnapshotRef
	var v inventory.Volume
	found := false
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		ref, found = chooseRecord(tx, sn.ID)
		v, _ = tx.Volumes.Get(sn.Volume)
		return nil
	})
	switch {
	case sn.State != inventory.SnapshotBackedUp:
		return refuse("the snapshot is " + string(sn.State))
	case v.Encrypted():
		return refuse("the volume of the snapshot is encrypted")
	case !found:
		return refuse("no store has the snapshot")
	}
	src := driver.Object{Kind: driver.SnapshotObject, ID: sn.ID, Role: ref.Role, Store: ref.Store}
	return s.bake(name, v, sn.Size, func(dst driver.Object) (driver.Result, error) {
		if s.driver.CanHandleTemplate(src, dst) {
			return s.driver.TemplateFromSnapshot(ctx, src, dst)
		}
		if src.Role != inventory.Image {
			return driver.Result{}, errors.New("no strategy makes a template of the snapshot")
		}
		return s.convertBackup(ctx, ref, dst)
	})
}

// convertBackup is core's own strategy: the backup of a snapshot becomes the image of a template. StorPool has nothing to
// do with it (row 12, bypass off).
func (s *Server) convertBackup(ctx context.Context, backup inventory.SnapshotRef, dst driver.Object) (r driver.Result, err error) {
	t, err := s.template(dst.ID)
	if err != nil {
		return r, err
	}
	dir := secondary.TemplateDir(account, fmt.Sprint(t.ID))
	info := secondary.TemplateInfo{UniqueName: t.Unique, Filename: t.UUID + ".qcow2"}
	r = driver.Result{Path: path.Join(dir, info.Filename), Format: string(agentapi.QCOW2)}
	err = s.images.in(backup.Store, func(from *secondary.Dir) error {
		return s.images.in(dst.Store, func(to *secondary.Dir) (err error) {
			if info.VirtualSize, err = convert(ctx, from, backup.Path, to, r.Path); err != nil {
				return err
			}
			if info.Size, err = to.Size(r.Path); err != nil {
				return err
			}
			if err := to.WriteTemplateName(dir, info); err != nil {
				return err
			}
			return to.WriteTemplateInfo(dir, info, s.clock.Now())
		})
	})
	if err != nil {
		gone := s.images.DeleteTemplateFiles(ctx, inventory.TemplateStore{Store: dst.Store, Path: dir})
		return r, errors.Join(fmt.Errorf("convert the backup %s: %w", backup.Path, err), gone)
	}
	r.Size, r.PhysicalSize = info.VirtualSize, info.Size
	return r, nil
}

// convert copies a qcow2 image from one store to another, and gives its virtual size.
func convert(ctx context.Context, from *secondary.Dir, source string, to *secondary.Dir, name string) (size int64, err error) {
	f, length, err := from.Open(source)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	src, err := image.OpenReader(f, length, image.Qcow2)
	if err != nil {
		return 0, err
	}
	out, err := to.Create(name, secondary.Write{Unflushed: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Discard()) }()
	dst, err := image.Create(out, image.Qcow2, src.Size(), image.Options{})
	if err != nil {
		return 0, err
	}
	if _, err := image.Convert(ctx, dst, src, nil); err != nil {
		return 0, err
	}
	return src.Size(), out.Commit()
}

// bake records a template of a volume or of its snapshot, has it made, and ends the records by what came of it.
func (s *Server) bake(name string, v inventory.Volume, size int64, write func(driver.Object) (driver.Result, error)) (inventory.Template, error) {
	t, ref, err := s.recordBake(name, v.Zone)
	if err != nil {
		return t, err
	}
	left := stray{"template", ref.Store, secondary.TemplateDir(account, fmt.Sprint(t.ID))}
	if err := s.noteStray(v.ID, left); err != nil {
		return t, err
	}
	r, err := write(driver.Object{Kind: driver.TemplateObject, ID: t.ID, Role: inventory.Image, Store: ref.Store})
	if err != nil {
		err = fmt.Errorf("make template %q: %w", name, err)
		return t, errors.Join(s.failedStray(v.ID, left, err), s.update(func(tx *inventory.Tx) error {
			dropTemplate(tx, t.ID)
			return nil
		}))
	}
	err = s.update(func(tx *inventory.Tx) error {
		if t.Size = r.Size; t.Size == 0 {
			t.Size = size
		}
		t = tx.Templates.Put(t)
		return tx.TemplateStores.Change(ref.ID, func(st *inventory.TemplateStore) {
			st.State, st.Path, st.Size, st.PhysicalSize = inventory.RefReady, r.Path, t.Size, r.PhysicalSize
		})
	})
	return t, errors.Join(err, s.keepStray(v.ID, left))
}

// removeBake removes the folder of a template that was not made. One that was made before the server died stays.
func (s *Server) removeBake(ctx context.Context, f stray) error {
	made := false
	err := s.inv.View(func(tx *inventory.Tx) error {
		_, made = tx.TemplateStores.Find(func(st inventory.TemplateStore) bool {
			return st.Store == f.store && st.State == inventory.RefReady && path.Dir(st.Path) == f.path
		})
		return nil
	})
	if err != nil || made {
		return err
	}
	return s.images.DeleteTemplateFiles(ctx, inventory.TemplateStore{Store: f.store, Path: f.path})
}

func (s *Server) recordBake(name string, zone inventory.ID) (t inventory.Template, ref inventory.TemplateStore, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		st, ok := tx.SecondaryStores.Find(func(st inventory.SecondaryStore) bool { return st.Zone == zone })
		if !ok {
			return fmt.Errorf("zone %d has no secondary storage", zone)
		}
		id := s.newID()
		t = tx.Templates.Put(inventory.Template{UUID: id, Name: name, Unique: "2-" + id, Zone: zone, Format: "QCOW2"})
		ref = tx.TemplateStores.Put(inventory.TemplateStore{Template: t.ID, Store: st.ID, State: inventory.RefCreating})
		return nil
	})
	return t, ref, err
}

// dropTemplate removes the rows of a template that was not made. Those that name a base snapshot stay for the collector.
func dropTemplate(tx *inventory.Tx, id inventory.ID) {
	kept := false
	for _, st := range tx.TemplateStores.All(func(st inventory.TemplateStore) bool { return st.Template == id }) {
		if st.LocalPath != "" {
			kept = true
			st.State = inventory.RefDestroyed
			tx.TemplateStores.Put(st)
			continue
		}
		tx.TemplateStores.Delete(st.ID)
	}
	if t, ok := tx.Templates.Get(id); ok && kept {
		t.Removed = true
		tx.Templates.Put(t)
		return
	}
	tx.Templates.Delete(id) // core keeps the details of a template that is gone
}

// recoverBakes removes templates that were being made when the server died; one that the driver finished stays.
func (s *Server) recoverBakes() error {
	return s.update(func(tx *inventory.Tx) error {
		for _, st := range tx.TemplateStores.All(nil) {
			if st.State != inventory.RefReady && st.State != inventory.RefDestroyed {
				dropTemplate(tx, st.Template)
			}
		}
		return nil
	})
}
