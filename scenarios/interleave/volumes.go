package interleave

import (
	"context"

	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

func resize() operation {
	return operation{"resize", func(ctx context.Context, s *stage.Stage, on world.Server) error {
		_, err := on.Mgmt.ResizeVolume(ctx, mgmt.ResizeSpec{Volume: s.Volume, Size: 2 * stage.MiB})
		return err
	}}
}

func snapshot() operation {
	return operation{"snapshot", func(ctx context.Context, s *stage.Stage, on world.Server) error {
		_, err := on.Mgmt.CreateSnapshot(ctx, s.Volume, "")
		return err
	}}
}
