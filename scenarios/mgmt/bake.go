package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
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
	if reason := bakeRefusal(v, m); reason != "" {
		return inventory.Template{}, &Refused{"createTemplate", fmt.Sprintf("volume %d", volume), reason}
	}
	src := driver.Object{Kind: driver.VolumeObject, ID: v.ID, Role: inventory.Primary, Store: v.Pool}
	return s.bake(name, v.Zone, v.Size, func(dst driver.Object) (driver.Result, error) { return s.driver.CopyAsync(ctx, src, dst) })
}

// bakeRefusal is core's reason to refuse a template of a volume, or empty.
func bakeRefusal(v inventory.Volume, m inventory.VM) string {
	switch {
	case v.State != inventory.VolumeReady:
		return "the volume is " + string(v.State)
	case v.Encrypted():
		return "the volume is encrypted"
	case v.VM != 0 && m.State != inventory.VMStopped:
		return "the VM is " + string(m.State)
	}
	return ""
}

// CreateTemplateFromSnapshot makes a template of a snapshot that is on primary storage, by the plugin's strategy.
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
	return s.bake(name, sn.Zone, sn.Size, func(dst driver.Object) (driver.Result, error) {
		if !s.driver.CanHandleTemplate(src, dst) {
			return driver.Result{}, errors.New("no strategy makes a template of a snapshot on secondary storage here")
		}
		return s.driver.TemplateFromSnapshot(ctx, src, dst)
	})
}

// bake records a template, has it made, and ends the records by what came of it.
func (s *Server) bake(name string, zone inventory.ID, size int64, write func(driver.Object) (driver.Result, error)) (inventory.Template, error) {
	t, ref, err := s.recordBake(name, zone)
	if err != nil {
		return t, err
	}
	r, err := write(driver.Object{Kind: driver.TemplateObject, ID: t.ID, Role: inventory.Image, Store: ref.Store})
	if err != nil {
		return t, errors.Join(fmt.Errorf("make template %q: %w", name, err), s.update(func(tx *inventory.Tx) error {
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
	return t, err
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
	tx.Templates.Delete(id)
	tx.Details.Clear(inventory.Owner{Kind: inventory.OfTemplate, ID: id})
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
