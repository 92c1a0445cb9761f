package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const (
	actionVMSnapshot       = "takeVMSnapshot"
	actionRevertVMSnapshot = "revertVMSnapshot"
	actionDeleteVMSnapshot = "deleteVMSnapshot"
)

// CanHandleVMSnapshot tells whether the VM-snapshot strategy claims the snapshots of a VM: it does so when the VM has
// volumes, all of them are on StorPool, and no memory is asked for (driver-management 12.2).
func (d *Driver) CanHandleVMSnapshot(vm inventory.ID, memory bool) bool {
	if memory {
		return false
	}
	claims := false
	_ = d.inv.View(func(tx *inventory.Tx) error { // never fails
		disks := disksOf(tx, vm)
		claims = len(disks) > 0
		for _, v := range disks {
			pool, _ := tx.Pools.Get(v.Pool)
			claims = claims && pool.Provider == inventory.StorPool
		}
		return nil
	})
	return claims
}

// disksOf are the volumes of a VM by id.
func disksOf(tx *inventory.Tx, vm inventory.ID) []inventory.Volume {
	return tx.Volumes.All(func(v inventory.Volume) bool {
		return vm != 0 && v.VM == vm && v.State != inventory.VolumeDestroy && v.State != inventory.VolumeExpunged
	})
}

// group is a VM snapshot with what it needs to know.
type group struct {
	row     inventory.VMSnapshot
	vm      inventory.VM
	disks   []inventory.Volume // of the VM now
	members []member           // on record
	pool    inventory.ID
	current inventory.ID // the VM's current snapshot
}

// member is one snapshot of a VM snapshot.
type member struct {
	uuid string // of the volume
	name string // on StorPool
}

func (g group) owner() inventory.Owner {
	return inventory.Owner{Kind: inventory.OfVMSnapshot, ID: g.row.ID}
}

func (d *Driver) group(id inventory.ID) (g group, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		if g.row, err = tx.VMSnapshots.Must(id); err != nil {
			return err
		}
		g.vm, _ = tx.VMs.Get(g.row.VM)
		g.disks = disksOf(tx, g.row.VM)
		current, _ := tx.VMSnapshots.Find(func(s inventory.VMSnapshot) bool { return s.VM == g.row.VM && s.Current })
		g.current = current.ID
		if text, ok := tx.Details.Get(g.owner(), detailPool); ok {
			n, _ := strconv.ParseInt(text, 10, 64) // written by recordGroup
			g.pool = inventory.ID(n)
		}
		if g.pool == 0 && len(g.disks) > 0 {
			g.pool = g.disks[0].Pool
		}
		for _, found := range tx.Details.Named(inventory.OfVMSnapshot, func(string) bool { return true }) {
			if name := apiName(found.Value, true); found.Owner == g.owner() && name != "" {
				g.members = append(g.members, member{found.Name, name})
			}
		}
		return nil
	})
	return g, err
}

// setVMSnapshot changes the state of a VM snapshot if it is there.
func (d *Driver) setVMSnapshot(id inventory.ID, state string) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		if row, ok := tx.VMSnapshots.Get(id); ok {
			row.State = state
			tx.VMSnapshots.Put(row)
		}
		return nil
	})
}

// TakeVMSnapshot takes the StorPool snapshots of all volumes of a VM at one instant for the row of a VM snapshot; the row
// becomes Ready and current, or Error with nothing left on StorPool (driver-management 12.2). One that is taken stays.
func (d *Driver) TakeVMSnapshot(ctx context.Context, id inventory.ID) (err error) {
	unlock, err := d.lock(ctx, inventory.OfVMSnapshot, id)
	if err != nil {
		return err
	}
	defer unlock()
	g, err := d.group(id)
	if err != nil || g.row.State == inventory.VMSnapshotReady {
		return err
	}
	if err = d.takeGroup(ctx, g); err != nil && !errors.Is(err, errCrash) {
		err = errors.Join(err, d.setVMSnapshot(id, inventory.VMSnapshotError))
	}
	if err != nil {
		return fmt.Errorf("take VM snapshot %d: %w", id, err)
	}
	return nil
}

