package check

import (
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// volume finds a row by its number.
func (f *facts) volume(id inventory.ID) inventory.Volume {
	for _, v := range f.Inventory.Volumes {
		if v.ID == id {
			return v
		}
	}
	return inventory.Volume{ID: id}
}

// each calls judge with every place that is not excused and with its volume.
func (f *facts) each(judge func(Sealed, inventory.Volume)) {
	for _, s := range f.Sealed {
		if v := f.volume(s.Volume); !f.excused(s.GlobalID) && !f.busy[inventory.Owner{Kind: inventory.OfVolume, ID: v.ID}] {
			judge(s, v)
		}
	}
}

// layers counts the containers: none is plaintext, two are a ciphertext that was encrypted again (ENC-3, KV-E6).
func layers(f *facts, report report) {
	found := map[string]bool{}
	for _, s := range f.Sealed {
		found[s.GlobalID] = true
	}
	f.each(func(s Sealed, v inventory.Volume) {
		if s.Layers != 1 {
			report(s.Place, "holds %s in %d LUKS layers", volumeName(v), s.Layers)
		}
	})
	for gid, v := range f.volumes {
		if _, there := f.objects[gid]; !v.Encrypted() || v.State != inventory.VolumeReady || !there || f.excused(gid) {
			continue
		}
		if v.EncryptFormat != "luks" {
			report(volumeName(v), "is encrypted and has the encrypt format %q on record", v.EncryptFormat)
		}
		if !found[gid] {
			report(volumeName(v), "is encrypted and nobody has looked into it")
		}
	}
}

// keys tries the volume's passphrase and another one.
func keys(f *facts, report report) {
	f.each(func(s Sealed, v inventory.Volume) {
		if s.Damage != "" {
			report(s.Place, "does not open with the passphrase of %s: %s", volumeName(v), s.Damage)
		}
		if s.Others {
			report(s.Place, "opens with another passphrase than that of %s", volumeName(v))
		}
	})
	for _, v := range f.volumes {
		if v.Encrypted() && !f.Inventory.Passphrases[v.PassphraseID] && !f.Inventory.Passphrases[v.KMSKeyID] {
			report(volumeName(v), "is encrypted and its passphrase is not on record")
		}
	}
}

func plaintext(f *facts, report report) {
	for _, l := range f.Leaks {
		if !l.Passphrase {
			report(l.Place, "holds %s", l.What)
		}
	}
}

// passphrases looks at what was found, and at what the hosts keep.
func passphrases(f *facts, report report) {
	for _, l := range f.Leaks {
		if l.Passphrase {
			report(l.Place, "shows %s", l.What)
		}
	}
	for _, h := range f.Hosts {
		name := fmt.Sprintf("host %d", h.Row)
		if h.Held != 0 {
			report(name, "holds %d passphrases in the memory of its agent", h.Held)
		}
		used := map[string]bool{}
		for _, g := range h.Guests {
			for _, d := range g.Disks {
				used[d.Path] = true
			}
		}
		for _, path := range h.Secrets {
			if !used[path] {
				report(name, "keeps the passphrase of %s, which no guest has", path)
			}
		}
	}
}
