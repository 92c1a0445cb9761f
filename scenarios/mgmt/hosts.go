package mgmt

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// send executes a command on a host; a nil error means that the host said yes. No answer, a refusal and an
// undelivered command all wrap [ErrAgent].
func (s *Server) send(ctx context.Context, host inventory.ID, cmd agentapi.Command) error {
	_, err := s.ask(ctx, host, cmd)
	return err
}

// ask is send with the answer.
func (s *Server) ask(ctx context.Context, host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
	if s.killed() {
		return nil, ErrKilled
	}
	a, err := s.agents.Send(ctx, host, cmd)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s to host %d: %w: %w: %w", cmd.Command(), host, ErrAgent, errUndelivered, err)
	case a == nil:
		return nil, fmt.Errorf("%s to host %d: %w: %w", cmd.Command(), host, ErrAgent, ErrSilent)
	case !a.OK:
		return nil, fmt.Errorf("%s to host %d: %w: %s", cmd.Command(), host, ErrAgent, a.Details)
	}
	return a, nil
}

// chooseHost is the host given, else the last one if it is up, else the one that is up in the zone with the fewest
// VMs; none that is to be avoided.
func chooseHost(tx *inventory.Tx, vm inventory.VM, wanted inventory.ID, avoid map[inventory.ID]bool) (inventory.ID, error) {
	sealed := encryptedDisks(tx, vm.ID)
	up := func(h inventory.Host) bool {
		return h.Zone == vm.Zone && h.State == inventory.HostUp && (h.Encryption || !sealed) && !avoid[h.ID]
	}
	refuse := func(reason string) (inventory.ID, error) {
		return 0, &Refused{"startVirtualMachine", fmt.Sprintf("VM %d", vm.ID), reason}
	}
	if wanted != 0 {
		h, err := tx.Hosts.Must(wanted)
		if err != nil {
			return 0, err
		}
		if sealed && !h.Encryption {
			return refuse(noEncryption)
		}
		if !up(h) {
			return 0, fmt.Errorf("host %d is %s, or of another zone", h.ID, h.State)
		}
		return h.ID, nil
	}
	if h, ok := tx.Hosts.Get(vm.LastHost); ok && up(h) {
		return h.ID, nil
	}
	load := map[inventory.ID]int{}
	for _, other := range tx.VMs.All(nil) {
		load[other.Host]++
	}
	best := inventory.ID(0)
	for _, h := range tx.Hosts.All(up) {
		if best == 0 || load[h.ID] < load[best] {
			best = h.ID
		}
	}
	if best == 0 && sealed {
		return refuse(fmt.Sprintf("no host of zone %d is up and has encryption", vm.Zone))
	}
	if best == 0 {
		return 0, fmt.Errorf("no host of zone %d is up", vm.Zone)
	}
	return best, nil
}

// disks are the disks of a VM in the order of their device numbers, as a host is told of them.
func disks(tx *inventory.Tx, vm inventory.ID) []agentapi.Disk {
	var out []agentapi.Disk
	for _, v := range volumesOf(tx, vm) {
		if v.Path != "" {
			out = append(out, disk(tx, v))
		}
	}
	return out
}

func disk(tx *inventory.Tx, v inventory.Volume) agentapi.Disk {
	d := agentapi.Disk{Path: v.Path, DeviceID: v.DeviceID, Size: v.Size}
	if p, ok := tx.Pools.Get(v.Pool); ok {
		d.Pool = poolTO(p)
	}
	if k, ok := keyOf(tx, v); ok {
		d.Passphrase = agentapi.NewSecret(k.Value)
	}
	return d
}

func poolTO(p inventory.Pool) agentapi.Pool {
	return agentapi.Pool{UUID: p.UUID, Type: agentapi.PoolType(p.Type), Host: p.Host, Port: p.Port, Path: p.Path}
}

// spec is a VM as a host is told of it.
func (s *Server) spec(vm inventory.ID) (out agentapi.VM, err error) {
	err = s.inv.View(func(tx *inventory.Tx) error {
		row, err := tx.VMs.Must(vm)
		if err != nil {
			return err
		}
		out = agentapi.VM{Name: row.Instance, UUID: row.UUID, State: string(row.State), Disks: disks(tx, vm)}
		return nil
	})
	return out, err
}
