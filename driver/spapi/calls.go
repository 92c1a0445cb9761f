package spapi

import (
	"context"
	"errors"
	"maps"
)

// VolumeCreate creates a volume in the cluster that is asked, or where its parent or source lives.
// again may be nil: then a call whose answer is lost is not repeated.
func (c *Client) VolumeCreate(ctx context.Context, r VolumeCreate, again *Again[VolumeCreated]) (VolumeCreated, error) {
	out, _, err := do(ctx, c, post("VolumeCreate").multi().with(r).creating(), again)
	return out, err
}

// VolumeUpdate changes a volume.
func (c *Client) VolumeUpdate(ctx context.Context, volume string, r VolumeUpdate) error {
	return change(ctx, c, post("VolumeUpdate").multi().of(volume).with(r))
}

// VolumeDelete deletes a volume; [ErrNotFound] when there is none.
func (c *Client) VolumeDelete(ctx context.Context, volume string, r VolumeDelete) error {
	return change(ctx, c, post("VolumeDelete").multi().of(volume).with(r))
}

// VolumeSnapshot takes a snapshot of a volume. again may be nil, as for [Client.VolumeCreate].
func (c *Client) VolumeSnapshot(ctx context.Context, volume string, r VolumeSnapshot, again *Again[SnapshotCreated]) (SnapshotCreated, error) {
	out, _, err := do(ctx, c, post("VolumeSnapshot").multi().of(volume).with(r).creating(), again)
	return out, err
}

// VolumesGroupSnapshot takes snapshots of several volumes at one instant. again may be nil, as for [Client.VolumeCreate].
func (c *Client) VolumesGroupSnapshot(ctx context.Context, r GroupSnapshot, again *Again[GroupCreated]) (GroupCreated, error) {
	out, _, err := do(ctx, c, post("VolumesGroupSnapshot").multi().with(r).creating(), again)
	return out, err
}

// VolumeRevert takes a detached volume back to a snapshot.
func (c *Client) VolumeRevert(ctx context.Context, volume string, r VolumeRevert) error {
	return change(ctx, c, post("VolumeRevert").multi().of(volume).with(r))
}

// VolumesReassign changes attachments, all or nothing, and does not wait for the clients.
func (c *Client) VolumesReassign(ctx context.Context, items ...Reassign) error {
	return change(ctx, c, post("VolumesReassign").multi().with(items))
}

// VolumesReassignWait changes attachments, all or nothing, and waits for the clients.
func (c *Client) VolumesReassignWait(ctx context.Context, r ReassignWait) error {
	return change(ctx, c, post("VolumesReassignWait").multi().with(r))
}

// SnapshotDelete deletes a snapshot that is not attached; [ErrNotFound] when there is none, [ErrExported] while exported.
func (c *Client) SnapshotDelete(ctx context.Context, snapshot string) error {
	return change(ctx, c, post("SnapshotDelete").multi().of(snapshot))
}

// SnapshotUpdate changes a snapshot and returns the id of the cluster in which it lives, empty when StorPool does not say.
func (c *Client) SnapshotUpdate(ctx context.Context, snapshot string, r SnapshotUpdate) (clusterID string, err error) {
	_, env, err := do[done](ctx, c, post("SnapshotUpdate").multi().of(snapshot).with(r), nil)
	return env.ClusterID, err
}

// Volume returns one volume; [ErrNotFound] when there is none.
func (c *Client) Volume(ctx context.Context, volume string) (Volume, error) {
	return one[Volume](ctx, c, get("Volume").multi().of(volume))
}

// Snapshot returns one snapshot; [ErrNotFound] when there is none.
func (c *Client) Snapshot(ctx context.Context, snapshot string) (Snapshot, error) {
	return one[Snapshot](ctx, c, get("Snapshot").multi().of(snapshot))
}

// one makes one value of the list of one that StorPool answers.
func one[T any](ctx context.Context, c *Client, q call) (T, error) {
	list, err := data[[]T](ctx, c, q)
	if err == nil && len(list) != 1 {
		err = &AnswerError{Call: q.name, Object: q.arg, Status: 200, Err: errors.New("not exactly one entry")}
	}
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}

// VolumesList lists the volumes of all clusters.
func (c *Client) VolumesList(ctx context.Context) ([]Volume, error) {
	return data[[]Volume](ctx, c, get("VolumesList").multi())
}

// SnapshotsList lists the snapshots of all clusters, those being deleted included.
func (c *Client) SnapshotsList(ctx context.Context) ([]Snapshot, error) {
	return data[[]Snapshot](ctx, c, get("SnapshotsList").multi())
}

// VolumesTagged lists the volumes that carry all of tags.
func (c *Client) VolumesTagged(ctx context.Context, tags Tags) ([]Volume, error) {
	list, err := c.VolumesList(ctx)
	return keep(list, func(v Volume) bool { return v.Tags.has(tags) }), err
}

// SnapshotsTagged lists the snapshots that carry all of tags and are not being deleted.
func (c *Client) SnapshotsTagged(ctx context.Context, tags Tags) ([]Snapshot, error) {
	list, err := c.SnapshotsList(ctx)
	return keep(list, func(s Snapshot) bool { return !s.Gone() && s.Tags.has(tags) }), err
}

