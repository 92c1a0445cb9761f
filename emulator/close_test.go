package emulator

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

func TestCloseEndsCallsInProgress(t *testing.T) {
	t.Parallel()
	for door, open := range doors() {
		s := Start(t, WithClock(clock.Real{}))
		a := open(t, s)
		_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Effect: fault.Effect{Kind: fault.Hang}})
		require.NoError(t, err)
		ended := make(chan error)
		go func() {
			_, err := a.attempt(t.Context(), "GET", "VolumesList", "")
			ended <- err
		}()
		for len(s.Faults().Unfired()) > 0 {
			a.get(t, "DisksList") // until the other call has met the rule
		}
		s.Close()
		err = <-ended
		require.Error(t, err, door)
		if door == "in process" {
			assert.ErrorIs(t, err, syscall.ECONNRESET)
		}
	}
}

func TestShutdownLetsCallsInProgressEnd(t *testing.T) {
	t.Parallel()
	s := Start(t, WithClock(clock.Real{}))
	a := overLoopback(t, s)
	const pause = fault.Duration(50e6)
	_, err := s.Arm(fault.Rule{Call: "GET VolumesList", Effect: fault.Effect{Kind: fault.Delay, Delay: pause}})
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		_, err := a.attempt(t.Context(), "GET", "VolumesList", "")
		ended <- err
	}()
	for len(s.Faults().Unfired()) > 0 {
		a.get(t, "DisksList")
	}
	require.NoError(t, s.Shutdown(t.Context()))
	assert.NoError(t, <-ended)
	assert.True(t, s.isClosed())
}
