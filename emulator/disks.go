package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/emulator/cluster"
)

type diskArguments struct {
	In   scope
	Disk int `sp:"diskId,path"`
}

func (q diskArguments) about() subject { return subject{names: []string{strconv.Itoa(q.Disk)}} }

// MarshalJSON writes one of the two shapes of a disk (storpool-api 14).
func (d diskSummary) MarshalJSON() ([]byte, error) {
	var shape any = d.base
	if d.up != nil {
		shape = d.up
	}
	text, err := json.Marshal(shape)
	if err != nil {
		return nil, fmt.Errorf("encode disk: %w", err)
	}
	return text, nil
}

func disksList(_ context.Context, c *cluster.Cluster, q listArguments) (map[int]diskSummary, error) {
	out := map[int]diskSummary{}
	for _, d := range c.Disks() {
		out[d.ID] = summaryOf(&d, q.In.At)
	}
	return out, nil
}

func summaryOf(d *cluster.Disk, now int64) diskSummary {
	s := diskSummary{base: baseOf(d)}
	if d.Up() {
		up := upDiskOf(d, now)
		s.up = &up
	}
	return s
}

func baseOf(d *cluster.Disk) diskBase {
	return diskBase{
		ID: d.ID, ServerID: d.Server, GenerationLeft: d.GenerationLeft, Model: d.Model, Serial: d.Serial,
		Description: d.Description, SSD: d.SSD, SoftEject: d.SoftEject,
	}
}

// upDiskOf shows a disk that is present; now is the cluster's time in UNIX seconds.
func upDiskOf(d *cluster.Disk, now int64) upDisk {
	const sector = 512
	return upDisk{
		diskBase: baseOf(d),
		allocation: allocation{
			AgCount: d.AGCount, AgAllocated: d.AGAllocated, AgFree: d.AGFree(), AgPartial: d.AGAllocated,
			EntriesCount: d.EntriesCount, EntriesAllocated: d.EntriesAllocated, EntriesFree: d.EntriesCount - d.EntriesAllocated,
			ObjectsCount: d.ObjectsCount, ObjectsAllocated: d.ObjectsAllocated, ObjectsFree: d.ObjectsCount - d.ObjectsAllocated,
			ObjectsOnDiskSize: d.OnDiskSize,
		},
		diskScrub: scrubOf(d.Scrub, now),
		Device:    d.Device, SectorsCount: d.Size / sector, Empty: d.ObjectsAllocated == 0,
	}
}

func scrubOf(s cluster.Scrub, now int64) diskScrub {
	out := diskScrub{LastScrubCompleted: s.Completed, ScrubbingPaused: s.Paused, Scrubbing: s.Started != 0 && !s.Paused}
	if s.Started != 0 {
		out.ScrubbingStartedBefore = now - s.Started
		out.ScrubbedBytes, out.ScrubbingBW, out.ScrubbingFinishAfter = s.Done, s.Rate(), s.Left()
	}
	if s.Paused {
		out.ScrubbingPausedFor = now - s.PausedAt
	}
	return out
}

// objectOK is the state of a 32 MiB object of which nothing is missing (storpool-api C).
const objectOK = 1

// presentDisk is a disk that is up.
func presentDisk(c *cluster.Cluster, q diskArguments) (upDisk, error) {
	d, err := c.Disk(q.Disk)
	if err != nil {
		return upDisk{}, err
	}
	if !d.Up() {
		return upDisk{}, &cluster.Error{
			Name: cluster.ObjectDoesNotExist, Descr: fmt.Sprintf("Disk '%d' is down", q.Disk),
		}
	}
	return upDiskOf(&d, q.In.At), nil
}