func keep[T any](list []T, match func(T) bool) []T {
	var out []T
	for _, v := range list {
		if match(v) {
			out = append(out, v)
		}
	}
	return out
}

func (t Tags) has(want Tags) bool {
	for name, value := range want {
		if t[name] != value {
			return false
		}
	}
	return true
}

// Clone returns a copy that may be changed; it is never nil.
func (t Tags) Clone() Tags {
	if t == nil {
		return Tags{}
	}
	return maps.Clone(t)
}

// AttachmentsList lists what is attached where, in all clusters.
func (c *Client) AttachmentsList(ctx context.Context) ([]Attachment, error) {
	return data[[]Attachment](ctx, c, get("AttachmentsList").multi())
}

// VolumeTemplateDescribe returns a template; [ErrNotFound] when there is none.
func (c *Client) VolumeTemplateDescribe(ctx context.Context, template string) (Template, error) {
	return data[Template](ctx, c, get("VolumeTemplateDescribe").of(template))
}

// ServicesList returns the services of the cluster that is asked.
func (c *Client) ServicesList(ctx context.Context) (Services, error) {
	return data[Services](ctx, c, get("ServicesList"))
}

// LocationsList lists the locations that the cluster knows, its own included.
func (c *Client) LocationsList(ctx context.Context) ([]Location, error) {
	out, err := data[struct {
		Locations []Location `json:"locations"`
	}](ctx, c, get("LocationsList"))
	return out.Locations, err
}

// ClustersList lists the clusters that the cluster knows.
func (c *Client) ClustersList(ctx context.Context) ([]Cluster, error) {
	out, err := data[struct {
		Clusters []Cluster `json:"clusters"`
	}](ctx, c, get("ClustersList"))
	return out.Clusters, err
}

// SnapshotExport lets a remote location read a snapshot of the cluster that is asked.
func (c *Client) SnapshotExport(ctx context.Context, r SnapshotExport) error {
	return change(ctx, c, post("SnapshotExport").with(r))
}

// SnapshotUnexport takes an export back.
func (c *Client) SnapshotUnexport(ctx context.Context, r SnapshotUnexport) error {
	return change(ctx, c, post("SnapshotUnexport").with(r))
}

// SnapshotFromRemote copies a snapshot that a remote location exports; [ErrExists] when it is here already.
func (c *Client) SnapshotFromRemote(ctx context.Context, r SnapshotFromRemote) error {
	return change(ctx, c, post("SnapshotFromRemote").with(r))
}

// SnapshotReconcile makes a copied snapshot a member of this cluster.
func (c *Client) SnapshotReconcile(ctx context.Context, snapshot string) error {
	return change(ctx, c, post("SnapshotReconcile").of(snapshot))
}

// AllSnapshots lists the snapshots of each cluster.
func (c *Client) AllSnapshots(ctx context.Context) ([]ByCluster[Snapshot], error) {
	return every[Snapshot](ctx, c, "SnapshotsList")
}

// AllVolumesSpace lists the space figures of the volumes of each cluster.
func (c *Client) AllVolumesSpace(ctx context.Context) ([]ByCluster[VolumeSpace], error) {
	return every[VolumeSpace](ctx, c, "VolumesSpace")
}

// AllTemplatesStatus lists the room of the templates of each cluster.
func (c *Client) AllTemplatesStatus(ctx context.Context) ([]ByCluster[TemplateStatus], error) {
	return every[TemplateStatus](ctx, c, "VolumeTemplatesStatus")
}

// perCluster is the data of a call under AllClusters/.
type perCluster[T any] struct {
	Clusters []struct {
		ClusterID   string `json:"clusterId"`
		ClusterName string `json:"clusterName"`
		Response    *struct {
			Data []T `json:"data"`
		} `json:"response"`
		Error *wireError `json:"error"`
	} `json:"clusters"`
}

func every[T any](ctx context.Context, c *Client, name string) ([]ByCluster[T], error) {
	answer, err := data[perCluster[T]](ctx, c, get(name).all())
	if err != nil {
		return nil, err
	}
	out := make([]ByCluster[T], len(answer.Clusters))
	for i, from := range answer.Clusters {
		to := &out[i]
		to.ClusterID, to.ClusterName = from.ClusterID, from.ClusterName
		switch {
		case from.Error != nil:
			to.Err = &Error{Name: from.Error.Name, Descr: from.Error.Descr, Transient: from.Error.Transient, Call: name, Object: to.ClusterID, Status: 200}
		case from.Response == nil:
			to.Err = &AnswerError{Call: name, Object: to.ClusterID, Status: 200, Err: errors.New("neither response nor error")}
		default:
			to.Data = from.Response.Data
		}
	}
	return out, nil
}

// ClusterID returns the id of the cluster that answers, empty when it does not say.
func (c *Client) ClusterID(ctx context.Context) (string, error) {
	_, env, err := do[[]Attachment](ctx, c, get("AttachmentsList").multi(), nil)
	return env.ClusterID, err
}
