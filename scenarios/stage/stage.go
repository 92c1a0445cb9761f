// Package stage prepares worlds for operations: [Play] builds one, a preparation such as [AttachedDisk] puts on stage what
// the operation works on, and [FactsOf] takes down everything that the operation may or may not change.
package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// MiB is 2^20 bytes, the size of the disks on stage.
const MiB = 1 << 20

// Stage is a world with what an operation was prepared with; zero members were not.
type Stage struct {
	*world.World

	VM, Volume, Root, Snapshot, Template, Group inventory.ID                         // Volume is a DATA disk, Group a VM snapshot
	Offering                                    inventory.ID                         // of disks
	Second                                      inventory.Pool                       // another than World.Pool
	Sealed                                      struct{ Compute, Disk inventory.ID } // offerings with encryption
	Faster                                      inventory.ID                         // a disk offering with another limit and placement template
}

// Pattern is what is written to a disk, by a letter.
func Pattern(b byte) []byte { return bytes.Repeat([]byte{b, b ^ 0xff, 0x5a, '.'}, 4<<10) }

// Find returns the last row that is one; it is an error when there is none.
func Find[T any](s *Stage, table func(*inventory.Tx) *inventory.Table[T], is func(T) bool) (row T, err error) {
	err = s.Inventory.View(func(tx *inventory.Tx) error {
		found := table(tx).All(is)
		if len(found) == 0 {
			return fmt.Errorf("no such row: %w", inventory.ErrNotFound)
		}
		row = found[len(found)-1]
		return nil
	})
	return row, err
}

// FindVolume is the last volume that is one.
func (s *Stage) FindVolume(is func(inventory.Volume) bool) (inventory.Volume, error) {
	return Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Volume] { return tx.Volumes }, is)
}

// VolumeRow is a volume as it is on record.
func (s *Stage) VolumeRow(id inventory.ID) (inventory.Volume, error) {
	return s.FindVolume(func(v inventory.Volume) bool { return v.ID == id })
}

// VMRow is the last VM of a name.
func (s *Stage) VMRow(name string) (inventory.VM, error) {
	return Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.VM] { return tx.VMs },
		func(m inventory.VM) bool { return m.Name == name })
}

// RootOf is the ROOT disk of a VM.
func (s *Stage) RootOf(vm inventory.ID) (inventory.Volume, error) {
	return s.FindVolume(func(v inventory.Volume) bool { return v.VM == vm && v.Kind == inventory.Root })
}

// Holds compares the beginning of a volume with a pattern.
func (s *Stage) Holds(ctx context.Context, volume inventory.ID, b byte) error {
	want := Pattern(b)
	got := make([]byte, len(want))
	if err := s.ReadVolume(ctx, volume, 0, got); err != nil {
		return fmt.Errorf("read volume %d: %w", volume, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("volume %d does not hold what was written to it (%q)", volume, b)
	}
	return nil
}

// Write fills the beginning of a volume with a pattern.
func (s *Stage) Write(ctx context.Context, volume inventory.ID, b byte) error {
	return s.WriteVolume(ctx, volume, 0, Pattern(b))
}

// Steps does one after the other until one fails.
func Steps(all ...func(context.Context, *Stage) error) func(context.Context, *Stage) error {
	return func(ctx context.Context, s *Stage) error {
		for _, do := range all {
			if err := do(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// RunningVM deploys a VM from the ISO.
func RunningVM(ctx context.Context, s *Stage) error {
	m, err := s.Mgmt.DeployVM(ctx, mgmt.VMSpec{
		Name: "vm", Zone: s.Zone.ID, Offering: s.Compute.ID, Template: s.ISO.ID, RootSize: MiB, Host: s.Hosts[0].ID, Pool: s.Pool.ID,
	})
	if err != nil {
		return err
	}
	s.VM = m.ID
	root, err := s.RootOf(m.ID)
	s.Root = root.ID
	return errors.Join(err, s.Write(ctx, root.ID, 'r'))
}

// StopVM stops the VM.
func StopVM(ctx context.Context, s *Stage) error {
	_, err := s.Mgmt.StopVM(ctx, s.VM, false)
	return err
}

// DiskOn creates a DATA disk on World.Pool that nothing uses.
func DiskOn(offering func(*Stage) inventory.ID) func(context.Context, *Stage) error {
	return func(ctx context.Context, s *Stage) error {
		v, err := s.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "data", Zone: s.Zone.ID, Offering: offering(s), Size: MiB})
		if err != nil {
			return err
		}
		s.Volume = v.ID
		_, err = s.Mgmt.CreateVolumeOn(ctx, v.ID, s.Pool.ID)
		return err
	}
}

// Plain is the disk offering without encryption.
func Plain(s *Stage) inventory.ID { return s.Disk.ID }

// FreshDisk records a DATA disk that StorPool has not heard of.
func FreshDisk(ctx context.Context, s *Stage) error {
	v, err := s.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "data", Zone: s.Zone.ID, Offering: s.Disk.ID, Size: MiB})
	s.Volume = v.ID
	return err
}

// AttachDisk attaches the DATA disk.
func AttachDisk(ctx context.Context, s *Stage) error {
	_, err := s.Mgmt.AttachVolume(ctx, s.Volume, s.VM, mgmt.FreeDevice)
	return err
}

// DetachDisk detaches the DATA disk.
func DetachDisk(ctx context.Context, s *Stage) error {
	_, err := s.Mgmt.DetachVolume(ctx, s.Volume)
	return err
}

// Fill writes to the DATA disk.
func Fill(b byte) func(context.Context, *Stage) error {
	return func(ctx context.Context, s *Stage) error { return s.Write(ctx, s.Volume, b) }
}

// AttachedDisk is a running VM with a DATA disk that holds 'a'.
func AttachedDisk() func(context.Context, *Stage) error {
	return Steps(RunningVM, DiskOn(Plain), AttachDisk, Fill('a'))
}

// DetachedDisk is AttachedDisk with the DATA disk detached again.
func DetachedDisk() func(context.Context, *Stage) error { return Steps(AttachedDisk(), DetachDisk) }

// TakeSnapshot takes a snapshot of the DATA disk.
func TakeSnapshot(ctx context.Context, s *Stage) error {
	sn, err := s.Mgmt.CreateSnapshot(ctx, s.Volume, "")
	if err == nil {
		s.Snapshot = sn.ID
	}
	return err
}

// TakeGroup takes a snapshot of the VM.
func TakeGroup(ctx context.Context, s *Stage) error {
	row, err := s.Mgmt.CreateVMSnapshot(ctx, s.VM, false)
	if err == nil {
		s.Group = row.ID
	}
	return err
}

// Bypass switches backups to secondary storage off.
func Bypass(_ context.Context, s *Stage) error {
	return s.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, "false")
}

