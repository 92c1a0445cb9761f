package agentsim

import (
	"context"

	"github.com/spsim/spsim/driver/agentapi"
)

// attach connects a disk and plugs it into a running VM (agent 9.10).
type attach struct{ agentapi.Attach }

func (c attach) run(r *run) *agentapi.Answer {
	g, err := r.host.Guest(c.VM)
	if err != nil {
		return failed(err)
	}
	if _, err := g.Disk(c.Disk.Path); err == nil {
		return &agentapi.Answer{OK: true, Details: "the VM has the disk already"}
	}
	if err := r.connect(c.Disk); err != nil {
		return failed(err)
	}
	err = r.step("plug", func(ctx context.Context) error { return r.plug(ctx, g, c.Disk) }, c.Disk.Path)
	if err != nil {
		return failed(err)
	}
	r.host.handOver(c.Disk.Path)
	r.detaches = nil // the disk is the guest's now
	return &agentapi.Answer{OK: true}
}

// detach unplugs a disk from a running VM and disconnects it (agent 9.10). It can be repeated: a disk that the VM no
// longer has is only disconnected.
type detach struct{ agentapi.Detach }

func (c detach) run(r *run) *agentapi.Answer {
	err := r.step("unplug", func(context.Context) error {
		g, err := r.host.Guest(c.VM)
		if err != nil {
			return nil //nolint:nilerr // a VM that does not run has no disk to unplug
		}
		had, err := g.unplug(c.Disk.Path)
		if had {
			r.host.drop(c.Disk.Path)
			r.host.removeSecret(c.Disk.Path)
		}
		return err
	}, c.Disk.Path)
	if err != nil {
		return failed(err)
	}
	err = r.step("disconnect", func(ctx context.Context) error {
		_, err := r.host.release(ctx, volumeKind, c.Disk.Path, 0)
		return err
	}, c.Disk.Path)
	if err != nil {
		return failed(err)
	}
	return &agentapi.Answer{OK: true}
}
