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
	err = r.step("mount", func(context.Context) error {
		if m, err = r.host.mounts.Mount(uri); err != nil {
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

// backUp writes the contents of a device into a qcow2 file, which is complete and durable afterwards, or not there.
// The device is read as raw whatever its contents look like.
func (r *run) backUp(ctx context.Context, device string, m *secondary.Mount, name string) (err error) {
	src, err := r.host.openDisk(ctx, device)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	out, err := m.Create(name, r.host.rules.output())
	if err != nil {
		return err
	}
	forget := r.host.keep(out.Discard)
	dst, err := image.Create(lazy{out.File}, image.Qcow2, src.Size(), image.Options{})
	if err == nil {
		_, err = image.Convert(ctx, dst, src, r.host.hook(r))
	}
	if r.alive() != nil {
		return errDead // the next agent finds the file among the leftovers
	}
	forget()
	if err != nil {
		return errors.Join(err, out.Discard())
	}
	return out.Commit()
}

// lazy leaves it to the commit to make the file durable, once.
type lazy struct{ *os.File }

func (lazy) Sync() error { return nil }

// restore writes an image of the stated format onto a device.
func (r *run) restore(ctx context.Context, src image.Reader, device string) (err error) {
	dst, err := r.host.openTarget(ctx, device, src.Size())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = image.Convert(ctx, dst, src, r.host.hook(r))
	return err
}
