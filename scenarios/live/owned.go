package live

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/emulator/admin"
)

// owned is an object of an emulator as its owner sees it, attached or not.
type owned struct {
	ctx   context.Context //nolint:containedctx // readers and writers have none of their own
	admin *admin.Client
	ref   string
}

// piece is the most that one request moves, in bytes.
const piece = 1 << 20

func newOwned(ctx context.Context, cfg Config, gid string) (agentsim.Device, error) {
	a, err := admin.New(cfg.Admin, cfg.Token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return &owned{context.WithoutCancel(ctx), a, "~" + gid}, nil
}

// ReadAt reads in pieces.
func (o *owned) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		want := min(len(p)-n, piece)
		got, err := o.admin.ReadContents(o.ctx, o.ref, 0, off+int64(n), want)
		if err != nil {
			return n, fmt.Errorf("read %s: %w", o.ref, err)
		}
		n += copy(p[n:], got)
		if len(got) < want {
			return n, fmt.Errorf("read %s: it ends at byte %d", o.ref, off+int64(n))
		}
	}
	return n, nil
}

// WriteAt writes in pieces; with an error, those before it are written.
func (o *owned) WriteAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		part := p[n:min(len(p), n+piece)]
		if err := o.admin.WriteContents(o.ctx, o.ref, 0, off+int64(n), part); err != nil {
			return n, fmt.Errorf("write %s: %w", o.ref, err)
		}
		n += len(part)
	}
	return n, nil
}

// Discard writes zeros: that they are read afterwards is what counts.
func (o *owned) Discard(off, n int64) error { return image.Zero(o, off, n) }

// Size is in bytes.
func (o *owned) Size() (int64, error) {
	x, err := o.admin.Extents(o.ctx, o.ref, 0)
	if err != nil {
		return 0, fmt.Errorf("size of %s: %w", o.ref, err)
	}
	return x.Size, nil
}

// NextData is the first range of data from off on; at the end both bounds are the size.
func (o *owned) NextData(off int64) (from, to int64, err error) {
	x, err := o.admin.Extents(o.ctx, o.ref, off)
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("map %s: %w", o.ref, err)
	case len(x.Extents) == 0:
		return x.Size, x.Size, nil
	}
	return x.Extents[0].Offset, x.Extents[0].Offset + x.Extents[0].Length, nil
}

// Close does nothing: nothing is attached.
func (o *owned) Close() error { return nil }
