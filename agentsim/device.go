package agentsim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/driver/spapi"
)

const (
	detachTries = 10 // agent 3.2
	detachPause = time.Second
	waitPolls   = 10 // agent 3.3
	waitPause   = 100 * time.Millisecond
)

// ErrNoDevice is a device that is not there, or not yet.
var ErrNoDevice = errors.New("no such device")

// entry is a device in the host's table: who uses it, and from when on its node is there.
type entry struct {
	runs    int // commands under way
	guests  int
	appears time.Time
}

// use changes the number of uses and gives what is left of them.
func (h *Host) use(name string, runs, guests int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.devices[name]
	if e == nil {
		e = &entry{appears: h.fleet.clock.Now().Add(h.delay)}
		h.devices[name] = e
	}
	e.runs, e.guests = max(0, e.runs+runs), max(0, e.guests+guests)
	return e.runs + e.guests
}

// unused tells whether nobody uses a device.
func (h *Host) unused(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.devices[name]
	return e == nil || e.runs+e.guests == 0
}

func (h *Host) forget(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.devices, name)
}

// attach is the primitive of agent 3.1 and waits for the device. False without an error means that the device has
// not appeared, or that the path is not StorPool's.
func (h *Host) attach(ctx context.Context, k kind, path string) (bool, error) {
	name, err := h.attachOnly(ctx, k, path)
	if err != nil || name == "" {
		return false, err
	}
	return h.waitForDevice(ctx, path)
}

// attachOnly attaches in one attempt and counts the use. It gives the object's name when the object is attached, and
// also beside an error when it may be.
func (h *Host) attachOnly(ctx context.Context, k kind, path string) (string, error) {
	name, err := ObjectName(path)
	if err != nil || name == "" {
		return "", err
	}
	if err := h.writeLog(ctx, "attach "+string(k), path); err != nil {
		return "", err
	}
	unlock, err := h.locks.Lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	client, err := h.client()
	if err != nil {
		return "", err
	}
	err = h.cfg.API.VolumesReassignWait(ctx, k.attachItem(name, client))
	if err != nil && !spapi.MayHaveRun(err) {
		return "", fmt.Errorf("attach %s %s: %w", k, name, err)
	}
	h.use(name, 1, 0)
	if err != nil {
		return name, fmt.Errorf("attach %s %s: %w", k, name, err)
	}
	return name, nil
}

// detach is the primitive of agent 3.2: the last user detaches, in up to ten attempts a second apart. False without
// an error means that the path is not StorPool's.
func (h *Host) detach(ctx context.Context, k kind, path string) (bool, error) {
	return h.release(ctx, k, path, 1)
}

func (h *Host) release(ctx context.Context, k kind, path string, runs int) (bool, error) {
	name, err := ObjectName(path)
	if err != nil || name == "" {
		return false, err
	}
	if err := h.writeLog(ctx, "detach "+string(k), path); err != nil {
		return false, err
	}
	unlock, err := h.locks.Lock(ctx, name)
	if err != nil {
		return false, err
	}
	defer unlock()
	if left := h.use(name, -runs, 0); !h.rules.detachNow(left) {
		return true, nil
	}
	client, err := h.client()
	if err != nil {
		return false, err
	}
	for range detachTries {
		if err = h.cfg.API.VolumesReassignWait(ctx, k.detachItem(name, client)); err == nil {
			h.forget(name)
			return true, nil
		}
		if slept := h.fleet.clock.Sleep(ctx, detachPause); slept != nil {
			return false, errors.Join(err, slept)
		}
	}
	return false, fmt.Errorf("detach %s %s: %w", k, name, err)
}

// waitForDevice is the primitive of agent 3.3.
func (h *Host) waitForDevice(ctx context.Context, path string) (bool, error) {
	for range waitPolls {
		if h.deviceSize(ctx, path) != 0 {
			return true, nil
		}
		if err := h.fleet.clock.Sleep(ctx, waitPause); err != nil {
			return false, err
		}
	}
	return false, nil
}

// deviceSize is the primitive of agent 3.4: bytes, 0 for everything that is not a device with contents.
func (h *Host) deviceSize(ctx context.Context, path string) int64 {
	d, err := h.open(ctx, path)
	if err != nil {
		return 0
	}
	size, err := d.Size()
	if errors.Join(err, d.Close()) != nil {
		return 0
	}
	return size
}

// open opens a device whose node has appeared.
func (h *Host) open(ctx context.Context, path string) (Device, error) {
	name, err := ObjectName(path)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fmt.Errorf("%w: %s", ErrNoDevice, path)
	}
	h.mu.Lock()
	e := h.devices[name]
	early := e != nil && h.fleet.clock.Now().Before(e.appears)
	h.mu.Unlock()
	if early {
		return nil, fmt.Errorf("%w: %s", ErrNoDevice, path)
	}
	d, err := h.cfg.Devices.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return d, nil
}

// disk is an open device as an image.
type disk struct {
	image.Image
	device Device
}

func (h *Host) openDisk(ctx context.Context, path string) (*disk, error) {
	d, err := h.open(ctx, path)
	if err != nil {
		return nil, err
	}
	size, err := d.Size()
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &disk{Image: image.Device(d, size), device: d}, nil
}

func (d *disk) Close() error { return d.device.Close() }

// openTarget opens a device to write an image of size bytes to. A missing device is what A-7 is about.
func (h *Host) openTarget(ctx context.Context, path string, size int64) (*disk, error) {
	d, err := h.openDisk(ctx, path)
	if err != nil {
		return h.rules.missingTarget(h, path, size, err)
	}
	return d, nil
}

// hook lets a copy take time and ends it when the agent or the host does.
func (h *Host) hook(r *run) image.Hook {
	return func(ctx context.Context, n int64) error {
		if err := r.alive(); err != nil {
			return err
		}
		h.mu.Lock()
		speed := h.throughput
		h.mu.Unlock()
		if speed <= 0 {
			return nil
		}
		return h.fleet.clock.Sleep(ctx, time.Duration(float64(n)/float64(speed)*float64(time.Second)))
	}
}

// strayFile is the regular file that qemu-img creates in /dev where a device is missing.
type strayFile struct{}

func (strayFile) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

func (strayFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

func (strayFile) Discard(int64, int64) error { return nil }

func (strayFile) Size() (int64, error) { return 0, nil }

func (strayFile) Close() error { return nil }

// makeStray pretends to write a file in /dev.
func makeStray(h *Host, path string, size int64, _ error) (*disk, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stray[path] = size
	return &disk{Image: image.Device(strayFile{}, size), device: strayFile{}}, nil
}
