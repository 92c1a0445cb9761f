package emulator

import (
	"context"

	"github.com/spsim/spsim/emulator/cluster"
)

type templateArguments struct {
	Template string `sp:"templateName,path"`
}

func (q templateArguments) about() subject { return subject{names: []string{q.Template}} }

type templateCreateArguments struct {
	policyArguments
	Name   string      `sp:"name,required"`
	Size   *int64      `sp:"size"`
	Parent cluster.Ref `sp:"parent"`
	Tags   tagMap      `sp:"tags,ignored"`
}

func (q templateCreateArguments) about() subject { return subject{names: []string{q.Name}} }

// templateCreate: storpool-api 8.
func templateCreate(_ context.Context, c *cluster.Cluster, q templateCreateArguments) (apiOK, error) {
	return ok(c, c.TemplateCreate(cluster.TemplateSpec{
		Name: q.Name, Size: q.Size, Parent: q.Parent, Policy: q.policy(),
	}))
}

type templateUpdateArguments struct {
	templateArguments
	policyArguments
	Rename    string      `sp:"rename"`
	Size      *int64      `sp:"size"`
	Parent    cluster.Ref `sp:"parent"`
	Propagate bool        `sp:"propagate"`
	Tags      tagMap      `sp:"tags,ignored"`
}

// templateUpdate: existing objects follow only with propagate.
func templateUpdate(_ context.Context, c *cluster.Cluster, q templateUpdateArguments) (apiOK, error) {
	return ok(c, c.TemplateUpdate(q.Template, cluster.TemplateChange{
		Rename: q.Rename, Size: q.Size, Parent: q.Parent, Policy: q.policy(), Propagate: q.Propagate,
	}))
}

// templateDelete: objects keep their settings and lose the link.
func templateDelete(_ context.Context, c *cluster.Cluster, q templateArguments) (apiOK, error) {
	return ok(c, c.TemplateDelete(q.Template))
}

func templatesList(_ context.Context, c *cluster.Cluster, _ noArguments) ([]template, error) {
	out := []template{}
	for _, t := range c.Templates() {
		out = append(out, templateOf(t))
	}
	return out, nil
}

// templateDescribe answers an object, not an array.
func templateDescribe(_ context.Context, c *cluster.Cluster, q templateArguments) (template, error) {
	t, err := c.Template(q.Template)
	if err != nil {
		return template{}, err
	}
	return templateOf(t), nil
}

func templateOf(t cluster.Template) template {
	return template{
		ID: t.ID, Name: t.Name, ParentName: t.ParentName, Size: dashed(t.Size),
		Replication: dashed(int64(t.Replication)), ReuseServer: t.ReuseServer,
		placement: placement{PlaceAll: t.PlaceAll, PlaceTail: t.PlaceTail, PlaceHead: t.PlaceHead},
		limits:    limits{Bw: dashed(int64(t.BW)), Iops: dashed(int64(t.IOPS)), LimitType: "total"},
	}
}

// templatesStatus: usage and capacity of every template.
func templatesStatus(_ context.Context, c *cluster.Cluster, _ noArguments) ([]templateStatus, error) {
	out := []templateStatus{}
	for _, t := range c.TemplateStatus() {
		out = append(out, templateStatusOf(t))
	}
	return out, nil
}

func templateStatusOf(t cluster.TemplateStatus) templateStatus {
	return templateStatus{
		ID: t.ID, Name: t.Name, Replication: dashed(int64(t.Replication)),
		placement:    placement{PlaceAll: t.PlaceAll, PlaceTail: t.PlaceTail, PlaceHead: t.PlaceHead},
		VolumesCount: t.VolumesCount, SnapshotsCount: t.SnapshotsCount, RemovingSnapshotsCount: t.RemovingSnapshotsCount,
		Size: t.Size, TotalSize: t.TotalSize, StoredSize: t.StoredSize, OnDiskSize: t.OnDiskSize,
		VolumesSize: t.VolumesSize, SnapshotsWithChildrenSize: t.SnapshotsWithChildrenSize,
		SnapshotsWithoutChildrenSize: t.SnapshotsWithoutChildrenSize,
		AvailablePlaceAll:            t.All.Available, CapacityPlaceAll: t.All.Capacity,
		AvailablePlaceTail: t.Tail.Available, CapacityPlaceTail: t.Tail.Capacity,
		AvailablePlaceHead: t.Head.Available, CapacityPlaceHead: t.Head.Capacity,
		Stored: spaceEstimate{
			spaceEntry: spaceOf(t.Stored),
			PlaceAll:   spaceOf(t.All.Stored),
			PlaceTail:  spaceOf(t.Tail.Stored),
			PlaceHead:  spaceOf(t.Head.Stored),
		},
	}
}

// spaceOf fills the debugging figures with capacity, free and used bytes; only their presence is known
// (storpool-api A.12).
func spaceOf(e cluster.Estimate) spaceEntry {
	return spaceEntry{
		Capacity: e.Capacity, Free: e.Free,
		Internal: spaceInternal{U1: e.Capacity, U2: e.Free, U3: e.Capacity - e.Free},
	}
}
