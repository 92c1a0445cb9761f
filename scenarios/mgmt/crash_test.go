package mgmt_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// crashCase is an action and what it needs; after a crash in it again does it, or is nil when that makes no sense.
type crashCase struct {
	prepare func(s *scene) inventory.ID
	act     func(s *scene, on inventory.ID) error
	again   func(s *scene, on inventory.ID) error
}

func crashCases() map[string]crashCase {
	running := func(s *scene) inventory.ID { return s.deploy(mgmt.VMSpec{}).ID }
	attached := func(s *scene) inventory.ID {
		v := s.attached(running(s), mib)
		s.write(v.ID, 0, 'a')
		return v.ID
	}
	detached := func(s *scene) inventory.ID {
		v, err := s.Mgmt.DetachVolume(s.ctx, attached(s))
		s.ok(err)
		return v.ID
	}
	snapshot := func(s *scene) inventory.ID { return s.snap(attached(s)).ID }
	cases := map[string]crashCase{
		"deploy from template": {
			func(s *scene) inventory.ID { return s.template(8*mib, 't').ID },
			func(s *scene, on inventory.ID) error {
				_, err := s.Mgmt.DeployVM(s.ctx, s.spec(mgmt.VMSpec{Template: on}))
				return err
			}, nil,
		},
		"attach": {
			func(s *scene) inventory.ID {
				running(s)
				v, err := s.Mgmt.CreateVolume(s.ctx, s.data(mib))
				s.ok(err)
				return v.ID
			},
			func(s *scene, on inventory.ID) error {
				if s.volume(on).VM != 0 {
					return nil // killed when it was all but done
				}
				_, err := s.Mgmt.AttachVolume(s.ctx, on, 1, mgmt.FreeDevice)
				return err
			}, nil,
		},
		"detach": {attached, func(s *scene, on inventory.ID) error {
			_, err := s.Mgmt.DetachVolume(s.ctx, on)
			return err
		}, func(*scene, inventory.ID) error { return nil }},
		"delete volume": {detached, func(s *scene, on inventory.ID) error {
			_, err := s.Mgmt.DeleteVolume(s.ctx, on)
			return err
		}, func(s *scene, _ inventory.ID) error { return s.Mgmt.CollectGarbage(s.ctx) }},
		"resize": {attached, func(s *scene, on inventory.ID) error {
			_, err := s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: on, Size: 2 * mib})
			return err
		}, nil},
		"snapshot": {attached, func(s *scene, on inventory.ID) error {
			_, err := s.Mgmt.CreateSnapshot(s.ctx, on, "")
			return err
		}, nil},
		"restore": {snapshot, func(s *scene, on inventory.ID) error {
			_, err := s.Mgmt.CreateVolumeFromSnapshot(s.ctx, mgmt.RestoreSpec{Snapshot: on})
			return err
		}, nil},
		"delete snapshot": {snapshot, func(s *scene, on inventory.ID) error {
			_, err := s.Mgmt.DeleteSnapshot(s.ctx, on)
			return err
		}, func(*scene, inventory.ID) error { return nil }},
		"revert": {func(s *scene) inventory.ID {
			sn := snapshot(s)
			_, err := s.Mgmt.StopVM(s.ctx, 1, false)
			s.ok(err)
			return sn
		}, func(s *scene, on inventory.ID) error {
			_, err := s.Mgmt.RevertSnapshot(s.ctx, on)
			return err
		}, nil},
	}
	for name, c := range cases {
		if c.again == nil {
			c.again = c.act
			cases[name] = c
		}
	}
	return cases
}

func TestAfterACrashAtAnyStepTheDriverReconcilesAndTheActionWorksAgain(t *testing.T) {
	t.Parallel()
	for name, c := range crashCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := 0
			for n := 1; ; n++ {
				crashed := false
				step := ""
				left := -1
				at := func(_ context.Context, action, at string) error {
					if left--; left == 0 {
						step, crashed = action+"/"+at, true
						return errors.New("killed")
					}
					return nil
				}
				play(t, world.Options{AtStep: at}, func(s *scene) {
					on := c.prepare(s)
					left = n
					err := c.act(s, on)
					if !crashed {
						require.NoError(t, err)
						return
					}
					after(s, c, on, step)
				})
				if !crashed {
					break
				}
				steps++
			}
			assert.Positive(t, steps, "the action has steps")
		})
	}
}

// after restarts the management server, judges, and does the action again.
func after(s *scene, c crashCase, on inventory.ID, step string) {
	s.t.Helper()
	where := "killed at " + step
	require.True(s.t, s.Crashed(), where)
	require.NoError(s.t, s.Restart(s.ctx), where)
	require.NoError(s.t, s.Check(s.ctx), where)
	require.NoError(s.t, c.again(s, on), where)
	require.NoError(s.t, s.Check(s.ctx), where)
	require.NoError(s.t, s.Mgmt.CollectGarbage(s.ctx), where)
	require.NoError(s.t, s.Check(s.ctx), where)
}
