package mgmt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// TemplateSpec asks for a template.
type TemplateSpec struct {
	Name   string
	Zone   inventory.ID
	Format agentapi.Format // QCOW2 or RAW; QCOW2 when empty
	Size   int64           // virtual size in bytes
	// Write fills the image; nil leaves it empty.
	Write func(io.WriterAt) error
}

// RegisterTemplate puts an image onto every secondary store of the zone and records the template, ready to deploy
// from.
func (s *Server) RegisterTemplate(_ context.Context, spec TemplateSpec) (t inventory.Template, err error) {
	if spec.Format == "" {
		spec.Format = agentapi.QCOW2
	}
	var stores []inventory.SecondaryStore
	err = s.update(func(tx *inventory.Tx) error {
		stores = tx.SecondaryStores.All(func(st inventory.SecondaryStore) bool { return st.Zone == spec.Zone })
		if len(stores) == 0 {
			return fmt.Errorf("register template %q: zone %d has no secondary storage", spec.Name, spec.Zone)
		}
		t = inventory.Template{UUID: s.newID(), Name: spec.Name, Zone: spec.Zone, Size: spec.Size, Format: string(spec.Format)}
		t.Unique = "2-" + t.UUID
		t = tx.Templates.Put(t)
		return nil
	})
	if err != nil {
		return t, err
	}
	for _, st := range stores {
		ref := inventory.TemplateStore{Template: t.ID, Store: st.ID, Size: spec.Size, State: inventory.RefReady}
		if err = s.upload(t, spec, &ref); err != nil {
			break
		}
		err = s.update(func(tx *inventory.Tx) error {
			tx.TemplateStores.Put(ref)
			return nil
		})
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("register template %q: %w", spec.Name, err), s.update(func(tx *inventory.Tx) error {
			tx.Templates.Delete(t.ID)
			return nil
		}))
	}
	return t, err
}

// upload writes the image and its description onto a store, and the path and length into ref.
func (s *Server) upload(t inventory.Template, spec TemplateSpec, ref *inventory.TemplateStore) error {
	dir := secondary.TemplateDir(account, fmt.Sprint(t.ID))
	file := t.UUID + "." + strings.ToLower(string(spec.Format))
	ref.Path = path.Join(dir, file)
	return s.images.in(ref.Store, func(d *secondary.Dir) error {
		if err := writeImage(d, ref.Path, spec); err != nil {
			return err
		}
		size, err := d.Size(ref.Path)
		if err != nil {
			return err
		}
		ref.PhysicalSize = size
		info := secondary.TemplateInfo{UniqueName: t.Unique, Filename: file, VirtualSize: spec.Size, Size: size}
		if err := d.WriteTemplateName(dir, info); err != nil {
			return err
		}
		return d.WriteTemplateInfo(dir, info, s.clock.Now())
	})
}

func writeImage(d *secondary.Dir, name string, spec TemplateSpec) (err error) {
	out, err := d.Create(name, secondary.Write{Unflushed: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Discard()) }()
	img, err := image.Create(out, image.Format(strings.ToLower(string(spec.Format))), spec.Size, image.Options{})
	if err != nil {
		return err
	}
	if spec.Write != nil {
		if err := spec.Write(img); err != nil {
			return err
		}
	}
	if err := img.Flush(); err != nil {
		return err
	}
	return out.Commit()
}

// RegisterISO records an ISO. Hosts read it from secondary storage themselves; StorPool has nothing to do with it.
func (s *Server) RegisterISO(name string, zone inventory.ID) (t inventory.Template, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		id := s.newID()
		t = tx.Templates.Put(inventory.Template{UUID: id, Name: name, Unique: "2-" + id, Zone: zone, Format: "ISO", ISO: true})
		return nil
	})
	return t, err
}

