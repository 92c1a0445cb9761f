package steps

import (
	"fmt"
	"strconv"

	"github.com/spsim/spsim/emulator/cluster"
)

var (
	reSick   = expression(`^StorPool's (disk|server|client) (\d+) is (gone|down|dead)$`)
	reLacks  = expression(`^StorPool has no (quorum|room)(?: in the placement group "([^"]+)")?$`)
	reHealed = expression(`^StorPool is well again$`)
)

// conditional is a target whose cluster can be made unhealthy.
type conditional interface {
	SetCondition(c cluster.Condition) error
	ClearConditions()
}

func (s *scene) conditionSteps(sc registrar) {
	sc.Step(reSick(), func(what, id, how string) error {
		c, err := sickness(what, id, how)
		if err != nil {
			return err
		}
		return s.suffer(c)
	})
	sc.Step(reLacks(), func(what, group string) error {
		if what == "quorum" {
			return s.suffer(cluster.Condition{Kind: cluster.NoQuorum, Group: group})
		}
		return s.suffer(cluster.Condition{Kind: cluster.CapacityExhausted, Group: group})
	})
	sc.Step(reHealed(), func() error {
		t, err := s.conditional()
		if err == nil {
			t.ClearConditions()
		}
		return err
	})
}

// sickness reads what a disk, server or client suffers from.
func sickness(what, id, how string) (cluster.Condition, error) {
	kinds := map[string]cluster.ConditionKind{
		"disk gone": cluster.DiskGone, "server down": cluster.ServerDown, "client down": cluster.ClientDown,
		"client dead": cluster.ClientDead,
	}
	kind := kinds[what+" "+how]
	if kind == "" {
		return cluster.Condition{}, fmt.Errorf("a %s cannot be %s: a disk is gone, a server down, a client down or dead", what, how)
	}
	n, err := strconv.Atoi(id)
	if err != nil {
		return cluster.Condition{}, fmt.Errorf("%s %q: %w", what, id, err)
	}
	return cluster.Condition{Kind: kind, ID: n}, nil
}

func (s *scene) conditional() (conditional, error) {
	if t, ok := s.w.Target.(conditional); ok {
		return t, nil
	}
	return nil, Skip("the cluster of " + s.w.Target.Name() + " cannot be made unhealthy")
}

func (s *scene) suffer(c cluster.Condition) error {
	t, err := s.conditional()
	if err != nil {
		return err
	}
	return t.SetCondition(c)
}
