package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// Operation is an action of CloudStack that takes several steps.
type Operation struct {
	Name string

	prepare func(context.Context, *stage) error
	act     func(context.Context, *stage) error
	// done is nil when the operation has had its whole effect, bytes included; else what is missing.
	done func(context.Context, *stage) error
	far  bool // there is a StorPool far away
}

// Operations lists what is swept.
func Operations() []Operation {
	return slices.Concat(diskOperations(), snapshotOperations(), machineOperations(), lifeOperations(), poolOperations())
}

func newOperation(name string, prepare, act, done func(context.Context, *stage) error) Operation {
	return Operation{Name: name, prepare: prepare, act: act, done: done}
}

func diskOperations() []Operation {
	return []Operation{
		newOperation("deploy from template", registerTemplate, deploy(func(s *stage) inventory.ID { return s.Compute.ID }), deployed),
		newOperation("encrypted deploy", steps(registerTemplate, sealed), deploy(func(s *stage) inventory.ID { return s.encrypted.compute }), deployed),
		newOperation("attach", steps(runningVM, freshDisk), attachDisk, attached(0)),
		newOperation("encrypted attach", steps(runningVM, sealed, func(ctx context.Context, s *stage) error {
			return diskOn(func(s *stage) inventory.ID { return s.encrypted.disk })(ctx, s)
		}), attachDisk, attached(0)),
		newOperation("attach again", detachedDisk(), attachDisk, attached('a')),
		newOperation("detach", attachedDisk(), detachDisk, detached),
		newOperation("resize", attachedDisk(), resize, resized),
		newOperation("delete volume", detachedDisk(), deleteVolume, deleted),
		newOperation("move offline", steps(detachedDisk(), secondPool), move(false), moved),
		newOperation("move live", steps(attachedDisk(), secondPool), move(true), moved),
		newOperation("download", detachedDisk(), download, downloaded),
	}
}

func snapshotOperations() []Operation {
	return []Operation{
		newOperation("snapshot with backup", attachedDisk(), takeSnapshot, snapshotTaken),
		newOperation("snapshot with bypass", steps(bypass, attachedDisk()), takeSnapshot, snapshotTaken),
		newOperation("restore from backup", steps(attachedDisk(), takeSnapshot, loseSnapshot), restore, restored),
		newOperation("restore from StorPool", steps(bypass, attachedDisk(), takeSnapshot), restore, restored),
		newOperation("revert", steps(attachedDisk(), takeSnapshot, fill('b'), stopVM), revert, holdsAgain),
		newOperation("delete snapshot", steps(attachedDisk(), takeSnapshot), deleteSnapshot, snapshotGone),
		newOperation("template from volume", detachedDisk(), func(ctx context.Context, s *stage) error {
			_, err := s.Mgmt.CreateTemplateFromVolume(ctx, s.volume, "baked")
			return err
		}, baked),
		newOperation("template from snapshot", steps(bypass, attachedDisk(), takeSnapshot), func(ctx context.Context, s *stage) error {
			_, err := s.Mgmt.CreateTemplateFromSnapshot(ctx, s.snapshot, "baked")
			return err
		}, baked),
	}
}

func machineOperations() []Operation {
	return []Operation{
		newOperation("migrate VM", attachedDisk(), func(ctx context.Context, s *stage) error {
			_, err := s.Mgmt.MigrateVM(ctx, s.vm, s.Hosts[1].ID)
			return err
		}, migrated),
		newOperation("take VM snapshot", attachedDisk(), takeGroup, groupTaken),
		newOperation("revert to VM snapshot", steps(attachedDisk(), takeGroup, fill('b'), stopVM), func(ctx context.Context, s *stage) error {
			_, err := s.Mgmt.RevertToVMSnapshot(ctx, s.group)
			return err
		}, holdsAgain),
		newOperation("delete VM snapshot", steps(attachedDisk(), takeGroup), func(ctx context.Context, s *stage) error {
			return s.Mgmt.DeleteVMSnapshot(ctx, s.group)
		}, groupGone),
	}
}

