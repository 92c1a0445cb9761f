package agentsim

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
)

// start connects the disks of a VM and runs it (agent 9.10).
type start struct{ agentapi.Start }

func (c start) run(r *run) *agentapi.Answer {
	if _, err := r.host.Guest(c.VM.Name); err == nil {
		return failed(alreadyRuns(r.host, c.VM.Name))
	}
	for _, d := range c.VM.Disks {
		if c.VM.State == migrating {
			continue // StorPool's pools are unmanaged: the disk was connected when the migration was prepared
		}
		if err := r.connect(d); err != nil {
			return failed(err)
		}
	}
	g := &Guest{name: c.VM.Name, host: r.host}
	err := r.step("run", func(ctx context.Context) error {
		for _, d := range c.VM.Disks {
			if err := r.plug(ctx, g, d); err != nil {
				r.host.removeSecrets(g.close())
				return err
			}
		}
		return r.host.define(r, g)
	})
	if err != nil {
		return failed(err)
	}
	r.detaches = nil // the disks are the guest's now
	return &agentapi.Answer{OK: true}
}

func alreadyRuns(h *Host, vm string) error {
	return fmt.Errorf("VM %s runs on %s already", vm, h.cfg.Name)
}

// connect attaches a disk; it is disconnected when the command is over, unless a guest takes it.
func (r *run) connect(d agentapi.Disk) error {
	if !d.Passphrase.Empty() {
		if err := r.host.needEncryption(); err != nil {
			return err
		}
	}
	switch d.Pool.Type {
	case agentapi.NetworkFilesystem:
		return nil // the file is there when the pool is
	case agentapi.StorPool:
	default:
		return fmt.Errorf("%w: disk %q on a pool of type %q", ErrUnsupported, d.Path, d.Pool.Type)
	}
	if err := r.host.needPool(d.Pool); err != nil {
		return err
	}
	return r.connectVolume(d.Path)
}

// connectVolume attaches a volume and waits for its device; see [run.connect].
func (r *run) connectVolume(path string) error {
	d := agentapi.Disk{Path: path}
	return r.step("connect", func(ctx context.Context) error {
		name, err := r.host.attachOnly(ctx, volumeKind, d.Path)
		if name != "" {
			r.thenDetach("disconnect", volumeKind, d.Path)
		}
		if err != nil {
			return err
		}
		ok, err := r.host.waitForDevice(ctx, d.Path)
		if err != nil {
			return err
		}
		return mustAppear(ok, d.Path)
	}, d.Path)
}

// plug opens a connected device for a guest; libvirt keeps the passphrase of an encrypted one.
func (r *run) plug(ctx context.Context, g *Guest, d agentapi.Disk) error {
	device, err := r.host.openFor(ctx, d)
	if err != nil {
		return err
	}
	if err := g.plug(d, device); err != nil {
		return errors.Join(err, device.Close())
	}
	r.host.defineSecret(d)
	return nil
}

// define makes a guest known, with its disks as uses of their devices, unless the agent is gone.
func (h *Host) define(r *run, g *Guest) error {
	h.mu.Lock()
	_, twice := h.guests[g.name]
	ours := h.life == r.life
	if ours && !twice {
		h.guests[g.name] = g
	}
	h.mu.Unlock()
	switch {
	case !ours:
		h.removeSecrets(g.close())
		return errDead
	case twice:
		g.close()
		return alreadyRuns(h, g.name)
	}
	for _, path := range g.Paths() {
		h.handOver(path)
	}
	return nil
}

// handOver makes a command's use of a device a guest's.
func (h *Host) handOver(path string) {
	if name, err := ObjectName(path); err == nil && name != "" {
		h.use(name, -1, 1)
	}
}

// stop stops a VM and disconnects its disks, each whatever came of the others (agent 9.10). A VM that does not run
// here is stopped already; its disks are disconnected all the same.
type stop struct{ agentapi.Stop }

func (c stop) run(r *run) *agentapi.Answer {
	paths := make([]string, 0, len(c.VM.Disks))
	for _, d := range c.VM.Disks {
		paths = append(paths, d.Path)
	}
	err := r.step("shutdown", func(context.Context) error {
		paths = union(r.host.destroy(c.VM.Name), paths)
		return nil
	})
	if err != nil {
		return failed(err)
	}
	var trouble []error
	for _, path := range paths {
		if err := r.disconnect(path); err != nil {
			trouble = append(trouble, err)
		}
	}
	return withWarning(&agentapi.Answer{OK: true}, trouble)
}

// destroy ends a guest and gives the paths of its disks, which are no longer in use.
func (h *Host) destroy(vm string) []string {
	h.mu.Lock()
	g := h.guests[vm]
	delete(h.guests, vm)
	h.mu.Unlock()
	if g == nil {
		return nil
	}
	paths := g.close()
	for _, path := range paths {
		h.drop(path)
	}
	h.removeSecrets(paths)
	return paths
}

// drop ends a guest's use of a device.
func (h *Host) drop(path string) {
	if name, err := ObjectName(path); err == nil && name != "" {
		h.use(name, 0, -1)
	}
}

// disconnect detaches a volume that no guest here uses; what fails is tried again in the background.
func (r *run) disconnect(path string) error {
	c := &cleanup{
		step: "disconnect", path: path,
		do: func(ctx context.Context) error {
			_, err := r.host.release(ctx, volumeKind, path, 0)
			return err
		},
		again: func(ctx context.Context, _ bool) bool { return r.host.tryDetach(ctx, volumeKind, path, false) },
	}
	err := r.tidy(c)
	if err != nil && !errors.Is(err, errDead) {
		r.inBackground(c)
	}
	return err
}

// union gives the elements of both in order, each once.
func union(a, b []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range append(a, b...) {
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
