package agentsim

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

const qcow2Extension = ".qcow2"

// backupTemplate makes a template on secondary storage of a snapshot or a volume (agent 9.3).
type backupTemplate struct {
	agentapi.BackupTemplateFromSnapshot
}

// origin is what a template is made of.
type origin struct {
	kind      kind
	path      string
	name      string
	encrypted bool
}

func templateSource(c agentapi.BackupTemplateFromSnapshot) (o origin, err error) {
	if (c.Snapshot == nil) == (c.Volume == nil) {
		return o, errors.New("the command needs exactly one source")
	}
	v := c.Volume
	if v != nil {
		o = origin{kind: volumeKind, path: v.Path, name: v.Name}
	} else {
		o, v = origin{kind: snapshotKind, path: c.Snapshot.Path, name: c.Snapshot.Name}, c.Snapshot.Volume
	}
	o.encrypted = v != nil && isEncrypted(*v)
	return o, nil
}

func isEncrypted(v agentapi.Volume) bool { return !v.Passphrase.Empty() || v.EncryptFormat != "" }

// check refuses what cannot become a template, before the host is touched.
func (c backupTemplate) check() (origin, error) {
	o, err := templateSource(c.BackupTemplateFromSnapshot)
	switch {
	case err != nil:
		return o, err
	case o.encrypted:
		return o, fmt.Errorf("%w: a template of the encrypted %s %s would be ciphertext that nothing can open", ErrUnsupported, o.kind, o.name)
	}
	return o, mustBeNFS(c.Dest.Store)
}

func (c backupTemplate) run(r *run) *agentapi.Answer {
	r.within(c.Wait)
	var from origin
	err := r.step("check", func(context.Context) (err error) {
		from, err = c.check()
		return err
	})
	if err != nil {
		return failed(err)
	}
	out, err := c.write(r, from)
	if err != nil {
		return failed(err)
	}
	return succeeded(out)
}

// write makes the image and then describes it; without the description the image goes again.
func (c backupTemplate) write(r *run, from origin) (out agentapi.Template, err error) {
	if err = r.attach(from.kind, from.path); err != nil {
		return out, err
	}
	m, err := r.mount(c.Dest.Store.URL)
	if err != nil {
		return out, err
	}
	err = r.step("mkdir", func(context.Context) error { return m.Mkdir(c.Dest.Path) })
	if err != nil {
		return out, err
	}
	info := secondary.TemplateInfo{
		UniqueName: c.Dest.UniqueName, Filename: r.host.rules.templateFile(c.Dest.UUID, from.name) + qcow2Extension,
	}
	name := path.Join(c.Dest.Path, info.Filename)
	err = r.step("convert", func(ctx context.Context) (err error) {
		info.VirtualSize, err = r.export(ctx, export{
			device: from.path, to: m, name: name, how: r.host.rules.output(), read: r.host.rules.contents, write: as(image.Qcow2), format: image.Qcow2,
		})
		return err
	}, from.path)
	if err != nil {
		return out, err
	}
	err = r.step("describe", func(context.Context) error { return c.describe(r, m, name, &info) })
	if err != nil {
		return out, errors.Join(err, r.unlessDead(func() error { return m.Remove(name) }))
	}
	out = c.Dest
	out.Path, out.Format, out.Size, out.PhysicalSize = name, agentapi.QCOW2, info.VirtualSize, info.Size
	return out, nil
}

// describe writes template.properties in its two turns.
func (c backupTemplate) describe(r *run, m *secondary.Mount, name string, info *secondary.TemplateInfo) (err error) {
	if info.Size, err = m.Size(name); err != nil {
		return err
	}
	err = m.WriteTemplateName(c.Dest.Path, *info)
	if err == nil {
		err = m.WriteTemplateInfo(c.Dest.Path, *info, r.host.fleet.clock.Now())
	}
	if err != nil {
		err = errors.Join(err, m.Remove(path.Join(c.Dest.Path, secondary.PropertiesFile)))
	}
	return err
}

// unlessDead does something that a dead agent does not do any more.
func (r *run) unlessDead(do func() error) error {
	if err := r.alive(); err != nil {
		return err
	}
	return do()
}

// templateByUUID names a template's file after the template.
func templateByUUID(uuid, _ string) string { return uuid }

// templateBySource is A-22: the file has the name of the snapshot or volume, unescaped.
func templateBySource(_, source string) string { return source }

// imageOf is how a host lays out a volume of CloudStack's format in a file.
func imageOf(f agentapi.Format) image.Format {
	if f == agentapi.RAW {
		return image.Raw
	}
	return image.Qcow2
}
