package agentsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// A host waits so long for a disk to show up on a pool (agent 9.6).
const (
	diskPolls = 100
	diskPause = 3 * time.Second
)

// downloadVolume writes a volume of secondary storage or of a pool of files onto a StorPool volume, which takes its
// virtual size (agent 9.6).
type downloadVolume struct{ agentapi.DownloadVolume }

// found is an image that is open for reading.
type found struct {
	file *os.File
	image.Reader
	format image.Format
}

func (c downloadVolume) run(r *run) *agentapi.Answer {
	r.within(c.Wait)
	var uri, name string
	err := r.step("check", func(context.Context) (err error) {
		uri, name, err = c.source()
		return err
	})
	if err != nil {
		return failed(err)
	}
	m, err := r.mount(uri)
	if err != nil {
		return failed(err)
	}
	var img found
	err = r.step("find", func(ctx context.Context) (err error) {
		img, err = c.find(ctx, r.host, m, name)
		return err
	})
	if err != nil {
		return failed(err)
	}
	defer func() { _ = img.file.Close() }() // it was only read
	if err := r.overwrite(c.Dest.Path, img); err != nil {
		return failed(err)
	}
	done := c.Dest
	done.Size = volumeSize(img)
	return succeeded(done)
}

// overwrite gives a volume the size of an image, shrinking allowed, and its contents.
func (r *run) overwrite(to string, img found) error {
	err := r.step("resize", func(ctx context.Context) error {
		ours, err := r.host.Adaptor().resize(ctx, to, volumeSize(img))
		if err == nil && !ours {
			err = fmt.Errorf("%w: %q is not on StorPool", ErrUnsupported, to)
		}
		return err
	}, to)
	if err != nil {
		return err
	}
	if err := r.attach(volumeKind, to); err != nil {
		return err
	}
	return r.step("convert", func(ctx context.Context) error { return r.restore(ctx, img, to) }, to)
}

// source is what to mount and the file there.
func (c downloadVolume) source() (uri, name string, err error) {
	from := c.Source
	switch {
	case isEncrypted(from) || isEncrypted(c.Dest):
		return "", "", fmt.Errorf("%w: an encrypted volume can move between StorPool pools only", ErrUnsupported)
	case from.Store != nil:
		uri, name = secondary.Split(from.Store.URL, from.Path)
		return uri, name, mustBeNFS(from.Store)
	case from.Pool == nil:
		return "", "", errors.New("the command names no source")
	case from.Pool.Type != agentapi.NetworkFilesystem:
		return "", "", fmt.Errorf("%w: copy of a volume from a pool of type %q", ErrUnsupported, from.Pool.Type)
	}
	return poolURI(*from.Pool), from.Path, nil
}

// find opens the source; on a pool it may take a while to show up.
func (c downloadVolume) find(ctx context.Context, h *Host, m *secondary.Mount, name string) (img found, err error) {
	img.format = imageOf(c.Source.Format)
	for try := 1; ; try++ {
		img.file, img.Reader, err = find(m, name, img.format)
		if c.Source.Pool == nil || !errors.Is(err, os.ErrNotExist) || try == diskPolls {
			return img, err
		}
		if err := h.fleet.clock.Sleep(ctx, diskPause); err != nil {
			return img, err
		}
	}
}
