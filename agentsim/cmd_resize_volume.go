package agentsim

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
)

// resizeVolume tells the host and the guest of a resize that StorPool has done (agent 9.7).
type resizeVolume struct{ agentapi.ResizeVolume }

func (c resizeVolume) run(r *run) *agentapi.Answer {
	if c.CurrentSize == c.NewSize {
		return succeeded(agentapi.Resized{Size: c.CurrentSize, GuestNotified: true})
	}
	if err := r.host.needPool(c.Pool); err != nil {
		return failed(err)
	}
	if !c.Attached {
		if err := r.attach(volumeKind, c.Path); err != nil {
			return failed(err)
		}
	}
	scriptErr := r.step("script", nil, c.Path)
	var told bool
	var guestErr error
	if scriptErr == nil {
		guestErr = r.step("blockresize", func(context.Context) (err error) {
			told, err = c.notify(r.host)
			return err
		}, c.Path)
	}
	var size int64
	err := r.step("measure", func(ctx context.Context) error {
		if size = r.host.deviceSize(ctx, c.Path); size == 0 {
			return fmt.Errorf("%w: %s", ErrNoDevice, c.Path)
		}
		return nil
	}, c.Path)
	switch {
	case err != nil:
		return failed(err)
	case scriptErr != nil:
		return r.host.rules.scriptFailed(size, scriptErr)
	case guestErr != nil:
		return r.host.rules.blockResizeFailed(size, guestErr)
	}
	return succeeded(agentapi.Resized{Size: size, GuestNotified: told})
}

// notify resizes the disk of the running guest. False without an error means that no such guest runs here.
func (c resizeVolume) notify(h *Host) (bool, error) {
	g, err := h.Guest(c.VM)
	if err != nil {
		return false, nil //nolint:nilerr // the guest sees the new size when it starts
	}
	d, err := g.Disk(c.Path)
	if err != nil {
		return false, err
	}
	size, err := h.rules.blockSize(d, c.NewSize)
	if err != nil {
		return false, err
	}
	d.notify(size)
	return true, nil
}
