package agentsim

import (
	"context"
	"fmt"
	"path"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// backupSnapshot copies a StorPool snapshot to secondary storage as a thin qcow2 file without extension (agent 9.2).
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
	first := r.host.rules.checkFirst()
	if first {
		if err := r.step("check", c.check); err != nil {
			return nil, err
		}
	}
	if err := r.attach(snapshotKind, c.Source.Path); err != nil {
		return nil, err
	}
	if !first {
		if err := r.step("check", c.check); err != nil {
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
	return m, r.step("convert", func(ctx context.Context) error { return r.backUp(ctx, c.Source.Path, m, name) }, c.Source.Path)
}

func (c backupSnapshot) check(context.Context) error {
	if err := mustBeNFS(c.Dest.Store); err != nil {
		return err
	}
	if v := c.Source.Volume; v != nil && !v.Passphrase.Empty() {
		return fmt.Errorf("backup of a snapshot of the encrypted volume %s: %w", v.Name, ErrNotBuilt)
	}
	return nil
}
