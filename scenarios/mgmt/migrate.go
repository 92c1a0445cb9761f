package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// MigrateVM moves a running VM to another host of its zone while it runs. A failure leaves it where it was.
func (s *Server) MigrateVM(ctx context.Context, vm, host inventory.ID) (inventory.VM, error) {
	unlock, err := s.lock(ctx, vmKey(vm))
	if err != nil {
		return inventory.VM{}, err
	}
	defer unlock()
	m, to, err := s.migratable(vm, host)
	if err != nil {
		return m, err
	}
	spec, err := s.spec(m.ID)
	if err != nil {
		return m, err
	}
	if _, err := s.changeVM(m.ID, func(m *inventory.VM) { m.State = inventory.VMMigrating }); err != nil {
		return m, err
	}
	if err = s.travel(ctx, m, to, spec); err != nil {
		back, undo := s.changeVM(m.ID, func(m *inventory.VM) { m.State = inventory.VMRunning })
		return back, errors.Join(fmt.Errorf("migrate VM %d to host %d: %w", m.ID, to.ID, err), undo)
	}
	return s.changeVM(m.ID, func(m *inventory.VM) { m.State, m.Host, m.LastHost = inventory.VMRunning, to.ID, to.ID })
}

// migratable reads both rows and makes core's checks.
func (s *Server) migratable(vm, host inventory.ID) (m inventory.VM, to inventory.Host, err error) {
	err = s.inv.View(func(tx *inventory.Tx) error {
		if m, err = tx.VMs.Must(vm); err != nil {
			return err
		}
		if to, err = tx.Hosts.Must(host); err != nil {
			return err
		}
		if reason := migrateRefusal(tx, m, to); reason != "" {
			return &Refused{"migrateVirtualMachine", fmt.Sprintf("VM %d", vm), reason}
		}
		return nil
	})
	return m, to, err
}

// migrateRefusal is core's reason to refuse a migration, or empty.
func migrateRefusal(tx *inventory.Tx, m inventory.VM, to inventory.Host) string {
	switch {
	case m.State != inventory.VMRunning:
		return "the VM is " + string(m.State)
	case to.ID == m.Host:
		return "the VM runs on that host"
	case to.Zone != m.Zone:
		return "the host is of another zone"
	case to.State != inventory.HostUp:
		return "the host is " + string(to.State)
	}
	for _, v := range volumesOf(tx, m.ID) {
		if v.Encrypted() && !to.Encryption {
			return noEncryption
		}
		if v.State != inventory.VolumeReady {
			return fmt.Sprintf("volume %d is %s", v.ID, v.State)
		}
	}
	return ""
}

// travel prepares the destination and moves the guest. Whatever the source says of a failure, the destination is asked:
// the guest may be there already, and then the source is asked once more to let go of what it still has connected. What
// did not move is taken back on the destination.
func (s *Server) travel(ctx context.Context, m inventory.VM, to inventory.Host, spec agentapi.VM) error {
	err := s.send(ctx, to.ID, agentapi.PrepareForMigration{VM: spec})
	if err == nil {
		err = s.send(ctx, m.Host, agentapi.Migrate{VM: spec, To: to.UUID})
	}
	if err == nil {
		return nil
	}
	if s.runsOn(ctx, to.ID, m) {
		if again := s.send(ctx, m.Host, agentapi.Migrate{VM: spec, To: to.UUID}); again != nil {
			s.log.WarnContext(ctx, "the VM has moved, its old host did not tidy up", "vm", m.ID, "host", m.Host, "error", again)
		}
		return nil
	}
	back := s.send(ctx, to.ID, agentapi.PrepareForMigration{VM: spec, Rollback: true})
	err = errors.Join(err, back)
	if errors.Is(err, ErrSilent) { // a host may go on with it yet
		err = errors.Join(err, s.setDoubt(ofVM(m.ID), doubt{arrive, m.ID, to.ID}))
	}
	return err
}

// arrive is the doubt about a VM that was on its way to a host.
const arrive = "arrive"

// settleArrival puts a VM on record where it has arrived after all, or takes back there what was prepared for it.
func (s *Server) settleArrival(ctx context.Context, m inventory.VM, d doubt) error {
	if m.State != inventory.VMRunning || m.Host == d.host {
		return s.clearDoubt(ofVM(m.ID))
	}
	var to inventory.Host
	err := s.inv.View(func(tx *inventory.Tx) (err error) {
		to, err = tx.Hosts.Must(d.host)
		return err
	})
	if err != nil {
		return err
	}
	spec, err := s.spec(m.ID)
	if err != nil {
		return err
	}
	if s.runsOn(ctx, to.ID, m) {
		if err = s.send(ctx, m.Host, agentapi.Migrate{VM: spec, To: to.UUID}); err == nil {
			_, err = s.changeVM(m.ID, func(m *inventory.VM) { m.Host, m.LastHost = to.ID, to.ID })
		}
	} else {
		err = s.send(ctx, to.ID, agentapi.PrepareForMigration{VM: spec, Rollback: true})
	}
	if err != nil {
		s.log.WarnContext(ctx, "still in doubt", "vm", m.ID, "doubt", d.String(), "error", err)
		return nil
	}
	return s.clearDoubt(ofVM(m.ID))
}

// runsOn asks a host for a VM; a host that does not say runs nothing.
func (s *Server) runsOn(ctx context.Context, host inventory.ID, m inventory.VM) bool {
	found, said := s.find(ctx, host, m)
	return said && found.Running
}

// gone asks a host for a VM; it is gone when the host says so.
func (s *Server) gone(ctx context.Context, host inventory.ID, m inventory.VM) bool {
	found, said := s.find(ctx, host, m)
	return said && !found.Running
}

func (s *Server) find(ctx context.Context, host inventory.ID, m inventory.VM) (found agentapi.VMFound, said bool) {
	a, err := s.agents.Send(ctx, host, agentapi.CheckVM{VM: m.Instance})
	if err != nil || a == nil || !a.OK {
		return found, false
	}
	found, said = a.Payload.(agentapi.VMFound)
	return found, said
}
