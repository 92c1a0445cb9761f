package interleave

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

func deleteSnapshot() operation {
	return operation{"delete snapshot", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.DeleteSnapshot(ctx, a.Snapshot)
		return err
	}}
}

func restore() operation {
	return operation{"restore", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.CreateVolumeFromSnapshot(ctx, mgmt.RestoreSpec{
			Snapshot: a.Snapshot, Name: fmt.Sprint("restored-", a.n()), Pool: a.Pool.ID, Zone: a.Zone.ID,
		})
		return err
	}}
}

func revertTo() operation {
	return operation{"revert to it", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.RevertSnapshot(ctx, a.Snapshot)
		return err
	}}
}

func bake() operation {
	return operation{"template of it", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.CreateTemplateFromSnapshot(ctx, a.Snapshot, fmt.Sprint("baked-", a.n()))
		return err
	}}
}

func copySnapshot() operation {
	return operation{"copy to other zone", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.CopySnapshot(ctx, a.Snapshot, a.Second.ID)
		return err
	}}
}

// farStorPool is the StorPool of another location.
const farStorPool = "other"

// farZone adds a zone at the other location, with a host and a pool.
func farZone(ctx context.Context, s *stage.Stage) error {
	f, ok := s.Target.(*world.Federated)
	if !ok {
		return errors.New("there is no other StorPool")
	}
	at, err := f.At(farStorPool)
	if err != nil {
		return err
	}
	z, err := s.Mgmt.AddZone("zone-2")
	if err != nil {
		return err
	}
	c, err := s.Mgmt.AddCluster(z.ID, "far-cluster")
	if err != nil {
		return err
	}
	if _, err := s.AddHostAt(ctx, c.ID, farStorPool); err != nil {
		return err
	}
	s.Second, err = s.Mgmt.CreatePool(ctx, driver.PoolRequest{Name: "far", Zone: z.ID, URL: world.URLOf(at, "ssd"), Capacity: 1 << 40})
	return err
}

func takeGroup() operation {
	return operation{"VM snapshot", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.CreateVMSnapshot(ctx, a.VM, false)
		return err
	}}
}

func deleteGroup() operation {
	return operation{"delete VM snapshot", func(ctx context.Context, a at) error {
		return a.on.Mgmt.DeleteVMSnapshot(ctx, a.Group)
	}}
}

func revertGroup() operation {
	return operation{"revert to VM snapshot", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.RevertToVMSnapshot(ctx, a.Group)
		return err
	}}
}
