package emulator

import (
	"context"

	"github.com/spsim/spsim/emulator/cluster"
)

// snapshotArguments is the request of a call on one snapshot.
type snapshotArguments struct {
	In       scope
	Snapshot cluster.Ref `sp:"snapshotName,path"`
}

func (q snapshotArguments) about() subject { return subject{refs: []cluster.Ref{q.Snapshot}} }

type volumeSnapshotArguments struct {
	volumeArguments
	scheduleArguments
	Name     string `sp:"name"`
	Bind     bool   `sp:"bind"`
	Template string `sp:"template"`
	Tags     tagMap `sp:"tags"`
}

func (q volumeSnapshotArguments) about() subject {
	return subject{refs: []cluster.Ref{q.Volume}, names: []string{q.Name}, tags: q.Tags}
}

// volumeSnapshot: storpool-api 6.4.
func volumeSnapshot(_ context.Context, c *cluster.Cluster, q volumeSnapshotArguments) (snapshotCreated, error) {
	s, err := c.VolumeSnapshot(q.Volume, cluster.SnapshotSpec{
		Name: q.Name, Bind: q.Bind, Schedule: q.schedule(), Template: q.Template, Tags: q.Tags,
	})
	done, err := ok(c, err)
	if err != nil {
		return snapshotCreated{}, err
	}
	return snapshotCreated{
		apiOK: done, SnapshotGlobalID: s.GlobalID, AutoName: s.AutoName, SnapshotVisibleVolumeID: s.VisibleID,
	}, nil
}

type groupMemberArguments struct {
	Volume cluster.Ref `sp:"volume,required"`
	Name   string      `sp:"name"`
	Tags   tagMap      `sp:"tags"`
}

type groupSnapshotArguments struct {
	In      scope
	Volumes []groupMemberArguments `sp:"volumes"`
	Tags    tagMap                 `sp:"tags"`
}

func (groupSnapshotArguments) atReceiver() {}

func (q groupSnapshotArguments) about() subject {
	s := subject{tags: q.Tags}
	for _, v := range q.Volumes {
		s.refs = append(s.refs, v.Volume)
	}
	return s
}

// volumesGroupSnapshot snapshots all volumes at one moment, or none (storpool-api 6.4).
func volumesGroupSnapshot(_ context.Context, c *cluster.Cluster, q groupSnapshotArguments) (groupSnapshots, error) {
	spec := cluster.GroupSpec{Tags: q.Tags, Anywhere: q.In.Multi}
	for _, v := range q.Volumes {
		spec.Volumes = append(spec.Volumes, cluster.GroupVolume{Volume: v.Volume, Name: v.Name, Tags: v.Tags})
	}
	members, err := c.GroupSnapshot(spec)
	done, err := ok(c, err)
	if err != nil {
		return groupSnapshots{}, err
	}
	answer := groupSnapshots{apiOK: done, Snapshots: []groupSnapshot{}}
	for _, m := range members {
		answer.Snapshots = append(answer.Snapshots, groupSnapshot{
			Volume: m.Volume, VolumeGlobalID: m.VolumeGlobalID,
			Snapshot: m.Snapshot, SnapshotGlobalID: m.SnapshotGlobalID, RemoteID: m.SnapshotGlobalID,
		})
	}
	return answer, nil
}

type snapshotUpdateArguments struct {
	snapshotArguments
	policyArguments
	scheduleArguments
	Rename   *string `sp:"rename"`
	Bind     *bool   `sp:"bind"`
	Template string  `sp:"template"`
	Tags     tagMap  `sp:"tags"`
}

// snapshotUpdate: an empty body is a valid change of nothing.
func snapshotUpdate(_ context.Context, c *cluster.Cluster, q snapshotUpdateArguments) (apiOK, error) {
	return ok(c, c.SnapshotUpdate(q.Snapshot, cluster.SnapshotChange{
		Rename: q.Rename, Bind: q.Bind, Schedule: q.schedule(), Template: q.Template,
		Policy: q.policy(), Tags: q.Tags,
	}))
}

type snapshotRebaseArguments struct {
	snapshotArguments
	Parent cluster.Ref `sp:"parentName"`
}

// snapshotRebase: storpool-api 6.7.
func snapshotRebase(_ context.Context, c *cluster.Cluster, q snapshotRebaseArguments) (apiOK, error) {
	return ok(c, c.SnapshotRebase(q.Snapshot, q.Parent))
}

// snapshotDelete: storpool-api 6.5.
func snapshotDelete(_ context.Context, c *cluster.Cluster, q snapshotArguments) (apiOK, error) {
	return ok(c, c.SnapshotDelete(q.Snapshot))
}

type snapshotAbandonArguments struct {
	snapshotArguments
	Disk int `sp:"diskId,required"`
}

// snapshotAbandonDisk describes the catalogue's second entry for the query; calls reach [volumeAbandonDisk].
func snapshotAbandonDisk(_ context.Context, c *cluster.Cluster, q snapshotAbandonArguments) (apiOK, error) {
	return ok(c, c.VolumeAbandonDisk(q.Snapshot, q.Disk))
}

type snapshotByIDArguments struct {
	GlobalID string `sp:"globalVolumeId,path"`
}

func (q snapshotByIDArguments) ref() cluster.Ref { return cluster.Ref("~" + q.GlobalID) }

func (q snapshotByIDArguments) about() subject { return subject{refs: []cluster.Ref{q.ref()}} }

// snapshotDeleteByID takes a bare global id.
func snapshotDeleteByID(_ context.Context, c *cluster.Cluster, q snapshotByIDArguments) (apiOK, error) {
	return ok(c, c.SnapshotDelete(q.ref()))
}

// snapshotsList: every snapshot, the transient, generated and half-deleted ones included.
func snapshotsList(_ context.Context, c *cluster.Cluster, q listArguments) (entries[snapshotSummary], error) {
	l := c.Snapshots()
	return entries[snapshotSummary]{in: q.In, seq: l.All(), count: l.Len()}, nil
}

// snapshotGet answers an array of exactly one element.
func snapshotGet(_ context.Context, c *cluster.Cluster, q snapshotArguments) (entries[snapshotSummary], error) {
	o, err := c.Snapshot(q.Snapshot)
	if err != nil {
		return entries[snapshotSummary]{}, err
	}
	return entries[snapshotSummary]{in: q.In, only: o, count: 1}, nil
}
