package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// groupRevert is a VM that goes back to one of its snapshots.
type groupRevert struct {
	group
	steps  []revertPlan
	others []string          // volumes that are no members
	safety map[string]string // volume name => snapshot of how it was, by name
}

// RevertVMSnapshot takes the volumes of a stopped VM back to a VM snapshot, all of them or none; their rows get the sizes
// that they have then (driver-management 12.3). A volume that the VM got later or has lost since is left alone; the
// Notice of the result names those that it got.
func (d *Driver) RevertVMSnapshot(ctx context.Context, id inventory.ID) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfVMSnapshot, id)
	if err != nil {
		return res, err
	}
	defer unlock()
	r, release, err := d.planGroupRevert(ctx, id)
	if err != nil {
		return res, fmt.Errorf("revert to VM snapshot %d: %w", id, err)
	}
	defer release()
	c, err := d.connect(ctx, r.pool)
	if err != nil {
		return res, err
	}
	o, err := d.begin(actionRevertVMSnapshot, inventory.Intent{Pool: r.pool, Kind: inventory.OfVMSnapshot, Object: id})
	if err != nil {
		return res, err
	}
	defer o.end(ctx, &err)
	if err = o.revertGroup(ctx, c, r); err != nil {
		return res, fmt.Errorf("revert to VM snapshot %d: %w", id, err)
	}
	if len(r.others) > 0 {
		res.Notice = "volumes that the VM got after its snapshot stay as they are: " + strings.Join(r.others, ", ")
	}
	return res, nil
}

// planGroupRevert reads what is reverted and holds the locks of the volumes.
func (d *Driver) planGroupRevert(ctx context.Context, id inventory.ID) (r groupRevert, release func(), err error) {
	if r.group, err = d.group(id); err != nil {
		return r, nil, err
	}
	if r.row.State != inventory.VMSnapshotReady && r.row.State != inventory.VMSnapshotReverting {
		return r, nil, fmt.Errorf("it is %s: %w", r.row.State, ErrRefused)
	}
	if r.vm.State != inventory.VMStopped {
		return r, nil, fmt.Errorf("VM %s is %s: %w", r.vm.Instance, r.vm.State, ErrRefused)
	}
	if r.steps, r.others, err = d.rules.revertMembers(d, r.group); err != nil {
		return r, nil, err
	}
	if len(r.steps) == 0 {
		return r, nil, fmt.Errorf("none of its volumes is left: %w", ErrRefused)
	}
	var held []func()
	release = func() {
		for _, f := range slices.Backward(held) {
			f()
		}
	}
	for _, p := range r.steps { // in the order of ids
		unlock, err := d.lock(ctx, inventory.OfVolume, p.row.ID)
		if err != nil {
			release()
			return r, nil, err
		}
		held = append(held, unlock)
	}
	return r, release, nil
}

// revertMembers pairs the volumes of the VM with the members that are on record of them (D-8).
func revertMembers(d *Driver, g group) (plans []revertPlan, others []string, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		for _, v := range g.disks {
			at := slices.IndexFunc(g.members, func(m member) bool { return m.uuid == v.UUID })
			if at < 0 {
				others = append(others, v.Name)
				continue
			}
			p, err := memberPlan(tx, v, g.members[at].name)
			if err != nil {
				return err
			}
			plans = append(plans, p)
		}
		return nil
	})
	return plans, others, err
}

// memberPlan is the revert of one volume.
func memberPlan(tx *inventory.Tx, v inventory.Volume, to string) (p revertPlan, err error) {
	p = revertPlan{row: v, place: placementOf(tx, v.Offering), to: to}
	path, _ := tx.Details.Get(inventory.Owner{Kind: inventory.OfVolume, ID: v.ID}, detailLegacy)
	p.legacy = apiName(path, false)
	p.volume, err = nameOf(v.Path, fmt.Sprintf("volume %d", v.ID))
	return p, err
}

func (o *op) revertGroup(ctx context.Context, c *conn, r groupRevert) error {
	for _, p := range r.steps {
		if err := o.d.rules.bothExist(ctx, c, p); err != nil {
			return fmt.Errorf("volume %d: %w", p.row.ID, err)
		}
	}
	err := act(ctx, o, "mark", func(context.Context) error { return o.d.setVMSnapshot(r.row.ID, inventory.VMSnapshotReverting) },
		func(context.Context) error { return o.d.setVMSnapshot(r.row.ID, inventory.VMSnapshotReady) })
	if err != nil {
		return err
	}
	if err := o.renameMembers(ctx, c, r); err != nil {
		return err
	}
	if r.safety, err = o.d.rules.safetyGroup(ctx, o, c, r); err != nil {
		return err
	}
	sizes := make([]int64, len(r.steps))
	for i, p := range r.steps {
		if sizes[i], err = o.revertMember(ctx, c, r, p); err != nil {
			return fmt.Errorf("volume %d: %w", p.row.ID, err)
		}
	}
	err = o.record(ctx, c, "record revert", 0, func(tx *inventory.Tx) error { return o.d.recordGroupRevert(tx, r, sizes) })
	if err != nil || len(r.safety) == 0 {
		return err
	}
	return act(ctx, o, "delete safety snapshots", func(ctx context.Context) error { return dropTagged(ctx, c, o.id, o.d.owned) }, nil)
}

