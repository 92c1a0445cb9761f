package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

// lifeOperations are those in the life of a VM, and what its disks are told.
func lifeOperations() []Operation {
	return []Operation{
		newOperation("deploy directly downloaded", publish, deploy(func(s *stage.Stage) inventory.ID { return s.Compute.ID }), deployed),
		newOperation("start VM", stage.Steps(stage.AttachedDisk(), stage.StopVM), startVM, running),
		newOperation("stop VM", stage.AttachedDisk(), stage.StopVM, stopped),
		newOperation("expunge VM", stage.AttachedDisk(), expungeVM, expunged),
		newOperation("restart elsewhere", stage.Steps(stage.AttachedDisk(), hostDies), restartElsewhere, running),
		newOperation("set policy", stage.AttachedDisk(), setPolicy, policySet("nightly")),
		newOperation("take policy", stage.Steps(stage.AttachedDisk(), setPolicy), takePolicy, policySet("")),
		newOperation("change offering", stage.Steps(stage.AttachedDisk(), goldOffering), changeOffering, offeringChanged),
		newOperation("collect garbage", stage.Steps(stage.RegisterTemplate, deployAndLose), collectGarbage, templateGone),
		newOperation("revert from backup", stage.Steps(sealedDisk, stage.TakeSnapshot, stage.LoseSnapshot, stage.Fill('b'), stage.StopVM), revert, holdsAgain),
		newOperation("delete with a safety snapshot", stage.Steps(delayed, stage.DetachedDisk()), deleteVolume, rescued),
	}
}

// policyTag is the tag of a VM that becomes a tag of its StorPool volumes.
const policyTag = "vc-policy"

// publish puts a template on the web that hosts download themselves.
func publish(_ context.Context, s *stage.Stage) error {
	t, err := s.Mgmt.RegisterDirectTemplate("linux", s.Zone.ID, stage.MiB)
	if err != nil {
		return err
	}
	s.Template = t.ID
	s.Publish(t.ID, world.Published{Size: stage.MiB, Write: func(w io.WriterAt) error {
		_, err := w.WriteAt(stage.Pattern('t'), 0)
		return err
	}})
	return nil
}

func startVM(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.StartVM(ctx, s.VM, s.Hosts[0].ID)
	return err
}

func running(ctx context.Context, s *stage.Stage) error {
	m, err := s.VMRow("vm")
	if err == nil && m.State != inventory.VMRunning {
		err = fmt.Errorf("the VM is %s", m.State)
	}
	return errors.Join(err, holdsAgain(ctx, s))
}

func stopped(ctx context.Context, s *stage.Stage) error {
	m, err := s.VMRow("vm")
	if err == nil && m.State != inventory.VMStopped {
		err = fmt.Errorf("the VM is %s", m.State)
	}
	return errors.Join(err, holdsAgain(ctx, s))
}

func expungeVM(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.DestroyVM(ctx, s.VM, true)
	return err
}

// expunged wants the ROOT disk gone and the DATA disk alive.
func expunged(ctx context.Context, s *stage.Stage) error {
	if m, err := s.VMRow("vm"); err == nil && m.State != inventory.VMExpunging {
		return fmt.Errorf("the VM is %s", m.State)
	}
	root, err := s.VolumeRow(s.Root)
	if err == nil && root.State != inventory.VolumeExpunged {
		err = fmt.Errorf("the ROOT disk is %s", root.State)
	}
	return errors.Join(err, s.Holds(ctx, s.Volume, 'a'))
}

// hostDies switches the host of the VM off.
func hostDies(ctx context.Context, s *stage.Stage) error {
	h, err := s.Fleet.Host(s.Hosts[0].UUID)
	if err != nil {
		return err
	}
	h.PowerOff() //nolint:contextcheck // a host that loses its power waits for nobody
	return s.Mgmt.SetHostState(ctx, s.Hosts[0].ID, inventory.HostDown)
}

