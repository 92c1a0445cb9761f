package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/driver/spapi"
)

// shadow is what the bytes of the run's objects would be, for targets that show no devices: hosts work on it as on devices,
// so that StorPool's objects and attachments can be judged all the same. Of the cluster's own bytes it tells nothing.
type shadow struct {
	session *Session

	mu       sync.Mutex
	contents map[string]*contents // by global id
}

// page is the unit of copying, in bytes.
const page = 4096

// contents are the pages that were written. A page is never changed in place: copies share them.
type contents struct {
	mu    sync.Mutex
	pages map[int64][]byte
	order []int64 // numbers of the pages, sorted; nil when it has to be found out
}

func newShadow(s *Session) *shadow { return &shadow{session: s, contents: map[string]*contents{}} }

func (s *shadow) of(gid string) *contents {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contents[gid]
	if c == nil {
		c = &contents{pages: map[int64][]byte{}}
		s.contents[gid] = c
	}
	return c
}

// copy makes the bytes of one object those of another.
func (s *shadow) copy(to, from string) {
	to, from = strings.TrimPrefix(to, "~"), strings.TrimPrefix(from, "~")
	if to == "" || from == "" {
		return
	}
	src := s.of(from)
	src.mu.Lock()
	pages := maps.Clone(src.pages)
	src.mu.Unlock()
	dst := s.of(to)
	dst.mu.Lock()
	dst.pages, dst.order = pages, nil
	dst.mu.Unlock()
}

func (s *shadow) forget(list []object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range list {
		delete(s.contents, o.gid)
	}
}

// follow does to the bytes what a call that succeeded does.
func (s *shadow) follow(c call, answer map[string]any) {
	if s.session.can.Devices {
		return
	}
	switch c.name {
	case "VolumeCreate":
		to := textOf(answer["globalId"])
		if to == "" {
			to = textOf(answer["name"])
		}
		s.copy(to, c.member("parent")+c.member("baseOn")) // it is one of them
	case "VolumeSnapshot":
		s.copy(textOf(answer["snapshotGlobalId"]), c.arg)
	case "VolumesGroupSnapshot":
		list, _ := answer["snapshots"].([]any)
		for _, x := range list {
			m, _ := x.(map[string]any)
			s.copy(textOf(m["snapshotGlobalId"]), textOf(m["volumeGlobalId"]))
		}
	case "VolumeRevert":
		s.copy(c.arg, c.member("toSnapshot"))
	case "VolumeUpdate":
		if m, ok := c.body.(map[string]any); ok && m["size"] != nil {
			var size int64
			if _, err := fmt.Sscan(fmt.Sprint(m["size"]), &size); err == nil {
				s.of(strings.TrimPrefix(c.arg, "~")).cut(size)
			}
		}
	}
}

// cut forgets what lies behind the end.
func (c *contents) cut(size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.pages, func(n int64, _ []byte) bool { return n*page >= size })
	c.order = nil
}

// attached are the shadows of the devices of a client.
type attached struct {
	shadow *shadow
	client int
}

// Open opens what the cluster says is attached to the client.
func (a attached) Open(ctx context.Context, path string) (agentsim.Device, error) {
	name, err := agentsim.ObjectName(path)
	if err != nil {
		return nil, err
	}
	list, err := a.shadow.session.api.AttachmentsList(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	for _, x := range list {
		if x.Client == a.client && (name == "~"+x.GlobalID || name == x.Volume) {
			return a.shadow.open(ctx, x.GlobalID, x.Rights == "ro")
		}
	}
	return nil, fmt.Errorf("%w: %s", agentsim.ErrNoDevice, path)
}

// open shows an object's shadow.
func (s *shadow) open(ctx context.Context, gid string, readOnly bool) (agentsim.Device, error) {
	d := &shade{s.of(gid), s.session.api, context.WithoutCancel(ctx), gid, readOnly}
	_, err := d.Size()
	return d, err
}

// shade is an open device that is none.
type shade struct {
	*contents
	api      *spapi.Client
	ctx      context.Context //nolint:containedctx // readers and writers have none of their own
	gid      string
	readOnly bool
}

// ReadAt reads what was written, else zeros.
func (d *shade) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := 0; n < len(p); {
		at := off + int64(n)
		part := p[n:min(len(p), n+int(page-at%page))]
		if src := d.pages[at/page]; src != nil {
			copy(part, src[at%page:])
		} else {
			clear(part)
		}
		n += len(part)
	}
	return len(p), nil
}

// WriteAt writes.
func (d *shade) WriteAt(p []byte, off int64) (int, error) {
	if d.readOnly {
		return 0, fmt.Errorf("write ~%s: it is attached read-only", d.gid)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := 0; n < len(p); {
		at := off + int64(n)
		dst := make([]byte, page)
		if old := d.pages[at/page]; old != nil {
			copy(dst, old)
		} else {
			d.order = nil
		}
		k := copy(dst[at%page:], p[n:])
		d.pages[at/page] = dst
		n += k
	}
	return len(p), nil
}

// Discard makes a range read as zeros.
func (d *shade) Discard(off, n int64) error {
	d.mu.Lock()
	whole := func(k int64, _ []byte) bool { return k*page >= off && (k+1)*page <= off+n }
	maps.DeleteFunc(d.pages, whole)
	d.order = nil
	var edges [][2]int64
	for k := range d.pages {
		if from, to := max(off, k*page), min(off+n, (k+1)*page); from < to {
			edges = append(edges, [2]int64{from, to - from})
		}
	}
	d.mu.Unlock()
	for _, e := range edges {
		if err := image.Zero(d, e[0], e[1]); err != nil {
			return err
		}
	}
	return nil
}

// Size is what the cluster says.
func (d *shade) Size() (int64, error) {
	if s, err := d.api.Snapshot(d.ctx, "~"+d.gid); err == nil {
		return s.Size, nil
	}
	v, err := d.api.Volume(d.ctx, "~"+d.gid)
	return v.Size, err
}

// NextData is the first range that was written from off on; at the end both bounds are the size.
func (d *shade) NextData(off int64) (from, to int64, err error) {
	from, to = d.next(off)
	size, err := d.Size()
	if err != nil || from == to || from >= size {
		return size, size, err
	}
	return from, min(to, size), nil
}

// next is the first range of pages from off on; an empty one when there is none.
func (c *contents) next(off int64) (from, to int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.order == nil {
		c.order = slices.Sorted(maps.Keys(c.pages))
	}
	i, _ := slices.BinarySearch(c.order, off/page)
	if i == len(c.order) {
		return 0, 0
	}
	from, to = max(off, c.order[i]*page), (c.order[i]+1)*page
	for _, k := range c.order[i+1:] {
		if k*page != to {
			break
		}
		to += page
	}
	return from, to
}

// Close does nothing: nothing was opened.
func (d *shade) Close() error { return nil }
