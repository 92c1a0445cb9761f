package agentsim

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// copyVolume copies the temporary snapshot of a volume to secondary storage or to a pool of files (agent 9.4).
type copyVolume struct {
	agentapi.CopyVolumeToSecondary
}

// place is where a copied volume goes.
type place struct {
	uri    string // to mount
	dir    string // below it
	format image.Format
}

func (c copyVolume) place() (p place, err error) {
	switch {
	case c.Dest.UUID == "":
		return p, errors.New("the destination has no UUID")
	case isEncrypted(c.Source):
		return p, fmt.Errorf("%w: the encrypted volume %s can move between StorPool pools only", ErrUnsupported, c.Source.Name)
	case c.Dest.Store != nil:
		return place{c.Dest.Store.URL, c.Dest.Path, imageOf(c.Dest.Format)}, mustBeNFS(c.Dest.Store)
	case c.Dest.Pool != nil && c.Dest.Pool.Type == agentapi.NetworkFilesystem:
		return place{poolURI(*c.Dest.Pool), "", image.Qcow2}, nil
	case c.Dest.Pool != nil:
		return p, fmt.Errorf("%w: copy of a volume to a pool of type %q", ErrUnsupported, c.Dest.Pool.Type)
	}
	return p, errors.New("the command names no destination")
}

func (c copyVolume) run(r *run) *agentapi.Answer {
	r.within(c.Wait)
	out, err := c.copy(r)
	if err != nil {
		return failed(fmt.Errorf("copy of volume %s: %w", c.Source.Name, err))
	}
	return succeeded(out)
}

func (c copyVolume) copy(r *run) (out agentapi.Volume, err error) {
	var p place
	err = r.step("check", func(context.Context) (err error) {
		p, err = c.place()
		return err
	})
	if err != nil {
		return out, err
	}
	if err = r.attach(snapshotKind, c.Source.Path); err != nil {
		return out, err
	}
	m, err := c.mount(r, p)
	if err != nil {
		return out, err
	}
	name := path.Join(p.dir, c.Dest.UUID)
	var size, length int64
	err = r.step("convert", func(ctx context.Context) (err error) {
		size, err = r.export(ctx, export{
			device: c.Source.Path, to: m, name: name, how: r.host.rules.copyOutput(), read: r.host.rules.contents, write: as(p.format), format: p.format,
		})
		return err
	}, c.Source.Path)
	if err != nil {
		return out, err
	}
	r.made = append(r.made, func(ctx context.Context) error { return r.host.unmake(ctx, p.uri, name) })
	err = r.step("measure", func(context.Context) (err error) {
		length, err = m.Size(name)
		return err
	})
	out = c.Dest
	out.Path, out.Size, out.Format = r.host.rules.copiedPath(c.Dest, name), r.host.rules.copiedSize(size, length), agentapi.QCOW2
	if p.format == image.Raw {
		out.Format = agentapi.RAW
	}
	return out, err
}

// unmake removes a file that is not wanted after all.
func (h *Host) unmake(ctx context.Context, uri, name string) error {
	m, err := h.mounts.Mount(ctx, uri)
	if err != nil {
		return err
	}
	return errors.Join(m.Remove(name), m.Release())
}

// mount mounts the destination, to be given back when the command is over, and makes the folder.
func (c copyVolume) mount(r *run, p place) (*secondary.Mount, error) {
	m, err := r.mount(p.uri)
	if err != nil {
		return nil, err
	}
	r.host.rules.copyMounted(r)
	if p.dir == "" {
		return m, nil
	}
	return m, r.step("mkdir", func(context.Context) error { return m.Mkdir(p.dir) })
}

// virtualSize is the recorded size of a copied volume.
func virtualSize(virtual, _ int64) int64 { return virtual }

// fileLength is A-9: the length of the thin file is taken for the size.
func fileLength(_, length int64) int64 { return length }

// pathOnStore is where a copied volume is, relative to its store or pool.
func pathOnStore(_ agentapi.Volume, name string) string { return name }

// pathOrNull is A-9: the path is made of a destination path that pools do not have.
func pathOrNull(dst agentapi.Volume, name string) string {
	if dst.Path == "" {
		return "null/" + dst.UUID
	}
	return name
}

// leaveMounted is A-9: the clean-up looks at a variable that is never set.
func leaveMounted(r *run) { r.releases = nil }
