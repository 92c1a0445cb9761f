package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/mgmt"
)

var (
	reVM         = expression(`^the (running|stopped) VM "([^"]+)"(?: with the DATA disk "([^"]+)")?$`)
	reDeployISO  = expression(`^the VM "([^"]+)" is deployed from the ISO(?: with the compute offering "([^"]+)")?(?: and a ROOT size of (\d+ \w+))?` + outcome)
	reDeployTmpl = expression(`^the VM "([^"]+)" is deployed from the template "([^"]+)"(?: with the compute offering "([^"]+)")?(?: and a ROOT size of (\d+ \w+))?` + outcome)
	reDeployWith = expression(`^the VM "([^"]+)" with the policy "([^"]*)" is deployed from the ISO` + outcome)
	reStart      = expression(`^the VM "([^"]+)" is started(?: on host (\d+))?` + outcome)
	reStop       = expression(`^the VM "([^"]+)" is (stopped|force-stopped)` + outcome)
	reExpunge    = expression(`^the VM "([^"]+)" is (destroyed|expunged)` + outcome)
	reBecomes    = expression(`^the VM "([^"]+)" becomes (Running|Stopped)$`)
	reAtOnce     = expression(`^the VMs "([^"]+)" and "([^"]+)" are deployed from the template "([^"]+)" at once$`)
	reCutOff     = expression(`^the host of "([^"]+)" is (cut off|switched off)$`)
	reVMIs       = expression(`^the VM "([^"]+)" is (Running|Stopped|Error|Destroyed|Expunging|gone)$`)
)

func (s *scene) vmSteps(sc registrar) {
	sc.Step(reVM(), s.givenVM)
	sc.Step(reDeployISO(), s.deployFromISO)
	sc.Step(reDeployTmpl(), s.deployFromTemplate)
	sc.Step(reDeployWith(), s.deployWithPolicy)
	sc.Step(reStart(), s.startVM)
	sc.Step(reStop(), s.stopVM)
	sc.Step(reExpunge(), s.destroyVM)
	sc.Step(reBecomes(), s.becomes)
	sc.Step(reAtOnce(), s.deployTwo)
	sc.Step(reCutOff(), s.cutOff)
	sc.Step(reVMIs(), s.vmIs)
}

// rootOf is the name that a VM's ROOT disk gets.
func rootOf(vm string) string { return vm + "-root" }

func (s *scene) givenVM(ctx context.Context, state, name, data string) error {
	if err := s.deploy(ctx, "", name, mgmt.VMSpec{Template: s.w.ISO.ID}); err != nil {
		return err
	}
	if data != "" {
		if err := s.createDisk(ctx, data, "1 GiB", ""); err != nil {
			return err
		}
		if err := s.attach(ctx, data, name, "", ""); err != nil {
			return err
		}
	}
	if state == "stopped" {
		return s.stopVM(ctx, name, "stopped", "")
	}
	return nil
}

func (s *scene) deployFromISO(ctx context.Context, name, compute, root, outcome string) error {
	spec, err := s.computeSpec(compute)
	if err != nil {
		return err
	}
	if root != "" {
		if spec.RootSize, err = size(root); err != nil {
			return err
		}
	}
	spec.Template = s.w.ISO.ID
	return s.deploy(ctx, outcome, name, spec)
}

func (s *scene) deployWithPolicy(ctx context.Context, name, policy, outcome string) error {
	return s.deploy(ctx, outcome, name, mgmt.VMSpec{Template: s.w.ISO.ID, Tags: map[string]string{mgmt.PolicyTag: policy}})
}

func (s *scene) deployFromTemplate(ctx context.Context, name, template, compute, root, outcome string) error {
	spec, err := s.computeSpec(compute)
	if err != nil {
		return err
	}
	if spec.Template, err = s.template(template); err != nil {
		return err
	}
	if root != "" {
		if spec.RootSize, err = size(root); err != nil {
			return err
		}
	}
	if err := s.deploy(ctx, outcome, name, spec); err != nil {
		return err
	}
	if s.last == nil {
		s.written[rootOf(name)] = clone(s.images[template])
	}
	return nil
}

func (s *scene) computeSpec(compute string) (spec mgmt.VMSpec, err error) {
	if compute != "" {
		spec.Offering, err = get(s.computes, "compute offering", compute)
	}
	return spec, err
}