// restartElsewhere is what HA does; once the VM is stopped on record, a start.
func restartElsewhere(ctx context.Context, s *stage.Stage) error {
	m, err := s.VMRow("vm")
	if err != nil {
		return err
	}
	if m.State == inventory.VMStopped {
		_, err = s.Mgmt.StartVM(ctx, s.VM, s.Hosts[1].ID)
		return err
	}
	_, err = s.Mgmt.FailOver(ctx, s.VM, s.Hosts[1].ID)
	return err
}

func setPolicy(ctx context.Context, s *stage.Stage) error {
	return s.Mgmt.CreateVMTag(ctx, s.VM, policyTag, "nightly", true)
}

func takePolicy(ctx context.Context, s *stage.Stage) error {
	return s.Mgmt.DeleteVMTag(ctx, s.VM, policyTag, true)
}

// policySet wants the policy on both disks, on StorPool.
func policySet(value string) func(context.Context, *stage.Stage) error {
	return func(ctx context.Context, s *stage.Stage) error {
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

func goldOffering(_ context.Context, s *stage.Stage) error {
	o, err := s.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "gold", MaxIOPS: 700, Details: map[string]string{"SP_QOSCLASS": "gold"}})
	s.Offering = o.ID
	return err
}

func changeOffering(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.ChangeOffering(ctx, s.Volume, s.Offering, 2*stage.MiB)
	return err
}

func offeringChanged(ctx context.Context, s *stage.Stage) error {
	v, err := s.VolumeRow(s.Volume)
	if err != nil {
		return err
	}
	if v.Offering != s.Offering || v.Size != 2*stage.MiB {
		return fmt.Errorf("the volume has the offering %d and %d bytes", v.Offering, v.Size)
	}
	o, err := s.Observe(ctx)
	if err != nil {
		return err
	}
	for _, x := range o.Objects {
		if x.GlobalID == world.GlobalID(v.Path) && (x.Tags["qc"] != "gold" || x.Size != 2*stage.MiB) {
			return fmt.Errorf("StorPool has %+v", x)
		}
	}
	return holdsAgain(ctx, s)
}

// sealedDisk is a running VM with an encrypted DATA disk that holds 'a' and whose backups are its ciphertext.
func sealedDisk(ctx context.Context, s *stage.Stage) error {
	if err := s.Mgmt.SetSetting(inventory.Global(), driver.SettingEncryptedBackup, "true"); err != nil {
		return err
	}
	sealedOn := stage.DiskOn(func(s *stage.Stage) inventory.ID { return s.Sealed.Disk })
	return stage.Steps(stage.RunningVM, stage.Sealed, sealedOn, stage.AttachDisk, stage.Fill('a'))(ctx, s)
}

func collectGarbage(ctx context.Context, s *stage.Stage) error { return s.Mgmt.CollectGarbage(ctx) }

// deployAndLose leaves a cached template that nothing needs.
func deployAndLose(ctx context.Context, s *stage.Stage) error {
	m, err := s.Mgmt.DeployVM(ctx, mgmt.VMSpec{
		Name: "new", Zone: s.Zone.ID, Offering: s.Compute.ID, Template: s.Template, Host: s.Hosts[0].ID,
	})
	if err != nil {
		return err
	}
	if _, err := s.Mgmt.DestroyVM(ctx, m.ID, true); err != nil {
		return err
	}
	_, err = s.Mgmt.DeleteTemplate(ctx, s.Template)
	return err
}

func templateGone(_ context.Context, s *stage.Stage) error {
	_, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.TemplatePool] { return tx.TemplatePools },
		func(inventory.TemplatePool) bool { return true })
	if !errors.Is(err, inventory.ErrNotFound) {
		return errors.Join(errors.New("the template is cached"), err)
	}
	return nil
}

// delayed has deleted volumes leave a snapshot for an hour.
func delayed(_ context.Context, s *stage.Stage) error {
	return s.Mgmt.SetSetting(inventory.Owner{Kind: inventory.OfPool, ID: s.Pool.ID}, driver.SettingDeleteAfter, "3600")
}

// rescued wants the volume gone and a snapshot that a user finds.
func rescued(ctx context.Context, s *stage.Stage) error {
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
