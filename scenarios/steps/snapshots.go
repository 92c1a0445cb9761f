package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

var (
	reTake    = expression(`^the snapshot "([^"]+)" of "([^"]+)" is taken(?: under the name "([^"]+)")?` + outcome)
	reRestore = expression(`^the volume "([^"]+)" is created from the snapshot "([^"]+)"(?: with the offering "([^"]+)")?` + outcome)
	reRevert  = expression(`^the disk "([^"]+)" is reverted to the snapshot "([^"]+)"` + outcome)
	reUnsnap  = expression(`^the snapshot "([^"]+)" is deleted(?: again|( unless it is Destroyed))?` + outcome)
	reKnow    = expression(`^the safety snapshot of "([^"]+)" is known as "([^"]+)"$`)
	reOnPool  = expression(`^the snapshot "([^"]+)" is on record in the pool "([^"]+)"$`)
	reSync    = expression(`^(?:(\d+ \w+) pass and )?the driver looks for expired safety snapshots` + outcome)
	reNoFiles = expression(`^secondary storage has no snapshot$`)
	reSnapIs  = expression(`^the snapshot "([^"]+)" is (CreatedOnPrimary|BackedUp|Error|Destroyed|gone)$`)
	reSnapOn  = expression(`^the snapshot "([^"]+)" is backed up on (primary only|primary and secondary|secondary only)$`)
)

func (s *scene) snapshotSteps(sc registrar) {
	sc.Step(reTake(), s.takeSnapshot)
	sc.Step(reRestore(), s.restore)
	sc.Step(reRevert(), s.revert)
	sc.Step(reUnsnap(), s.deleteSnapshot)
	sc.Step(reSnapIs(), s.snapshotIs)
	sc.Step(reSnapOn(), s.snapshotOn)
	sc.Step(reKnow(), s.knowSafety)
	sc.Step(reOnPool(), s.recordedIn)
	sc.Step(reSync(), s.syncSafety)
	sc.Step(reNoFiles(), s.noBackups)
}

func (s *scene) takeSnapshot(ctx context.Context, snapshot, disk, name, outcome string) error {
	if name == "" {
		name = snapshot
	}
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		row, err := s.m().CreateSnapshot(ctx, id, name)
		if row.ID != 0 {
			s.snapshots[snapshot] = row.ID
			s.taken[snapshot] = clone(s.written[disk])
		}
		return err
	})
}

func (s *scene) restore(ctx context.Context, volume, snapshot, offering, outcome string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	spec := mgmt.RestoreSpec{Snapshot: id, Name: volume}
	if offering != "" {
		if spec.Offering, err = get(s.offerings, "disk offering", offering); err != nil {
			return err
		}
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		row, err := s.m().CreateVolumeFromSnapshot(ctx, spec)
		if row.ID != 0 {
			s.disks[volume] = row.ID
			delete(s.written, volume)
		}
		if err == nil {
			s.written[volume] = clone(s.taken[snapshot])
		}
		return err
	})
}

func (s *scene) revert(ctx context.Context, disk, snapshot, outcome string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	if _, err := s.disk(disk); err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().RevertSnapshot(ctx, id)
		if err == nil {
			s.written[disk] = clone(s.taken[snapshot])
		}
		return err
	})
}

func (s *scene) deleteSnapshot(ctx context.Context, snapshot, unless, outcome string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	if unless != "" && s.snapshotIs(snapshot, string(inventory.SnapshotDestroyed)) == nil {
		return nil
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().DeleteSnapshot(ctx, id)
		return err
	})
}

// knowSafety gives the record of a deleted disk's safety snapshot a name.
func (s *scene) knowSafety(disk, name string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.inv().View(func(tx *inventory.Tx) error {
		for _, row := range tx.Snapshots.All(func(x inventory.Snapshot) bool { return x.Volume == id }) {
			if _, ok := tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: row.ID}, "SP_DELAY_DELETE"); ok {
				s.snapshots[name], s.taken[name] = row.ID, clone(s.written[disk])
				return nil
			}
		}
		return fmt.Errorf("the inventory has no safety snapshot of %q", disk)
	})
}

func (s *scene) recordedIn(snapshot, pool string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	ref, ok := s.record(id, inventory.Primary)
	if !ok {
		return errors.New("it has no record on primary storage")
	}
	if got := nameOf(s.pools, ref.Store); got != pool {
		return fmt.Errorf("it is on record in the pool %s, store %d", got, ref.Store)
	}
	return nil
}

// syncSafety is what the driver does from time to time.
func (s *scene) syncSafety(ctx context.Context, span, outcome string) error {
	d := time.Duration(0)
	if span != "" {
		var err error
		if d, err = duration(span); err != nil {
			return err
		}
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		if err := s.pass(ctx, d); err != nil {
			return err
		}
		return s.w.Driver.SyncDelayedDeletes(ctx)
	})
}

// noBackups looks at the files, not at the records.
func (s *scene) noBackups(ctx context.Context) error {
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	for _, f := range o.Files {
		if strings.HasPrefix(f.Name, "snapshots/") {
			return fmt.Errorf("secondary storage has %s of %d bytes", f.Name, f.Size)
		}
	}
	return nil
}

func (s *scene) snapshotIs(snapshot, want string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	got := "gone"
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		if row, ok := tx.Snapshots.Get(id); ok {
			got = string(row.State)
		}
		return nil
	})
	if got != want {
		return fmt.Errorf("the snapshot is %s", got)
	}
	return nil
}

// snapshotOn compares the Ready records of a BackedUp snapshot with the places wanted.
func (s *scene) snapshotOn(snapshot, where string) error {
	if err := s.snapshotIs(snapshot, string(inventory.SnapshotBackedUp)); err != nil {
		return err
	}
	var got []string
	id := s.snapshots[snapshot]
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		for _, r := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Snapshot == id }) {
			if r.State == inventory.RefReady {
				got = append(got, string(r.Role))
			}
		}
		return nil
	})
	slices.Sort(got)
	want := map[string]string{
		"primary only": "Primary", "primary and secondary": "Image Primary", "secondary only": "Image",
	}[where]
	if strings.Join(got, " ") != want {
		return fmt.Errorf("its records are on: %s", strings.Join(got, ", "))
	}
	return nil
}
