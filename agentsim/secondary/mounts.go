package secondary

import (
	"context"
	"errors"
	"maps"
	"path"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Mounts are the mounts of one host, counted by URI. Two URIs that differ in their last element are two mounts.
type Mounts struct {
	open func(ctx context.Context, uri string) (*Dir, error)
	gone func(uri string) error // a reference was given back

	mu     sync.Mutex
	counts map[string]int
	lost   map[lossy]bool // files that a power failure would take
}

type lossy struct{ uri, name string }

// Mount is one reference to a mounted URI.
type Mount struct {
	*Dir
	of   *Mounts
	once sync.Once
}

// NewMounts starts with nothing mounted.
func NewMounts(s *Storage) *Mounts {
	return newMounts(func(_ context.Context, uri string) (*Dir, error) { return s.Open(uri) }, func(string) error { return nil })
}

// NewSystemMounts starts with nothing mounted and shares the mounts of a machine with others.
func NewSystemMounts(s *System) *Mounts { return newMounts(s.open, s.release) }

func newMounts(open func(context.Context, string) (*Dir, error), gone func(string) error) *Mounts {
	return &Mounts{open: open, gone: gone, counts: map[string]int{}, lost: map[lossy]bool{}}
}

// Mount mounts a URI, or adds a reference to the mount that is there.
func (m *Mounts) Mount(ctx context.Context, uri string) (*Mount, error) {
	uri = strings.TrimSuffix(uri, "/")
	d, err := m.open(ctx, uri)
	if err != nil {
		return nil, err
	}
	d.unflushed = m.remember
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[uri]++
	return &Mount{Dir: d, of: m}, nil
}

// Release gives the reference back; the second time is [ErrReleased].
func (m *Mount) Release() error {
	err := ErrReleased
	m.once.Do(func() {
		err = errors.Join(m.Close(), m.of.gone(m.uri))
		m.of.mu.Lock()
		defer m.of.mu.Unlock()
		if m.of.counts[m.uri]--; m.of.counts[m.uri] <= 0 {
			delete(m.of.counts, m.uri)
		}
	})
	return err
}

// Point is where the host mounts a URI: /mnt/ and a UUID made of server and path.
func Point(uri string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(uri, "nfs://"), "/")
	return path.Join("/mnt", uuid.NewMD5(uuid.NameSpaceURL, []byte(name)).String())
}

// Counts gives the references that are not given back, by URI. Between commands it is empty unless mounts leak.
func (m *Mounts) Counts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.counts)
}

// remember notes a file that only the page cache holds.
func (m *Mounts) remember(d *Dir, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost[lossy{d.uri, name}] = true
}

// Reboot drops all mounts, and with them what was written and never flushed: such files are left empty.
func (m *Mounts) Reboot() error {
	m.mu.Lock()
	lost := m.lost
	m.counts, m.lost = map[string]int{}, map[lossy]bool{}
	m.mu.Unlock()
	var errs []error
	for f := range lost {
		d, err := m.open(context.Background(), f.uri) // a host that reboots waits for nobody
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o, err := d.Create(f.name, Write{InPlace: true})
		if err == nil {
			err = o.Discard()
		}
		errs = append(errs, err, d.Close(), m.gone(f.uri))
	}
	return errors.Join(errs...)
}
