package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asCommand makes the test binary behave as spsim itself, for tests of a process.
const asCommand = "SPSIM_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run())
	}
	goleak.VerifyTestMain(m)
}

func TestTheFirstArgumentNamesTheOnlyCommandThatIsBuilt(t *testing.T) {
	t.Parallel()
	for name := range commandsByName() {
		built := rootFor([]string{name}).Commands()
		require.Len(t, built, 1)
		assert.Equal(t, name, built[0].Name())
	}
	for _, args := range [][]string{nil, {"help", "serve"}, {"-h"}, {"servee"}, {"__complete", "se"}} {
		assert.Len(t, rootFor(args).Commands(), len(commandsByName()), args)
	}
}