// cacheTemplate returns a template on a pool, copied there first if it is not (T=>T). Copies of one template to one
// pool follow one another.
func (s *Server) cacheTemplate(ctx context.Context, template, pool inventory.ID) (driver.Object, error) {
	o := driver.Object{Kind: driver.TemplateObject, ID: template, Role: inventory.Primary, Store: pool}
	unlock, err := s.lock(ctx, cacheKey(template, pool))
	if err != nil {
		return o, err
	}
	defer unlock()
	src, ref, err := s.recordCache(template, pool)
	if err != nil || ref.State == inventory.RefReady {
		return o, err
	}
	var r driver.Result
	if src.Kind == "" {
		r, err = s.downloadDirectly(ctx, template, pool)
	} else {
		r, err = s.driver.CopyAsync(ctx, src, o)
	}
	if err != nil {
		return o, errors.Join(err, s.update(func(tx *inventory.Tx) error {
			tx.TemplatePools.Delete(ref.ID)
			return nil
		}))
	}
	return o, s.update(func(tx *inventory.Tx) error {
		return tx.TemplatePools.Change(ref.ID, func(c *inventory.TemplatePool) {
			c.State, c.LocalPath, c.InstallPath = inventory.RefReady, r.Path, r.Path
			if r.Size > 0 {
				c.Size = r.Size
			}
		})
	})
}

// recordCache finds or writes the record of a template on a pool, and finds the copy on secondary storage; none for one
// that hosts download themselves.
func (s *Server) recordCache(template, pool inventory.ID) (src driver.Object, ref inventory.TemplatePool, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		here := func(c inventory.TemplatePool) bool { return c.Template == template && c.Pool == pool }
		var ok bool
		if ref, ok = tx.TemplatePools.Find(here); ok && ref.State == inventory.RefReady {
			ref.Marked = false
			ref = tx.TemplatePools.Put(ref)
			return nil
		}
		p, err := tx.Pools.Must(pool)
		if err != nil {
			return err
		}
		if t, _ := tx.Templates.Get(template); t.Direct {
			if !ok {
				ref = tx.TemplatePools.Put(inventory.TemplatePool{Template: template, Pool: pool, State: inventory.RefCreating})
			}
			return nil
		}
		st, found := tx.TemplateStores.Find(func(st inventory.TemplateStore) bool {
			store, _ := tx.SecondaryStores.Get(st.Store)
			return st.Template == template && st.State == inventory.RefReady && store.Zone == p.Zone
		})
		if !found {
			return fmt.Errorf("template %d is on no secondary storage of zone %d", template, p.Zone)
		}
		src = driver.Object{Kind: driver.TemplateObject, ID: template, Role: inventory.Image, Store: st.Store}
		if !ok {
			ref = tx.TemplatePools.Put(inventory.TemplatePool{Template: template, Pool: pool, State: inventory.RefCreating})
		}
		return nil
	})
	return src, ref, err
}

// DeleteTemplate deletes a template on secondary storage. Its copies on pools are left to [Server.CollectGarbage].
func (s *Server) DeleteTemplate(_ context.Context, id inventory.ID) (inventory.Template, error) {
	t, err := s.template(id)
	if err != nil {
		return t, err
	}
	if t.Removed {
		return t, &Refused{"deleteTemplate", fmt.Sprintf("template %d", id), "the template is deleted"}
	}
	var stores []inventory.TemplateStore
	err = s.inv.View(func(tx *inventory.Tx) error {
		stores = tx.TemplateStores.All(func(st inventory.TemplateStore) bool { return st.Template == id && st.State == inventory.RefReady })
		return nil
	})
	if err != nil {
		return t, err
	}
	for _, st := range stores {
		if err := s.removeImage(st); err != nil {
			return t, fmt.Errorf("delete template %d: %w", id, err)
		}
	}
	err = s.update(func(tx *inventory.Tx) error {
		t.Removed = true
		t = tx.Templates.Put(t)
		return nil
	})
	return t, err
}

// removeImage deletes a template's folder on a store. The record stays, Destroyed, while it names a base snapshot.
func (s *Server) removeImage(st inventory.TemplateStore) error {
	dir := path.Dir(st.Path)
	err := errors.Join(s.images.remove(st.Store, st.Path), s.images.remove(st.Store, path.Join(dir, secondary.PropertiesFile)))
	if err != nil {
		return err
	}
	return s.update(func(tx *inventory.Tx) error {
		return tx.TemplateStores.Change(st.ID, func(st *inventory.TemplateStore) { st.State = inventory.RefDestroyed })
	})
}
