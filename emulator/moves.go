package emulator

import (
	"context"

	"github.com/spsim/spsim/emulator/cluster"
)

// siblingArguments name another cluster of the multi-cluster, by name or by id.
type siblingArguments struct {
	Cluster   string `sp:"cluster"`
	ClusterID string `sp:"clusterId"`
}

// peer is the cluster as [cluster.Cluster.Peer] names it.
func (q siblingArguments) peer() (string, error) {
	switch {
	case q.Cluster != "" && q.ClusterID != "":
		return "", invalid("Both cluster and clusterId are given")
	case q.Cluster != "":
		return q.Cluster, nil
	case q.ClusterID != "":
		return "~" + q.ClusterID, nil
	}
	return "", invalid("Neither cluster nor clusterId is given")
}

type volumeAcquireArguments struct {
	volumeArguments
	OnRemoteAttached onAttachedArgument `sp:"onRemoteAttached"`
}

func (volumeAcquireArguments) atReceiver() {}

// volumeAcquire moves a volume to the cluster that got the call; one that is here stays (storpool-api 9).
func volumeAcquire(_ context.Context, c *cluster.Cluster, q volumeAcquireArguments) (apiOK, error) {
	return ok(c, c.VolumeAcquire(q.Volume, cluster.OnAttached(q.OnRemoteAttached)))
}

type volumeMoveArguments struct {
	volumeArguments
	siblingArguments
	OnAttached onAttachedArgument `sp:"onAttached"`
}

// volumeMoveToRemote: storpool-api 9.
func volumeMoveToRemote(_ context.Context, c *cluster.Cluster, q volumeMoveArguments) (apiOK, error) {
	to, err := q.peer()
	if err != nil {
		return apiOK{}, err
	}
	return ok(c, c.VolumeMoveToRemote(q.Volume, to, cluster.OnAttached(q.OnAttached)))
}

type snapshotMoveArguments struct {
	snapshotArguments
	siblingArguments
	OnAttached onAttachedArgument `sp:"onAttached"`
}

// snapshotMoveToRemote: storpool-api 9.
func snapshotMoveToRemote(_ context.Context, c *cluster.Cluster, q snapshotMoveArguments) (apiOK, error) {
	to, err := q.peer()
	if err != nil {
		return apiOK{}, err
	}
	return ok(c, c.SnapshotMoveToRemote(q.Snapshot, to, cluster.OnAttached(q.OnAttached)))
}

type volumeExportArguments struct {
	volumeArguments
	siblingArguments
}

// volumeExport: storpool-api 9.
func volumeExport(_ context.Context, c *cluster.Cluster, q volumeExportArguments) (apiOK, error) {
	to, err := q.peer()
	if err != nil {
		return apiOK{}, err
	}
	return ok(c, c.VolumeExport(q.Volume, to))
}
