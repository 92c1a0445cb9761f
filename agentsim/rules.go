package agentsim

import (
	"context"
	"fmt"
	"strings"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// rules are the decisions that the existing agent takes otherwise, each named for the decision.
type rules struct {
	// heartbeatFailed is what a host makes of a service list that it did not get.
	heartbeatFailed func(error) agentapi.HostState
	// heartbeatBroken is what it makes of a list or a configuration that does not name what it looks for; an error ends
	// the heartbeat thread.
	heartbeatBroken func(error) (agentapi.HostState, error)
	// confirmDown looks for itself before a host reboots.
	confirmDown func(context.Context, *Host) bool
	// detachNow tells whether to detach a device that still has so many uses on the host.
	detachNow func(uses int) bool
	// appeared judges the result of an attach.
	appeared func(ok bool, path string) error
	// missingTarget is what a conversion writes to when the device is not there.
	missingTarget func(h *Host, path string, size int64, err error) (*disk, error)
	// cleanUp ends a command.
	cleanUp func(*run, *agentapi.Answer) *agentapi.Answer
	// blockResizeFailed answers a resize of which the guest was not told.
	blockResizeFailed func(size int64, err error) *agentapi.Answer
	// scriptFailed answers a resize whose script failed.
	scriptFailed func(size int64, err error) *agentapi.Answer
	// isLocation tells whether a location is that of a cluster id.
	isLocation func(location, clusterID string) bool
	// locationFailed judges a location list that cannot be read.
	locationFailed func(error) error
	// confLine splits a line of the StorPool configuration.
	confLine func(line string) (key, value string, ok bool)
	// unknownPool deals with a pool that the agent has not been told of.
	unknownPool func(*Host, agentapi.Pool) error
	// probe finds out whether the check volume can be attached here.
	probe func(ctx context.Context, r *run, path string) error
	// logFailed judges a write to the private log that failed.
	logFailed func(error) error
	// checkFirst tells whether a command is checked before StorPool is touched.
	checkFirst func() bool
	// output says how files on secondary storage come into being.
	output func() secondary.Write
	// pathOf finds the device in the map of a disconnect.
	pathOf func(DiskDetails) string
}

// correct returns the decisions of a correct agent (agent 16).
func correct() rules {
	return rules{
		heartbeatFailed:   func(error) agentapi.HostState { return agentapi.HostUnknown },
		heartbeatBroken:   func(error) (agentapi.HostState, error) { return agentapi.HostUnknown, nil },
		confirmDown:       devicesDead,
		detachNow:         func(uses int) bool { return uses == 0 },
		appeared:          mustAppear,
		missingTarget:     func(_ *Host, _ string, _ int64, err error) (*disk, error) { return nil, err },
		cleanUp:           cleanUp,
		blockResizeFailed: guestNotTold,
		scriptFailed:      guestNotTold,
		isLocation:        func(location, clusterID string) bool { return location == locationOf(clusterID) },
		locationFailed:    func(error) error { return nil },
		confLine:          confLine,
		unknownPool:       rebuildPool,
		probe:             probe,
		logFailed:         func(error) error { return nil },
		checkFirst:        func() bool { return true },
		output:            func() secondary.Write { return secondary.Write{} },
		pathOf:            func(d DiskDetails) string { return d.Path },
	}
}

func mustAppear(ok bool, path string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: %s has not appeared after the attach", ErrNoDevice, path)
}

// guestNotTold is a success, since StorPool has resized the volume already: the guest learns of it at its next start.
func guestNotTold(size int64, err error) *agentapi.Answer {
	ans := succeeded(agentapi.Resized{Size: size})
	ans.Details = "the guest sees the new size after its next start: " + err.Error()
	return ans
}

// locationOf is the part of a cluster id before the dot.
func locationOf(clusterID string) string {
	location, _, _ := strings.Cut(clusterID, ".")
	return location
}

// rebuildPool makes the pool from what the command says of it.
func rebuildPool(h *Host, p agentapi.Pool) error {
	if p.UUID == "" {
		return fmt.Errorf("the command names no pool and host %s knows none", h.cfg.Name)
	}
	h.Adaptor().CreateStoragePool(p)
	return nil
}