func deploy(offering func(*stage) inventory.ID) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		_, err := s.Mgmt.DeployVM(ctx, mgmt.VMSpec{
			Name: "new", Zone: s.Zone.ID, Offering: offering(s), Template: s.template, Host: s.Hosts[0].ID,
		})
		return err
	}
}

func deployed(ctx context.Context, s *stage) error {
	m, err := s.vmRow("new")
	if err != nil {
		return err
	}
	root, err := s.rootOf(m.ID)
	if err != nil {
		return err
	}
	if m.State != inventory.VMRunning {
		return fmt.Errorf("the VM is %s", m.State)
	}
	return s.holds(ctx, root.ID, 't')
}

// attached wants the DATA disk in use by the VM; what it held it must hold, unless that is 0.
func attached(b byte) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		v, err := s.volumeRow(s.volume)
		switch {
		case err != nil:
			return err
		case v.VM != s.vm || v.State != inventory.VolumeReady:
			return fmt.Errorf("the volume is %s with VM %d", v.State, v.VM)
		case b == 0:
			return s.GuestRead(ctx, s.vm, v.ID, 0, make([]byte, len(pattern(0))))
		}
		return errors.Join(s.holds(ctx, v.ID, b), s.holds(ctx, s.root, 'r'))
	}
}

func detached(ctx context.Context, s *stage) error {
	v, err := s.volumeRow(s.volume)
	if err == nil && v.VM != 0 {
		err = errors.New("the volume is attached")
	}
	return errors.Join(err, s.holds(ctx, s.volume, 'a'))
}

func resize(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.ResizeVolume(ctx, mgmt.ResizeSpec{Volume: s.volume, Size: 2 * mib})
	return err
}

func resized(ctx context.Context, s *stage) error {
	v, err := s.volumeRow(s.volume)
	if err == nil && v.Size != 2*mib {
		err = fmt.Errorf("the volume has %d bytes", v.Size)
	}
	return errors.Join(err, s.holds(ctx, s.volume, 'a'))
}

func deleteVolume(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.DeleteVolume(ctx, s.volume)
	return err
}

func deleted(_ context.Context, s *stage) error {
	v, err := s.volumeRow(s.volume)
	if err == nil && v.State != inventory.VolumeExpunged {
		err = fmt.Errorf("the volume is %s", v.State)
	}
	return err
}

func move(live bool) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		_, err := s.Mgmt.MigrateVolume(ctx, mgmt.MoveSpec{Volume: s.volume, Pool: s.pool.ID, Live: live})
		return err
	}
}

func moved(ctx context.Context, s *stage) error {
	v, err := s.findVolume(func(v inventory.Volume) bool {
		return v.Name == "data" && v.Pool == s.pool.ID && v.State == inventory.VolumeReady
	})
	if err != nil {
		return fmt.Errorf("the second pool has no volume: %w", err)
	}
	return s.holds(ctx, v.ID, 'a')
}

func download(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.ExtractVolume(ctx, s.volume)
	return err
}

func downloaded(ctx context.Context, s *stage) error {
	_, err := find(s, func(tx *inventory.Tx) *inventory.Table[inventory.VolumeStore] { return tx.VolumeStores },
		func(r inventory.VolumeStore) bool { return r.Volume == s.volume && r.State == inventory.RefReady })
	if err != nil {
		return fmt.Errorf("there is no copy: %w", err)
	}
	b := make([]byte, len(pattern('a')))
	if err := s.ReadCopy(ctx, s.volume, 0, b); err != nil {
		return err
	}
	return errors.Join(same(b, "the copy"), s.holds(ctx, s.volume, 'a'))
}

// same compares what was read with what the DATA disk held.
func same(got []byte, what string) error {
	if !bytes.Equal(got, pattern('a')) {
		return fmt.Errorf("%s holds other bytes", what)
	}
	return nil
}
