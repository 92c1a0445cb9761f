package mgmt_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

func TestAMigrationThatGoesOnAfterItWasGivenUpIsPutRight(t *testing.T) {
	t.Parallel()
	late := fault.Effect{Kind: fault.Late, Delay: fault.Duration(10 * time.Second)}
	for call, arrives := range map[string]bool{
		"agent PrepareForMigration/connect": false, // the destination connects the disks when nobody needs them any more
		"agent Migrate/switch":              true,  // the guest moves when nobody expects it any more
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			play(t, world.Options{}, func(s *scene) {
				m := s.deploy(mgmt.VMSpec{Host: s.Hosts[0].ID})
				s.write(s.root(m.ID).ID, 0, 'a')
				require.NoError(s.t, s.Arm(fault.Rule{Call: call, Effect: late}))
				_, err := s.Mgmt.MigrateVM(s.ctx, m.ID, s.Hosts[1].ID)
				require.ErrorIs(s.t, err, mgmt.ErrSilent)
				s.holds()
				require.NoError(s.t, s.Unsettled())
				want := s.Hosts[0].ID
				if arrives {
					want = s.Hosts[1].ID
				}
				assert.Equal(s.t, want, s.vm(m.ID).Host)
				s.reads(s.root(m.ID).ID, 0, pattern('a'))
			})
		})
	}
}
