package check

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/spapi"
)

// OverAPI lists objects and attachments through the StorPool API, for targets that are not in this process.
func OverAPI(ctx context.Context, c *spapi.Client) ([]Object, []Attachment, error) {
	volumes, err := c.VolumesList(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list volumes: %w", err)
	}
	snapshots, err := c.SnapshotsList(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list snapshots: %w", err)
	}
	list, err := c.AttachmentsList(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list attachments: %w", err)
	}
	var objects []Object
	for _, v := range volumes {
		objects = append(objects, object(v))
	}
	for _, s := range snapshots {
		if s.Gone() {
			continue
		}
		x := object(s.Volume)
		x.Snapshot, x.Transient = true, s.Transient
		objects = append(objects, x)
	}
	var attachments []Attachment
	for _, a := range list {
		attachments = append(attachments, Attachment{GlobalID: a.GlobalID, Client: a.Client, ReadWrite: a.Rights == "rw"})
	}
	return objects, attachments, nil
}

func object(v spapi.Volume) Object {
	return Object{
		GlobalID: v.GlobalID, Size: v.Size, Template: v.TemplateName, IOPS: v.IOPS.Value, Parent: v.ParentName, Tags: v.Tags,
	}
}
