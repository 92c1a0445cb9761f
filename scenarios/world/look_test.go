package world_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// safe is a world with an encrypted and a plain volume, both attached to a running VM, with a text on the first.
type safe struct {
	*world.World
	ctx           context.Context //nolint:containedctx // one case's
	secret, plain inventory.Volume
	snapshot      inventory.Snapshot // of the encrypted volume
}

const confidential = "confidential: what nobody but the guest may read"

func (s *safe) fill() error {
	if err := s.Mgmt.SetSetting(inventory.Global(), driver.SettingEncryptedBackup, "true"); err != nil {
		return err
	}
	vm, err := s.Mgmt.DeployVM(s.ctx, mgmt.VMSpec{
		Name: "vm", Zone: s.Zone.ID, Offering: s.Compute.ID, Template: s.ISO.ID, RootSize: 1 << 20,
	})
	if err != nil {
		return err
	}
	for _, encrypt := range []bool{true, false} {
		o, err := s.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "o", Size: 4 << 20, Encrypt: encrypt})
		if err != nil {
			return err
		}
		v, err := s.Mgmt.CreateVolume(s.ctx, mgmt.VolumeSpec{Name: "d", Zone: s.Zone.ID, Offering: o.ID})
		if err != nil {
			return err
		}
		if v, err = s.Mgmt.AttachVolume(s.ctx, v.ID, vm.ID, mgmt.FreeDevice); err != nil {
			return err
		}
		if s.plain = v; encrypt {
			s.secret = v
		}
	}
	s.Mark([]byte(confidential), true)
	if err := s.WriteVolume(s.ctx, s.secret.ID, 8192, []byte(confidential)); err != nil {
		return err
	}
	s.snapshot, err = s.Mgmt.CreateSnapshot(s.ctx, s.secret.ID, "snap")
	return errors.Join(err, s.Check(s.ctx))
}

// raw is the contents of the encrypted volume as StorPool has them, or a change of them.
func (s *safe) raw() (*cluster.Cluster, cluster.Ref) {
	e, _ := s.Target.(interface{ Server() *emulator.Server })
	return e.Server().Cluster(), cluster.Ref("~" + world.GlobalID(s.secret.Path))
}

func (s *safe) key() (key []byte) {
	_ = s.Inventory.View(func(tx *inventory.Tx) error { // the function returns no error
		k, _ := tx.Passphrases.Get(s.secret.PassphraseID)
		key = k.Value
		return nil
	})
	return key
}

func (s *safe) file(name string, b []byte) error {
	return os.WriteFile(filepath.Join(s.Folder(), name), b, 0o600)
}

// inside is what the guest sees of the encrypted volume.
type inside struct{ *safe }

func (i inside) ReadAt(p []byte, off int64) (int, error) {
	return len(p), i.ReadVolume(i.ctx, i.secret.ID, off, p)
}

func (i inside) WriteAt(p []byte, off int64) (int, error) {
	return len(p), i.WriteVolume(i.ctx, i.secret.ID, off, p)
}

// wrap makes a container with the same passphrase within the container.
func (s *safe) wrap() error {
	c, err := luks.Format(s.ctx, inside{s}, 4<<20, s.key(), luks.Params{PayloadOffset: luks.QemuOffset, Iterations: luks.MinIterations})
	if err != nil {
		return err
	}
	return c.Close()
}

// plants are the violations, with the words of what is found.
func plants() map[string]func(s *safe) error {
	write := func(off int64, text string) func(s *safe) error {
		return func(s *safe) error {
			c, ref := s.raw()
			return c.WriteContent(ref, off, []byte(text))
		}
	}
	return map[string]func(s *safe) error{
		"in 0 LUKS layers":                  write(0, strings.Repeat("x", 512)),
		"does not open with the passphrase": write(4096, strings.Repeat("x", 64000)),
		`holds the plaintext "confidential`: write(2<<20+4096, confidential),
		"StorPool volume ~": func(s *safe) error { // the marker on a volume of somebody else
			return s.WriteVolume(s.ctx, s.plain.ID, 4096, []byte(confidential))
		},
		"file /left.tmp holds the plaintext":                 func(s *safe) error { return s.file("left.tmp", []byte("x"+confidential)) },
		"file /keyfile.tmp shows the passphrase of volume 2": func(s *safe) error { return s.file("keyfile.tmp", s.key()) },
		"the log shows the passphrase of volume 2": func(s *safe) error {
			_, err := s.CreatePool(s.ctx, string(s.key()), "ssd") // the driver logs the name
			return err
		},
		"the detail note of volume 2 shows the passphrase": func(s *safe) error {
			key := s.key()
			return s.Inventory.Update(func(tx *inventory.Tx) error {
				tx.Details.Set(inventory.Owner{Kind: inventory.OfVolume, ID: s.secret.ID}, "note", "key "+string(key))
				return nil
			})
		},
		"the request of management's POST VolumeUpdate": func(s *safe) error {
			key := s.key()
			err := s.Inventory.Update(func(tx *inventory.Tx) error {
				return tx.VMs.Change(1, func(m *inventory.VM) { m.UUID = string(key) })
			})
			return errors.Join(err, s.Driver.ProvideVMInfo(s.ctx, 1, s.plain.ID))
		},
		"in 2 LUKS layers": func(s *safe) error { return s.wrap() },
	}
}

func TestEveryPlantedLeakIsFound(t *testing.T) {
	t.Parallel()
	for text, plant := range plants() {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := &safe{World: build(t, world.Options{})}
			s.Do(func(ctx context.Context) {
				s.ctx = ctx
				require.NoError(t, s.fill())
				require.NoError(t, plant(s))
				var failed *check.Failed
				require.ErrorAs(t, s.Check(ctx), &failed)
				assert.ErrorContains(t, failed, text)
			})
		})
	}
}
