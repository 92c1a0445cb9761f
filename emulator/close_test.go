package emulator

import (
	"context"
	"net/http"
	"strings"
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

func TestInProcessCallLeavesTheRequestAloneAndIsNotMadeAfterItsEnd(t *testing.T) {
	t.Parallel()
	s := Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	body := strings.NewReader(`{"name":"v","size":512}`)
	req, err := http.NewRequestWithContext(ctx, "POST", "http://emulator/ctrl/1.0/VolumeCreate", body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Storpool v1:"+s.Token())
	want := req.Header.Clone()
	r, err := s.ClientFor("host-1").Transport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, want, req.Header)
	assert.Equal(t, "host-1", s.Calls()[0].Caller)

	cancel()
	r, err = s.Client().Transport.RoundTrip(req)
	if err == nil {
		_ = r.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, s.Calls(), 1)
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
