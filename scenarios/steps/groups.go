package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/check"
)

var (
	reGroup       = expression(`^the VM snapshot "([^"]+)" of "([^"]+)" is taken( with memory)?` + outcome)
	reGroupBack   = expression(`^the VM "([^"]+)" is reverted to the VM snapshot "([^"]+)"` + outcome)
	reGroupDel    = expression(`^the VM snapshot "([^"]+)" is deleted( unless it is gone)?` + outcome)
	reGroupIs     = expression(`^the VM snapshot "([^"]+)" is (Ready|Error|Reverting|gone)$`)
	reGroupNow    = expression(`^the current VM snapshot of "([^"]+)" is "([^"]+)"$`)
	reGroupParent = expression(`^the parent of the VM snapshot "([^"]+)" is "([^"]+)"$`)
	reGroupCount  = expression(`^StorPool has (no|\d+) members? of the VM snapshot "([^"]+)"$`)
	reMember      = expression(`^the member of "([^"]+)" in the VM snapshot "([^"]+)" has$`)
	reMemberHolds = expression(`^the member of "([^"]+)" in the VM snapshot "([^"]+)" holds the pattern "([^"]+)"$`)
	reMemberLost  = expression(`^StorPool loses the member of "([^"]+)" in the VM snapshot "([^"]+)"$`)
	reObjectFault = expression(`^the call "([^"]+)" for the disk "([^"]+)" will be ([^"]+)$`)
	reOldDisk     = expression(`^the disk "([^"]+)" still has the name that an old version of the plugin gave it$`)
	reGetsTag     = expression(`^the VM "([^"]+)" gets the tag "([^"]+)" of "([^"]*)"( from a user)?` + outcome)
	reLosesTag    = expression(`^the VM "([^"]+)" loses the tag "([^"]+)"( by a user)?` + outcome)
)

func (s *scene) groupSteps(sc registrar) {
	sc.Step(reGroup(), s.takeGroup)
	sc.Step(reGroupBack(), s.revertGroup)
	sc.Step(reGroupDel(), s.deleteGroup)
	sc.Step(reGroupIs(), s.groupIs)
	sc.Step(reGroupNow(), s.groupCurrent)
	sc.Step(reGroupParent(), s.groupParent)
	sc.Step(reGroupCount(), s.groupCount)
	sc.Step(reMember(), s.memberHas)
	sc.Step(reMemberHolds(), s.memberHolds)
	sc.Step(reMemberLost(), s.loseMember)
	sc.Step(reObjectFault(), s.armFor)
	sc.Step(reOldDisk(), s.makeOld)
	sc.Step(reGetsTag(), s.getsTag)
	sc.Step(reLosesTag(), s.losesTag)
}

// groupTaken is a VM snapshot of the scenario with what its members hold, by disk.
type groupTaken struct {
	id    inventory.ID
	vm    string
	marks map[string][]mark
}

func (s *scene) group(name string) (*groupTaken, error) {
	g, ok := s.groups[name]
	if !ok {
		return nil, fmt.Errorf("the scenario knows no VM snapshot %q", name)
	}
	return g, nil
}

func (s *scene) takeGroup(ctx context.Context, name, vm, memory, outcome string) error {
	id, err := s.vm(vm)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		row, err := s.m().CreateVMSnapshot(ctx, id, memory != "")
		_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
			if row.ID == 0 { // it died: the row that it made is the last one
				for _, r := range tx.VMSnapshots.All(func(r inventory.VMSnapshot) bool { return r.VM == id && !s.groupKnown(r.ID) }) {
					row = r
				}
			}
			return nil
		})
		if row.ID == 0 {
			return err
		}
		g := &groupTaken{id: row.ID, vm: vm, marks: map[string][]mark{}}
		for disk := range s.disksOf(id) {
			g.marks[disk] = clone(s.written[disk])
		}
		s.groups[name] = g
		return err
	})
}

// groupKnown tells whether a VM snapshot has a name already.
func (s *scene) groupKnown(id inventory.ID) bool {
	for _, g := range s.groups {
		if g.id == id {
			return true
		}
	}
	return false
}

