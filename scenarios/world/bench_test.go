package world_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/world"
)

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		w, err := world.New(world.Options{})
		require.NoError(b, err)
		require.NoError(b, w.Close())
	}
}

func BenchmarkCheck(b *testing.B) {
	w := build(b, world.Options{})
	w.Do(func(ctx context.Context) {
		for b.Loop() {
			require.NoError(b, w.Check(ctx))
		}
	})
}
