package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/mgmt"
)

var (
	reSealedDisk = expression(`^the encrypted (ROOT|DATA) disk "([^"]+)", (attached|detached), with the pattern "([^"]+)"$`)
	reVMSealed   = expression(`^the (running|stopped) VM "([^"]+)" with the encrypted DATA disk "([^"]+)" on the pool "([^"]+)" and the pattern "([^"]+)"$`)
	reLeft       = expression(`^the disk "([^"]+)" is left (attached to its VM|detached)$`)
	reNoTools    = expression(`^host (\d+) has (no encryption|encryption again)$`)
	reKMS        = expression(`^the passphrase of "([^"]+)" is kept by a KMS$`)
	reOneLayer   = expression(`^(?:the (snapshot|backup of) )?"([^"]+)" lies in one LUKS layer$`)
	reIdentical  = expression(`^the backup of "([^"]+)" is the ciphertext of its StorPool snapshot, byte for byte$`)
	reWrongKey   = expression(`^the snapshot "([^"]+)" of "([^"]+)" is taken with a wrong passphrase on record` + outcome)
	reOwnKeys    = expression(`^"([^"]+)" and "([^"]+)" have passphrases of their own$`)
	reKeys       = expression(`^CloudStack has (no|\d+) passphrases? on record$`)
	reSecrets    = expression(`^the hosts keep (no|\d+) passphrases? for guests$`)
)

func (s *scene) encryptionSteps(sc registrar) {
	sc.Step(reSealedDisk(), s.encryptedDisk)
	sc.Step(reVMSealed(), s.vmSealed)
	sc.Step(reLeft(), s.leave)
	sc.Step(reNoTools(), s.withoutEncryption)
	sc.Step(reKMS(), s.keptByKMS)
	sc.Step(reOneLayer(), s.oneLayer)
	sc.Step(reIdentical(), s.identical)
	sc.Step(reWrongKey(), s.takeWithWrongKey)
	sc.Step(reOwnKeys(), s.ownKeys)
	sc.Step(reKeys(), s.keysOnRecord)
	sc.Step(reSecrets(), s.secretsOnHosts)
}

// sealedSize is the size of encrypted disks in bytes: what is enciphered in a scenario is kept small.
const sealedSize = "1 MiB"

// markOf is what every sector of a pattern begins with.
func markOf(pattern string) []byte { return fmt.Appendf(nil, "spsim pattern %q at ", pattern) }

// markRoot tells what an encrypted ROOT disk was made of: the template may hold that too, the disk's ciphertext may not.
func (s *scene) markRoot(vm string) {
	v, err := s.volumeOf(rootOf(vm))
	if err != nil || !v.Encrypted() {
		return
	}
	for name, id := range s.templates {
		if id == v.Template {
			for _, m := range s.images[name] {
				s.w.Mark(markOf(m.name), false)
			}
		}
	}
}

// encryptedDisk makes an encrypted disk of 1 MiB in a state, as diskIn makes a plain one; a ROOT disk is made of a
// template. The VM is called "vm".
func (s *scene) encryptedDisk(ctx context.Context, kind, name, state, pattern string) error {
	if err := s.sealedOfferings(); err != nil {
		return err
	}
	if err := s.vmFor(ctx, kind); err != nil {
		return err
	}
	return s.settle(ctx, kind, name, state, pattern, sealedSize, "encrypted")
}

// sealedOfferings are a disk and a compute offering with encryption, both called "encrypted".
func (s *scene) sealedOfferings() error {
	if _, ok := s.offerings["encrypted"]; ok {
		return nil
	}
	if err := s.diskOffering("encrypted", "encryption"); err != nil {
		return err
	}
	return s.computeOffering("encrypted", "encryption")
}

// vmFor makes the VM of an encrypted disk, unless there is one; with an encrypted ROOT disk it comes from a template.
func (s *scene) vmFor(ctx context.Context, kind string) error {
	if _, ok := s.vms["vm"]; ok {
		return nil
	}
	if kind == "DATA" {
		return s.givenVM(ctx, "running", "vm", "")
	}
	if err := s.registerTemplate(ctx, "qcow2", "base of vm", sealedSize, "boot"); err != nil {
		return err
	}
	return s.deployFromTemplate(ctx, "vm", "base of vm", "encrypted", "", "")
}

