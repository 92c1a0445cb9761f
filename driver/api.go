package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// tagOperation marks every object with the operation that made it: a repeated create looks it up, and so does Reconcile.
const tagOperation = "op"

// markOperation adds the operation's tag.
func markOperation(tags spapi.Tags, op string) spapi.Tags {
	tags = tags.Clone()
	tags[tagOperation] = op
	return tags
}

// made is what an operation has made on StorPool.
type made struct {
	volumes   []string // global ids
	snapshots []string
	doubtful  []inventory.ID // pools where a call ended without an answer
}

// doubt notes that a call on c ended without an answer, so that what it asked for may come to exist even later.
func (o *op) doubt(c *conn) func() {
	return func() {
		if o.tagged(nil)[tagOperation] != "" && !slices.Contains(o.made.doubtful, c.pool.ID) {
			o.made.doubtful = append(o.made.doubtful, c.pool.ID)
		}
	}
}

// tagged adds the operation's tag, where the rules want it.
func (o *op) tagged(tags spapi.Tags) spapi.Tags { return o.d.rules.markOperation(tags, o.id) }

// makeVolume creates a volume that carries the operation's tag, and returns its global id.
func (o *op) makeVolume(ctx context.Context, c *conn, r spapi.VolumeCreate) (string, error) {
	r.Tags = o.tagged(r.Tags)
	out, err := c.VolumeCreate(ctx, r, &spapi.Again[spapi.VolumeCreated]{Doubt: o.doubt(c), Lookup: o.findVolume(c, r)})
	if err != nil {
		return "", err
	}
	id, err := o.d.rules.volumeID(out)
	if err != nil {
		o.doubt(c)()
		return "", err
	}
	o.made.volumes = append(o.made.volumes, id)
	return id, nil
}

// makeSnapshot takes a snapshot that carries the operation's tag, and returns its global id.
func (o *op) makeSnapshot(ctx context.Context, c *conn, volume string, r spapi.VolumeSnapshot) (string, error) {
	r.Tags = o.tagged(r.Tags)
	out, err := c.VolumeSnapshot(ctx, volume, r,
		&spapi.Again[spapi.SnapshotCreated]{Doubt: o.doubt(c), Lookup: o.findSnapshot(c, r.Tags)})
	if err != nil {
		return "", err
	}
	id, err := o.d.rules.snapshotID(out)
	if err != nil {
		o.doubt(c)()
		return "", err
	}
	o.made.snapshots = append(o.made.snapshots, id)
	return id, nil
}

// findVolume looks for the volume of a create whose answer was lost; nil without an operation's tag to look for.
func (o *op) findVolume(c *conn, r spapi.VolumeCreate) func(context.Context) (spapi.VolumeCreated, bool, error) {
	if r.Tags[tagOperation] == "" {
		return nil
	}
	return func(ctx context.Context) (spapi.VolumeCreated, bool, error) {
		list, err := c.VolumesTagged(ctx, stored(r.Tags))
		for _, v := range list {
			if !slices.Contains(o.made.volumes, v.GlobalID) && (r.Parent == "" || v.ParentName == r.Parent) {
				return spapi.VolumeCreated{Name: v.Name, GlobalID: v.GlobalID}, true, nil
			}
		}
		return spapi.VolumeCreated{}, false, err
	}
}

// findSnapshot is findVolume for snapshots.
func (o *op) findSnapshot(c *conn, tags spapi.Tags) func(context.Context) (spapi.SnapshotCreated, bool, error) {
	if tags[tagOperation] == "" {
		return nil
	}
	return func(ctx context.Context) (spapi.SnapshotCreated, bool, error) {
		list, err := c.SnapshotsTagged(ctx, stored(tags))
		for _, s := range list {
			if !slices.Contains(o.made.snapshots, s.GlobalID) {
				return spapi.SnapshotCreated{SnapshotGlobalID: s.GlobalID}, true, nil
			}
		}
		return spapi.SnapshotCreated{}, false, err
	}
}