func (d *Driver) takeGroup(ctx context.Context, g group) (err error) {
	if len(g.disks) == 0 || !d.CanHandleVMSnapshot(g.row.VM, false) {
		return fmt.Errorf("VM %d has not all its volumes on StorPool: %w", g.row.VM, ErrRefused)
	}
	for _, v := range g.disks { // in the order of ids
		unlock, err := d.lock(ctx, inventory.OfVolume, v.ID)
		if err != nil {
			return err
		}
		defer unlock()
	}
	c, err := d.connect(ctx, g.disks[0].Pool)
	if err != nil {
		return err
	}
	if err = d.rules.oneCluster(ctx, d, c, g.disks); err != nil {
		return err
	}
	o, err := d.begin(actionVMSnapshot, inventory.Intent{Pool: c.pool.ID, Kind: inventory.OfVMSnapshot, Object: g.row.ID})
	if err != nil {
		return err
	}
	defer o.end(ctx, &err)
	request := spapi.GroupSnapshot{Tags: siteGroup.tags(tagFacts{uuid: g.row.UUID, vm: g.vm.UUID})}
	made, err := step(ctx, o, "snapshot volumes", func(ctx context.Context) (map[string]string, error) {
		return o.makeGroup(ctx, c, request, g.disks)
	}, o.dropSnapshots(c))
	if err != nil {
		return err
	}
	if err = d.rules.allMembers(g.disks, made); err != nil {
		return err
	}
	return o.record(ctx, c, "record VM snapshot", 0, func(tx *inventory.Tx) error { return d.recordGroup(tx, g, c.pool.ID, made) })
}

