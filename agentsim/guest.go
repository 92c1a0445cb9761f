package agentsim

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/spsim/spsim/driver/agentapi"
)

// ErrNoDisk is a disk that a VM does not have.
var ErrNoDisk = errors.New("the VM has no such disk")

// Guest is a running VM.
type Guest struct {
	name string
	host *Host

	mu      sync.Mutex
	disks   []*GuestDisk // in the order of plugging
	stopped bool
}

// GuestDisk is a disk as the guest sees it. It stays the same when the VM moves.
type GuestDisk struct {
	deviceID int
	pool     agentapi.Pool

	flow   sync.RWMutex // held alone while a chunk is copied and while the device is exchanged
	device Device
	mirror Device     // where a live copy goes, nil without one; it gets every write
	order  sync.Mutex // keeps writes to both in one order

	mu   sync.Mutex
	path string
	size int64 // bytes, as the guest was told
	gone bool
}

// Name is the VM's instance name.
func (g *Guest) Name() string { return g.name }

// Host is where the VM runs.
func (g *Guest) Host() *Host {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.host
}

// Paths are the device paths of the disks, in the order of plugging.
func (g *Guest) Paths() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]string, len(g.disks))
	for i, d := range g.disks {
		out[i] = d.Path()
	}
	return out
}

// Disk gives the disk of a device path.
func (g *Guest) Disk(path string) (*GuestDisk, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.disks {
		if d.Path() == path {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: %s, %s", ErrNoDisk, g.name, path)
}

// DiskAt gives the disk of a device id; the root disk has 0.
func (g *Guest) DiskAt(deviceID int) (*GuestDisk, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.disks {
		if d.deviceID == deviceID {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: %s, device %d", ErrNoDisk, g.name, deviceID)
}

// plug gives the guest an open device.
func (g *Guest) plug(d agentapi.Disk, device Device) error {
	size, err := device.Size()
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return fmt.Errorf("%w: %s", ErrNoGuest, g.name)
	}
	for _, other := range g.disks {
		if other.Path() == d.Path {
			return fmt.Errorf("%s has the disk %s already", g.name, d.Path)
		}
	}
	g.disks = append(g.disks, &GuestDisk{path: d.Path, deviceID: d.DeviceID, pool: d.Pool, device: device, size: size})
	return nil
}

// unplug takes a disk away. It tells whether the guest had it.
func (g *Guest) unplug(path string) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, d := range g.disks {
		if d.Path() == path {
			g.disks = slices.Delete(g.disks, i, i+1)
			return true, d.close()
		}
	}
	return false, nil
}

// close ends the guest, takes all disks away and gives their paths.
func (g *Guest) close() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	paths := make([]string, 0, len(g.disks))
	for _, d := range g.disks {
		paths = append(paths, d.Path())
		_ = d.close() // the guest is gone either way
	}
	g.disks = nil
	return paths
}

// Path is the device path on the host.
func (d *GuestDisk) Path() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.path
}

// DeviceID is the disk's number in the VM.
func (d *GuestDisk) DeviceID() int { return d.deviceID }

// Size is what the guest sees, in bytes: the device's size when it was plugged in, and after a resize of the running
// VM whole KiB, once the guest was told (agent 11).
func (d *GuestDisk) Size() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.size
}

// notify tells the guest of a new size.
func (d *GuestDisk) notify(size int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.size = size / 1024 * 1024
}

func (d *GuestDisk) close() error {
	d.mu.Lock()
	was := d.gone
	d.gone = true
	d.mu.Unlock()
	if was {
		return nil
	}
	d.flow.Lock()
	defer d.flow.Unlock()
	return d.device.Close()
}

// span checks that a request lies inside what the guest sees of a disk that it still has.
func (d *GuestDisk) span(off int64, n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return fmt.Errorf("%w: %s is unplugged", ErrNoDisk, d.path)
	}
	if off < 0 || int64(n) > d.size-off {
		return fmt.Errorf("%d bytes at %d of a disk of %d: %w", n, off, d.size, io.EOF)
	}
	return nil
}

// ReadAt reads as the guest does; all of p, or an error.
func (d *GuestDisk) ReadAt(p []byte, off int64) (int, error) {
	d.flow.RLock()
	defer d.flow.RUnlock()
	if err := d.span(off, len(p)); err != nil {
		return 0, err
	}
	return d.device.ReadAt(p, off)
}

// WriteAt writes as the guest does.
func (d *GuestDisk) WriteAt(p []byte, off int64) (n int, err error) {
	err = d.change(off, len(p), func(to Device) error {
		n, err = to.WriteAt(p, off)
		return err
	})
	return n, err
}

// Discard gives space back, as a guest with discard=unmap does (agent 5).
func (d *GuestDisk) Discard(off, n int64) error {
	return d.change(off, int(n), func(to Device) error { return to.Discard(off, n) })
}

// change does a write on the device, and on what mirrors it.
func (d *GuestDisk) change(off int64, n int, do func(Device) error) error {
	d.flow.RLock()
	defer d.flow.RUnlock()
	if err := d.span(off, n); err != nil {
		return err
	}
	if d.mirror == nil {
		return do(d.device)
	}
	d.order.Lock()
	defer d.order.Unlock()
	if err := do(d.mirror); err != nil {
		return err
	}
	return do(d.device)
}
