package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/stage"
)

// Operation is an action of CloudStack that takes several steps.
type Operation struct {
	Name string

	prepare func(context.Context, *stage.Stage) error
	act     func(context.Context, *stage.Stage) error
	// done is nil when the operation has had its whole effect, bytes included; else what is missing.
	done func(context.Context, *stage.Stage) error
	far  bool // there is a StorPool far away
}

// Operations lists what is swept.
func Operations() []Operation {
	return slices.Concat(diskOperations(), snapshotOperations(), machineOperations(), lifeOperations(), poolOperations())
}

func newOperation(name string, prepare, act, done func(context.Context, *stage.Stage) error) Operation {
	return Operation{Name: name, prepare: prepare, act: act, done: done}
}

func diskOperations() []Operation {
	return []Operation{
		newOperation("deploy from template", stage.RegisterTemplate, deploy(func(s *stage.Stage) inventory.ID { return s.Compute.ID }), deployed),
		newOperation("encrypted deploy", stage.Steps(stage.RegisterTemplate, stage.Sealed), deploy(func(s *stage.Stage) inventory.ID { return s.Sealed.Compute }), deployed),
		newOperation("attach", stage.Steps(stage.RunningVM, stage.FreshDisk), stage.AttachDisk, attached(0)),
		newOperation("encrypted attach", stage.Steps(stage.RunningVM, stage.Sealed, func(ctx context.Context, s *stage.Stage) error {
			return stage.DiskOn(func(s *stage.Stage) inventory.ID { return s.Sealed.Disk })(ctx, s)
		}), stage.AttachDisk, attached(0)),
		newOperation("attach again", stage.DetachedDisk(), stage.AttachDisk, attached('a')),
		newOperation("detach", stage.AttachedDisk(), stage.DetachDisk, detached),
		newOperation("resize", stage.AttachedDisk(), resize, resized),
		newOperation("delete volume", stage.DetachedDisk(), deleteVolume, deleted),
		newOperation("move offline", stage.Steps(stage.DetachedDisk(), stage.SecondPool), move(false), moved),
		newOperation("move live", stage.Steps(stage.AttachedDisk(), stage.SecondPool), move(true), moved),
		newOperation("download", stage.DetachedDisk(), download, downloaded),
	}
}

func snapshotOperations() []Operation {
	return []Operation{
		newOperation("snapshot with backup", stage.AttachedDisk(), stage.TakeSnapshot, snapshotTaken),
		newOperation("snapshot with bypass", stage.Steps(stage.Bypass, stage.AttachedDisk()), stage.TakeSnapshot, snapshotTaken),
		newOperation("restore from backup", stage.Steps(stage.AttachedDisk(), stage.TakeSnapshot, stage.LoseSnapshot), restore, restored),
		newOperation("restore from StorPool", stage.Steps(stage.Bypass, stage.AttachedDisk(), stage.TakeSnapshot), restore, restored),
		newOperation("revert", stage.Steps(stage.AttachedDisk(), stage.TakeSnapshot, stage.Fill('b'), stage.StopVM), revert, holdsAgain),
		newOperation("delete snapshot", stage.Steps(stage.AttachedDisk(), stage.TakeSnapshot), deleteSnapshot, snapshotGone),
		newOperation("template from volume", stage.DetachedDisk(), func(ctx context.Context, s *stage.Stage) error {
			_, err := s.Mgmt.CreateTemplateFromVolume(ctx, s.Volume, "baked")
			return err
		}, baked),
		newOperation("template from snapshot", stage.Steps(stage.Bypass, stage.AttachedDisk(), stage.TakeSnapshot), func(ctx context.Context, s *stage.Stage) error {
			_, err := s.Mgmt.CreateTemplateFromSnapshot(ctx, s.Snapshot, "baked")
			return err
		}, baked),
	}
}

func machineOperations() []Operation {
	return []Operation{
		newOperation("migrate VM", stage.AttachedDisk(), func(ctx context.Context, s *stage.Stage) error {
			_, err := s.Mgmt.MigrateVM(ctx, s.VM, s.Hosts[1].ID)
			return err
		}, migrated),
		newOperation("take VM snapshot", stage.AttachedDisk(), stage.TakeGroup, groupTaken),
		newOperation("revert to VM snapshot", stage.Steps(stage.AttachedDisk(), stage.TakeGroup, stage.Fill('b'), stage.StopVM), func(ctx context.Context, s *stage.Stage) error {
			_, err := s.Mgmt.RevertToVMSnapshot(ctx, s.Group)
			return err
		}, holdsAgain),
		newOperation("delete VM snapshot", stage.Steps(stage.AttachedDisk(), stage.TakeGroup), func(ctx context.Context, s *stage.Stage) error {
			return s.Mgmt.DeleteVMSnapshot(ctx, s.Group)
		}, groupGone),
	}
}

