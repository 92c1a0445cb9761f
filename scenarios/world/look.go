package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/check"
)

// window is a target that shows contents without attaching anything.
type window interface {
	// Contents reads an object, and gives the ranges that hold data. The version changes with the contents.
	Contents(gid string) (data io.ReaderAt, ranges iter.Seq2[int64, int64], version uint64, err error)
}

// marker is a piece of plaintext that encrypted volumes hold.
type marker struct {
	text []byte
	// everywhere tells that nothing else may hold it, such as a template that a volume was made of.
	everywhere bool
}

// Mark tells of a piece of plaintext that is written to an encrypted volume. It is looked for where that volume's
// contents lie, and everywhere else too when nothing else may hold it.
func (w *World) Mark(text []byte, everywhere bool) {
	for i, m := range w.vault.markers {
		if bytes.Equal(m.text, text) {
			w.vault.markers[i].everywhere = m.everywhere || everywhere
			return
		}
	}
	w.vault.markers = append(w.vault.markers, marker{bytes.Clone(text), everywhere})
}

// sight is what a look at a place has found; it holds as long as the fingerprint does.
type sight struct {
	fingerprint uint64
	sealed      *check.Sealed
	leaks       []check.Leak
}

// place is something with contents.
type place struct {
	name   string
	gid    string
	volume inventory.Volume // whose contents it holds, if that is encrypted
	key    []byte           // of that volume
	size   int64
	data   io.ReaderAt
	ranges iter.Seq2[int64, int64]

	versioned bool // version tells whether the contents have changed
	version   uint64
}

// lookInside looks for the layers, the plaintext and the passphrases of encrypted volumes. Without any it does nothing.
func (w *World) lookInside(ctx context.Context, objects []check.Object, inv *check.Inventory) (
	sealed []check.Sealed, leaks []check.Leak, err error,
) {
	owners, err := w.remember(inv)
	if err != nil || len(w.vault.keys) == 0 {
		return nil, nil, err
	}
	if w.vault.buffer == nil {
		w.vault.buffer = make([]byte, chunk)
	}
	add := func(p place) error {
		s, err := w.sight(ctx, p)
		if err != nil {
			return fmt.Errorf("look into %s: %w", p.name, err)
		}
		if s.sealed != nil {
			sealed = append(sealed, *s.sealed)
		}
		leaks = append(leaks, s.leaks...)
		return nil
	}
	for _, x := range objects {
		if err := w.withObject(ctx, x, owners[x.GlobalID], add); err != nil {
			return nil, nil, err
		}
	}
	if err := w.withFiles(inv, add); err != nil {
		return nil, nil, err
	}
	return sealed, append(leaks, w.overheard(inv)...), nil
}

// remember keeps every passphrase, also of what is deleted later, and gives the encrypted volumes by the global ids and
// the files that hold their contents.
func (w *World) remember(inv *check.Inventory) (owners map[string]inventory.Volume, err error) {
	if len(inv.Passphrases) == 0 && len(w.vault.keys) == 0 {
		return nil, nil
	}
	owners = map[string]inventory.Volume{}
	err = w.Inventory.View(func(tx *inventory.Tx) error {
		byUUID := map[string]inventory.Volume{}
		for _, v := range inv.Volumes {
			if !v.Encrypted() {
				continue
			}
			if key := keyOf(tx, v); key != nil {
				w.vault.keys[v.ID] = bytes.Clone(key)
			}
			owners[GlobalID(v.Path)], byUUID[v.UUID] = v, v
		}
		for _, s := range inv.Snapshots {
			if v, _ := tx.Volumes.Get(s.Volume); v.Encrypted() {
				owners[GlobalID(inv.Details[inventory.Owner{Kind: inventory.OfSnapshot, ID: s.ID}][s.UUID])] = v
			}
		}
		for _, g := range inv.VMSnapshots {
			for uuid, path := range inv.Details[inventory.Owner{Kind: inventory.OfVMSnapshot, ID: g.ID}] {
				if v, ok := byUUID[uuid]; ok {
					owners[GlobalID(path)] = v
				}
			}
		}
		return nil
	})
	delete(owners, "")
	return owners, err
}

