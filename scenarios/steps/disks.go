package steps

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

var (
	reCreateDisk = expression(`^the DATA disk "([^"]+)" of (\d+ \w+)(?: with the offering "([^"]+)")? is created$`)
	reDiskIn     = expression(`^the (ROOT|DATA) disk "([^"]+)", (attached|detached), with the pattern "([^"]+)"$`)
	reDetached   = expression(`^a detached DATA disk "([^"]+)" of (\d+ \w+)(?: with the offering "([^"]+)")? with the pattern "([^"]+)"$`)
	reAttach     = expression(`^the disk "([^"]+)" is attached to "([^"]+)"( unless it is attached)?` + outcome)
	reDetach     = expression(`^the disk "([^"]+)" is detached` + outcome)
	reDelete     = expression(`^the disk "([^"]+)" is deleted( unless it is Expunged)?` + outcome)
	reResize     = expression(`^the disk "([^"]+)" is (resized|shrunk) to (\d+ \w+)(?: and (\d+) IOPS)?` + outcome)
	reOffer      = expression(`^the disk "([^"]+)" is moved to the offering "([^"]+)"(?: and (\d+ \w+))?` + outcome)
	reMade       = expression(`^the disk "([^"]+)" is made (attached|detached)$`)
	reGoneFrom   = expression(`^the disk "([^"]+)" is gone from its VM "([^"]+)"$`)
	reDiskIs     = expression(`^the disk "([^"]+)" is (Allocated|Ready|Destroy|Expunged)$`)
)

func (s *scene) diskSteps(sc registrar) {
	sc.Step(reCreateDisk(), s.createDisk)
	sc.Step(reDiskIn(), s.diskIn)
	sc.Step(reDetached(), s.detachedDisk)
	sc.Step(reAttach(), s.attach)
	sc.Step(reDetach(), s.detach)
	sc.Step(reDelete(), s.deleteDisk)
	sc.Step(reResize(), s.resize)
	sc.Step(reOffer(), s.changeOffering)
	sc.Step(reMade(), s.make)
	sc.Step(reGoneFrom(), s.goneFrom)
	sc.Step(reDiskIs(), s.diskIs)
}

func (s *scene) createDisk(ctx context.Context, name, bytes, offering string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	o := s.w.Disk.ID
	if offering != "" {
		if o, err = get(s.offerings, "disk offering", offering); err != nil {
			return err
		}
	}
	v, err := s.m().CreateVolume(ctx, mgmt.VolumeSpec{Name: name, Zone: s.zone, Offering: o, Size: n})
	if err != nil {
		return fmt.Errorf("create %q: %w", name, err)
	}
	s.disks[name] = v.ID
	return nil
}

// diskIn makes a disk of 1 GiB in a state: a ROOT disk with its VM running or stopped, a DATA disk attached to a
// running VM or detached after its first use. The VM is called "vm".
func (s *scene) diskIn(ctx context.Context, kind, name, state, pattern string) error {
	if _, ok := s.vms["vm"]; !ok {
		if err := s.givenVM(ctx, "running", "vm", ""); err != nil {
			return err
		}
	}
	return s.settle(ctx, kind, name, state, pattern, "1 GiB", "")
}

// settle gives the root disk of the VM "vm" a name, or makes and attaches a data disk, writes a pattern to it and brings
// it into a state.
func (s *scene) settle(ctx context.Context, kind, name, state, pattern, bytes, offering string) error {
	if kind == "ROOT" {
		s.disks[name] = s.disks[rootOf("vm")]
		delete(s.disks, rootOf("vm"))
		if holds, ok := s.written[rootOf("vm")]; ok {
			s.written[name] = holds
			delete(s.written, rootOf("vm"))
		}
	} else {
		if err := s.createDisk(ctx, name, bytes, offering); err != nil {
			return err
		}
		if err := s.attach(ctx, name, "vm", "", ""); err != nil {
			return err
		}
	}
	if err := s.write(ctx, pattern, name, ""); err != nil {
		return err
	}
	switch {
	case state == "attached":
		return nil
	case kind == "ROOT":
		return s.stopVM(ctx, "vm", "stopped", "")
	default:
		return s.detach(ctx, name, "")
	}
}

func (s *scene) detachedDisk(ctx context.Context, name, bytes, offering, pattern string) error {
	if err := s.createDisk(ctx, name, bytes, offering); err != nil {
		return err
	}
	if _, ok := s.vms["maker"]; !ok {
		if err := s.givenVM(ctx, "running", "maker", ""); err != nil {
			return err
		}
	}
	if err := s.attach(ctx, name, "maker", "", ""); err != nil {
		return err
	}
	if err := s.write(ctx, pattern, name, ""); err != nil {
		return err
	}
	return s.detach(ctx, name, "")
}

func (s *scene) attach(ctx context.Context, disk, vm, unless, outcome string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	m, err := s.vm(vm)
	if err != nil {
		return err
	}
	if unless != "" && v.VM == m {
		return nil
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().AttachVolume(ctx, v.ID, m, mgmt.FreeDevice)
		return err
	})
}

func (s *scene) detach(ctx context.Context, disk, outcome string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().DetachVolume(ctx, id)
		return err
	})
}

func (s *scene) deleteDisk(ctx context.Context, disk, unless, outcome string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	if unless != "" && s.diskIs(disk, string(inventory.VolumeExpunged)) == nil {
		return nil
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().DeleteVolume(ctx, id)
		return err
	})
}

func (s *scene) resize(ctx context.Context, disk, how, bytes, iops, outcome string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	n, err := size(bytes)
	if err != nil {
		return err
	}
	req := mgmt.ResizeSpec{Volume: id, Size: n, ShrinkOK: how == "shrunk"}
	if iops != "" {
		limit, err := strconv.ParseInt(iops, 10, 64)
		if err != nil {
			return fmt.Errorf("limit %q: %w", iops, err)
		}
		req.MaxIOPS = &limit
	}
	err = s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().ResizeVolume(ctx, req)
		return err
	})
	if err == nil && s.last == nil {
		s.written[disk] = upTo(s.written[disk], n)
	}
	return err
}

func (s *scene) changeOffering(ctx context.Context, disk, offering, bytes, outcome string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	o, err := get(s.offerings, "disk offering", offering)
	if err != nil {
		return err
	}
	if bytes != "" {
		n, err := size(bytes)
		if err != nil {
			return err
		}
		return s.act(ctx, outcome, func(ctx context.Context) error {
			_, err := s.m().ChangeOffering(ctx, id, o, n)
			return err
		})
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().ChangeOffering(ctx, id, o, 0)
		return err
	})
}

// make brings a detached DATA disk into a state; attached is attached to a running VM called "vm".
func (s *scene) make(ctx context.Context, disk, state string) error {
	if state == "detached" {
		return nil
	}
	if _, ok := s.vms["vm"]; !ok {
		if err := s.givenVM(ctx, "running", "vm", ""); err != nil {
			return err
		}
	}
	return s.attach(ctx, disk, "vm", "", "")
}

// goneFrom deletes a disk: a ROOT disk with its VM.
func (s *scene) goneFrom(ctx context.Context, disk, vm string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	if v.Kind == inventory.Root {
		return s.destroyVM(ctx, vm, "expunged", "")
	}
	return s.deleteDisk(ctx, disk, "", "")
}

func (s *scene) diskIs(disk, want string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	if v.State != inventory.VolumeState(want) {
		return fmt.Errorf("the disk is %s", v.State)
	}
	return nil
}