// deploy deploys a VM; a failed one keeps its name, so that it can be expunged and deployed again.
func (s *scene) deploy(ctx context.Context, outcome, name string, spec mgmt.VMSpec) error {
	spec.Name, spec.Zone = name, s.zone
	if spec.Offering == 0 {
		spec.Offering = s.w.Compute.ID
		if spec.RootSize == 0 && spec.Template == s.w.ISO.ID {
			spec.RootSize = 1 << 30 // the offering has no size of its own
		}
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().DeployVM(ctx, spec)
		_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
			for _, m := range tx.VMs.All(func(m inventory.VM) bool { return m.Name == name }) {
				s.vms[name] = m.ID // the last one: the row stays when the deployment failed or died
			}
			return nil
		})
		delete(s.written, rootOf(name))
		s.rememberRoot(name)
		s.markRoot(name)
		return err
	})
}

func (s *scene) startVM(ctx context.Context, name, host, outcome string) error {
	id, err := s.vm(name)
	if err != nil {
		return err
	}
	on := inventory.ID(0)
	if host != "" {
		h, err := s.hostRow(host)
		if err != nil {
			return err
		}
		on = h.ID
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().StartVM(ctx, id, on)
		return err
	})
}

func (s *scene) stopVM(ctx context.Context, name, how, outcome string) error {
	id, err := s.vm(name)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().StopVM(ctx, id, how == "force-stopped")
		return err
	})
}

func (s *scene) destroyVM(ctx context.Context, name, how, outcome string) error {
	id, err := s.vm(name)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().DestroyVM(ctx, id, how == "expunged")
		return err
	})
}

func (s *scene) vmIs(name, want string) error {
	id, err := s.vm(name)
	if err != nil {
		return err
	}
	got := "gone"
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		if m, ok := tx.VMs.Get(id); ok {
			got = string(m.State)
		}
		return nil
	})
	if got != want {
		return fmt.Errorf("the VM is %s", got)
	}
	return nil
}

// becomes brings a running VM to a state; one that is there already stays.
func (s *scene) becomes(ctx context.Context, name, state string) error {
	if err := s.vmIs(name, state); err == nil {
		return nil
	}
	if state == string(inventory.VMRunning) {
		return s.startVM(ctx, name, "", "")
	}
	return s.stopVM(ctx, name, "stopped", "")
}

// deployTwo deploys two VMs as two users do who click at the same time.
func (s *scene) deployTwo(ctx context.Context, one, two, template string) error {
	id, err := s.template(template)
	if err != nil {
		return err
	}
	names := [...]string{one, two}
	var rows [2]inventory.VM
	var errs [2]error
	err = s.act(ctx, "", func(ctx context.Context) error {
		deploy := func(i int) func() {
			return func() {
				rows[i], errs[i] = s.m().DeployVM(ctx, mgmt.VMSpec{
					Name: names[i], Zone: s.zone, Offering: s.w.Compute.ID, Template: id,
				})
			}
		}
		clock.Gather(s.w.Clock, deploy(0), deploy(1)) //nolint:contextcheck // both deployments end with ctx
		return errors.Join(errs[:]...)
	})
	if err != nil {
		return err
	}
	for i, name := range names {
		s.vms[name] = rows[i].ID
		s.rememberRoot(name)
		s.written[rootOf(name)] = clone(s.images[template])
	}
	return nil
}

// rememberRoot gives a VM's ROOT disk its name.
func (s *scene) rememberRoot(vm string) {
	if _, ok := s.vms[vm]; !ok {
		return
	}
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		root, ok := tx.Volumes.Find(func(v inventory.Volume) bool { return v.VM == s.vms[vm] && v.Kind == inventory.Root })
		if ok {
			s.disks[rootOf(vm)] = root.ID
		}
		return nil
	})
}

// cutOff takes the host of a VM off the management server, or off altogether; StorPool's attachments stay.
func (s *scene) cutOff(ctx context.Context, vm, how string) error {
	h, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	if how == "switched off" {
		if err := s.powerOff(h); err != nil { //nolint:contextcheck // as powerOff says
			return err
		}
	}
	return s.perform(ctx, func(ctx context.Context) error {
		return s.m().SetHostState(ctx, h.ID, inventory.HostDown)
	})
}
