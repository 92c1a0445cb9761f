package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// lifeOperations are those in the life of a VM, and what its disks are told.
func lifeOperations() []Operation {
	return []Operation{
		newOperation("deploy directly downloaded", publish, deploy(func(s *stage) inventory.ID { return s.Compute.ID }), deployed),
		newOperation("start VM", steps(attachedDisk(), stopVM), startVM, running),
		newOperation("stop VM", attachedDisk(), stopVM, stopped),
		newOperation("expunge VM", attachedDisk(), expungeVM, expunged),
		newOperation("restart elsewhere", steps(attachedDisk(), hostDies), restartElsewhere, running),
		newOperation("set policy", attachedDisk(), setPolicy, policySet("nightly")),
		newOperation("take policy", steps(attachedDisk(), setPolicy), takePolicy, policySet("")),
		newOperation("change offering", steps(attachedDisk(), goldOffering), changeOffering, offeringChanged),
		newOperation("collect garbage", steps(registerTemplate, deployAndLose), collectGarbage, templateGone),
		newOperation("revert from backup", steps(sealedDisk, takeSnapshot, loseSnapshot, fill('b'), stopVM), revert, holdsAgain),
		newOperation("delete with a safety snapshot", steps(delayed, detachedDisk()), deleteVolume, rescued),
	}
}

// policyTag is the tag of a VM that becomes a tag of its StorPool volumes.
const policyTag = "vc-policy"

// publish puts a template on the web that hosts download themselves.
func publish(_ context.Context, s *stage) error {
	t, err := s.Mgmt.RegisterDirectTemplate("linux", s.Zone.ID, mib)
	if err != nil {
		return err
	}
	s.template = t.ID
	s.Publish(t.ID, world.Published{Size: mib, Write: func(w io.WriterAt) error {
		_, err := w.WriteAt(pattern('t'), 0)
		return err
	}})
	return nil
}

func startVM(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.StartVM(ctx, s.vm, s.Hosts[0].ID)
	return err
}

func running(ctx context.Context, s *stage) error {
	m, err := s.vmRow("vm")
	if err == nil && m.State != inventory.VMRunning {
		err = fmt.Errorf("the VM is %s", m.State)
	}
	return errors.Join(err, holdsAgain(ctx, s))
}

func stopped(ctx context.Context, s *stage) error {
	m, err := s.vmRow("vm")
	if err == nil && m.State != inventory.VMStopped {
		err = fmt.Errorf("the VM is %s", m.State)
	}
	return errors.Join(err, holdsAgain(ctx, s))
}

func expungeVM(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.DestroyVM(ctx, s.vm, true)
	return err
}

// expunged wants the ROOT disk gone and the DATA disk alive.
func expunged(ctx context.Context, s *stage) error {
	if m, err := s.vmRow("vm"); err == nil && m.State != inventory.VMExpunging {
		return fmt.Errorf("the VM is %s", m.State)
	}
	root, err := s.volumeRow(s.root)
	if err == nil && root.State != inventory.VolumeExpunged {
		err = fmt.Errorf("the ROOT disk is %s", root.State)
	}
	return errors.Join(err, s.holds(ctx, s.volume, 'a'))
}

// hostDies switches the host of the VM off.
func hostDies(ctx context.Context, s *stage) error {
	h, err := s.Fleet.Host(s.Hosts[0].UUID)
	if err != nil {
		return err
	}
	h.PowerOff() //nolint:contextcheck // a host that loses its power waits for nobody
	return s.Mgmt.SetHostState(ctx, s.Hosts[0].ID, inventory.HostDown)
}

// restartElsewhere is what HA does; once the VM is stopped on record, a start.
func restartElsewhere(ctx context.Context, s *stage) error {
	m, err := s.vmRow("vm")
	if err != nil {
		return err
	}
	if m.State == inventory.VMStopped {
		_, err = s.Mgmt.StartVM(ctx, s.vm, s.Hosts[1].ID)
		return err
	}
	_, err = s.Mgmt.FailOver(ctx, s.vm, s.Hosts[1].ID)
	return err
}

func setPolicy(ctx context.Context, s *stage) error {
	return s.Mgmt.CreateVMTag(ctx, s.vm, policyTag, "nightly", true)
}