// withObject opens an object to look into it.
func (w *World) withObject(ctx context.Context, x check.Object, of inventory.Volume, look func(place) error) error {
	p := place{name: "StorPool volume ~" + x.GlobalID, gid: x.GlobalID, volume: of, key: w.vault.keys[of.ID], size: x.Size}
	if x.Snapshot {
		p.name = "StorPool snapshot ~" + x.GlobalID
	}
	if t, ok := w.Target.(window); ok {
		var err error
		if p.data, p.ranges, p.version, err = t.Contents(x.GlobalID); err != nil {
			return err
		}
		p.versioned = true
		return look(p)
	}
	d, err := w.Target.Borrow(ctx, x.GlobalID, x.Snapshot)
	if err != nil {
		return err
	}
	p.data, p.ranges = d, whole(x.Size)
	if sparse, ok := d.(image.Extents); ok {
		p.ranges = filled(sparse)
	}
	return errors.Join(look(p), d.Close())
}

func whole(size int64) iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) { yield(0, size) }
}

// filled are the ranges that hold data. What cannot be read is found by the reading itself.
func filled(d image.Extents) iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		for off := int64(0); ; {
			from, to, err := d.NextData(off)
			if err != nil || from >= to || !yield(from, to) {
				return
			}
			off = to
		}
	}
}

// withFiles opens every file in the world's folder: secondary storage, unfinished and temporary files.
func (w *World) withFiles(inv *check.Inventory, look func(place) error) error {
	return filepath.WalkDir(w.folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path) //nolint:gosec // the folder is the world's own
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // it was only read
		st, err := f.Stat()
		if err != nil {
			return err
		}
		p := place{name: "file " + strings.TrimPrefix(path, w.folder), size: st.Size(), data: f, ranges: whole(st.Size())}
		p.volume = encryptedIn(inv, path)
		p.key = w.vault.keys[p.volume.ID]
		return look(p)
	})
}

// encryptedIn is the encrypted volume whose backup a file is, or which is the file itself on a pool of files.
func encryptedIn(inv *check.Inventory, path string) (of inventory.Volume) {
	is := func(name string) bool { return name != "" && strings.HasSuffix(path, filepath.FromSlash("/"+name)) }
	for _, v := range inv.Volumes {
		if v.Encrypted() && v.State != inventory.VolumeExpunged && is(v.Path) {
			return v
		}
	}
	for _, r := range inv.SnapshotRefs {
		if r.Role != inventory.Image || r.State != inventory.RefReady || !is(r.Path) {
			continue
		}
		for _, v := range inv.Volumes {
			if v.ID == r.Volume && v.Encrypted() {
				return v
			}
		}
	}
	return inventory.Volume{}
}

// chunk is how much is read at once; neighbours overlap, so that nothing hides on a border.
const (
	chunk   = 256 << 10
	overlap = 256
)

// sight looks into a place, unless it is as it was the last time.
func (w *World) sight(ctx context.Context, p place) (sight, error) {
	var h maphash.Hash
	h.SetSeed(w.vault.seed)
	_, _ = fmt.Fprint(&h, p.volume.ID, p.size, len(w.vault.keys), len(w.vault.markers)) // a hash accepts everything
	if p.versioned {
		_, _ = fmt.Fprint(&h, " ", p.version)
	} else if err := p.each(w.vault.buffer, func(b []byte) { _, _ = h.Write(b) }); err != nil {
		return sight{}, err
	}
	s := sight{fingerprint: h.Sum64()}
	if known := w.vault.sights[p.name]; s.fingerprint == known.fingerprint {
		return known, nil
	}
	found := map[string]check.Leak{}
	if err := p.each(w.vault.buffer, func(b []byte) { w.search(p, b, found) }); err != nil {
		return sight{}, err
	}
	for _, l := range found {
		s.leaks = append(s.leaks, l)
	}
	if p.volume.ID != 0 {
		one, err := w.judge(ctx, p)
		if err != nil {
			return sight{}, err
		}
		s.sealed = &one
	}
	w.vault.sights[p.name] = s
	return s, nil
}

// each reads what the place holds.
func (p place) each(buffer []byte, f func(b []byte)) error {
	for from, to := range p.ranges {
		for off := from; off < to; off += chunk - overlap {
			b := buffer[:min(chunk, to-off)]
			if n, err := p.data.ReadAt(b, off); err != nil && n < len(b) {
				return err
			}
			f(b)
		}
	}
	return nil
}