// oneCluster refuses volumes that the connection of the first one does not reach (D-8).
func oneCluster(ctx context.Context, d *Driver, c *conn, disks []inventory.Volume) error {
	for _, v := range disks {
		if v.Pool == c.pool.ID {
			continue
		}
		other, err := d.connect(ctx, v.Pool)
		if err != nil {
			return err
		}
		if other.Client == c.Client {
			continue
		}
		if _, err := c.Volume(ctx, apiName(v.Path, true)); errors.Is(err, spapi.ErrNotFound) {
			return fmt.Errorf("volumes %d and %d are in different StorPool clusters: %w", disks[0].ID, v.ID, ErrRefused)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// makeGroup takes the snapshots; it returns their global ids by the UUIDs of the volumes.
func (o *op) makeGroup(ctx context.Context, c *conn, r spapi.GroupSnapshot, disks []inventory.Volume) (map[string]string, error) {
	uuids := map[string]string{}
	for _, v := range disks {
		name, err := nameOf(v.Path, fmt.Sprintf("volume %d", v.ID))
		if err != nil {
			return nil, err
		}
		uuids[name] = v.UUID
		r.Volumes = append(r.Volumes, spapi.GroupVolume{Name: nameless(), Volume: name})
	}
	r.Tags = o.tagged(r.Tags)
	again := &spapi.Again[spapi.GroupCreated]{Doubt: o.doubt(c), Lookup: o.findGroup(c, r.Tags)}
	out, err := c.VolumesGroupSnapshot(ctx, r, again)
	if err != nil {
		return nil, err
	}
	if len(out.Snapshots) < len(disks) { // what the answer lacks may be there all the same
		o.doubt(c)()
	}
	made := map[string]string{}
	for _, m := range out.Snapshots {
		o.made.snapshots = append(o.made.snapshots, m.SnapshotGlobalID)
		for _, name := range []string{m.Volume, "~" + m.VolumeGlobalID} {
			if uuid, ok := uuids[name]; ok {
				made[uuid] = m.SnapshotGlobalID
			}
		}
	}
	return made, nil
}

// findGroup looks for the snapshots of a group whose answer was lost.
func (o *op) findGroup(c *conn, tags spapi.Tags) func(context.Context) (spapi.GroupCreated, bool, error) {
	if tags[tagOperation] == "" {
		return nil
	}
	return func(ctx context.Context) (out spapi.GroupCreated, found bool, err error) {
		list, err := c.SnapshotsTagged(ctx, stored(tags))
		for _, s := range list {
			out.Snapshots = append(out.Snapshots, spapi.GroupMember{Volume: s.OnVolume, SnapshotGlobalID: s.GlobalID})
		}
		return out, len(list) > 0, err
	}
}

// allMembers requires a snapshot of every volume (S-20).
func allMembers(disks []inventory.Volume, made map[string]string) error {
	for _, v := range disks {
		if made[v.UUID] == "" {
			return fmt.Errorf("no snapshot of volume %d among those that StorPool took", v.ID)
		}
	}
	return nil
}

// recordGroup writes the members of a VM snapshot and makes it the current one.
func (d *Driver) recordGroup(tx *inventory.Tx, g group, pool inventory.ID, made map[string]string) error {
	for uuid, gid := range made {
		tx.Details.Set(g.owner(), uuid, devPath(gid))
	}
	tx.Details.Set(g.owner(), detailPool, strconv.FormatInt(int64(pool), 10))
	setCurrent(tx, g.row.VM, g.row.ID)
	return tx.VMSnapshots.Change(g.row.ID, func(s *inventory.VMSnapshot) {
		s.State = inventory.VMSnapshotReady
		if s.Parent == 0 && g.current != s.ID {
			s.Parent = g.current
		}
	})
}

// setCurrent makes one snapshot of a VM the current one; 0 leaves none.
func setCurrent(tx *inventory.Tx, vm, id inventory.ID) {
	for _, s := range tx.VMSnapshots.All(func(s inventory.VMSnapshot) bool { return s.VM == vm && s.Current != (s.ID == id) }) {
		s.Current = s.ID == id
		tx.VMSnapshots.Put(s)
	}
}

// vmSnapshotBack ends a VM snapshot that was cut short; what was taken is removed by Reconcile.
func vmSnapshotBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.setVMSnapshot(i.Object, inventory.VMSnapshotError)
}

// DeleteVMSnapshot deletes the members of a VM snapshot, those of volumes that the VM no longer has among them, and its
// row (driver-management 12.3). It may be repeated; what is missing counts as deleted (D-8).
func (d *Driver) DeleteVMSnapshot(ctx context.Context, id inventory.ID) (err error) {
	unlock, err := d.lock(ctx, inventory.OfVMSnapshot, id)
	if err != nil {
		return err
	}
	defer unlock()
	g, err := d.group(id)
	if errors.Is(err, inventory.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	o, _, err := d.resume(actionDeleteVMSnapshot, inventory.Intent{Pool: g.pool, Kind: inventory.OfVMSnapshot, Object: id})
	if err != nil {
		return err
	}
	defer o.end(ctx, &err)
	if err = o.removeGroup(ctx, g); err != nil {
		return fmt.Errorf("delete VM snapshot %d: %w", id, err)
	}
	return nil
}

func (o *op) removeGroup(ctx context.Context, g group) error {
	err := act(ctx, o, "mark", func(context.Context) error { return o.d.setVMSnapshot(g.row.ID, inventory.VMSnapshotExpunging) },
		func(context.Context) error { return o.d.rules.groupKept(o.d, g.row) })
	if err != nil {
		return err
	}
	doomed, err := o.d.rules.doomedMembers(g)
	if err != nil {
		return err
	}
	if len(doomed) > 0 {
		c, err := o.d.connect(ctx, g.pool)
		if err != nil {
			return err
		}
		if err := o.removeMembers(ctx, c, g, doomed); err != nil {
			return err
		}
	}
	if !o.pivoted {
		if err := o.pivot(ctx); err != nil {
			return err
		}
	}
	return act(ctx, o, "record deletion", func(context.Context) error {
		return o.d.inv.Update(func(tx *inventory.Tx) error {
			dropGroup(tx, g)
			return nil
		})
	}, nil)
}

// removeMembers deletes the members one after another, each with its detail.
func (o *op) removeMembers(ctx context.Context, c *conn, g group, doomed []member) error {
	for _, m := range doomed {
		err := o.commit(ctx, func(ctx context.Context) error { return o.d.rules.memberGone(deleteSnapshot(ctx, c, m.name)) })
		if err != nil {
			return fmt.Errorf("member of volume %s: %w", m.uuid, err)
		}
		err = o.d.inv.Update(func(tx *inventory.Tx) error {
			tx.Details.Delete(g.owner(), m.uuid)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// storedMembers deletes what is on record, whatever volumes the VM has by now (D-8).
func storedMembers(g group) ([]member, error) { return g.members, nil }

// groupKept takes the mark of a deletion back that did not delete anything (D-8).
func groupKept(d *Driver, row inventory.VMSnapshot) error { return d.setVMSnapshot(row.ID, row.State) }

// dropGroup removes a VM snapshot: its children get its parent, which becomes current if it was.
func dropGroup(tx *inventory.Tx, g group) {
	tx.Details.Clear(g.owner())
	row, ok := tx.VMSnapshots.Get(g.row.ID)
	if !ok {
		return
	}
	for _, s := range tx.VMSnapshots.All(func(s inventory.VMSnapshot) bool { return s.Parent == row.ID }) {
		s.Parent = row.Parent
		tx.VMSnapshots.Put(s)
	}
	if row.Current {
		setCurrent(tx, row.VM, row.Parent)
	}
	tx.VMSnapshots.Delete(row.ID)
}

// deleteGroupBack takes the mark of a deletion back that had not begun.
func deleteGroupBack(_ context.Context, d *Driver, i inventory.Intent) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		row, ok := tx.VMSnapshots.Get(i.Object)
		if ok && row.State == inventory.VMSnapshotExpunging {
			row.State = inventory.VMSnapshotReady
			tx.VMSnapshots.Put(row)
		}
		return nil
	})
}

// finishDeleteGroup goes on with the deletion of a VM snapshot.
func finishDeleteGroup(ctx context.Context, d *Driver, i inventory.Intent) error {
	return d.DeleteVMSnapshot(ctx, i.Object)
}
