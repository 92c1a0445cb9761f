package agentsim

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
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
	// ciphertext is how an encrypted source is written to secondary storage.
	ciphertext func(*Host, agentapi.Secret) layout
	// contents is what is taken for the contents of a device that a guest has written.
	contents func(*Host, image.Image) (image.Reader, error)
	// encrypted answers the encryption of a volume.
	encrypted func(agentapi.Volume, error) *agentapi.Answer
	// sourceRead lets go of the snapshot of a template that has been read, or could not be.
	sourceRead func(*run, error)
	// blockSize is what a guest is told of a disk that has been resized.
	blockSize func(d *GuestDisk, requested int64) (int64, error)
	// wipes tells whether passphrases are overwritten after a command.
	wipes func(command string) bool
	// templateFile names the file of a template, without extension.
	templateFile func(uuid, source string) string
	// copyMounted is done when the destination of a volume's copy has been mounted.
	copyMounted func(*run)
	// copyOutput says how the file of a volume's copy comes into being.
	copyOutput func() secondary.Write
	// copiedSize is the size of a copied volume.
	copiedSize func(virtual, length int64) int64
	// copiedPath is the path of a copied volume.
	copiedPath func(dst agentapi.Volume, name string) string
	// downloaded answers a direct download.
	downloaded func(agentapi.Template, error) *agentapi.Answer
	// downloadTags are the tags of what a direct download makes.
	downloadTags func(uuid string) spapi.Tags
	// gone judges the deletion of a cached template.
	gone func(error) error
	// workTags are the tags of the volume that a direct download fills.
	workTags func(uuid string) spapi.Tags
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
		ciphertext:        ciphertextAsItIs,
		contents:          asItIs,
		encrypted:         encryptionResult,
		sourceRead:        detachSource,
		blockSize:         payloadSize,
		wipes:             func(string) bool { return true },
		templateFile:      templateByUUID,
		copyMounted:       func(*run) {},
		copyOutput:        func() secondary.Write { return secondary.Write{} },
		copiedSize:        virtualSize,
		copiedPath:        pathOnStore,
		downloaded:        downloadResult,
		downloadTags:      templateTags,
		gone:              missingIsGone,
		workTags:          templateTags,
		pathOf:            func(d DiskDetails) string { return d.Path },
	}
}

// missingIsGone counts what StorPool does not have as deleted.
func missingIsGone(err error) error {
	if errors.Is(err, spapi.ErrNotFound) {
		return nil
	}
	return err
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
