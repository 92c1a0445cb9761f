package agentsim

import (
	"context"
	"errors"

	"github.com/spsim/spsim/driver/agentapi"
)

// modifyTargets connects or disconnects volumes ahead of a migration or after one (agent 9.10). It can be repeated.
type modifyTargets struct{ agentapi.ModifyTargets }

func (c modifyTargets) run(r *run) *agentapi.Answer {
	if c.Add {
		return c.add(r)
	}
	var paths []string
	for _, path := range c.Paths {
		err := r.step("disconnect", func(ctx context.Context) error { return r.host.unprepare(ctx, path) }, path)
		if err != nil {
			return failed(err)
		}
		paths = append(paths, path)
	}
	return succeeded(agentapi.Connected{Paths: paths})
}

// add connects all volumes, or none.
func (c modifyTargets) add(r *run) *agentapi.Answer {
	if err := r.host.needPool(c.Pool); err != nil {
		return failed(err)
	}
	var paths []string
	for _, path := range c.Paths {
		if err := r.connectVolume(path); err != nil {
			return failed(err)
		}
		paths = append(paths, r.host.Adaptor().GetPhysicalDisk(r.ctx, path).Path)
	}
	r.keepConnected(c.Paths)
	return succeeded(agentapi.Connected{Paths: paths})
}

// keepConnected keeps what a command has connected for a guest that is to come.
func (r *run) keepConnected(paths []string) {
	for _, path := range paths {
		r.host.prepare(path)
	}
	r.detaches = nil
}

// prepare notes that a device waits for a guest; it takes over the use of the command that has connected it.
func (h *Host) prepare(path string) {
	name, err := ObjectName(path)
	if err != nil || name == "" {
		return
	}
	h.mu.Lock()
	before := h.prepared[name]
	h.prepared[name] = true
	h.mu.Unlock()
	if before {
		h.use(name, -1, 0)
	}
}

// claim ends the wait of a device. It tells whether the device was waiting.
func (h *Host) claim(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.prepared[name]
	delete(h.prepared, name)
	return was
}

// unprepare disconnects a device that waits for a guest, unless somebody else uses it.
func (h *Host) unprepare(ctx context.Context, path string) error {
	runs := 0
	if name, err := ObjectName(path); err == nil && h.claim(name) {
		runs = 1
	}
	_, err := h.release(ctx, volumeKind, path, runs)
	return err
}

// arrive makes the device of a disk that has come with a guest the guest's.
func (h *Host) arrive(path string) {
	name, err := ObjectName(path)
	if err != nil || name == "" {
		return
	}
	runs := 0
	if h.claim(name) {
		runs = -1
	}
	h.use(name, runs, 1)
}

// prepareForMigration connects the disks of a VM that is to come, and keeps their passphrases, or takes that back
// (agent 9.10). Disks of a VM in state Migrating are connected by ModifyTargets.
type prepareForMigration struct{ agentapi.PrepareForMigration }

func (c prepareForMigration) run(r *run) *agentapi.Answer {
	if c.Rollback {
		return c.rollback(r)
	}
	var paths []string
	for _, d := range c.VM.Disks {
		if !d.Passphrase.Empty() {
			if err := r.host.needEncryption(); err != nil {
				return failed(err)
			}
		}
		if c.VM.State == migrating || d.Pool.Type != agentapi.StorPool {
			continue
		}
		if err := r.connect(d); err != nil {
			return failed(err)
		}
		paths = append(paths, d.Path)
	}
	err := r.step("prepare", func(context.Context) error {
		for _, d := range c.VM.Disks {
			r.host.defineSecret(d)
		}
		return nil
	})
	if err != nil {
		return failed(err)
	}
	r.keepConnected(paths)
	return &agentapi.Answer{OK: true}
}

// rollback disconnects what was connected, each disk whatever came of the others. A VM that runs here by now keeps all.
func (c prepareForMigration) rollback(r *run) *agentapi.Answer {
	if _, err := r.host.Guest(c.VM.Name); err == nil {
		return failed(alreadyRuns(r.host, c.VM.Name))
	}
	var trouble []error
	for _, d := range c.VM.Disks {
		r.host.removeSecret(d.Path)
		if err := r.forgo(d.Path); err != nil {
			trouble = append(trouble, err)
		}
	}
	return withWarning(&agentapi.Answer{OK: true}, trouble)
}

// forgo disconnects a device that waits for a guest which does not come; what fails is tried again in the background.
func (r *run) forgo(path string) error {
	do := func(ctx context.Context) error { return r.host.unprepare(ctx, path) }
	c := &cleanup{
		step: "disconnect", path: path, do: do, again: func(ctx context.Context, _ bool) bool { return do(ctx) == nil },
	}
	err := r.tidy(c)
	if err != nil && !errors.Is(err, errDead) {
		r.inBackground(c)
	}
	return err
}

// checkVM asks whether a VM runs here.
type checkVM struct{ agentapi.CheckVM }

func (c checkVM) run(r *run) *agentapi.Answer {
	out := agentapi.VMFound{}
	err := r.step("ask", func(context.Context) error {
		r.host.mu.Lock()
		defer r.host.mu.Unlock()
		_, out.Running = r.host.guests[c.VM]
		out.Migrating = out.Running && r.host.leaving[c.VM] > 0
		return nil
	})
	if err != nil {
		return failed(err)
	}
	return succeeded(out)
}
