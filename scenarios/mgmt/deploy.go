package mgmt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// VMSpec asks for a VM.
type VMSpec struct {
	Name     string
	Zone     inventory.ID
	Offering inventory.ID // service offering
	Template inventory.ID // template or ISO
	RootSize int64        // bytes; 0 takes the offering's or else the template's
	Data     []VolumeSpec // data disks made with it
	Host     inventory.ID // 0: chosen
	Pool     inventory.ID // 0: chosen
	Stopped  bool         // only recorded; volumes are created at the first start
	Tags     map[string]string
}

// DeployVM records a VM with its volumes and starts it. A VM that does not start is in state Error and its volumes
// are in state Destroy, until [Server.DestroyVM] or [Server.CollectGarbage] removes them.
func (s *Server) DeployVM(ctx context.Context, spec VMSpec) (inventory.VM, error) {
	m, err := s.record(spec)
	if err != nil || spec.Stopped {
		return m, err
	}
	unlock, err := s.lock(ctx, vmKey(m.ID))
	if err != nil {
		return m, err
	}
	defer unlock()
	started, err := s.start(ctx, m, spec.Host, spec.Pool)
	if err == nil {
		return started, nil
	}
	failed, undo := s.failDeploy(m.ID)
	return failed, errors.Join(fmt.Errorf("deploy VM %d: %w", m.ID, err), undo)
}

// record writes the rows of a new VM: itself Stopped, its volumes Allocated.
func (s *Server) record(spec VMSpec) (m inventory.VM, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		t, err := tx.Templates.Must(spec.Template)
		if err != nil {
			return err
		}
		o, err := tx.ServiceOfferings.Must(spec.Offering)
		if err != nil {
			return err
		}
		root, err := tx.DiskOfferings.Must(o.DiskOffering)
		if err != nil {
			return err
		}
		size, reason := rootSize(spec, root, t)
		if reason != "" {
			return &Refused{"deployVirtualMachine", fmt.Sprintf("VM %q", spec.Name), reason}
		}
		m = tx.VMs.Put(inventory.VM{
			UUID: s.newID(), Name: spec.Name, Zone: spec.Zone, State: inventory.VMStopped,
			Offering: o.ID, Template: t.ID, ISO: t.ISO,
		})
		m.Instance = fmt.Sprintf("i-2-%d-VM", m.ID)
		tx.VMs.Put(m)
		for _, k := range slices.Sorted(maps.Keys(spec.Tags)) {
			tx.Details.Set(inventory.Owner{Kind: inventory.Tag, ID: m.ID}, k, spec.Tags[k])
		}
		v := inventory.Volume{
			UUID: s.newID(), Name: fmt.Sprintf("ROOT-%d", m.ID), Kind: inventory.Root, Zone: spec.Zone, Size: size,
			State: inventory.VolumeAllocated, VM: m.ID, HasDevice: true, Offering: root.ID, MaxIOPS: root.MaxIOPS, Account: account,
		}
		if !t.ISO {
			v.Template = t.ID
		}
		if err := s.seal(tx, root, &v); err != nil {
			return err
		}
		tx.Volumes.Put(v)
		return s.recordData(tx, spec, m)
	})
	return m, err
}

func (s *Server) recordData(tx *inventory.Tx, spec VMSpec, m inventory.VM) error {
	for i, d := range spec.Data {
		d.Zone = spec.Zone
		if d.Name == "" {
			d.Name = fmt.Sprintf("DATA-%d-%d", m.ID, i+1)
		}
		v, err := s.allocate(tx, d)
		if err != nil {
			return err
		}
		v.VM, v.DeviceID, v.HasDevice = m.ID, i+1, true
		tx.Volumes.Put(v)
	}
	return nil
}

// rootSize is the size of a root disk, or core's reason to refuse the VM.
func rootSize(spec VMSpec, o inventory.DiskOffering, t inventory.Template) (size int64, reason string) {
	size = spec.RootSize
	if size == 0 {
		size = o.Size
	}
	switch {
	case t.Removed:
		return 0, "the template is deleted"
	case t.ISO && size == 0:
		return 0, "a VM from an ISO needs a root size or an offering that has one"
	case spec.RootSize != 0 && spec.RootSize < t.Size && !t.ISO:
		return 0, fmt.Sprintf("the root size %d is smaller than the template (%d)", spec.RootSize, t.Size)
	case !t.ISO:
		size = max(size, t.Size)
	}
	return size, ""
}

// failDeploy gives up a VM whose first start failed: core destroys its volumes, the collector removes them.
func (s *Server) failDeploy(id inventory.ID) (m inventory.VM, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		if m, err = tx.VMs.Must(id); err != nil {
			return err
		}
		m.State = inventory.VMError
		tx.VMs.Put(m)
		for _, v := range volumesOf(tx, id) {
			v.State = inventory.VolumeDestroy
			tx.Volumes.Put(v)
		}
		return nil
	})
	return m, err
}

// createVolumes creates the volumes of a VM that are only recorded, the root disk first.
func (s *Server) createVolumes(ctx context.Context, m inventory.VM, pool inventory.ID) error {
	var todo []inventory.Volume
	err := s.inv.View(func(tx *inventory.Tx) error {
		todo = volumesOf(tx, m.ID)
		return nil
	})
	if err != nil {
		return err
	}
	for _, v := range todo {
		if v.State != inventory.VolumeAllocated {
			continue
		}
		create := s.driver.CreateAsync
		if v.Template != 0 {
			create = func(ctx context.Context, dst driver.Object) (driver.Result, error) {
				return s.fromTemplate(ctx, v.Template, dst)
			}
		}
		if _, err := s.createOnPool(ctx, v, pool, create); err != nil {
			return err
		}
	}
	return nil
}

// fromTemplate makes a volume of a template that is cached on the pool first.
func (s *Server) fromTemplate(ctx context.Context, template inventory.ID, dst driver.Object) (driver.Result, error) {
	src, err := s.cacheTemplate(ctx, template, dst.Store)
	if err != nil {
		return driver.Result{}, err
	}
	return s.driver.CopyAsync(ctx, src, dst)
}
