package hosttools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/image"
)

// Devices are the devices of a host.
type Devices struct{ programs *Programs }

var _ agentsim.Devices = (*Devices)(nil)

// Devices gives the devices that StorPool shows below Root.
func (p *Programs) Devices() *Devices { return &Devices{p} }

// device is an open device.
type device struct {
	*os.File
	size func() (int64, error)
}

// Open opens a device for reading and writing, or for reading only when it is attached so.
func (d *Devices) Open(ctx context.Context, path string) (agentsim.Device, error) {
	name, err := agentsim.ObjectName(path)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fmt.Errorf("%w: %s", agentsim.ErrNoDevice, path)
	}
	folder := "/dev/storpool/"
	if id, ok := strings.CutPrefix(name, "~"); ok {
		folder, name = "/dev/storpool-byid/", id
	}
	if strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		return nil, fmt.Errorf("%w: %s", agentsim.ErrBadPath, path)
	}
	file := d.programs.device(folder + name)
	f, err := os.OpenFile(file, os.O_RDWR, 0) //nolint:gosec // one folder and one checked element
	if errors.Is(err, os.ErrPermission) || err != nil && strings.Contains(err.Error(), "read-only") {
		f, err = os.Open(file) //nolint:gosec // one folder and one checked element
	}
	if err != nil {
		return nil, err
	}
	return &device{f, func() (int64, error) { return d.programs.size(ctx, file) }}, nil
}

// size is what `blockdev --getsize64` prints.
func (p *Programs) size(ctx context.Context, file string) (int64, error) {
	text, err := p.Run(ctx, "blockdev", "--getsize64", file)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	size, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("blockdev --getsize64 %s: %w", file, err)
	}
	return size, nil
}

func (d *device) Size() (int64, error) { return d.size() }

// Discard writes zeros: that they are read afterwards is what counts.
func (d *device) Discard(off, n int64) error { return image.Zero(d, off, n) }