func takePolicy(ctx context.Context, s *stage) error {
	return s.Mgmt.DeleteVMTag(ctx, s.vm, policyTag, true)
}

// policySet wants the policy on both disks, on StorPool.
func policySet(value string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		o, err := s.Observe(ctx)
		if err != nil {
			return err
		}
		told := 0
		for _, x := range o.Objects {
			if !x.Snapshot && x.Tags["cs"] == "volume" && x.Tags["vc-policy"] == value {
				told++
			}
		}
		if told != 2 {
			return fmt.Errorf("%d of 2 volumes have the policy %q", told, value)
		}
		return holdsAgain(ctx, s)
	}
}

func goldOffering(_ context.Context, s *stage) error {
	o, err := s.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "gold", MaxIOPS: 700, Details: map[string]string{"SP_QOSCLASS": "gold"}})
	s.offering = o.ID
	return err
}

func changeOffering(ctx context.Context, s *stage) error {
	_, err := s.Mgmt.ChangeOffering(ctx, s.volume, s.offering, 2*mib)
	return err
}

func offeringChanged(ctx context.Context, s *stage) error {
	v, err := s.volumeRow(s.volume)
	if err != nil {
		return err
	}
	if v.Offering != s.offering || v.Size != 2*mib {
		return fmt.Errorf("the volume has the offering %d and %d bytes", v.Offering, v.Size)
	}
	o, err := s.Observe(ctx)
	if err != nil {
		return err
	}
	for _, x := range o.Objects {
		if x.GlobalID == world.GlobalID(v.Path) && (x.Tags["qc"] != "gold" || x.Size != 2*mib) {
			return fmt.Errorf("StorPool has %+v", x)
		}
	}
	return holdsAgain(ctx, s)
}

// sealedDisk is a running VM with an encrypted DATA disk that holds 'a' and whose backups are its ciphertext.
func sealedDisk(ctx context.Context, s *stage) error {
	if err := s.Mgmt.SetSetting(inventory.Global(), driver.SettingEncryptedBackup, "true"); err != nil {
		return err
	}
	sealedOn := diskOn(func(s *stage) inventory.ID { return s.encrypted.disk })
	return steps(runningVM, sealed, sealedOn, attachDisk, fill('a'))(ctx, s)
}

func collectGarbage(ctx context.Context, s *stage) error { return s.Mgmt.CollectGarbage(ctx) }

// deployAndLose leaves a cached template that nothing needs.
func deployAndLose(ctx context.Context, s *stage) error {
	m, err := s.Mgmt.DeployVM(ctx, mgmt.VMSpec{
		Name: "new", Zone: s.Zone.ID, Offering: s.Compute.ID, Template: s.template, Host: s.Hosts[0].ID,
	})
	if err != nil {
		return err
	}
	if _, err := s.Mgmt.DestroyVM(ctx, m.ID, true); err != nil {
		return err
	}
	_, err = s.Mgmt.DeleteTemplate(ctx, s.template)
	return err
}

func templateGone(_ context.Context, s *stage) error {
	_, err := find(s, func(tx *inventory.Tx) *inventory.Table[inventory.TemplatePool] { return tx.TemplatePools },
		func(inventory.TemplatePool) bool { return true })
	if !errors.Is(err, inventory.ErrNotFound) {
		return errors.Join(errors.New("the template is cached"), err)
	}
	return nil
}

// delayed has deleted volumes leave a snapshot for an hour.
func delayed(_ context.Context, s *stage) error {
	return s.Mgmt.SetSetting(inventory.Owner{Kind: inventory.OfPool, ID: s.Pool.ID}, driver.SettingDeleteAfter, "3600")
}

// rescued wants the volume gone and a snapshot that a user finds.
func rescued(ctx context.Context, s *stage) error {
	if err := deleted(ctx, s); err != nil {
		return err
	}
	o, err := s.Observe(ctx)
	if err != nil {
		return err
	}
	for _, x := range o.Objects {
		if x.Snapshot && x.Tags["cs"] == "delayDelete" {
			return nil
		}
	}
	return errors.New("there is no safety snapshot")
}
