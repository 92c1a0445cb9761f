package agentsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// attach attaches what a copy reads or writes and has it detached when the command is over.
func (r *run) attach(k kind, path string) error {
	return r.step("attach", func(ctx context.Context) error {
		name, err := r.host.attachOnly(ctx, k, path)
		if name != "" {
			r.thenDetach("detach", k, path)
		}
		if err != nil {
			return err
		}
		ok, err := r.host.waitForDevice(ctx, path)
		if err != nil {
			return err
		}
		return r.host.rules.appeared(ok, path)
	}, path)
}

// mount mounts a URI until the command is over.
func (r *run) mount(uri string) (m *secondary.Mount, err error) {
	err = r.step("mount", func(ctx context.Context) error {
		if m, err = r.host.mounts.Mount(ctx, uri); err != nil {
			return err
		}
		forget := r.host.keep(m.Release)
		r.thenRelease(uri, func() error {
			forget()
			return m.Release()
		})
		return nil
	}, uri)
	return m, err
}

// mustBeNFS gives the reason why hosts cannot use a store.
func mustBeNFS(s *agentapi.Store) error {
	switch {
	case s == nil:
		return fmt.Errorf("%w: the command names no store", secondary.ErrNotNFS)
	case !strings.HasPrefix(s.URL, "nfs://"):
		return fmt.Errorf("%w: %s", secondary.ErrNotNFS, s.URL)
	}
	return nil
}

// layout writes contents into a new file.
type layout func(ctx context.Context, f image.File, src image.Reader, hook image.Hook) error

// as lays contents out as an image of a format.
func as(format image.Format) layout {
	return func(ctx context.Context, f image.File, src image.Reader, hook image.Hook) error {
		dst, err := image.Create(f, format, src.Size(), image.Options{})
		if err == nil {
			_, err = image.Convert(ctx, dst, src, hook)
		}
		return err
	}
}

// export is a copy of a device to a file.
type export struct {
	device string
	to     *secondary.Mount
	name   string // of the file
	how    secondary.Write
	read   func(h *Host, device image.Image) (image.Reader, error) // what is taken for the contents
	write  layout
	format image.Format // what the host's tools write
}

// export writes the contents of a device into a file, which is complete and durable afterwards, or not there.
// It gives the virtual size of what was written.
func (r *run) export(ctx context.Context, e export) (size int64, err error) {
	if r.host.cfg.Tools != nil {
		return r.exportWithTools(ctx, e)
	}
	device, err := r.host.openDisk(ctx, e.device)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	src, err := e.read(r.host, device)
	if err != nil {
		return 0, err
	}
	return src.Size(), r.writeFile(ctx, e, src)
}

// writeFile writes contents into the file of an export.
func (r *run) writeFile(ctx context.Context, e export, src image.Reader) error {
	out, err := e.to.Create(e.name, e.how)
	if err != nil {
		return err
	}
	forget := r.host.keep(out.Discard)
	err = e.write(ctx, lazy{out.File}, src, r.host.hook(r))
	if r.alive() != nil {
		return errDead // the next agent finds the file among the leftovers
	}
	forget()
	if err != nil {
		return errors.Join(err, out.Discard())
	}
	return out.Commit()
}

// asItIs takes a device for raw, whatever its contents look like.
func asItIs(_ *Host, device image.Image) (image.Reader, error) { return device, nil }

// lazy leaves it to the commit to make the file durable, once.
type lazy struct{ *os.File }

func (lazy) Sync() error { return nil }

// restore writes an image of the stated format onto a device.
func (r *run) restore(ctx context.Context, src found, device string) (err error) {
	if r.host.cfg.Tools != nil {
		return r.restoreWithTools(ctx, src.file, src.format, device)
	}
	dst, err := r.host.openTarget(ctx, device, src.Size())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = image.Convert(ctx, dst, src, r.host.hook(r))
	return err
}