// disksOf are the names of the disks that a VM has now.
func (s *scene) disksOf(vm inventory.ID) map[string]bool {
	out := map[string]bool{}
	for name := range s.disks {
		if v, err := s.volumeOf(name); err == nil && v.VM == vm {
			out[name] = true
		}
	}
	return out
}

func (s *scene) revertGroup(ctx context.Context, vm, name, outcome string) error {
	g, err := s.group(name)
	if err != nil {
		return err
	}
	if g.vm != vm {
		return fmt.Errorf("the VM snapshot %q is one of %q", name, g.vm)
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().RevertToVMSnapshot(ctx, g.id)
		if err != nil {
			return err
		}
		for disk := range s.disksOf(s.vms[g.vm]) {
			if marks, member := g.marks[disk]; member {
				s.written[disk] = clone(marks)
			}
		}
		return nil
	})
}

func (s *scene) deleteGroup(ctx context.Context, name, unless, outcome string) error {
	g, err := s.group(name)
	if err != nil {
		return err
	}
	if unless != "" && s.groupIs(name, "gone") == nil {
		return nil
	}
	return s.act(ctx, outcome, func(ctx context.Context) error { return s.m().DeleteVMSnapshot(ctx, g.id) })
}

func (s *scene) groupIs(name, want string) error {
	g, err := s.group(name)
	if err != nil {
		return err
	}
	got := "gone"
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		if row, ok := tx.VMSnapshots.Get(g.id); ok {
			got = row.State
		}
		return nil
	})
	if got != want {
		return fmt.Errorf("the VM snapshot is %s", got)
	}
	return nil
}

// nameOfGroup is the scenario's name of a VM snapshot, or none.
func (s *scene) nameOfGroup(id inventory.ID) string {
	for name, g := range s.groups {
		if g.id == id {
			return name
		}
	}
	return "none"
}

func (s *scene) groupCurrent(vm, want string) error {
	id, err := s.vm(vm)
	if err != nil {
		return err
	}
	got := "none"
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		if row, ok := tx.VMSnapshots.Find(func(r inventory.VMSnapshot) bool { return r.VM == id && r.Current }); ok {
			got = s.nameOfGroup(row.ID)
		}
		return nil
	})
	if got != want {
		return fmt.Errorf("the current one is %q", got)
	}
	return nil
}

func (s *scene) groupParent(name, want string) error {
	g, err := s.group(name)
	if err != nil {
		return err
	}
	row, err := rowOf(s, g.id, func(tx *inventory.Tx) *inventory.Table[inventory.VMSnapshot] { return tx.VMSnapshots })
	if err != nil {
		return err
	}
	if got := s.nameOfGroup(row.Parent); got != want {
		return fmt.Errorf("the parent is %q", got)
	}
	return nil
}

// groupCount counts by the tags: what no record knows counts as well.
func (s *scene) groupCount(ctx context.Context, n, name string) error {
	g, err := s.group(name)
	if err != nil {
		return err
	}
	want, err := count(n)
	if err != nil {
		return err
	}
	all, err := s.objects(ctx, "", "group")
	if err != nil {
		return err
	}
	row, err := rowOf(s, g.id, func(tx *inventory.Tx) *inventory.Table[inventory.VMSnapshot] { return tx.VMSnapshots })
	got := 0
	for _, x := range all {
		if err != nil || x.Tags["uuid"] == row.UUID { // without its row no member may be left of any
			got++
		}
	}
	if got != want {
		return fmt.Errorf("StorPool has %d", got)
	}
	return nil
}

// memberOf is the StorPool snapshot of a disk in a VM snapshot.
func (s *scene) memberOf(ctx context.Context, disk, name string) (check.Object, error) {
	g, err := s.group(name)
	if err != nil {
		return check.Object{}, err
	}
	uuid, err := s.uuid(disk)
	if err != nil {
		return check.Object{}, err
	}
	path := ""
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		path, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfVMSnapshot, ID: g.id}, uuid)
		return nil
	})
	return s.at(ctx, path, name)
}

