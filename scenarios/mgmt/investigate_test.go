package mgmt_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/world"
)

func TestTheFirstNeighbourThatKnowsDecides(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Hosts: 3}, func(s *scene) {
		require.NoError(t, s.Arm(fault.Rule{Call: "agent CheckHeartbeat/ask", Effect: fault.Effect{Kind: fault.Refuse}}))
		st, err := s.Mgmt.Investigate(s.ctx, s.Hosts[0].ID)
		s.ok(err) // the second neighbour tells
		assert.Equal(t, inventory.HostUp, st)
		assert.Empty(t, s.Unfired())
	})
}

func TestNobodyIsAskedOfAHostThatStorPoolNeverKnew(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		h := s.Hosts[0].ID
		require.NoError(t, s.Inventory.Update(func(tx *inventory.Tx) error {
			return tx.Hosts.Change(h, func(h *inventory.Host) { h.Parent = "" })
		}))
		asked := s.Asked()
		st, err := s.Mgmt.Investigate(s.ctx, h)
		s.ok(err)
		assert.Equal(t, inventory.HostUp, st)
		assert.Equal(t, asked, s.Asked())
		_, err = s.Mgmt.Investigate(s.ctx, 4711)
		require.ErrorIs(t, err, inventory.ErrNotFound)
	})
}

func TestAHostWithoutNeighboursKeepsItsState(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		require.NoError(t, s.Mgmt.SetHostState(s.ctx, s.Hosts[1].ID, inventory.HostMaintenance))
		st, err := s.Mgmt.Investigate(s.ctx, s.Hosts[0].ID)
		s.ok(err)
		assert.Equal(t, inventory.HostUp, st)
		assert.Equal(t, inventory.HostUp, s.host(s.Hosts[0].ID).State)
	})
}

func TestANeighbourThatDoesNotKnowDoesNotDecide(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Hosts: 3}, func(s *scene) {
		e, ok := s.Target.(*world.Embedded)
		require.True(t, ok)
		require.NoError(t, e.Server().SetCondition(cluster.Condition{Kind: cluster.ClientDown, ID: 1}))
		require.NoError(t, s.Arm(fault.Rule{Call: "GET ServicesList", Effect: fault.Effect{Kind: fault.Refuse}}))
		st, err := s.Mgmt.Investigate(s.ctx, s.Hosts[0].ID)
		require.NoError(t, err)
		assert.Equal(t, inventory.HostDown, st)
		assert.Equal(t, inventory.HostDown, s.host(s.Hosts[0].ID).State)
		assert.Empty(t, s.Unfired())
	})
}
