package world

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// observer keeps the parts of the last observation that cost something.
type observer struct {
	mu          sync.Mutex
	known       bool
	generation  int64
	revision    uint64
	objects     []check.Object
	attachments []check.Attachment
	inventory   check.Inventory
}

// Observe looks at everything. What has not changed since the last time is not read again.
func (w *World) Observe(ctx context.Context) (*check.Observation, error) {
	o := &w.observe
	o.mu.Lock()
	defer o.mu.Unlock()
	generation, revision := w.Target.Generation(), w.Inventory.Revision()
	if !o.known || o.generation != generation {
		objects, attachments, err := w.Target.Look(ctx)
		if err != nil {
			return nil, fmt.Errorf("observe StorPool: %w", err)
		}
		o.objects, o.attachments = objects, attachments
	}
	if !o.known || o.revision != revision {
		i, err := check.ReadInventory(w.Inventory)
		if err != nil {
			return nil, fmt.Errorf("observe inventory: %w", err)
		}
		o.inventory = i
	}
	o.known, o.generation, o.revision = true, generation, revision
	files, err := w.files(o.inventory.SecondaryStores, o.inventory.Pools)
	if err != nil {
		return nil, fmt.Errorf("observe secondary storage: %w", err)
	}
	sealed, leaks, err := w.lookInside(ctx, o.objects, &o.inventory)
	if err != nil {
		return nil, fmt.Errorf("observe encrypted volumes: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return &check.Observation{
		Sealed: sealed, Leaks: leaks,
		Objects: o.objects, Attachments: o.attachments, Hosts: w.hosts(), Files: files, Inventory: o.inventory,
		Guests: true, Excused: maps.Clone(w.excused), Hash: w.hash, Unsettled: w.unsettled != nil,
	}, nil
}

// Check settles, observes and returns the broken invariants as a [*check.Failed]; nil while the management server is
// killed.
func (w *World) Check(ctx context.Context) error {
	_, err := w.Judge(ctx)
	return err
}

// Judge is Check that returns what it has seen as well: nothing while the management server is killed.
func (w *World) Judge(ctx context.Context) (*check.Observation, error) {
	if err := w.Settle(ctx); err != nil {
		return nil, err
	}
	if w.Crashed() {
		return nil, nil //nolint:nilnil // there is nothing to see
	}
	o, err := w.Observe(ctx)
	if err != nil {
		return nil, err
	}
	return o, check.Err(o)
}

// hosts are the hosts with what their guests see.
func (w *World) hosts() []check.Host {
	var out []check.Host
	for i, row := range w.Hosts {
		h, err := w.Fleet.Host(row.UUID)
		if err != nil {
			continue // was never switched on
		}
		st := h.State()
		c := check.Host{
			Row: row.ID, Client: i + 1, On: st.Up, Uses: st.Uses, Mounts: st.Mounts, Stray: st.Stray, Unfinished: st.Unfinished,
			Secrets: st.Secrets, Held: st.Held,
		}
		for _, g := range st.Guests {
			c.Guests = append(c.Guests, guest(h, g))
		}
		out = append(out, c)
	}
	return out
}

func guest(h *agentsim.Host, st agentsim.GuestState) check.Guest {
	out := check.Guest{Name: st.Name}
	g, err := h.Guest(st.Name)
	if err != nil {
		return out // ended meanwhile
	}
	for _, path := range st.Disks {
		if d, err := g.Disk(path); err == nil {
			out.Disks = append(out.Disks, check.Disk{Path: path, Size: d.Size()})
		}
	}
	return out
}

// files lists what is on secondary storage and on primary pools of files.
func (w *World) files(stores []inventory.SecondaryStore, pools []inventory.Pool) (out []check.File, err error) {
	add := func(url string, x check.File) error {
		d, err := w.storage.Open(url)
		if err != nil {
			return err
		}
		list, err := d.Files()
		for _, f := range list {
			x.Name, x.Size = f.Name, f.Size
			out = append(out, x)
		}
		return errors.Join(err, d.Close())
	}
	for _, st := range stores {
		if err := add(st.URL, check.File{Store: st.ID}); err != nil {
			return nil, err
		}
	}
	for _, p := range pools {
		if p.Provider != mgmt.DefaultPrimary {
			continue
		}
		if err := add(mgmt.PoolURL(p), check.File{Pool: p.ID}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// hash digests the contents of an object.
func (w *World) hash(ctx context.Context, gid string) (string, error) {
	objects, _, err := w.Target.Look(ctx)
	if err != nil {
		return "", err
	}
	for _, x := range objects {
		if x.GlobalID != gid {
			continue
		}
		sum := sha256.New()
		err := w.borrow(ctx, gid, x.Snapshot, func(d agentsim.Device) error { return digest(sum, d, x.Size) })
		return hex.EncodeToString(sum.Sum(nil)), err
	}
	return "", fmt.Errorf("no object ~%s", gid)
}

// digest adds the size and each block that is not empty, with its place.
func digest(sum io.Writer, d io.ReaderAt, size int64) error {
	const block = 4 << 10
	buf, empty := make([]byte, 16*block), make([]byte, block)
	if _, err := fmt.Fprintln(sum, size); err != nil {
		return err
	}
	for off := int64(0); off < size; off += int64(len(buf)) {
		part := buf[:min(int64(len(buf)), size-off)]
		if _, err := d.ReadAt(part, off); err != nil {
			return err
		}
		for at := 0; at < len(part); at += block {
			b := part[at:min(at+block, len(part))]
			if bytes.Equal(b, empty[:len(b)]) {
				continue
			}
			if _, err := fmt.Fprintf(sum, "%d %s", off+int64(at), b); err != nil {
				return err
			}
		}
	}
	return nil
}

// openIntents tells whether an operation is left for the reconciler.
func (w *World) openIntents() bool {
	open := false
	_ = w.Inventory.View(func(tx *inventory.Tx) error { // the function returns no error
		open = tx.Intents.Len() > 0
		return nil
	})
	return open
}
