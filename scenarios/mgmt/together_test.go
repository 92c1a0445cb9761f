package mgmt_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

func TestTwoHundredVMsDeployAtTheSameTime(t *testing.T) {
	t.Parallel()
	const hosts, count = 8, 200
	play(t, world.Options{Hosts: hosts, Throughput: 8 * mib}, func(s *scene) {
		tmpl := s.template(mib, 't')
		vms := make([]inventory.VM, count)
		errs := make([]error, count)
		jobs := make([]func(), count)
		for i := range count {
			jobs[i] = func() {
				vms[i], errs[i] = s.Mgmt.DeployVM(s.ctx, s.spec(mgmt.VMSpec{Template: tmpl.ID, Data: []mgmt.VolumeSpec{s.data(mib)}}))
			}
		}
		clock.Gather(s.Clock, jobs...)
		load := map[inventory.ID]int{}
		for i, m := range vms {
			require.NoError(s.t, errs[i])
			require.Equal(s.t, inventory.VMRunning, m.State)
			load[m.Host]++
			s.reads(s.root(m.ID).ID, 0, pattern('t'))
		}
		s.holds()
		assert.Equal(s.t, 1, s.calls("agent DownloadTemplate"), "the template is copied once")
		assert.Len(s.t, load, hosts, "every host runs some")
		for i, m := range vms {
			jobs[i] = func() { _, errs[i] = s.Mgmt.DestroyVM(s.ctx, m.ID, true) }
		}
		clock.Gather(s.Clock, jobs...)
		for _, err := range errs {
			require.NoError(s.t, err)
		}
		s.holds()
	})
}

func TestJobsOnOneVMFollowOneAnother(t *testing.T) {
	t.Parallel()
	play(t, world.Options{Throughput: mib}, func(s *scene) {
		m := s.deploy(mgmt.VMSpec{})
		v := s.attached(m.ID, mib)
		s.write(v.ID, 0, 'a')
		errs := make([]error, 4)
		clock.Gather(s.Clock,
			func() { _, errs[0] = s.Mgmt.CreateSnapshot(s.ctx, v.ID, "") },
			func() { _, errs[1] = s.Mgmt.ResizeVolume(s.ctx, mgmt.ResizeSpec{Volume: v.ID, Size: 2 * mib}) },
			func() { _, errs[2] = s.Mgmt.CreateSnapshot(s.ctx, v.ID, "") },
			func() { _, errs[3] = s.Mgmt.DetachVolume(s.ctx, v.ID) },
		)
		for i, err := range errs {
			require.NoError(s.t, err, "job %d", i)
		}
		s.holds()
	})
}

func TestASlowAgentHoldsUpOnlyItsOwnVM(t *testing.T) {
	t.Parallel()
	play(t, world.Options{}, func(s *scene) {
		a, b := s.deploy(mgmt.VMSpec{}), s.deploy(mgmt.VMSpec{})
		require.NotEqual(s.t, a.Host, b.Host)
		rule := fault.Rule{Call: "agent Stop/shutdown", Effect: fault.Effect{Kind: fault.Delay, Delay: fault.Duration(60e9)}}
		require.NoError(s.t, s.Arm(rule))
		from := s.Clock.Now()
		var times [2]float64
		stop := func(i int, id inventory.ID) func() {
			return func() {
				_, err := s.Mgmt.StopVM(s.ctx, id, false)
				assert.NoError(s.t, err)
				times[i] = s.Clock.Now().Sub(from).Seconds()
			}
		}
		clock.Gather(s.Clock, stop(0, a.ID), stop(1, b.ID))
		assert.Contains(s.t, []string{"[60 0]", "[0 60]"}, fmt.Sprint(times))
		s.holds()
	})
}
