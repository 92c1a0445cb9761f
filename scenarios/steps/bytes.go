package steps

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

var (
	reWrite     = expression(`^the pattern "([^"]+)" is written to "([^"]+)"(?: at (\d+ \w+))?$`)
	reHolds     = expression(`^"([^"]+)" holds the pattern "([^"]+)"(?: at (\d+ \w+))?$`)
	reEmpty     = expression(`^"([^"]+)" is empty(?: at (\d+ \w+))?$`)
	reGuest     = expression(`^the guest "([^"]+)" reads the pattern "([^"]+)" from "([^"]+)"$`)
	reGuestSize = expression(`^every guest with "([^"]+)" sees (\d+ \w+)$`)
	reSnapHolds = expression(`^the snapshot "([^"]+)" holds the pattern "([^"]+)"(?: at (\d+ \w+))?$`)
	reBackup    = expression(`^the backup of "([^"]+)" holds the pattern "([^"]+)"(?: at (\d+ \w+))?$`)
)

func (s *scene) byteSteps(sc registrar) {
	sc.Step(reWrite(), s.write)
	sc.Step(reHolds(), s.holds)
	sc.Step(reEmpty(), s.empty)
	sc.Step(reGuest(), s.guestReads)
	sc.Step(reGuestSize(), s.guestsSee)
	sc.Step(reSnapHolds(), s.snapshotHolds)
	sc.Step(reBackup(), s.backupHolds)
}

func offset(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	return size(text)
}

// write writes a pattern as the guest of the disk's VM, or through a host when the disk is not in use.
func (s *scene) write(ctx context.Context, name, disk, at string) error {
	off, err := offset(at)
	if err != nil {
		return err
	}
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	if err := s.perform(ctx, func(ctx context.Context) error {
		return s.w.WriteVolume(ctx, id, off, pattern(s.o.Seed, name))
	}); err != nil {
		return fmt.Errorf("write to %q: %w", disk, err)
	}
	if v, err := s.volumeOf(disk); err == nil && v.Encrypted() {
		s.w.Mark(markOf(name), true)
	}
	note(s.written, disk, mark{off, name})
	return nil
}

// read reads as much as a pattern from a disk.
func (s *scene) read(ctx context.Context, disk string, off int64) ([]byte, error) {
	id, err := s.disk(disk)
	if err != nil {
		return nil, err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.ReadVolume(ctx, id, off, b) }); err != nil {
		return nil, fmt.Errorf("read %q: %w", disk, err)
	}
	return b, nil
}

func (s *scene) holds(ctx context.Context, disk, name, at string) error {
	off, err := offset(at)
	if err != nil {
		return err
	}
	return s.holdsAt(ctx, disk, mark{off, name})
}

func (s *scene) holdsAt(ctx context.Context, disk string, m mark) error {
	b, err := s.read(ctx, disk, m.off)
	if err != nil {
		return err
	}
	if err := compare(s.o.Seed, m.name, b); err != nil {
		return fmt.Errorf("%q at %s %w", disk, inWords(m.off), err)
	}
	s.proof = true
	return nil
}

func (s *scene) empty(ctx context.Context, disk, at string) error {
	off, err := offset(at)
	if err != nil {
		return err
	}
	b, err := s.read(ctx, disk, off)
	if err != nil {
		return err
	}
	if what := recognise(b); what != "zeros" {
		return fmt.Errorf("%q at %s holds %s", disk, inWords(off), what)
	}
	return nil
}

// guestReads is holds for a disk that must be in use by that VM: the bytes come from the guest.
func (s *scene) guestReads(ctx context.Context, vm, name, disk string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	m, err := s.vm(vm)
	if err != nil {
		return err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.GuestRead(ctx, m, v.ID, 0, b) }); err != nil {
		return fmt.Errorf("read %q in the guest: %w", disk, err)
	}
	if err := compare(s.o.Seed, name, b); err != nil {
		return fmt.Errorf("%q in the guest %w", disk, err)
	}
	s.proof = true
	return nil
}

// guestsSee holds for a disk of no running VM as well: then there is nobody to see it.
func (s *scene) guestsSee(ctx context.Context, disk, bytes string) error {
	want, err := size(bytes)
	if err != nil {
		return err
	}
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	if running := s.vmIs(nameOf(s.vms, v.VM), string(inventory.VMRunning)) == nil; !running {
		return nil
	}
	got, err := s.w.GuestSize(ctx, v.VM, v.ID)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the guest sees %s", inWords(got))
	}
	return nil
}

// snapshotHolds reads the object on StorPool.
func (s *scene) snapshotHolds(ctx context.Context, snapshot, name, at string) error {
	off, err := offset(at)
	if err != nil {
		return err
	}
	return s.snapshotHoldsAt(ctx, snapshot, mark{off, name})
}

func (s *scene) snapshotHoldsAt(ctx context.Context, snapshot string, m mark) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	gid, err := gidOf(s.detailOf(id), snapshot)
	if err != nil {
		return err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.ReadObject(ctx, gid, true, m.off, b) }); err != nil {
		return fmt.Errorf("read the StorPool snapshot of %q: %w", snapshot, err)
	}
	if err := compare(s.o.Seed, m.name, b); err != nil {
		return fmt.Errorf("the StorPool snapshot of %q %w", snapshot, err)
	}
	s.proof = true
	return nil
}

// backupHolds reads the file on secondary storage as the image that it should be.
func (s *scene) backupHolds(ctx context.Context, snapshot, name, at string) error {
	off, err := offset(at)
	if err != nil {
		return err
	}
	return s.backupHoldsAt(ctx, snapshot, mark{off, name})
}

func (s *scene) backupHoldsAt(ctx context.Context, snapshot string, m mark) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.ReadBackup(ctx, id, m.off, b) }); err != nil {
		return fmt.Errorf("read the backup of %q: %w", snapshot, err)
	}
	if err := compare(s.o.Seed, m.name, b); err != nil {
		return fmt.Errorf("the backup of %q %w", snapshot, err)
	}
	s.proof = true
	return nil
}