// diskDescribe lists the 32 MiB objects that hold data. Neither their generation nor the number of writes is kept.
func diskDescribe(_ context.Context, c *cluster.Cluster, q diskArguments) (diskDescription, error) {
	d, err := presentDisk(c, q)
	if err != nil {
		return diskDescription{}, err
	}
	all, err := c.DiskObjects(q.Disk)
	if err != nil {
		return diskDescription{}, err
	}
	out := diskDescription{upDisk: d, Objects: make(map[int64]diskObject, len(all))}
	for _, o := range all {
		id := o.Object.VisibleID<<32 | o.Index
		out.Objects[id] = diskObject{
			ObjectID: id, Volume: o.Object.Name, VolumeID: o.Object.VisibleID, ParentVolume: o.Object.ParentName(),
			Generation: 1, Version: 1, State: objectOK, StoredSize: o.Bytes, OnDiskSize: o.Bytes,
		}
	}
	return out, nil
}

// diskGetInfo tells what the disk holds of each volume and snapshot (storpool-api A.19).
func diskGetInfo(_ context.Context, c *cluster.Cluster, q diskArguments) (diskInfo, error) {
	d, err := presentDisk(c, q)
	if err != nil {
		return diskInfo{}, err
	}
	all, err := c.DiskVolumes(q.Disk)
	if err != nil {
		return diskInfo{}, err
	}
	out := diskInfo{upDisk: d, ObjectStates: map[int]int64{}, VolumeInfos: make(map[string]diskVolume, len(all))}
	key := uniqueKeys()
	for _, v := range all {
		out.ObjectStates[objectOK] += v.Objects
		out.VolumeInfos[key(v.Object)] = diskVolume{
			Name: v.Object.Name, StoredSize: v.Bytes, OnDiskSize: v.Bytes, ObjectsCount: v.Objects,
			ObjectStates: map[int]int64{objectOK: v.Objects},
		}
	}
	return out, nil
}

func diskActiveRequests(_ context.Context, c *cluster.Cluster, q diskArguments) (diskRequests, error) {
	if _, err := c.Disk(q.Disk); err != nil {
		return diskRequests{}, err
	}
	return diskRequests{DiskID: q.Disk, Requests: []activeRequest{}}, nil
}

func diskEject(_ context.Context, c *cluster.Cluster, q diskArguments) (apiOK, error) {
	return ok(c, c.DiskEject(q.Disk))
}

func diskForget(_ context.Context, c *cluster.Cluster, q diskArguments) (apiOK, error) {
	return ok(c, c.DiskForget(q.Disk))
}

func diskIgnore(_ context.Context, c *cluster.Cluster, q diskArguments) (apiOK, error) {
	return ok(c, c.DiskIgnore(q.Disk))
}

// diskRetrim has no effect: the disks of the emulator keep nothing to trim.
func diskRetrim(_ context.Context, c *cluster.Cluster, q diskArguments) (apiOK, error) {
	_, err := c.Disk(q.Disk)
	return ok(c, err)
}

// diskSoftEject makes the handler that sets the soft-eject state.
func diskSoftEject(state string) Handler[diskArguments, apiOK] {
	return func(_ context.Context, c *cluster.Cluster, q diskArguments) (apiOK, error) {
		return ok(c, c.DiskSoftEject(q.Disk, state))
	}
}

type diskDescriptionArguments struct {
	diskArguments
	Description string `sp:"description,required"`
}

func diskSetDescription(_ context.Context, c *cluster.Cluster, q diskDescriptionArguments) (apiOK, error) {
	return ok(c, c.DiskSetDescription(q.Disk, q.Description))
}

func diskScrubStart(_ context.Context, c *cluster.Cluster, q diskArguments) (apiOK, error) {
	return ok(c, c.DiskScrubStart(q.Disk))
}

// diskScrubPause makes the handler that pauses scrubbing or lets it go on.
func diskScrubPause(paused bool) Handler[diskArguments, apiOK] {
	return func(_ context.Context, c *cluster.Cluster, q diskArguments) (apiOK, error) {
		return ok(c, c.DiskScrubPause(q.Disk, paused))
	}
}
