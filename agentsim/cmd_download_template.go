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

// downloadTemplate writes an image of secondary storage onto a StorPool volume (agent 9.5).
type downloadTemplate struct{ agentapi.DownloadTemplate }

func destinationOf(c agentapi.DownloadTemplate) string {
	switch {
	case c.DestTemplate != nil:
		return c.DestTemplate.Path
	case c.DestVolume != nil:
		return c.DestVolume.Path
	}
	return ""
}

// source is where the image is and what it is.
type source struct {
	store  *agentapi.Store
	path   string
	format image.Format
}

func (c downloadTemplate) run(r *run) *agentapi.Answer {
	r.within(c.Wait)
	var from source
	err := r.step("check", func(context.Context) (err error) {
		from, err = c.check()
		return err
	})
	if err != nil {
		return failed(err)
	}
	uri, name := secondary.Split(from.store.URL, from.path)
	m, err := r.mount(uri)
	if err != nil {
		return failed(err)
	}
	var file *os.File
	var img image.Reader
	err = r.step("find", func(context.Context) (err error) {
		file, img, err = find(m, name, from.format)
		return err
	})
	if err != nil {
		return failed(err)
	}
	if err := c.mustFit(r, img); err != nil {
		return failed(errors.Join(err, file.Close()))
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := c.write(r, found{file, img, from.format}); err != nil {
		return failed(err)
	}
	if c.DestVolume != nil {
		return succeeded(*c.DestVolume)
	}
	done := *c.DestTemplate
	done.Size = volumeSize(img)
	return succeeded(done)
}

// mustFit refuses a backup that the passphrase of the volume does not open. The backup is ciphertext, so that it fits
// the volume of which it was taken and no other.
func (c downloadTemplate) mustFit(r *run, img image.Reader) error {
	if c.DestVolume == nil || c.DestVolume.Passphrase.Empty() {
		return nil
	}
	plain, err := luks.OpenReader(r.ctx, img, img.Size(), c.DestVolume.Passphrase.Reveal(), r.host.fleet.unlock())
	if err != nil {
		return fmt.Errorf("the passphrase of the volume %s and its backup: %w", c.DestVolume.Name, err)
	}
	return plain.Close()
}

// write brings the destination to size when it is a template, and copies.
func (c downloadTemplate) write(r *run, img found) error {
	to, k := destinationOf(c.DownloadTemplate), kind(c.ObjectType)
	if c.DestTemplate != nil {
		err := r.step("resize", func(ctx context.Context) error {
			_, err := r.host.Adaptor().resize(ctx, to, volumeSize(img))
			return err
		}, to)
		if err != nil {
			return err
		}
	}
	if err := r.attach(k, to); err != nil {
		return err
	}
	return r.step("convert", func(ctx context.Context) error { return r.restore(ctx, img, to) }, to)
}

// volumeSize is the size of the volume that an image needs: StorPool's volumes are whole sectors, raw files may not be.
func volumeSize(img image.Reader) int64 { return (img.Size() + 511) / 512 * 512 }

func (c downloadTemplate) check() (source, error) {
	from, err := c.source()
	if err != nil {
		return from, err
	}
	if err := mustBeNFS(from.store); err != nil {
		return from, err
	}
	switch {
	case (c.DestTemplate == nil) == (c.DestVolume == nil):
		return from, errors.New("the command needs exactly one destination")
	case kind(c.ObjectType) != volumeKind:
		return from, fmt.Errorf("%w: download onto a %q", ErrUnsupported, c.ObjectType)
	}
	return from, nil
}

// source tells what is copied. A backed-up snapshot is qcow2; a template says what it is.
func (c downloadTemplate) source() (source, error) {
	if (c.Template == nil) == (c.Snapshot == nil) {
		return source{}, errors.New("the command needs exactly one source")
	}
	if c.Snapshot != nil {
		return source{c.Snapshot.Store, c.Snapshot.Path, image.Qcow2}, nil
	}
	from := source{c.Template.Store, c.Template.Path, image.Qcow2}
	switch c.Template.Format {
	case agentapi.QCOW2:
	case agentapi.RAW:
		from.format = image.Raw
	default:
		return from, fmt.Errorf("%w: template %s of format %q", ErrUnsupported, c.Template.Name, c.Template.Format)
	}
	return from, nil
}

// find opens the image of a name; without a name the first file that ends in qcow2.
func find(m *secondary.Mount, name string, format image.Format) (*os.File, image.Reader, error) {
	if name == "" {
		first, ok, err := m.First("qcow2")
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			return nil, nil, fmt.Errorf("no qcow2 file in %s", m.URI())
		}
		name = first
	}
	f, length, err := m.Open(name)
	if err != nil {
		return nil, nil, err
	}
	img, err := image.OpenReader(f, length, format)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s/%s: %w", m.URI(), name, err), f.Close())
	}
	return f, img, nil
}
