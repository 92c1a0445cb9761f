package emulator

import (
	"context"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/spsim/spsim/emulator/cluster"
)

// vagID is the number of a volume allocation group, which has 64 bits.
type vagID uint64

func (v *vagID) fromJSON(src gjson.Result, at string) error {
	text := src.String()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || src.Type != gjson.Number && src.Type != gjson.String {
		return invalid("Invalid value of '%s': no volume allocation group", at)
	}
	*v = vagID(n)
	return nil
}

// vagOrParent is a volume allocation group, or 0 for that of the parent.
type vagOrParent uint64

func (v *vagOrParent) fromJSON(src gjson.Result, at string) error {
	if src.Type == gjson.String && src.String() == "parent" {
		*v = 0
		return nil
	}
	return (*vagID)(v).fromJSON(src, at)
}

type vagArguments struct {
	VAG vagID `sp:"vagName,path"`
}

// vagList describes one group, despite its name (storpool-api A.11).
func vagList(_ context.Context, c *cluster.Cluster, q vagArguments) (vag, error) {
	v, err := c.VAG(uint64(q.VAG))
	if err != nil {
		return vag{}, err
	}
	s := v.Settings
	return vag{
		VagID: v.ID, Name: v.ID, ParentVagID: v.ParentID,
		TemplateName: s.Template, TemplateID: s.TemplateID, Replication: s.Replication, ReuseServer: s.ReuseServer,
		placement:      placement{PlaceAll: s.PlaceAll, PlaceTail: s.PlaceTail, PlaceHead: s.PlaceHead},
		TargetDiskSets: arrays(v.Sets), Chains: arrays(v.Chains), Overrides: map[string][]int{},
		DiskSetsConstraintsViolated: v.Violated,
	}, nil
}

type volumeVAGArguments struct {
	volumeArguments
	VAG vagOrParent `sp:"vagId,required"`
}

func volumeUpdateVAG(_ context.Context, c *cluster.Cluster, q volumeVAGArguments) (apiOK, error) {
	return ok(c, c.VolumeUpdateVAG(q.Volume, uint64(q.VAG)))
}

type snapshotVAGArguments struct {
	snapshotArguments
	VAG vagOrParent `sp:"vagId,required"`
}

func snapshotUpdateVAG(_ context.Context, c *cluster.Cluster, q snapshotVAGArguments) (apiOK, error) {
	return ok(c, c.SnapshotUpdateVAG(q.Snapshot, uint64(q.VAG)))
}

type vagUpdateArguments struct {
	VAG     vagID `sp:"vagId,required"`
	Targets int   `sp:"targetsCount,required"`
}

func vagUpdate(_ context.Context, c *cluster.Cluster, q vagUpdateArguments) (apiOK, error) {
	return ok(c, c.VAGUpdate(uint64(q.VAG), q.Targets))
}
