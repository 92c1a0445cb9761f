package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios/world"
)

// The report of objects that nobody has on record (driver-management 13.2).
var (
	reLookFor  = expression(`^the driver looks for objects that nobody has on record` + outcome)
	reReported = expression(`^it reports (nothing|\d+ objects?)$`)
	reReports  = expression(`^it reports the (volume|snapshot) with the role "([^"]+)"( as deleted)?$`)
	rePlanted  = expression(`^StorPool has a (volume|snapshot) with the role "([^"]+)" that nobody has on record$`)
	reGone     = expression(`^StorPool has no (volume|snapshot) with the role "([^"]+)"$`)
	reOtherNow = expression(`^the disk "([^"]+)" is (\w+) on record while the driver looks for objects that nobody has on record$`)
)

func (s *scene) unknownSteps(sc registrar) {
	sc.Step(reLookFor(), s.lookForUnknown)
	sc.Step(reReported(), s.reported)
	sc.Step(reReports(), s.reports)
	sc.Step(rePlanted(), s.plantUnknown)
	sc.Step(reGone(), s.noRole)
	sc.Step(reOtherNow(), s.lookWhile)
}

func (s *scene) lookForUnknown(ctx context.Context, outcome string) error {
	s.unknown = nil
	return s.act(ctx, outcome, func(ctx context.Context) error {
		volumes, one := s.w.Driver.CheckVolumes(ctx)
		snapshots, two := s.w.Driver.CheckSnapshots(ctx)
		s.unknown = slices.Concat(volumes, snapshots)
		return errors.Join(one, two)
	})
}

func (s *scene) reported(what string) error {
	n, _, _ := strings.Cut(what, " ")
	if n == "nothing" {
		n = "0"
	}
	want, err := count(n)
	if err != nil {
		return err
	}
	if len(s.unknown) != want {
		return fmt.Errorf("it reports %d: %s", len(s.unknown), unknownInWords(s.unknown))
	}
	return nil
}

func unknownInWords(all []driver.Unknown) string {
	var out []string
	for _, u := range all {
		kind := "volume"
		if u.Snapshot {
			kind = "snapshot"
		}
		out = append(out, fmt.Sprintf("%s %s of role %q (deleted: %t)", kind, u.Path, u.Role, u.Deleted))
	}
	return strings.Join(out, ", ")
}

func (s *scene) reports(kind, role, deleted string) error {
	for _, u := range s.unknown {
		if u.Snapshot == (kind == "snapshot") && u.Role == role && u.Deleted == (deleted != "") {
			return nil
		}
	}
	return fmt.Errorf("it reports %s", unknownInWords(s.unknown))
}

// plantUnknown is what an operation of the plugin has left behind.
func (s *scene) plantUnknown(kind, role string) error {
	e, err := s.emulator()
	if err != nil {
		return err
	}
	tags := map[string]string{"cs": role, "uuid": "00000000-0000-4000-8000-000000000000"}
	made, err := e.Cluster().VolumeCreate(cluster.VolumeSpec{Size: bytesOf(1 << 20), Template: "hdd", Tags: tags})
	if err != nil {
		return fmt.Errorf("plant a %s: %w", kind, err)
	}
	gid := made.GlobalID
	if kind == "snapshot" {
		ref := cluster.Ref("~" + gid)
		snap, err := e.Cluster().VolumeSnapshot(ref, cluster.SnapshotSpec{Tags: tags})
		if err != nil {
			return fmt.Errorf("plant a %s: %w", kind, err)
		}
		gid = snap.GlobalID
		if err := e.Cluster().VolumeDelete(ref, cluster.OnAttachedDetachForce); err != nil {
			return fmt.Errorf("plant a %s: %w", kind, err)
		}
	}
	s.w.Excuse(gid, "left behind on purpose")
	return nil
}

func (s *scene) noRole(ctx context.Context, kind, role string) error {
	found, err := s.objects(ctx, "", role)
	if err != nil {
		return err
	}
	for _, x := range found {
		if x.Snapshot == (kind == "snapshot") {
			return fmt.Errorf("StorPool has ~%s", x.GlobalID)
		}
	}
	return nil
}

// lookWhile looks while core does something with a volume.
func (s *scene) lookWhile(ctx context.Context, disk, state string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	if world.GlobalID(v.Path) == "" {
		return fmt.Errorf("%q is not on StorPool", disk)
	}
	set := func(st inventory.VolumeState) error {
		return s.inv().Update(func(tx *inventory.Tx) error {
			return tx.Volumes.Change(v.ID, func(v *inventory.Volume) { v.State = st })
		})
	}
	if err := set(inventory.VolumeState(state)); err != nil {
		return err
	}
	err = s.lookForUnknown(ctx, "")
	return errors.Join(err, set(v.State))
}
