package emulator

import (
	"context"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
)

// exportEntry is one export.
type exportEntry struct {
	Snapshot        string `json:"snapshot"`
	Location        string `json:"location"`
	GlobalID        string `json:"globalId"`
	BackingUp       bool   `json:"backingUp"`
	VisibleVolumeID int64  `json:"visibleVolumeId"`
	VolumeID        int64  `json:"volumeId"`
}

// exportsAnswer is the data of ExportsList and VolumeExportsList.
type exportsAnswer struct {
	Exports []exportEntry `json:"exports"`
}

func exportsOf(all []cluster.Export) exportsAnswer {
	out := exportsAnswer{Exports: []exportEntry{}}
	for _, e := range all {
		out.Exports = append(out.Exports, exportEntry{
			Snapshot: e.Name, Location: e.Location, GlobalID: e.GlobalID, BackingUp: e.BackingUp,
			VisibleVolumeID: e.VisibleID, VolumeID: e.VisibleID,
		})
	}
	return out
}

// exportsList: one entry per snapshot and location.
func exportsList(_ context.Context, c *cluster.Cluster, _ noArguments) (exportsAnswer, error) {
	return exportsOf(c.Exports()), nil
}

// volumeExportsList: one entry per volume and cluster.
func volumeExportsList(_ context.Context, c *cluster.Cluster, _ noArguments) (exportsAnswer, error) {
	return exportsOf(c.VolumeExports()), nil
}

// remoteObject is a snapshot of another location, or a volume of another cluster, that is exported to us.
type remoteObject struct {
	Name                       string            `json:"name"`
	Location                   string            `json:"location"`
	RemoteID                   string            `json:"remoteId"`
	Size                       int64             `json:"size"`
	CreationTimestamp          int64             `json:"creationTimestamp"`
	Tags                       map[string]string `json:"tags"`
	OnVolume                   string            `json:"onVolume,omitempty"`
	LocalSnapshot              string            `json:"localSnapshot,omitempty"`
	CreatedFromGlobalID        string            `json:"createdFromGlobalId"`
	CreatedFromVisibleVolumeID int64             `json:"createdFromVisibleVolumeId"`
}

func remoteObjectsOf(all []cluster.RemoteObject) []remoteObject {
	out := []remoteObject{}
	for _, r := range all {
		out = append(out, remoteObject{
			Name: r.Name, Location: r.Location, RemoteID: r.GlobalID, Size: r.Size, CreationTimestamp: r.Created,
			Tags: r.Tags.Map(), OnVolume: r.OnVolume, LocalSnapshot: r.LocalSnapshot,
			CreatedFromGlobalID: r.CreatedFrom, CreatedFromVisibleVolumeID: r.CreatedFromID,
		})
	}
	return out
}

// remoteSnapshots is the data of SnapshotsRemoteList.
type remoteSnapshots struct {
	Snapshots []remoteObject `json:"snapshots"`
}

func snapshotsRemoteList(_ context.Context, c *cluster.Cluster, _ noArguments) (remoteSnapshots, error) {
	return remoteSnapshots{remoteObjectsOf(c.RemoteSnapshots())}, nil
}

// remoteVolumes is the data of VolumesRemoteList.
type remoteVolumes struct {
	Volumes []remoteObject `json:"volumes"`
}

func volumesRemoteList(_ context.Context, c *cluster.Cluster, _ noArguments) (remoteVolumes, error) {
	return remoteVolumes{remoteObjectsOf(c.RemoteVolumes())}, nil
}

type snapshotExportArguments struct {
	Snapshot cluster.Ref `sp:"snapshot,required"`
	Location string      `sp:"location,required"`
}

func (q snapshotExportArguments) about() subject { return subject{refs: []cluster.Ref{q.Snapshot}} }

// snapshotExport: storpool-api 10.
func snapshotExport(_ context.Context, c *cluster.Cluster, q snapshotExportArguments) (apiOK, error) {
	return ok(c, c.SnapshotExport(q.Snapshot, q.Location))
}

type snapshotUnexportArguments struct {
	Snapshot cluster.Ref `sp:"snapshot,required"`
	Location string      `sp:"location"`
	All      bool        `sp:"all"`
	Force    bool        `sp:"force"`
}

func (q snapshotUnexportArguments) about() subject { return subject{refs: []cluster.Ref{q.Snapshot}} }

// snapshotUnexport: storpool-api 10.
func snapshotUnexport(_ context.Context, c *cluster.Cluster, q snapshotUnexportArguments) (apiOK, error) {
	return ok(c, c.SnapshotUnexport(q.Snapshot, cluster.Unexport{Location: q.Location, All: q.All, Force: q.Force}))
}

// fromRemoteArguments say what to copy from where, and how to keep it.
type fromRemoteArguments struct {
	RemoteID       string `sp:"remoteId,required"`
	RemoteLocation string `sp:"remoteLocation,required"`
	Template       string `sp:"template"`
	Replication    *int   `sp:"replication"`
	PlaceAll       string `sp:"placeAll"`
	PlaceTail      string `sp:"placeTail"`
	PlaceHead      string `sp:"placeHead"`
	Tags           tagMap `sp:"tags"`
	Export         bool   `sp:"export"`
}

func (q fromRemoteArguments) spec(name string) cluster.RemoteSpec {
	return cluster.RemoteSpec{
		GlobalID: strings.TrimPrefix(q.RemoteID, "~"), Location: q.RemoteLocation, Name: name, Template: q.Template,
		Policy: cluster.Policy{
			Replication: q.Replication, PlaceAll: q.PlaceAll, PlaceTail: q.PlaceTail, PlaceHead: q.PlaceHead,
		},
		Tags: q.Tags, Export: q.Export,
	}
}