// stored drops the tags that StorPool does not keep.
func stored(tags spapi.Tags) spapi.Tags {
	out := spapi.Tags{}
	for name, value := range tags {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// createVolume is the step that creates a volume; its undo deletes it, known or not.
func (o *op) createVolume(ctx context.Context, name string, c *conn, r spapi.VolumeCreate) (string, error) {
	return step(ctx, o, name,
		func(ctx context.Context) (string, error) { return o.makeVolume(ctx, c, r) }, o.dropVolumes(c))
}

// createSnapshot is the step that takes a snapshot of a volume; its undo deletes it, known or not.
func (o *op) createSnapshot(ctx context.Context, name string, c *conn, volume string, r spapi.VolumeSnapshot) (string, error) {
	return step(ctx, o, name,
		func(ctx context.Context) (string, error) { return o.makeSnapshot(ctx, c, volume, r) }, o.dropSnapshots(c))
}

// dropVolumes deletes the volumes that the operation has made, those of lost answers included.
func (o *op) dropVolumes(c *conn) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, id := range o.made.volumes {
			errs = append(errs, deleteVolume(ctx, c, "~"+id))
		}
		o.made.volumes = nil
		if slices.Contains(o.made.doubtful, c.pool.ID) {
			errs = append(errs, dropTagged(ctx, c, o.id, nil))
		}
		return errors.Join(errs...)
	}
}

// dropSnapshots deletes the snapshots that the operation has made, those of lost answers included.
func (o *op) dropSnapshots(c *conn) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, id := range o.made.snapshots {
			errs = append(errs, missingIsFine(deleteSnapshot(ctx, c, "~"+id)))
		}
		o.made.snapshots = nil
		if slices.Contains(o.made.doubtful, c.pool.ID) {
			errs = append(errs, dropTagged(ctx, c, o.id, nil))
		}
		return errors.Join(errs...)
	}
}

// dropTagged deletes what carries an operation's tag, but for what keep accepts (by global id).
func dropTagged(ctx context.Context, c *conn, op string, keep func(id string) bool) error {
	if op == "" {
		return nil
	}
	want := spapi.Tags{tagOperation: op}
	volumes, err := c.VolumesTagged(ctx, want)
	errs := []error{err}
	snapshots, err := c.SnapshotsTagged(ctx, want)
	errs = append(errs, err)
	for _, v := range volumes {
		if keep == nil || !keep(v.GlobalID) {
			errs = append(errs, deleteVolume(ctx, c, "~"+v.GlobalID))
		}
	}
	for _, s := range snapshots {
		if keep == nil || !keep(s.GlobalID) {
			errs = append(errs, missingIsFine(deleteSnapshot(ctx, c, "~"+s.GlobalID)))
		}
	}
	return errors.Join(errs...)
}

// deleteVolume deletes a volume, attached or not; one that is missing is deleted.
func deleteVolume(ctx context.Context, c *conn, name string) error {
	return missingIsFine(c.VolumeDelete(ctx, name, spapi.VolumeDelete{OnAttached: spapi.DetachForce}))
}

// deleteSnapshot detaches a snapshot everywhere and deletes it (driver-management 4.3, SDEL). A name is required.
func deleteSnapshot(ctx context.Context, c *conn, name string) error {
	if name == "" {
		return fmt.Errorf("delete snapshot: %w", ErrNotOnStorPool)
	}
	if err := c.VolumesReassign(ctx, spapi.Reassign{Snapshot: name, Detach: spapi.Everybody(), Force: true}); err != nil {
		return err
	}
	return c.SnapshotDelete(ctx, name)
}

// missingIsFine turns "does not exist" into success.
func missingIsFine(err error) error {
	if errors.Is(err, spapi.ErrNotFound) {
		return nil
	}
	return err
}
