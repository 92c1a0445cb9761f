package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const (
	actionTag    = "provideVmInfo"
	actionRevoke = "revokeAccess"
)

// ProvideVMInfo writes the tags of a volume that has been attached to a VM (driver-management 9.7). Volumes without a VM
// and pools of other providers are left alone. A failure is returned, and left to [Driver.Reconcile] as well.
func (d *Driver) ProvideVMInfo(ctx context.Context, vm, volume inventory.ID) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, volume)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(volume, vm)
	if err != nil || !ours || v.row.VM == 0 {
		return err
	}
	_, err = d.now(ctx, actionTag, v.row, d.rules.tagged, func(ctx context.Context) error { return d.tag(ctx, v) })
	if err != nil {
		return fmt.Errorf("tag volume %d: %w", volume, err)
	}
	return nil
}

// tag writes the tags of an attached volume.
func (d *Driver) tag(ctx context.Context, v target) error {
	c, name, err := d.reach(ctx, v.row)
	if err != nil {
		return err
	}
	return c.VolumeUpdate(ctx, name, d.rules.attachUpdate(v, name, c.template))
}

// now makes one call on a volume; judge says what its error means, and whether Reconcile is to make it later.
func (d *Driver) now(ctx context.Context, action string, v inventory.Volume, judge func(error) (bool, error),
	call func(context.Context) error,
) (later bool, err error) {
	o, err := d.begin(action, inventory.Intent{Pool: v.Pool, Kind: inventory.OfVolume, Object: v.ID})
	if err != nil {
		return false, err
	}
	defer o.end(ctx, &err)
	if err = o.pivot(ctx); err != nil {
		return false, err
	}
	later, err = judge(call(ctx))
	o.pivoted = later // what is not done later is not kept
	return later, err
}

// keepTrying judges a call that has to be made, if not now then later.
func keepTrying(err error) (later bool, _ error) { return err != nil, err }

// held reads a volume with the facts of its tags in vm; ours tells whether its pool is StorPool's.
func (d *Driver) held(volume, vm inventory.ID) (v target, ours bool, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		if v.row, err = tx.Volumes.Must(volume); err != nil {
			return err
		}
		pool, ok := tx.Pools.Get(v.row.Pool)
		ours = ok && pool.Provider == inventory.StorPool
		v.place = placementOf(tx, v.row.Offering)
		v.tags, err = volumeFacts(tx, v.row, vm, v.place)
		return err
	})
	return v, ours, err
}

// reach returns the connection and the name of a volume on StorPool.
func (d *Driver) reach(ctx context.Context, v inventory.Volume) (*conn, string, error) {
	name, err := nameOf(v.Path, fmt.Sprintf("volume %d", v.ID))
	if err != nil {
		return nil, "", err
	}
	c, err := d.connect(ctx, v.Pool)
	return c, name, err
}

// attachUpdate refreshes the tags of a volume at attach. Its template changes with its offering only (D-11).
func attachUpdate(v target, _, _ string) spapi.VolumeUpdate {
	return spapi.VolumeUpdate{Tags: siteAttach.tags(v.tags)}
}

// RevokeAccess clears the tags cvm, vc-policy and disk of a volume that no longer has a VM (driver-management 9.8). A
// failure is logged and left to [Driver.Reconcile], for the volume is detached by then; a missing volume is fine.
func (d *Driver) RevokeAccess(ctx context.Context, volume inventory.ID) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, volume)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(volume, 0)
	if errors.Is(err, inventory.ErrNotFound) {
		return nil
	}
	if err != nil || !ours || v.row.VM != 0 || v.row.Path == "" {
		return err
	}
	later, err := d.now(ctx, actionRevoke, v.row, d.rules.untagged, func(ctx context.Context) error { return d.untag(ctx, v.row) })
	if later {
		d.log.WarnContext(ctx, "tags of a detached volume are cleared later", "volume", volume, "error", err)
		return nil
	}
	return err
}

func (d *Driver) untag(ctx context.Context, v inventory.Volume) error {
	c, name, err := d.reach(ctx, v)
	if err != nil {
		return err
	}
	return c.VolumeUpdate(ctx, name, spapi.VolumeUpdate{Tags: siteDetach.tags(tagFacts{})})
}

// untagged judges the attempt to clear tags: a missing volume has none, anything else is tried again (D-28).
func untagged(err error) (later bool, _ error) { return keepTrying(missingIsFine(err)) }

// UpdateStorageWithTheNewDiskOffering gives a volume the tier and the placement template of an offering, the pool's
// when it names none (driver-management 9.10). Sizes and limits are the business of [Driver.Resize].
func (d *Driver) UpdateStorageWithTheNewDiskOffering(ctx context.Context, volume, offering inventory.ID) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, volume)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(volume, 0)
	if err != nil || !ours || offering == 0 {
		return err
	}
	var place placement
	err = d.inv.View(func(tx *inventory.Tx) error {
		place = placementOf(tx, offering)
		return nil
	})
	if err != nil {
		return err
	}
	c, name, err := d.reach(ctx, v.row)
	if err != nil {
		return err
	}
	update := d.rules.offeringUpdate(place, c.template)
	if update.Tags == nil && update.Template == "" {
		return nil
	}
	if err := c.VolumeUpdate(ctx, name, update); err != nil {
		return d.rules.offeringFailed(fmt.Errorf("change offering of volume %d: %w", volume, err))
	}
	return nil
}

// offeringUpdate sets what the offering names and takes back what it does not name (D-27).
func offeringUpdate(p placement, poolTemplate string) spapi.VolumeUpdate {
	return spapi.VolumeUpdate{Tags: spapi.Tags{tagTier: p.tier}, Template: p.templateOr(poolTemplate)}
}

// DetachVolumeFromAllStorageNodes detaches a volume everywhere before its VM restarts elsewhere, and fails unless no
// attachment is left (driver-management 9.11).
func (d *Driver) DetachVolumeFromAllStorageNodes(ctx context.Context, volume inventory.ID) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, volume)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(volume, 0)
	if err != nil || !ours {
		return err
	}
	c, name, err := d.reach(ctx, v.row)
	if err != nil {
		return err
	}
	if err := d.rules.detachEverywhere(ctx, c, name); err != nil {
		return fmt.Errorf("detach volume %d everywhere: %w", volume, err)
	}
	return nil
}

// detachEverywhere detaches a volume and proves it by the list of attachments (D-31).
func detachEverywhere(ctx context.Context, c *conn, name string) error {
	if err := detachAll(ctx, c, name); err != nil {
		return missingIsFine(err)
	}
	list, err := c.AttachmentsList(ctx)
	if err != nil {
		return fmt.Errorf("look for attachments: %w", err)
	}
	for _, a := range list {
		if !a.Snapshot && (a.Volume == name || "~"+a.GlobalID == name) {
			return fmt.Errorf("it is still attached on client %d", a.Client)
		}
	}
	return nil
}

// detachAll detaches a volume from every client by force.
func detachAll(ctx context.Context, c *conn, name string) error {
	return c.VolumesReassign(ctx, spapi.Reassign{Volume: name, Detach: spapi.Everybody(), Force: true})
}
