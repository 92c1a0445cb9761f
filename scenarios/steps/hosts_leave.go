package steps

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

var (
	reRemoveHost = expression(`^CloudStack removes host (\d+)` + outcome)
	reClusterNow = expression(`^the StorPool cluster of the hosts is on record as "([^"]*)"$`)
)

func (s *scene) leaveSteps(sc registrar) {
	sc.Step(reRemoveHost(), s.removeHost)
	sc.Step(reClusterNow(), s.clusterOnRecord)
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
