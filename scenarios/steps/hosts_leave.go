package steps

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

var (
	reRemoveHost = expression(`^CloudStack removes host (\d+)` + outcome)
	reAskAround  = expression(`^CloudStack hears nothing of the host of "([^"]+)" and asks its neighbours` + outcome)
	reCounts     = expression(`^CloudStack counts the host of "([^"]+)" as (Up|Down)$`)
	rePowerCut   = expression(`^the host of "([^"]+)" loses its power$`)
	reClusterNow = expression(`^the StorPool cluster of the hosts is on record as "([^"]*)"$`)
)

func (s *scene) leaveSteps(sc registrar) {
	sc.Step(reRemoveHost(), s.removeHost)
	sc.Step(reAskAround(), s.askAround)
	sc.Step(reCounts(), s.countsAs)
	sc.Step(rePowerCut(), s.powerCut)
	sc.Step(reClusterNow(), s.clusterOnRecord)
}

// powerCut ends a host of which CloudStack believes that it is up.
func (s *scene) powerCut(ctx context.Context, vm string) error {
	h, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	return s.perform(ctx, func(context.Context) error { return s.powerOff(h) }) //nolint:contextcheck // as powerOff says
}

// powerOff ends a host; one that loses its power waits for nobody.
func (s *scene) powerOff(h inventory.Host) error {
	host, err := s.w.Fleet.Host(h.UUID)
	if err == nil {
		host.PowerOff()
	}
	return err
}

func (s *scene) askAround(ctx context.Context, vm, outcome string) error {
	h, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().Investigate(ctx, h.ID)
		return err
	})
}

func (s *scene) countsAs(vm, state string) error {
	h, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	if h.State != inventory.HostState(state) {
		return fmt.Errorf("it counts as %s", h.State)
	}
	return nil
}

func (s *scene) removeHost(ctx context.Context, host, outcome string) error {
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error { return s.m().RemoveHost(ctx, h.ID) })
}

// clusterOnRecord understands "its own" as the cluster that the target is.
func (s *scene) clusterOnRecord(want string) error {
	if want == "its own" {
		want = s.w.Target.ClusterID()
	}
	got := ""
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		got, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: s.w.Clusters[0].ID}, clusterSetting)
		return nil
	})
	if got != want {
		return fmt.Errorf("it is %q", got)
	}
	return nil
}
