package agentsim

import (
	"context"
	"errors"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

// notFound is the detail of a host without StorPool (agent 9.1).
const notFound = "spNotFound"

// modifyStoragePool connects the host to a pool (agent 9.1).
type modifyStoragePool struct{ agentapi.ModifyStoragePool }

func (c modifyStoragePool) run(r *run) *agentapi.Answer {
	r.within(connectLimit)
	h := r.host
	var cluster, location string
	err := r.step("confget", func(context.Context) error {
		cluster = h.conf("SP_CLUSTER_ID")
		return nil
	})
	if err != nil || cluster == "" {
		return &agentapi.Answer{Details: notFound}
	}
	err = r.step("location", func(ctx context.Context) (err error) {
		location, err = h.location(ctx, cluster)
		return err
	})
	if err = h.judgeLocation(err); err != nil {
		return failed(err)
	}
	err = r.step("attach", func(ctx context.Context) error { return h.rules.probe(ctx, r, c.CheckVolume) }, c.CheckVolume)
	if err != nil {
		return &agentapi.Answer{Details: nameOf(err)}
	}
	var pool *Pool
	err = r.step("register", func(context.Context) error {
		pool = h.Adaptor().CreateStoragePool(c.Pool)
		return nil
	})
	if err != nil {
		return failed(err)
	}
	return succeeded(agentapi.PoolInfo{
		Pool: c.Pool, LocalPath: c.LocalPath, Capacity: Capacity, ClusterID: cluster,
		ClientNodeID: pool.NodeID, ClusterLocation: location,
	})
}

// location finds the name of the location of a cluster id; "" when no location has it.
func (h *Host) location(ctx context.Context, cluster string) (string, error) {
	all, err := h.cfg.API.LocationsList(ctx)
	if err != nil {
		return "", err
	}
	for _, l := range all {
		if h.rules.isLocation(l.ID, cluster) {
			return l.Name, nil
		}
	}
	return "", nil
}

// judgeLocation lets a host connect without a location, unless the agent stumbles over what it cannot read.
func (h *Host) judgeLocation(err error) error {
	var odd *spapi.AnswerError
	if errors.As(err, &odd) || errors.Is(err, fault.ErrMalformed) {
		return h.rules.locationFailed(err)
	}
	return nil
}

// nameOf is the name of StorPool's error where there is one, else the text.
func nameOf(err error) string {
	var refused *spapi.Error
	var rule *fault.Refusal
	switch {
	case errors.As(err, &refused):
		return refused.Name
	case errors.As(err, &rule):
		return rule.Name
	case errors.Is(err, errTimeout):
		return errTimeout.Error()
	}
	return err.Error()
}

// probe attaches the check volume, waits for its device and detaches it again. Without a check volume there is
// nothing to find out.
func probe(ctx context.Context, r *run, path string) error {
	name, err := r.host.attachOnly(withErrorName(ctx), volumeKind, path)
	if name != "" {
		r.thenDetach("detach", volumeKind, path)
	}
	if err != nil || name == "" {
		return err
	}
	ok, err := r.host.waitForDevice(ctx, path)
	if err != nil {
		return err
	}
	return mustAppear(ok, path)
}

// probeForEver is A-15: the check volume is not waited for and stays attached.
func probeForEver(ctx context.Context, r *run, path string) error {
	name, err := r.host.attachOnly(withErrorName(ctx), volumeKind, path)
	if name != "" {
		r.host.use(name, -1, 0)
	}
	return err
}