type snapshotFromRemoteArguments struct {
	fromRemoteArguments
	Name string `sp:"name"`
}

// about names the copy: by its global id, which is that of the original.
func (q snapshotFromRemoteArguments) about() subject {
	return subject{tags: q.Tags, names: []string{q.Name, "~" + q.RemoteID}}
}

// snapshotFromRemote: storpool-api 10.
func snapshotFromRemote(_ context.Context, c *cluster.Cluster, q snapshotFromRemoteArguments) (apiOK, error) {
	return ok(c, c.SnapshotFromRemote(q.spec(q.Name)))
}

type volumeFromRemoteArguments struct {
	fromRemoteArguments
	Name string `sp:"name,required"`
}

func (q volumeFromRemoteArguments) about() subject {
	return subject{tags: q.Tags, names: []string{q.Name, "~" + q.RemoteID}}
}

// volumeFromRemote: storpool-api 10.
func volumeFromRemote(_ context.Context, c *cluster.Cluster, q volumeFromRemoteArguments) (apiOK, error) {
	return ok(c, c.VolumeFromRemote(q.spec(q.Name)))
}

// snapshotReconcile: storpool-api 10.
func snapshotReconcile(_ context.Context, c *cluster.Cluster, q snapshotArguments) (apiOK, error) {
	return ok(c, c.SnapshotReconcile(q.Snapshot))
}

type volumeBackupArguments struct {
	In       scope
	Volume   cluster.Ref `sp:"volume,required"`
	Location string      `sp:"location,required"`
	Tags     tagMap      `sp:"tags"`
}

func (q volumeBackupArguments) about() subject {
	return subject{refs: []cluster.Ref{q.Volume}, tags: q.Tags}
}

// volumeBackedUp is the data of VolumeBackup. The members of a created volume are part of its type and do not apply.
type volumeBackedUp struct {
	volumeCreatedBase
	RemoteID string `json:"remoteId"`
}

// volumeCreatedBase are the optional members that VolumeBackup has in common with VolumeCreate.
type volumeCreatedBase struct {
	apiOK
	Name     string `json:"name,omitempty"`
	GlobalID string `json:"globalId,omitempty"`
	AutoName string `json:"autoName,omitempty"`
}

// volumeBackup: storpool-api 10.
func volumeBackup(_ context.Context, c *cluster.Cluster, q volumeBackupArguments) (volumeBackedUp, error) {
	made, err := c.VolumesBackup(q.Location, cluster.GroupSpec{
		Volumes: []cluster.GroupVolume{{Volume: q.Volume}}, Tags: q.Tags, Anywhere: q.In.Multi,
	})
	done, err := ok(c, err)
	if err != nil {
		return volumeBackedUp{}, err
	}
	return volumeBackedUp{volumeCreatedBase: volumeCreatedBase{apiOK: done}, RemoteID: made[0].GlobalID}, nil
}

type groupBackupArguments struct {
	In       scope
	Volumes  []cluster.Ref `sp:"volumes"`
	Location string        `sp:"location,required"`
	Tags     tagMap        `sp:"tags"`
}

func (groupBackupArguments) atReceiver() {}

func (q groupBackupArguments) about() subject { return subject{refs: q.Volumes, tags: q.Tags} }

// groupBackup is the outcome for one volume.
type groupBackup struct {
	RemoteID         string `json:"remoteId"`
	SnapshotGlobalID string `json:"snapshotGlobalId"`
}

// groupBackups is the data of VolumesGroupBackup: by name of the volume. The type of the keys has no room for a tilde, so
// a nameless volume goes by its bare global id.
type groupBackups struct {
	apiOK
	Backups map[string]groupBackup `json:"backups"`
}

// volumesGroupBackup: storpool-api 10.
func volumesGroupBackup(_ context.Context, c *cluster.Cluster, q groupBackupArguments) (groupBackups, error) {
	spec := cluster.GroupSpec{Tags: q.Tags, Anywhere: q.In.Multi}
	for _, v := range q.Volumes {
		spec.Volumes = append(spec.Volumes, cluster.GroupVolume{Volume: v})
	}
	made, err := c.VolumesBackup(q.Location, spec)
	done, err := ok(c, err)
	if err != nil {
		return groupBackups{}, err
	}
	out := groupBackups{apiOK: done, Backups: map[string]groupBackup{}}
	for _, b := range made {
		out.Backups[strings.TrimPrefix(b.Volume, "~")] = groupBackup{RemoteID: b.GlobalID, SnapshotGlobalID: b.GlobalID}
	}
	return out, nil
}

type remoteUnexportItem struct {
	scheduleArguments
	Location string `sp:"location,required"`
	GlobalID string `sp:"globalSnapshotId,required"`
}

type remoteUnexportArguments struct {
	Snapshots []remoteUnexportItem `sp:"remoteSnapshots"`
}

func (q remoteUnexportArguments) about() subject {
	var s subject
	for _, i := range q.Snapshots {
		s.names = append(s.names, "~"+i.GlobalID)
	}
	return s
}

// snapshotsRemoteUnexport: storpool-api 10.
func snapshotsRemoteUnexport(_ context.Context, c *cluster.Cluster, q remoteUnexportArguments) (apiOK, error) {
	items := make([]cluster.RemoteUnexport, len(q.Snapshots))
	for n, i := range q.Snapshots {
		items[n] = cluster.RemoteUnexport{
			Location: i.Location, GlobalID: strings.TrimPrefix(i.GlobalID, "~"), Schedule: i.schedule(),
		}
	}
	return ok(c, c.SnapshotsRemoteUnexport(items))
}
