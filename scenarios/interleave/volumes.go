package interleave

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/stage"
)

func attach() operation {
	return operation{"attach", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.AttachVolume(ctx, a.Volume, a.VM, mgmt.FreeDevice)
		return err
	}}
}

func detach() operation {
	return operation{"detach", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.DetachVolume(ctx, a.Volume)
		return err
	}}
}

func resize() operation {
	return operation{"resize", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.ResizeVolume(ctx, mgmt.ResizeSpec{Volume: a.Volume, Size: (1 + a.n()) * stage.MiB})
		return err
	}}
}

func snapshot() operation {
	return operation{"snapshot", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.CreateSnapshot(ctx, a.Volume, fmt.Sprint("snapshot-", a.n()))
		return err
	}}
}

func deleteVolume() operation {
	return operation{"delete", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.DeleteVolume(ctx, a.Volume)
		return err
	}}
}

func revert() operation { return operation{"revert", revertTo().do} }

func offering() operation {
	return operation{"offering", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.ChangeOffering(ctx, a.Volume, a.Faster, 0)
		return err
	}}
}

func move(live bool) operation {
	return operation{"move", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.MigrateVolume(ctx, mgmt.MoveSpec{Volume: a.Volume, Pool: a.Second.ID, Live: live})
		return err
	}}
}

func migrate() operation {
	return operation{"migrate VM", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.MigrateVM(ctx, a.VM, a.Hosts[1].ID)
		return err
	}}
}

func start() operation {
	return operation{"start VM", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.StartVM(ctx, a.VM, a.Hosts[0].ID)
		return err
	}}
}

func deploy() operation {
	return operation{"deploy", func(ctx context.Context, a at) error {
		_, err := a.on.Mgmt.DeployVM(ctx, mgmt.VMSpec{
			Name: fmt.Sprint("new-", a.n()), Zone: a.Zone.ID, Offering: a.Compute.ID, Template: a.Template, Host: a.Hosts[0].ID,
		})
		return err
	}}
}
