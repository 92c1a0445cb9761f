package secondary

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
)

// Mounter is what mounts for a real host: its mount and umount programs.
type Mounter interface {
	// Mount mounts an export, "server:/path", at a folder that exists.
	Mount(ctx context.Context, export, point string) error
	// Unmount ends a mount.
	Unmount(ctx context.Context, point string) error
}

// System are the real mounts of this machine, counted by URI: the first use of a URI mounts it at its [Point], the last one
// unmounts it (agent 8). A failed unmount is reported and the mount counts as gone.
type System struct {
	mounter Mounter
	root    string // the mount points are below it; empty on a host

	mu     sync.Mutex
	counts map[string]int
}

// NewSystem mounts with a mounter, at points below root: "/mnt/<uuid>" when root is empty.
func NewSystem(m Mounter, root string) *System {
	return &System{mounter: m, root: strings.TrimSuffix(root, "/"), counts: map[string]int{}}
}

// open mounts a URI unless it is mounted, and opens the mount.
func (s *System) open(ctx context.Context, uri string) (*Dir, error) {
	where, err := locate(uri)
	if err != nil {
		return nil, err
	}
	server, export, _ := strings.Cut(where, "/")
	point := s.root + Point(uri)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[uri] == 0 {
		if err := os.MkdirAll(point, 0o750); err != nil {
			return nil, fmt.Errorf("mount %s: %w", uri, err)
		}
		if err := s.mounter.Mount(ctx, server+":"+path.Join("/", export), point); err != nil {
			return nil, fmt.Errorf("mount %s: %w", uri, err)
		}
	}
	root, err := os.OpenRoot(point)
	if err != nil {
		err = fmt.Errorf("open %s: %w", uri, err)
		if s.counts[uri] == 0 {
			err = errors.Join(err, s.mounter.Unmount(ctx, point))
		}
		return nil, err
	}
	s.counts[uri]++
	return &Dir{uri: uri, root: root}, nil
}

// release takes one use back.
func (s *System) release(uri string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[uri]--; s.counts[uri] > 0 {
		return nil
	}
	delete(s.counts, uri)
	// A command that has ended cannot be cancelled any more; a mount must not stay because of it.
	if err := s.mounter.Unmount(context.Background(), s.root+Point(uri)); err != nil {
		return fmt.Errorf("unmount %s: %w", uri, err)
	}
	return nil
}
