package sweep

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

const mib = 1 << 20

// stage is a world with what an operation was prepared with; zero members were not.
type stage struct {
	*world.World

	vm, volume, root, snapshot, template, group, offering inventory.ID
	pool                                                  inventory.Pool // another than World.Pool
	encrypted                                             struct{ compute, disk inventory.ID }
}

func pattern(b byte) []byte { return bytes.Repeat([]byte{b, b ^ 0xff, 0x5a, '.'}, 4<<10) }

// find returns the last row that is one; it is an error when there is none.
func find[T any](s *stage, table func(*inventory.Tx) *inventory.Table[T], is func(T) bool) (row T, err error) {
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

func (s *stage) findVolume(is func(inventory.Volume) bool) (inventory.Volume, error) {
	return find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Volume] { return tx.Volumes }, is)
}

func (s *stage) volumeRow(id inventory.ID) (inventory.Volume, error) {
	return s.findVolume(func(v inventory.Volume) bool { return v.ID == id })
}

func (s *stage) vmRow(name string) (inventory.VM, error) {
	return find(s, func(tx *inventory.Tx) *inventory.Table[inventory.VM] { return tx.VMs },
		func(m inventory.VM) bool { return m.Name == name })
}

// rootOf is the ROOT disk of a VM.
func (s *stage) rootOf(vm inventory.ID) (inventory.Volume, error) {
	return s.findVolume(func(v inventory.Volume) bool { return v.VM == vm && v.Kind == inventory.Root })
}

// holds compares the beginning of a volume with a pattern.
func (s *stage) holds(ctx context.Context, volume inventory.ID, b byte) error {
	want := pattern(b)
	got := make([]byte, len(want))
	if err := s.ReadVolume(ctx, volume, 0, got); err != nil {
		return fmt.Errorf("read volume %d: %w", volume, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("volume %d does not hold what was written to it (%q)", volume, b)
	}
	return nil
}

func (s *stage) write(ctx context.Context, volume inventory.ID, b byte) error {
	return s.WriteVolume(ctx, volume, 0, pattern(b))
}

// steps does one after the other until one fails.
func steps(all ...func(context.Context, *stage) error) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		for _, do := range all {
			if err := do(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// runningVM deploys a VM from the ISO.
func runningVM(ctx context.Context, s *stage) error {
	m, err := s.Mgmt.DeployVM(ctx, mgmt.VMSpec{
		Name: "vm", Zone: s.Zone.ID, Offering: s.Compute.ID, Template: s.ISO.ID, RootSize: mib, Host: s.Hosts[0].ID, Pool: s.Pool.ID,
	})
	if err != nil {
		return err
	}
	s.vm = m.ID
	root, err := s.rootOf(m.ID)
	s.root = root.ID
	return errors.Join(err, s.write(ctx, root.ID, 'r'))
}

func stopVM(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.StopVM(ctx, s.vm, false)
	return err
}

// diskOn creates a DATA disk on World.Pool that nothing uses.
func diskOn(offering func(*stage) inventory.ID) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		v, err := s.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "data", Zone: s.Zone.ID, Offering: offering(s), Size: mib})
		if err != nil {
			return err
		}
		s.volume = v.ID
		_, err = s.Mgmt.CreateVolumeOn(ctx, v.ID, s.Pool.ID)
		return err
	}
}

func plain(s *stage) inventory.ID { return s.Disk.ID }

// freshDisk records a DATA disk that StorPool has not heard of.
func freshDisk(ctx context.Context, s *stage) error {
	v, err := s.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "data", Zone: s.Zone.ID, Offering: s.Disk.ID, Size: mib})
	s.volume = v.ID
	return err
}

func attachDisk(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.AttachVolume(ctx, s.volume, s.vm, mgmt.FreeDevice)
	return err
}

func detachDisk(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.DetachVolume(ctx, s.volume)
	return err
}

// fill writes to the DATA disk.
func fill(b byte) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error { return s.write(ctx, s.volume, b) }
}

// attachedDisk is a running VM with a DATA disk that holds 'a'.
func attachedDisk() func(context.Context, *stage) error {
	return steps(runningVM, diskOn(plain), attachDisk, fill('a'))
}

func detachedDisk() func(context.Context, *stage) error { return steps(attachedDisk(), detachDisk) }

func takeSnapshot(ctx context.Context, s *stage) error {
	sn, err := s.Mgmt.CreateSnapshot(ctx, s.volume, "")
	if err == nil {
		s.snapshot = sn.ID
	}
	return err
}

func takeGroup(ctx context.Context, s *stage) error {
	row, err := s.Mgmt.CreateVMSnapshot(ctx, s.vm, false)
	if err == nil {
		s.group = row.ID
	}
	return err
}

// bypass switches backups to secondary storage off.
func bypass(_ context.Context, s *stage) error {
	return s.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, "false")
}

// secondPool adds a pool over another placement template.
func secondPool(ctx context.Context, s *stage) (err error) {
	s.pool, err = s.CreatePool(ctx, "second", "ssd")
	return err
}

// loseSnapshot deletes the snapshot on StorPool, so that only its backup is left.
func loseSnapshot(ctx context.Context, s *stage) error {
	row, err := find(s, func(tx *inventory.Tx) *inventory.Table[inventory.SnapshotRef] { return tx.SnapshotRefs },
		func(r inventory.SnapshotRef) bool { return r.Snapshot == s.snapshot && r.Role == inventory.Primary })
	if err != nil {
		return err
	}
	return s.Lose(ctx, world.GlobalID(row.Path), true)
}

func registerTemplate(ctx context.Context, s *stage) error {
	t, err := s.Mgmt.RegisterTemplate(ctx, mgmt.TemplateSpec{
		Name: "linux", Zone: s.Zone.ID, Size: mib,
		Write: func(w io.WriterAt) error {
			_, err := w.WriteAt(pattern('t'), 0)
			return err
		},
	})
	s.template = t.ID
	return err
}

// sealed adds offerings with encryption.
func sealed(_ context.Context, s *stage) error {
	compute, err := s.Mgmt.CreateServiceOffering(mgmt.OfferingSpec{Name: "sealed", Encrypt: true})
	if err != nil {
		return err
	}
	disk, err := s.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "sealed", Encrypt: true})
	s.encrypted.compute, s.encrypted.disk = compute.ID, disk.ID
	return err
}
