package emulator

import (
	"context"
	"slices"

	"github.com/spsim/spsim/emulator/cluster"
)

// ok is the answer of a change that has nothing else to say.
func ok(c *cluster.Cluster, err error) (apiOK, error) {
	if err != nil {
		return apiOK{}, err
	}
	return apiOK{OK: true, Generation: c.Generation()}, nil
}

// volumeArguments is the request of a call on one volume.
type volumeArguments struct {
	In     scope
	Volume cluster.Ref `sp:"volumeName,path"`
}

func (q volumeArguments) about() subject { return subject{refs: []cluster.Ref{q.Volume}} }

type volumeCreateArguments struct {
	policyArguments
	Name     string      `sp:"name"`
	Size     *int64      `sp:"size"`
	Template string      `sp:"template"`
	Parent   cluster.Ref `sp:"parent"`
	BaseOn   cluster.Ref `sp:"baseOn"`
	Tags     tagMap      `sp:"tags"`
}

func (q volumeCreateArguments) about() subject {
	s := subject{tags: q.Tags, names: []string{q.Name}}
	for _, ref := range []cluster.Ref{q.Parent, q.BaseOn} {
		if ref != "" {
			s.refs = append(s.refs, ref)
		}
	}
	return s
}

// volumeCreate: storpool-api 6.2.
func volumeCreate(_ context.Context, c *cluster.Cluster, q volumeCreateArguments) (volumeCreated, error) {
	v, err := c.VolumeCreate(cluster.VolumeSpec{
		Name: q.Name, Size: q.Size, Template: q.Template, Parent: q.Parent, BaseOn: q.BaseOn,
		Policy: q.policy(), Tags: q.Tags,
	})
	done, err := ok(c, err)
	if err != nil {
		return volumeCreated{}, err
	}
	return volumeCreated{apiOK: done, Name: v.Name, GlobalID: v.GlobalID, AutoName: v.AutoName}, nil
}

type volumeUpdateArguments struct {
	volumeArguments
	policyArguments
	Rename   *string `sp:"rename"`
	Size     *int64  `sp:"size"`
	SizeAdd  *int64  `sp:"sizeAdd"`
	ShrinkOK bool    `sp:"shrinkOk"`
	Template string  `sp:"template"`
	Tags     tagMap  `sp:"tags"`
}

// volumeUpdate: storpool-api 6.3.
func volumeUpdate(_ context.Context, c *cluster.Cluster, q volumeUpdateArguments) (apiOK, error) {
	return ok(c, c.VolumeUpdate(q.Volume, cluster.VolumeChange{
		Rename: q.Rename, Size: q.Size, SizeAdd: q.SizeAdd, ShrinkOK: q.ShrinkOK, Template: q.Template,
		Policy: q.policy(), Tags: q.Tags,
	}))
}

type volumeDeleteArguments struct {
	volumeArguments
	OnAttached onAttachedArgument `sp:"onAttached"`
}

// volumeDelete: storpool-api 6.5.
func volumeDelete(_ context.Context, c *cluster.Cluster, q volumeDeleteArguments) (apiOK, error) {
	return ok(c, c.VolumeDelete(q.Volume, cluster.OnAttached(q.OnAttached)))
}

type volumeRevertArguments struct {
	volumeArguments
	ToSnapshot cluster.Ref `sp:"toSnapshot,required"`
	RevertSize bool        `sp:"revertSize"`
}

// volumeRevert: storpool-api 6.6.
func volumeRevert(_ context.Context, c *cluster.Cluster, q volumeRevertArguments) (apiOK, error) {
	if q.In.Multi {
		return ok(c, c.VolumeRevertAnywhere(q.Volume, q.ToSnapshot, q.RevertSize))
	}
	return ok(c, c.VolumeRevert(q.Volume, q.ToSnapshot, q.RevertSize))
}

type volumeFreezeArguments struct {
	volumeArguments
	scheduleArguments
}

// volumeFreeze: storpool-api 6.7.
func volumeFreeze(_ context.Context, c *cluster.Cluster, q volumeFreezeArguments) (apiOK, error) {
	return ok(c, c.VolumeFreeze(q.Volume, q.schedule()))
}

type volumeRebaseArguments struct {
	volumeArguments
	Parent cluster.Ref `sp:"parentName"`
}

// volumeRebase: storpool-api 6.7.
func volumeRebase(_ context.Context, c *cluster.Cluster, q volumeRebaseArguments) (apiOK, error) {
	return ok(c, c.VolumeRebase(q.Volume, q.Parent))
}

type abandonDiskArguments struct {
	Volume cluster.Ref `sp:"volumeName,path"`
	Disk   int         `sp:"diskId,required"`
}

func (q abandonDiskArguments) about() subject { return subject{refs: []cluster.Ref{q.Volume}} }

// volumeAbandonDisk serves volumes and snapshots alike, since both use the same query.
func volumeAbandonDisk(_ context.Context, c *cluster.Cluster, q abandonDiskArguments) (apiOK, error) {
	return ok(c, c.VolumeAbandonDisk(q.Volume, q.Disk))
}

// volumesList: every volume, no snapshot.
func volumesList(_ context.Context, c *cluster.Cluster, q listArguments) (entries[volumeSummary], error) {
	l := c.Volumes()
	return entries[volumeSummary]{in: q.In, seq: l.All(), count: l.Len()}, nil
}

// volumeGet answers an array of exactly one element.
func volumeGet(_ context.Context, c *cluster.Cluster, q volumeArguments) (entries[volumeSummary], error) {
	o, err := c.Volume(q.Volume)
	if err != nil {
		return entries[volumeSummary]{}, err
	}
	return entries[volumeSummary]{in: q.In, only: o, count: 1}, nil
}

// volumeListSnapshots: the chain of parents, nearest first.
func volumeListSnapshots(_ context.Context, c *cluster.Cluster, q volumeArguments) (entries[snapshotSummary], error) {
	chain, err := c.Ancestors(q.Volume)
	if err != nil {
		return entries[snapshotSummary]{}, err
	}
	return entries[snapshotSummary]{in: q.In, seq: slices.Values(chain), count: len(chain)}, nil
}
