package agentsim

import (
	"context"
	"fmt"
	"path"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// backupSnapshot copies a StorPool snapshot to secondary storage as a thin qcow2 file without extension (agent 9.2).
// Of an encrypted volume it copies the ciphertext as it is; a passphrase in the command must open it. A file of
// an NFS pool is copied too, an encrypted one with its key on both sides (agent 13).
type backupSnapshot struct{ agentapi.BackupSnapshot }

func (c backupSnapshot) run(r *run) *agentapi.Answer {
	r.within(c.Wait)
	dst := c.Dest
	dst.Path = path.Join(c.Dest.Path, c.Dest.Name)
	m, err := c.copy(r, dst.Path)
	if err != nil {
		return failed(err)
	}
	err = r.step("measure", func(context.Context) (err error) {
		dst.PhysicalSize, err = m.Size(dst.Path)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return succeeded(dst)
}

func (c backupSnapshot) copy(r *run, name string) (*secondary.Mount, error) {
	first, onStorPool := r.host.rules.checkFirst(), c.pool().Type != agentapi.NetworkFilesystem
	check := func(context.Context) error { return c.check(r.host) }
	if first {
		if err := r.step("check", check); err != nil {
			return nil, err
		}
	}
	if onStorPool {
		if err := r.attach(snapshotKind, c.Source.Path); err != nil {
			return nil, err
		}
	}
	if !first {
		if err := r.step("check", check); err != nil {
			return nil, err
		}
	}
	m, err := r.mount(c.Dest.Store.URL)
	if err != nil {
		return nil, err
	}
	err = r.step("mkdir", func(context.Context) error { return m.Mkdir(c.Dest.Path) })
	if err != nil {
		return nil, err
	}
	return m, r.step("convert", func(ctx context.Context) error {
		if onStorPool {
			return c.backUp(ctx, r, m, name)
		}
		return r.exportFile(ctx, c.file(), export{to: m, name: name, how: r.host.rules.output()})
	}, c.Source.Path)
}

// pool is where the source is.
func (c backupSnapshot) pool() (p agentapi.Pool) {
	if c.Source.Pool != nil {
		p = *c.Source.Pool
	}
	return p
}

func (c backupSnapshot) passphrase() (s agentapi.Secret) {
	if c.Source.Volume != nil {
		s = c.Source.Volume.Passphrase
	}
	return s
}

// file is the source on an NFS pool.
func (c backupSnapshot) file() agentapi.Disk {
	return agentapi.Disk{Path: c.Source.Path, Pool: c.pool(), Passphrase: c.passphrase()}
}

func (c backupSnapshot) check(h *Host) error {
	if err := mustBeNFS(c.Dest.Store); err != nil {
		return err
	}
	if c.pool().Type != agentapi.NetworkFilesystem || c.passphrase().Empty() {
		return nil
	}
	if _, err := h.Guest(c.Source.Volume.VM); err == nil {
		return fmt.Errorf("%w: snapshot of an encrypted file of the running VM %s", ErrUnsupported, c.Source.Volume.VM)
	}
	return nil
}

func (c backupSnapshot) backUp(ctx context.Context, r *run, m *secondary.Mount, name string) error {
	e := export{device: c.Source.Path, to: m, name: name, how: r.host.rules.output(), read: asItIs, write: as(image.Qcow2), format: image.Qcow2}
	if key := c.passphrase(); !key.Empty() {
		if err := r.mustOpen(ctx, c.Source.Path, key); err != nil {
			return err
		}
		e.write = r.host.rules.ciphertext(r.host, key)
	}
	_, err := r.export(ctx, e)
	return err
}

// mustOpen refuses what the passphrase does not open, or nobody could open the copy.
func (r *run) mustOpen(ctx context.Context, device string, key agentapi.Secret) error {
	d, err := r.host.openDisk(ctx, device)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only read
	c, err := luks.OpenReader(ctx, d, d.Size(), key.Reveal(), r.host.fleet.unlock())
	if err != nil {
		return fmt.Errorf("the passphrase of the volume and its snapshot: %w", err)
	}
	return c.Close()
}
