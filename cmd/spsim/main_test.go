package main

import (
	"os"
	"testing"

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