func (s *scene) memberHas(ctx context.Context, disk, name string, t *godog.Table) error {
	o, err := s.memberOf(ctx, disk, name)
	if err != nil {
		return err
	}
	row, err := rowOf(s, s.groups[name].id, func(tx *inventory.Tx) *inventory.Table[inventory.VMSnapshot] { return tx.VMSnapshots })
	if err != nil {
		return err
	}
	lines, err := pairs(t)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range lines {
		want := row.UUID // of the VM snapshot
		if p.value != "of the VM snapshot" {
			if want, err = s.meant(ctx, p.value); err != nil {
				return err
			}
		}
		got, err := s.property(o, p.key)
		if err != nil {
			return err
		}
		if got != want {
			errs = append(errs, fmt.Errorf("%s is %s, not %s", p.key, got, want))
		}
	}
	return errors.Join(errs...)
}

func (s *scene) memberHolds(ctx context.Context, disk, name, pattern string) error {
	return s.memberHoldsAt(ctx, disk, name, mark{0, pattern})
}

func (s *scene) memberHoldsAt(ctx context.Context, disk, name string, m mark) error {
	o, err := s.memberOf(ctx, disk, name)
	if err != nil {
		return err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.ReadObject(ctx, o.GlobalID, true, m.off, b) }); err != nil {
		return fmt.Errorf("read the member of %q in %q: %w", disk, name, err)
	}
	if err := compare(s.o.Seed, m.name, b); err != nil {
		return fmt.Errorf("the member of %q in %q %w", disk, name, err)
	}
	s.proof = true
	return nil
}

// compareGroups reads back every member that is still there.
func (s *scene) compareGroups(ctx context.Context) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		if s.groupIs(name, inventory.VMSnapshotReady) != nil {
			continue
		}
		marks := s.groups[name].marks
		for _, disk := range slices.Sorted(maps.Keys(marks)) {
			if s.lost[name+"/"+disk] {
				continue
			}
			for _, m := range marks[disk] {
				errs = append(errs, s.memberHoldsAt(ctx, disk, name, m))
			}
		}
	}
	return errors.Join(errs...)
}

func (s *scene) loseMember(ctx context.Context, disk, name string) error {
	o, err := s.memberOf(ctx, disk, name)
	if err != nil {
		return err
	}
	s.lost[name+"/"+disk] = true
	return s.perform(ctx, func(ctx context.Context) error { return s.w.Lose(ctx, o.GlobalID, true) })
}

// armFor arms a rule on the calls about one disk.
func (s *scene) armFor(call, disk, what string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	gid, err := gidOf(v.Path, disk)
	if err != nil {
		return err
	}
	e, err := effect(what)
	if err != nil {
		return err
	}
	return s.w.Arm(fault.Rule{Call: call, Object: "~" + gid, Effect: e})
}

// makeOld names a volume by its uuid, as was done before there were global ids; its detail remembers the name.
func (s *scene) makeOld(disk string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	gid, err := gidOf(v.Path, disk)
	if err != nil {
		return err
	}
	e, err := s.emulator()
	if err != nil {
		return err
	}
	if err := e.Cluster().VolumeUpdate(cluster.Ref("~"+gid), cluster.VolumeChange{Rename: &v.UUID}); err != nil {
		return fmt.Errorf("name %q: %w", disk, err)
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		tx.Details.Set(inventory.Owner{Kind: inventory.OfVolume, ID: v.ID}, "StorPool", "/dev/storpool/"+v.UUID)
		return nil
	})
}

func (s *scene) getsTag(ctx context.Context, vm, key, value, user, outcome string) error {
	id, err := s.vm(vm)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		return s.m().CreateVMTag(ctx, id, key, value, user == "")
	})
}

func (s *scene) losesTag(ctx context.Context, vm, key, user, outcome string) error {
	id, err := s.vm(vm)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error { return s.m().DeleteVMTag(ctx, id, key, user == "") })
}
