package check_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/world"
)

func TestTheAPIShowsWhatTheEmulatorHolds(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Options{})
	t.Cleanup(func() { assert.NoError(t, w.Close()) })
	require.NoError(t, err)
	w.Do(func(ctx context.Context) {
		o, err := populate(ctx, w)
		require.NoError(t, err)
		hostPort, token := w.Target.Endpoint()
		c, err := spapi.New(spapi.Config{HostPort: hostPort, Token: token, Transport: w.Target.Transport("test"), Clock: w.Clock})
		require.NoError(t, err)
		objects, attachments, err := check.OverAPI(ctx, c)
		require.NoError(t, err)
		assert.ElementsMatch(t, o.Objects, objects)
		assert.ElementsMatch(t, o.Attachments, attachments)
	})
}
