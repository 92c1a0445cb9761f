package agentsim

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// poolURI is what a host mounts of an NFS pool.
func poolURI(p agentapi.Pool) string { return "nfs://" + p.Host + "/" + trimSlash(p.Path) }

func trimSlash(s string) string {
	for s != "" && s[0] == '/' {
		s = s[1:]
	}
	return s
}

// openFor opens what a guest gets as a disk: a StorPool device or a qcow2 file of an NFS pool, either encrypted or not.
func (h *Host) openFor(ctx context.Context, d agentapi.Disk) (Device, error) {
	if d.Pool.Type == agentapi.NetworkFilesystem {
		return h.openFile(ctx, d)
	}
	device, err := h.open(ctx, d.Path)
	if err != nil || d.Passphrase.Empty() {
		return device, err
	}
	plain, err := h.seal(ctx, device, d.Passphrase)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", d.Path, err), device.Close())
	}
	return plain, nil
}

// fileDisk is a qcow2 file of an NFS pool as a device.
type fileDisk struct {
	image.Image
	file  *os.File
	mount *secondary.Mount
}

// openFile opens a qcow2 file of an NFS pool for reading and writing.
func (h *Host) openFile(ctx context.Context, d agentapi.Disk) (_ *fileDisk, err error) {
	m, err := h.primary.Mount(ctx, poolURI(d.Pool))
	if err != nil {
		return nil, err
	}
	f, length, err := m.OpenWrite(d.Path)
	if err != nil {
		return nil, errors.Join(err, m.Release())
	}
	img, err := h.openImage(ctx, f, length, d.Passphrase)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s of pool %s: %w", d.Path, d.Pool.UUID, err), f.Close(), m.Release())
	}
	return &fileDisk{Image: img, file: f, mount: m}, nil
}

func (h *Host) openImage(ctx context.Context, f *os.File, length int64, key agentapi.Secret) (image.Image, error) {
	if key.Empty() {
		return image.Open(f, length, image.Qcow2)
	}
	if err := h.needEncryption(); err != nil {
		return nil, err
	}
	return luks.OpenQcow2(ctx, f, length, key.Reveal(), h.fleet.unlock())
}

func (d *fileDisk) Discard(off, n int64) error { return d.Zero(off, n) }

func (d *fileDisk) Size() (int64, error) { return d.Image.Size(), nil }

func (d *fileDisk) Close() error { return errors.Join(d.Flush(), d.file.Close(), d.mount.Release()) }

// makeImage is the layout of a file on an NFS pool or of its snapshot: qcow2, encrypted with the key when there is one.
func (h *Host) makeImage(key agentapi.Secret) layout {
	if key.Empty() {
		return as(image.Qcow2)
	}
	return func(ctx context.Context, f image.File, src image.Reader, hook image.Hook) error {
		dst, err := luks.CreateQcow2(ctx, f, src.Size(), key.Reveal(), image.Options{}, h.fleet.params(luks.QemuOffset))
		if err == nil {
			_, err = image.Convert(ctx, dst, src, hook)
		}
		return err
	}
}

// exportFile copies a file of an NFS pool: plain to plain, encrypted to encrypted with the same passphrase, which
// opens the source and seals the copy (upstream-history 5.4).
func (r *run) exportFile(ctx context.Context, from agentapi.Disk, e export) (err error) {
	src, err := r.host.openFile(ctx, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	e.write = r.host.makeImage(from.Passphrase)
	return r.writeFile(ctx, e, src.Image)
}

// createVolume makes an empty qcow2 file on an NFS pool.
type createVolume struct{ agentapi.CreateVolume }

func onFiles(v agentapi.Volume) (agentapi.Pool, error) {
	if v.Pool == nil || v.Pool.Type != agentapi.NetworkFilesystem {
		return agentapi.Pool{}, fmt.Errorf("%w: hosts make volumes on NFS pools only", ErrUnsupported)
	}
	return *v.Pool, nil
}

func (c createVolume) run(r *run) *agentapi.Answer {
	pool, err := onFiles(c.Volume)
	if err != nil {
		return failed(err)
	}
	m, err := r.mount(poolURI(pool))
	if err != nil {
		return failed(err)
	}
	out := c.Volume
	out.Path, out.Format = c.Volume.UUID, agentapi.QCOW2
	err = r.step("create", func(ctx context.Context) error {
		if !c.Volume.Passphrase.Empty() {
			out.EncryptFormat = luksFormat
			if err := r.host.needEncryption(); err != nil {
				return err
			}
		}
		e := export{to: m, name: out.Path, write: r.host.makeImage(c.Volume.Passphrase)}
		return r.writeFile(ctx, e, hollow(c.Volume.Size))
	})
	if err != nil {
		return failed(err)
	}
	return succeeded(out)
}

// hollow is so many bytes of nothing.
type hollow int64

func (n hollow) Size() int64 { return int64(n) }

func (n hollow) NextData(int64) (from, to int64, err error) { return int64(n), int64(n), nil }

func (n hollow) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

// deleteVolume removes a file of an NFS pool. What is not there is deleted already.
type deleteVolume struct{ agentapi.DeleteVolume }

func (c deleteVolume) run(r *run) *agentapi.Answer {
	pool, err := onFiles(c.Volume)
	if err != nil {
		return failed(err)
	}
	m, err := r.mount(poolURI(pool))
	if err != nil {
		return failed(err)
	}
	if err := r.step("delete", func(context.Context) error { return m.Remove(c.Volume.Path) }); err != nil {
		return failed(err)
	}
	return &agentapi.Answer{OK: true}
}