// search looks for passphrases, and for plaintext: of any kind where an encrypted volume's contents lie.
func (w *World) search(p place, b []byte, found map[string]check.Leak) {
	note := func(what string, passphrase bool) {
		found[what] = check.Leak{Place: p.name, What: what, Passphrase: passphrase}
	}
	for id, key := range w.vault.keys {
		if bytes.Contains(b, key) {
			note(passphraseOf(id), true)
		}
	}
	for _, m := range w.vault.markers {
		if (m.everywhere || p.volume.ID != 0) && bytes.Contains(b, m.text) {
			note(fmt.Sprintf("the plaintext %q", m.text), false)
		}
	}
}

func passphraseOf(volume inventory.ID) string {
	return fmt.Sprintf("the passphrase of volume %d", volume)
}

// judge counts the layers and tries the passphrases. A judge may guess what a file is; an agent never does.
func (w *World) judge(ctx context.Context, p place) (check.Sealed, error) {
	out := check.Sealed{Place: p.name, GlobalID: p.gid, Volume: p.volume.ID}
	data, size := p.data, p.size
	if p.gid == "" {
		switch img, err := image.OpenReader(p.data, p.size, image.Qcow2); {
		case err == nil:
			data, size = img, img.Size()
		case errors.Is(err, image.ErrEncrypted):
			return w.judgeImage(ctx, p, out)
		}
	}
	n, err := luks.Layers(ctx, data, size, p.key, w.vault.open)
	if out.Layers = n; err != nil {
		begins, bad := luks.Detect(data)
		if bad != nil {
			return out, bad
		}
		if out.Damage = err.Error(); begins {
			out.Layers = max(n, 1)
		}
		return out, nil
	}
	if n == 0 {
		return out, nil
	}
	other, err := luks.OpenReader(ctx, data, size, w.otherKey(p), w.vault.open)
	return others(out, err, func() error { return other.Close() })
}

// judgeImage judges a qcow2 file whose clusters are encrypted: that is a layer.
func (w *World) judgeImage(ctx context.Context, p place, out check.Sealed) (check.Sealed, error) {
	out.Layers = 1
	img, err := luks.OpenQcow2Reader(ctx, p.data, p.size, p.key, w.vault.open)
	if err != nil {
		out.Damage = err.Error()
		return out, nil //nolint:nilerr // that it does not open is what was looked for
	}
	n, err := luks.Layers(ctx, img, img.Size(), p.key, w.vault.open)
	if err != nil {
		return out, err
	}
	out.Layers += n
	_, err = luks.OpenQcow2Reader(ctx, p.data, p.size, w.otherKey(p), w.vault.open)
	return others(out, err, func() error { return nil })
}

// others notes whether another passphrase has opened the place.
func others(out check.Sealed, err error, end func() error) (check.Sealed, error) {
	switch {
	case err == nil:
		out.Others = true
		return out, end()
	case errors.Is(err, luks.ErrPassphrase):
		return out, nil
	}
	return out, err
}

// otherKey is the passphrase of another volume, else one that nobody has.
func (w *World) otherKey(p place) []byte {
	for id, key := range w.vault.keys {
		if id != p.volume.ID && !bytes.Equal(key, p.key) {
			return key
		}
	}
	wrong := bytes.Clone(p.key)
	slices.Reverse(wrong)
	return wrong
}

// overheard looks for passphrases in what was said since the last time: commands and their answers, calls, log lines,
// details on record. What was found once stays found.
func (w *World) overheard(inv *check.Inventory) []check.Leak {
	v := &w.vault
	hear := func(place, text string) {
		for id, key := range v.keys {
			if strings.Contains(text, string(key)) {
				v.heard = append(v.heard, check.Leak{Place: place, What: passphraseOf(id), Passphrase: true})
			}
		}
	}
	entries := w.journal.since(v.entries)
	for _, e := range entries {
		place := e.Caller + "'s " + e.Call + " " + e.Object
		hear(place, e.Object)
		hear("the request of "+place, e.Request)
		hear("the answer to "+place, e.Answer+e.Err)
	}
	lines := w.book.since(v.lines)
	for _, line := range lines {
		hear("the log", line)
	}
	v.entries += len(entries)
	v.lines += len(lines)
	leaks := slices.Clone(v.heard)
	for own, details := range inv.Details {
		for name, value := range details {
			for id, key := range v.keys {
				if strings.Contains(value, string(key)) {
					leaks = append(leaks, check.Leak{
						Place: fmt.Sprintf("the detail %s of %s %d", name, own.Kind, own.ID), What: passphraseOf(id), Passphrase: true,
					})
				}
			}
		}
	}
	return leaks
}
