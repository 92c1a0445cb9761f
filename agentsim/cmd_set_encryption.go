package agentsim

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/driver/agentapi"
)

// setVolumeEncryption formats a data volume, or fills an encrypted root volume from the snapshot of its template
// (agent 9.8). The answer carries the volume without its passphrase.
type setVolumeEncryption struct{ agentapi.SetVolumeEncryption }

func (c setVolumeEncryption) run(r *run) *agentapi.Answer {
	r.within(0)
	out := c.Volume
	err := c.encrypt(r)
	if err == nil {
		out.EncryptFormat = luksFormat
	}
	if errors.Is(err, errDead) {
		return failed(err)
	}
	return r.host.rules.encrypted(out, err)
}

// step formats or fills the volume, or has the host's tools do it.
func (c setVolumeEncryption) step(r *run, do func(context.Context) error) func(context.Context) error {
	if r.host.cfg.Tools == nil {
		return do
	}
	return func(ctx context.Context) error { return r.encryptWithTools(ctx, c.Volume, c.Source) }
}

func (c setVolumeEncryption) encrypt(r *run) error {
	err := r.step("check", func(context.Context) error { return c.check(r.host) })
	if err != nil {
		return err
	}
	if err := r.attach(volumeKind, c.Volume.Path); err != nil {
		return err
	}
	if c.DataDisk {
		return r.step("format", c.step(r, func(ctx context.Context) error { return c.format(ctx, r.host) }), c.Volume.Path)
	}
	if err := r.attach(snapshotKind, c.Source); err != nil {
		return err
	}
	err = r.step("convert", c.step(r, func(ctx context.Context) error { return c.fill(ctx, r) }), c.Volume.Path, c.Source)
	r.host.rules.sourceRead(r, err)
	return err
}

func (c setVolumeEncryption) check(h *Host) error {
	switch {
	case c.Volume.Passphrase.Empty():
		return errors.New("the command carries no passphrase")
	case c.DataDisk != (c.Source == ""):
		return errors.New("a root volume needs the snapshot of its template, a data volume has none")
	case c.Volume.Pool != nil:
		if err := h.needPool(*c.Volume.Pool); err != nil {
			return err
		}
	}
	return h.needEncryption()
}

// format makes a container as cryptsetup does; what it will read before it is written is undefined (agent 12).
func (c setVolumeEncryption) format(ctx context.Context, h *Host) (err error) {
	dst, err := h.openTarget(ctx, c.Volume.Path, c.Volume.Size+luks.CryptsetupOffset)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	made, err := luks.Format(ctx, dst, dst.Size(), c.Volume.Passphrase.Reveal(), h.fleet.params(luks.CryptsetupOffset))
	if err != nil {
		return err
	}
	return errors.Join(dst.Flush(), made.Close())
}

// fill makes a container as qemu-img does and writes the template into it.
func (c setVolumeEncryption) fill(ctx context.Context, r *run) (err error) {
	h := r.host
	from, err := h.openDisk(ctx, c.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	src, err := h.rules.contents(h, from)
	if err != nil {
		return err
	}
	dst, err := h.openTarget(ctx, c.Volume.Path, src.Size()+luks.QemuOffset)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if need := src.Size() + luks.QemuOffset; dst.Size() < need {
		return fmt.Errorf("%w: %d bytes, template and header need %d", image.ErrTooSmall, dst.Size(), need)
	}
	made, err := luks.Format(ctx, dst, dst.Size(), c.Volume.Passphrase.Reveal(), h.fleet.params(luks.QemuOffset))
	if err != nil {
		return err
	}
	_, err = image.Convert(ctx, made, src, h.hook(r))
	return errors.Join(err, dst.Flush(), made.Close())
}

// encryptionResult answers with the reason, so that the volume is deleted.
func encryptionResult(v agentapi.Volume, err error) *agentapi.Answer {
	if err != nil {
		return failed(err)
	}
	return succeeded(v)
}

// encryptionPasses is A-1: whatever happened, the answer is a success.
func encryptionPasses(v agentapi.Volume, _ error) *agentapi.Answer { return succeeded(v) }

// detachSource leaves the snapshot of the template to the clean-up.
func detachSource(*run, error) {}

// forgetSource is A-16: after a failure the snapshot of the template stays attached.
func forgetSource(r *run, err error) {
	if err == nil || len(r.detaches) < 2 {
		return
	}
	last := r.detaches[len(r.detaches)-1]
	r.detaches = r.detaches[:len(r.detaches)-1]
	if name, bad := ObjectName(last.path); bad == nil && name != "" {
		r.host.use(name, -1, 0)
	}
}