// renameMembers makes volumes of the days before global ids anonymous.
func (o *op) renameMembers(ctx context.Context, c *conn, r groupRevert) error {
	for _, p := range r.steps {
		if p.legacy == "" {
			continue
		}
		err := act(ctx, o, "rename", func(ctx context.Context) error { return o.renameLegacy(ctx, c, p) }, nil)
		if err = o.d.rules.renameFailed(err); err != nil {
			return fmt.Errorf("volume %d: %w", p.row.ID, err)
		}
	}
	return nil
}

// safetyGroup takes a snapshot of the volumes as they are, to which they go back if one of them cannot be reverted (S-22).
func safetyGroup(ctx context.Context, o *op, c *conn, r groupRevert) (map[string]string, error) {
	disks := make([]inventory.Volume, 0, len(r.steps))
	names := map[string]string{}
	for _, p := range r.steps {
		disks = append(disks, p.row)
		names[p.row.UUID] = p.volume
	}
	request := spapi.GroupSnapshot{Tags: siteTemporary.tags(tagFacts{uuid: r.row.UUID, vm: r.vm.UUID})}
	made, err := step(ctx, o, "safety snapshots", func(ctx context.Context) (map[string]string, error) {
		return o.makeGroup(ctx, c, request, disks)
	}, o.dropSnapshots(c))
	if err == nil {
		err = allMembers(disks, made)
	}
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var text []string
	for uuid, gid := range made {
		out[names[uuid]] = "~" + gid
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		text = append(text, name+"="+out[name])
	}
	return out, o.note(strings.Join(text, " "))
}

// revertMember takes one volume back; it returns the size that it has then, as CloudStack counts.
func (o *op) revertMember(ctx context.Context, c *conn, r groupRevert, p revertPlan) (size int64, err error) {
	err = act(ctx, o, fmt.Sprintf("revert volume %d", p.row.ID), func(ctx context.Context) error {
		if err := detachAll(ctx, c, p.volume); err != nil {
			return err
		}
		return c.VolumeRevert(ctx, p.volume, o.d.rules.revertRequest(p))
	}, func(ctx context.Context) error { return putBack(ctx, c, p.volume, r.safety[p.volume]) })
	if err != nil {
		return 0, err
	}
	limit := o.d.rules.iopsLimit(limitRevert, limitFacts{place: p.place, volume: p.row.MaxIOPS})
	if limit != nil {
		err := c.VolumeUpdate(ctx, p.volume, spapi.VolumeUpdate{IOPS: limit, Tags: spapi.Tags{}})
		if err = o.d.rules.limitFailed(err); err != nil {
			return 0, err
		}
	}
	return o.d.rules.memberSize(ctx, c, p)
}

// putBack takes a volume back to how it was before a revert that failed as a whole.
func putBack(ctx context.Context, c *conn, volume, safety string) error {
	if safety == "" {
		return nil
	}
	return c.VolumeRevert(ctx, volume, spapi.VolumeRevert{ToSnapshot: safety, RevertSize: true})
}

// memberSize reads the size of a reverted volume back (S-23).
func memberSize(ctx context.Context, c *conn, p revertPlan) (int64, error) {
	v, err := c.Volume(ctx, p.volume)
	return csSize(v.Size, p.row.Encrypted()), err
}

func (d *Driver) recordGroupRevert(tx *inventory.Tx, r groupRevert, sizes []int64) error {
	for i, p := range r.steps {
		if err := charge(tx, p.row.Pool, sizes[i]-p.row.Size); err != nil {
			return err
		}
		err := tx.Volumes.Change(p.row.ID, func(v *inventory.Volume) { v.Size = sizes[i] })
		if err != nil {
			return err
		}
	}
	setCurrent(tx, r.row.VM, r.row.ID)
	return tx.VMSnapshots.Change(r.row.ID, func(s *inventory.VMSnapshot) { s.State = inventory.VMSnapshotReady })
}

// revertGroupBack takes the volumes back to how they were before a revert that was cut short, unless the VM snapshot is no
// longer being reverted to: then they may have been in use since.
func revertGroupBack(ctx context.Context, d *Driver, i inventory.Intent) error {
	g, err := d.group(i.Object)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && g.row.State != inventory.VMSnapshotReverting {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := d.connect(ctx, i.Pool)
	if err != nil {
		return err
	}
	for pair := range strings.FieldsSeq(i.Data) { // written by safetyGroup
		volume, safety, _ := strings.Cut(pair, "=")
		err := detachAll(ctx, c, volume)
		if err == nil {
			err = putBack(ctx, c, volume, safety)
		}
		if missingIsFine(err) != nil {
			return fmt.Errorf("take volume %s back: %w", volume, err)
		}
	}
	if err := d.restoreLimits(ctx, c, g); err != nil {
		return err
	}
	return d.setVMSnapshot(i.Object, inventory.VMSnapshotReady)
}

// restoreLimits sets the limits of the volumes of a VM, which a revert may have changed.
func (d *Driver) restoreLimits(ctx context.Context, c *conn, g group) error {
	plans, _, err := revertMembers(d, g)
	if err != nil {
		return err
	}
	for _, p := range plans {
		limit := d.rules.iopsLimit(limitRevert, limitFacts{place: p.place, volume: p.row.MaxIOPS})
		if limit == nil {
			continue
		}
		if err := c.VolumeUpdate(ctx, p.volume, spapi.VolumeUpdate{IOPS: limit}); missingIsFine(err) != nil {
			return err
		}
	}
	return nil
}

// finishGroupRevert removes the safety snapshots of a revert that was recorded.
func finishGroupRevert(ctx context.Context, d *Driver, i inventory.Intent) error {
	return d.removeUnowned(ctx, i)
}