// SecondPool adds a pool over another placement template.
func SecondPool(ctx context.Context, s *Stage) (err error) {
	s.Second, err = s.CreatePool(ctx, "second", "ssd")
	return err
}

// FasterOffering adds a disk offering that asks for more.
func FasterOffering(_ context.Context, s *Stage) error {
	o, err := s.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "faster", MaxIOPS: 2000, Details: map[string]string{"SP_TEMPLATE": "ssd"}})
	s.Faster = o.ID
	return err
}

// LoseSnapshot deletes the snapshot on StorPool, so that only its backup is left.
func LoseSnapshot(ctx context.Context, s *Stage) error {
	row, err := Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.SnapshotRef] { return tx.SnapshotRefs },
		func(r inventory.SnapshotRef) bool { return r.Snapshot == s.Snapshot && r.Role == inventory.Primary })
	if err != nil {
		return err
	}
	return s.Lose(ctx, world.GlobalID(row.Path), true)
}

// RegisterTemplate makes a template that holds 't'.
func RegisterTemplate(ctx context.Context, s *Stage) error {
	t, err := s.Mgmt.RegisterTemplate(ctx, mgmt.TemplateSpec{
		Name: "linux", Zone: s.Zone.ID, Size: MiB,
		Write: func(w io.WriterAt) error {
			_, err := w.WriteAt(Pattern('t'), 0)
			return err
		},
	})
	s.Template = t.ID
	return err
}

// Sealed adds offerings with encryption.
func Sealed(_ context.Context, s *Stage) error {
	compute, err := s.Mgmt.CreateServiceOffering(mgmt.OfferingSpec{Name: "sealed", Encrypt: true})
	if err != nil {
		return err
	}
	disk, err := s.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "sealed", Encrypt: true})
	s.Sealed.Compute, s.Sealed.Disk = compute.ID, disk.ID
	return err
}

// Play prepares a fresh world and goes on with f as an actor of its clock.
func Play(o world.Options, prepare, f func(context.Context, *Stage) error) (err error) {
	w, err := world.New(o)
	defer func() { err = errors.Join(err, w.Close()) }()
	if err != nil {
		return err
	}
	w.Do(func(ctx context.Context) {
		s := &Stage{World: w}
		if err = prepare(ctx, s); err != nil {
			err = fmt.Errorf("prepare: %w", err)
			return
		}
		if err = w.Check(ctx); err == nil {
			err = f(ctx, s)
		}
	})
	return err
}

// Look takes down the facts of the world at rest.
func (s *Stage) Look(ctx context.Context) (Facts, error) {
	o, err := s.Observe(ctx)
	if err != nil {
		return nil, err
	}
	return FactsOf(ctx, o)
}
