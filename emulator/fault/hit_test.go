package fault_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

func TestHitHandsOutTheEffectAndCounts(t *testing.T) {
	t.Parallel()
	s := fault.NewSet(clock.NewVirtual(newYear()), nil)
	_, hit := s.Hit(fault.Call{Name: "agent Start/connect"})
	assert.False(t, hit)
	_, err := s.Arm(fault.Rule{Call: "agent Start/connect", Nth: 2, Effect: fault.Effect{Kind: fault.Refuse}})
	require.NoError(t, err)
	_, hit = s.Hit(fault.Call{Name: "agent Start/connect"})
	assert.False(t, hit)
	e, hit := s.Hit(fault.Call{Name: "agent Start/connect"})
	assert.True(t, hit)
	assert.Equal(t, &fault.Refusal{Name: "busy", Descr: "refused by a fault rule"}, e.Refusal())
	assert.Equal(t, 1, s.Rules()[0].Fired)
}