// vmSealed makes a VM with an encrypted disk of 1 MiB on a pool, of whatever kind.
func (s *scene) vmSealed(ctx context.Context, state, vm, data, pool, pattern string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	if err := s.sealedOfferings(); err != nil {
		return err
	}
	spec := mgmt.VMSpec{
		Template: s.w.ISO.ID, Pool: id, Data: []mgmt.VolumeSpec{{Name: data, Offering: s.offerings["encrypted"], Size: 1 << 20}},
	}
	if err := s.deploy(ctx, "", vm, spec); err != nil {
		return err
	}
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		v, _ := tx.Volumes.Find(func(v inventory.Volume) bool { return v.VM == s.vms[vm] && v.Kind == inventory.Data })
		s.disks[data] = v.ID
		return nil
	})
	if err := s.write(ctx, pattern, data, ""); err != nil {
		return err
	}
	if state == "stopped" {
		return s.stopVM(ctx, vm, "stopped", "")
	}
	return nil
}

func (s *scene) leave(ctx context.Context, disk, state string) error {
	if state != "detached" {
		return nil
	}
	return s.detach(ctx, disk, "")
}

func (s *scene) withoutEncryption(number, what string) error {
	h, err := s.hostRow(number)
	if err != nil {
		return err
	}
	return s.w.Unencrypt(h, what == "no encryption")
}

func (s *scene) keptByKMS(disk string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.w.KeepInKMS(id)
}

// oneLayer asks for what the invariants ask for anyway, by name: the place exists and was looked into.
func (s *scene) oneLayer(ctx context.Context, what, name string) error {
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	gid, file := "", ""
	switch what {
	case "":
		v, err := s.volumeOf(name)
		if err != nil {
			return err
		}
		if file = v.Path; v.PoolType == string(agentapi.NetworkFilesystem) {
			break
		}
		if gid, err = gidOf(v.Path, name); err != nil {
			return err
		}
	case "snapshot":
		if gid, err = gidOf(s.detailOf(s.snapshots[name]), name); err != nil {
			return err
		}
	default:
		ref, ok := s.record(s.snapshots[name], inventory.Image)
		if !ok {
			return errors.New("there is no backup")
		}
		file = ref.Path
	}
	for _, x := range o.Sealed {
		if gid != "" && x.GlobalID == gid || file != "" && bytes.HasSuffix([]byte(x.Place), []byte(file)) {
			s.proof = true
			return layersOf(x)
		}
	}
	return errors.New("nobody found contents of an encrypted volume there")
}

func layersOf(x check.Sealed) error {
	if x.Layers != 1 || x.Damage != "" || x.Others {
		return fmt.Errorf("there are %d layers; damage %q; opens with another passphrase: %t", x.Layers, x.Damage, x.Others)
	}
	return nil
}

// identical compares the whole of both, as they are.
func (s *scene) identical(ctx context.Context, snapshot string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	return s.perform(ctx, func(ctx context.Context) error {
		differs, err := s.w.Differs(ctx, id)
		if err != nil {
			return err
		}
		if differs != "" {
			return errors.New(differs)
		}
		s.proof = true
		return nil
	})
}

// takeWithWrongKey takes a snapshot while CloudStack has another passphrase on record than the volume's.
func (s *scene) takeWithWrongKey(ctx context.Context, snapshot, disk, outcome string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	exchange := func(value []byte) (old []byte, err error) {
		err = s.inv().Update(func(tx *inventory.Tx) error {
			return tx.Passphrases.Change(v.PassphraseID, func(k *inventory.Passphrase) { old, k.Value = k.Value, value })
		})
		return old, err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		right, err := exchange([]byte("wrong"))
		if err != nil {
			return err
		}
		row, err := s.m().CreateSnapshot(ctx, v.ID, snapshot)
		s.snapshots[snapshot] = row.ID
		if _, back := exchange(right); back != nil {
			return back
		}
		return err
	})
}

func (s *scene) ownKeys(one, two string) error {
	a, err := s.volumeOf(one)
	if err != nil {
		return err
	}
	b, err := s.volumeOf(two)
	if err != nil {
		return err
	}
	return s.inv().View(func(tx *inventory.Tx) error {
		x, err := tx.Passphrases.Must(a.PassphraseID)
		if err != nil {
			return err
		}
		y, err := tx.Passphrases.Must(b.PassphraseID)
		if err == nil && (x.ID == y.ID || bytes.Equal(x.Value, y.Value)) {
			err = errors.New("they share one")
		}
		return err
	})
}

func (s *scene) keysOnRecord(ctx context.Context, n string) error {
	want, err := count(n)
	if err != nil {
		return err
	}
	o, err := s.observe(ctx)
	if err == nil && len(o.Inventory.Passphrases) != want {
		err = fmt.Errorf("there are passphrases %v", slices.Sorted(maps.Keys(o.Inventory.Passphrases)))
	}
	return err
}

func (s *scene) secretsOnHosts(ctx context.Context, n string) error {
	want, err := count(n)
	if err != nil {
		return err
	}
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	got := 0
	for _, h := range o.Hosts {
		got += len(h.Secrets)
	}
	if got != want {
		return fmt.Errorf("they keep %d", got)
	}
	return nil
}
