package mgmt

import (
	"encoding/base64"
	"fmt"
	"io"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// keyBytes are the random bytes of a passphrase; base64 makes 64 characters of them (agent 12).
const keyBytes = 48

// seal gives a volume of an encrypted offering a passphrase of its own.
func (s *Server) seal(tx *inventory.Tx, o inventory.DiskOffering, v *inventory.Volume) error {
	if !o.Encrypt {
		return nil
	}
	raw := make([]byte, keyBytes)
	if _, err := io.ReadFull(s.random, raw); err != nil {
		return fmt.Errorf("make a passphrase: %w", err)
	}
	text := make([]byte, base64.StdEncoding.EncodedLen(keyBytes))
	base64.StdEncoding.Encode(text, raw)
	v.PassphraseID = tx.Passphrases.Put(inventory.Passphrase{Value: text}).ID
	return nil
}

// keyOf is the passphrase of a volume, kept as such or unwrapped by a KMS; false for a plain volume and for one whose
// passphrase is gone.
func keyOf(tx *inventory.Tx, v inventory.Volume) (inventory.Passphrase, bool) {
	for _, id := range []inventory.ID{v.PassphraseID, v.KMSKeyID} {
		if k, ok := tx.Passphrases.Get(id); ok {
			return k, true
		}
	}
	return inventory.Passphrase{}, false
}

// secretOf is the passphrase of a volume for a host, empty for a plain one.
func (s *Server) secretOf(v inventory.Volume) (out agentapi.Secret) {
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		if k, ok := keyOf(tx, v); ok {
			out = agentapi.NewSecret(k.Value)
		}
		return nil
	})
	return out
}

// dropKey deletes the passphrase of an expunged volume, unless a migration has left it to another row. The volume stays
// known as encrypted: what is left of it cannot be opened any more.
func dropKey(tx *inventory.Tx, v inventory.Volume) {
	k, ok := keyOf(tx, v)
	if !ok {
		return
	}
	_, needed := tx.Volumes.Find(func(o inventory.Volume) bool {
		other, ok := keyOf(tx, o)
		return ok && other.ID == k.ID && o.State != inventory.VolumeExpunged
	})
	if !needed {
		tx.Passphrases.Delete(k.ID)
	}
}

// encryptedDisks tells whether a VM needs a host that can open encrypted volumes (E7).
func encryptedDisks(tx *inventory.Tx, vm inventory.ID) bool {
	for _, v := range volumesOf(tx, vm) {
		if v.Encrypted() {
			return true
		}
	}
	return false
}

const noEncryption = "the host has no encryption"

// mixedOffering is core's reason to refuse an offering that a volume cannot change to, or empty.
func mixedOffering(v inventory.Volume, o inventory.DiskOffering) string {
	if v.Encrypted() == o.Encrypt {
		return ""
	}
	return "a volume is encrypted, or not, from its creation on: the offering says otherwise"
}

// primaryOnly lets snapshots of an encrypted volume of a running VM be taken by StorPool only, which needs nobody to
// write them anew (driver-strategies 10.2, E1; S-2).
func primaryOnly(running, onStorPool, _ bool) bool { return !running || onStorPool }

// maySnapshotEncrypted refuses a snapshot of an encrypted volume before anything is recorded: core first, then the plugin,
// which keeps no backups of them unless a setting lets it.
func (s *Server) maySnapshotEncrypted(v inventory.Volume) error {
	if !v.Encrypted() || v.State != inventory.VolumeReady {
		return nil
	}
	running, onStorPool := false, false
	err := s.inv.View(func(tx *inventory.Tx) error {
		m, attached := tx.VMs.Get(v.VM)
		p, err := tx.Pools.Must(v.Pool)
		running, onStorPool = attached && m.State != inventory.VMStopped, p.Provider == inventory.StorPool
		return err
	})
	if err != nil {
		return err
	}
	bypass, err := s.driver.Bypass(v.Pool)
	if err != nil {
		return err
	}
	if !s.rules.snapshotsEncrypted(running, onStorPool, bypass) {
		return &Refused{"createSnapshot", fmt.Sprintf("volume %d", v.ID), "the volume is encrypted and its VM is running"}
	}
	if !onStorPool {
		return nil
	}
	return s.driver.MaySnapshot(v.ID)
}
