package world

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"hash/maphash"
	"io"
	seeding "math/rand/v2"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/check"
)

// vault is what a world keeps to judge encrypted volumes by.
type vault struct {
	random  io.Reader // of passphrases
	open    luks.Options
	keys    map[inventory.ID][]byte // every passphrase there ever was, by volume
	markers []marker
	sights  map[string]sight // by place
	heard   []check.Leak
	entries int // of the journal, and lines of the log, that were listened to
	lines   int
	seed    maphash.Seed
	buffer  []byte
}

// judged is how many containers a world opens without deriving their keys again.
const judged = 64

func newVault() vault {
	return vault{
		open: luks.Options{Cache: luks.NewCache(judged)}, keys: map[inventory.ID][]byte{}, sights: map[string]sight{},
		seed: maphash.MakeSeed(),
	}
}

// random is a source of keys, salts or passphrases: the seed's where time is simulated, else the machine's.
func (w *World) random(purpose string) io.Reader {
	_, simulated := w.Clock.(*clock.Virtual)
	if t, ok := w.Target.(interface{ Real() bool }); !simulated || ok && t.Real() {
		return rand.Reader
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose)) // a hash accepts everything
	var key [32]byte
	for i := range 8 {
		key[i], key[8+i] = byte(w.opts.Seed>>(8*i)), byte(h.Sum64()>>(8*i))
	}
	return seeding.NewChaCha8(key)
}

// owner is the volume whose contents a StorPool object holds: itself, or what it is a snapshot of.
func owner(tx *inventory.Tx, gid string) (inventory.Volume, bool) {
	if v, ok := tx.Volumes.Find(func(v inventory.Volume) bool { return GlobalID(v.Path) == gid }); ok {
		return v, true
	}
	for _, s := range tx.Snapshots.All(nil) {
		own := inventory.Owner{Kind: inventory.OfSnapshot, ID: s.ID}
		path, _ := tx.Details.Get(own, s.UUID)
		if GlobalID(path) == gid {
			return tx.Volumes.Get(s.Volume)
		}
	}
	for _, g := range tx.VMSnapshots.All(nil) {
		for uuid, path := range tx.Details.Of(inventory.Owner{Kind: inventory.OfVMSnapshot, ID: g.ID}) {
			if GlobalID(path) == gid {
				return tx.Volumes.Find(func(v inventory.Volume) bool { return v.UUID == uuid })
			}
		}
	}
	return inventory.Volume{}, false
}

// keyOf is the passphrase of a volume on record; nil for a plain one.
func keyOf(tx *inventory.Tx, v inventory.Volume) []byte {
	for _, id := range []inventory.ID{v.PassphraseID, v.KMSKeyID} {
		if k, ok := tx.Passphrases.Get(id); ok {
			return k.Value
		}
	}
	return nil
}

// keyOfObject is the passphrase that opens a StorPool object; nil when its contents are plain.
func (w *World) keyOfObject(gid string) (key []byte) {
	_ = w.Inventory.View(func(tx *inventory.Tx) error { // the function returns no error
		if tx.Passphrases.Len() == 0 && len(w.vault.keys) == 0 {
			return nil
		}
		if v, ok := owner(tx, gid); ok {
			key = w.remembered(tx, v)
		}
		return nil
	})
	return key
}

// keyOfSnapshot is the passphrase that opens a snapshot and its backup.
func (w *World) keyOfSnapshot(snapshot inventory.ID) (key []byte) {
	_ = w.Inventory.View(func(tx *inventory.Tx) error { // the function returns no error
		s, _ := tx.Snapshots.Get(snapshot)
		v, _ := tx.Volumes.Get(s.Volume)
		key = w.remembered(tx, v)
		return nil
	})
	return key
}

// remembered is the passphrase of a volume, also of one that is deleted and whose snapshots are left.
func (w *World) remembered(tx *inventory.Tx, v inventory.Volume) []byte {
	if key := keyOf(tx, v); key != nil {
		return key
	}
	return w.vault.keys[v.ID]
}

// keyOfVolume is the passphrase that opens a volume; nil for a plain one.
func (w *World) keyOfVolume(v inventory.Volume) (key []byte) {
	_ = w.Inventory.View(func(tx *inventory.Tx) error { // the function returns no error
		key = w.remembered(tx, v)
		return nil
	})
	return key
}

// lend lends an object as its owner reads and writes it: opened, if it is encrypted.
func (w *World) lend(ctx context.Context, gid string, snapshot bool, f func(disk) error) error {
	key := w.keyOfObject(gid)
	return w.borrow(ctx, gid, snapshot, func(d agentsim.Device) (err error) {
		if key == nil {
			return f(d)
		}
		size, err := d.Size()
		if err != nil {
			return err
		}
		c, err := luks.Open(ctx, d, size, key, w.vault.open)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Close()) }()
		return f(c)
	})
}

// unsealed gives the plaintext of what a reader holds: what the key opens, or what is plain as it is.
func (w *World) unsealed(ctx context.Context, r io.ReaderAt, size int64, key []byte, f func(io.ReaderAt) error) (err error) {
	begins, err := luks.Detect(r)
	if err != nil {
		return err
	}
	if key == nil || !begins {
		return f(r)
	}
	c, err := luks.OpenReader(ctx, r, size, key, w.vault.open)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return f(c)
}

// Unencrypt takes the tools for encrypted volumes from a host, or gives them back; CloudStack is told (E7).
func (w *World) Unencrypt(host inventory.Host, without bool) error {
	h, err := w.Fleet.Host(host.UUID)
	if err != nil {
		return err
	}
	h.SetEncryption(!without)
	return w.Inventory.Update(func(tx *inventory.Tx) error {
		return tx.Hosts.Change(host.ID, func(row *inventory.Host) { row.Encryption = h.Encrypts() })
	})
}

// KeepInKMS has the passphrase of a volume kept by a key management service, as newer versions of CloudStack can.
func (w *World) KeepInKMS(volume inventory.ID) error {
	return w.Inventory.Update(func(tx *inventory.Tx) error {
		return tx.Volumes.Change(volume, func(v *inventory.Volume) { v.KMSKeyID, v.PassphraseID = v.PassphraseID, 0 })
	})
}

// Differs compares the backup of a snapshot with the snapshot on StorPool as they lie there, ciphertext or not. It says
// where they differ, and nothing when they do not.
func (w *World) Differs(ctx context.Context, snapshot inventory.ID) (what string, err error) {
	path := ""
	err = w.Inventory.View(func(tx *inventory.Tx) error {
		s, err := tx.Snapshots.Must(snapshot)
		path, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}, s.UUID)
		return err
	})
	if err != nil {
		return "", err
	}
	err = w.borrow(ctx, GlobalID(path), true, func(d agentsim.Device) error {
		size, err := d.Size()
		if err != nil {
			return err
		}
		return w.withBackup(ctx, snapshot, nil, func(img image.Reader) error {
			if img.Size() != size {
				what = fmt.Sprintf("the backup has %d bytes, the snapshot %d", img.Size(), size)
				return nil
			}
			a, b := make([]byte, size), make([]byte, size)
			_, one := d.ReadAt(a, 0)
			_, two := img.ReadAt(b, 0)
			if !bytes.Equal(a, b) {
				what = "the backup holds other bytes than the snapshot"
			}
			return errors.Join(one, two)
		})
	})
	return what, err
}
