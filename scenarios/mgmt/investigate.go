package mgmt

import (
	"context"
	"errors"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// Investigate finds out what has become of a host that was not heard of: the other hosts of its zone that are up are
// asked whether StorPool lists its client as running, and the first that knows decides (agent 6). A host that is dead is
// marked Down, so that [Server.FailOver] may restart its VMs; one of which nobody knows keeps its state, as VMs that may
// be alive must not be started elsewhere. It returns the state that the host has then.
func (s *Server) Investigate(ctx context.Context, host inventory.ID) (inventory.HostState, error) {
	suspect, err := row(s, func(tx *inventory.Tx) *inventory.Table[inventory.Host] { return tx.Hosts }, host)
	if err != nil {
		return "", err
	}
	if suspect.Parent == "" { // an empty id would have each host tell of itself
		return suspect.State, nil
	}
	var others []inventory.Host
	err = s.inv.View(func(tx *inventory.Tx) error {
		others = tx.Hosts.All(func(h inventory.Host) bool {
			return h.ID != host && h.Zone == suspect.Zone && h.State == inventory.HostUp
		})
		return nil
	})
	if err != nil {
		return suspect.State, err
	}
	var silent []error
	for _, h := range others {
		a, err := s.ask(ctx, h.ID, agentapi.CheckHeartbeat{NodeID: suspect.Parent})
		if err != nil {
			silent = append(silent, err)
			continue
		}
		switch beat, _ := a.Payload.(agentapi.Heartbeat); beat.State {
		case agentapi.HostUp:
			return suspect.State, nil
		case agentapi.HostDown:
			return inventory.HostDown, s.SetHostState(ctx, host, inventory.HostDown)
		case agentapi.HostUnknown: // the next one may know
		}
	}
	return suspect.State, errors.Join(silent...)
}