func deploy(offering func(*stage.Stage) inventory.ID) func(context.Context, *stage.Stage) error {
	return func(ctx context.Context, s *stage.Stage) error {
		_, err := s.Mgmt.DeployVM(ctx, mgmt.VMSpec{
			Name: "new", Zone: s.Zone.ID, Offering: offering(s), Template: s.Template, Host: s.Hosts[0].ID,
		})
		return err
	}
}

func deployed(ctx context.Context, s *stage.Stage) error {
	m, err := s.VMRow("new")
	if err != nil {
		return err
	}
	root, err := s.RootOf(m.ID)
	if err != nil {
		return err
	}
	if m.State != inventory.VMRunning {
		return fmt.Errorf("the VM is %s", m.State)
	}
	return s.Holds(ctx, root.ID, 't')
}

// attached wants the DATA disk in use by the VM; what it held it must hold, unless that is 0.
func attached(b byte) func(context.Context, *stage.Stage) error {
	return func(ctx context.Context, s *stage.Stage) error {
		v, err := s.VolumeRow(s.Volume)
		switch {
		case err != nil:
			return err
		case v.VM != s.VM || v.State != inventory.VolumeReady:
			return fmt.Errorf("the volume is %s with VM %d", v.State, v.VM)
		case b == 0:
			return s.GuestRead(ctx, s.VM, v.ID, 0, make([]byte, len(stage.Pattern(0))))
		}
		return errors.Join(s.Holds(ctx, v.ID, b), s.Holds(ctx, s.Root, 'r'))
	}
}

func detached(ctx context.Context, s *stage.Stage) error {
	v, err := s.VolumeRow(s.Volume)
	if err == nil && v.VM != 0 {
		err = errors.New("the volume is attached")
	}
	return errors.Join(err, s.Holds(ctx, s.Volume, 'a'))
}

func resize(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.ResizeVolume(ctx, mgmt.ResizeSpec{Volume: s.Volume, Size: 2 * stage.MiB})
	return err
}

func resized(ctx context.Context, s *stage.Stage) error {
	v, err := s.VolumeRow(s.Volume)
	if err == nil && v.Size != 2*stage.MiB {
		err = fmt.Errorf("the volume has %d bytes", v.Size)
	}
	return errors.Join(err, s.Holds(ctx, s.Volume, 'a'))
}

func deleteVolume(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.DeleteVolume(ctx, s.Volume)
	return err
}

func deleted(_ context.Context, s *stage.Stage) error {
	v, err := s.VolumeRow(s.Volume)
	if err == nil && v.State != inventory.VolumeExpunged {
		err = fmt.Errorf("the volume is %s", v.State)
	}
	return err
}

func move(live bool) func(context.Context, *stage.Stage) error {
	return func(ctx context.Context, s *stage.Stage) error {
		_, err := s.Mgmt.MigrateVolume(ctx, mgmt.MoveSpec{Volume: s.Volume, Pool: s.Second.ID, Live: live})
		return err
	}
}

func moved(ctx context.Context, s *stage.Stage) error {
	v, err := s.FindVolume(func(v inventory.Volume) bool {
		return v.Name == "data" && v.Pool == s.Second.ID && v.State == inventory.VolumeReady
	})
	if err != nil {
		return fmt.Errorf("the second pool has no volume: %w", err)
	}
	return s.Holds(ctx, v.ID, 'a')
}

func download(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.ExtractVolume(ctx, s.Volume)
	return err
}

func downloaded(ctx context.Context, s *stage.Stage) error {
	_, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.VolumeStore] { return tx.VolumeStores },
		func(r inventory.VolumeStore) bool { return r.Volume == s.Volume && r.State == inventory.RefReady })
	if err != nil {
		return fmt.Errorf("there is no copy: %w", err)
	}
	b := make([]byte, len(stage.Pattern('a')))
	if err := s.ReadCopy(ctx, s.Volume, 0, b); err != nil {
		return err
	}
	return errors.Join(same(b, "the copy"), s.Holds(ctx, s.Volume, 'a'))
}

// same compares what was read with what the DATA disk held.
func same(got []byte, what string) error {
	if !bytes.Equal(got, stage.Pattern('a')) {
		return fmt.Errorf("%s holds other bytes", what)
	}
	return nil
}
