package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionMigrate = "migrateVM"

// Move is a volume and the pool to which it goes.
type Move struct{ Volume, Pool inventory.ID }

// Migration is a running VM that moves to another host with its volumes.
type Migration struct {
	VM       inventory.ID
	From, To inventory.ID // hosts
	Moves    []Move
}

// Moved is a volume that has moved: the row New has its identity, Old is left in state Destroy to be expunged.
type Moved struct{ Old, New inventory.ID }

// CanMigrate tells whether the data-motion strategy claims a migration: to another host, all volumes to StorPool pools
// (driver-management 11.2). It changes nothing.
func (d *Driver) CanMigrate(m Migration) bool {
	can := m.From != m.To && len(m.Moves) > 0
	_ = d.inv.View(func(tx *inventory.Tx) error { // never fails
		for _, move := range m.Moves {
			pool, _ := tx.Pools.Get(move.Pool)
			can = can && pool.Provider == inventory.StorPool
		}
		return nil
	})
	return can
}

// migration is a [Migration] with what it needs to know.
type migration struct {
	Migration
	vm    inventory.VM
	to    inventory.Host
	vmTO  agentapi.VM
	disks []movingDisk
}

// movingDisk is a volume on its way to a new row and a new object.
type movingDisk struct {
	old, new inventory.Volume
	place    placement
	tags     tagFacts
	conn     *conn
}

// MigrateVM moves a running VM to another host with its volumes, all or nothing (driver-management 11.2). Encrypted volumes
// are refused. The VM's own row is the caller's; [ErrInDoubt] is wrapped while nobody knows where the VM runs, and
// [Driver.Reconcile] sets the host in that row when it finds out.
func (d *Driver) MigrateVM(ctx context.Context, m Migration) (moved []Moved, err error) {
	if !d.CanMigrate(m) {
		return nil, fmt.Errorf("migrate VM %d: not from host %d to %d with these pools: %w", m.VM, m.From, m.To, ErrRefused)
	}
	p, err := d.planMigration(m)
	if err != nil {
		return nil, fmt.Errorf("migrate VM %d: %w", m.VM, err)
	}
	for _, id := range p.volumes() {
		unlock, err := d.lock(ctx, inventory.OfVolume, id)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	for i := range p.disks {
		if p.disks[i].conn, err = d.connect(ctx, p.Moves[i].Pool); err != nil {
			return nil, err
		}
	}
	o, err := d.begin(actionMigrate, inventory.Intent{Pool: p.Moves[0].Pool, Kind: inventory.OfVM, Object: m.VM})
	if err != nil {
		return nil, err
	}
	defer o.end(ctx, &err)
	moved, err = o.migrate(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("migrate VM %d: %w", m.VM, err)
	}
	return moved, nil
}

// volumes are the ids of the volumes, ascending.
func (p *migration) volumes() (out []inventory.ID) {
	for _, move := range p.Moves {
		out = append(out, move.Volume)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (d *Driver) planMigration(m Migration) (p *migration, err error) {
	p = &migration{Migration: m}
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.vm, err = tx.VMs.Must(m.VM); err != nil {
			return err
		}
		if p.to, err = tx.Hosts.Must(m.To); err != nil {
			return err
		}
		if _, err = tx.Hosts.Must(m.From); err != nil {
			return err
		}
		p.vmTO = vmTO(tx, p.vm)
		for _, move := range m.Moves {
			v, err := tx.Volumes.Must(move.Volume)
			if err != nil {
				return err
			}
			if v.VM != m.VM || v.Path == "" {
				return fmt.Errorf("volume %d is no disk of it: %w", v.ID, ErrRefused)
			}
			if err := plain(v, "a live copy of it would have to be opened on the host"); err != nil {
				return err
			}
			place := placementOf(tx, v.Offering)
			tags, err := volumeFacts(tx, v, v.VM, place)
			if err != nil {
				return err
			}
			p.disks = append(p.disks, movingDisk{old: v, place: place, tags: tags})
		}
		return nil
	})
	return p, err
}

// vmTO is a VM as a host knows it, in the state that keeps hosts from connecting its disks.
func vmTO(tx *inventory.Tx, vm inventory.VM) agentapi.VM {
	out := agentapi.VM{Name: vm.Instance, UUID: vm.UUID, State: string(inventory.VMMigrating)}
	for _, v := range disksOf(tx, vm.ID) {
		pool, _ := tx.Pools.Get(v.Pool)
		out.Disks = append(out.Disks, agentapi.Disk{
			Path: v.Path, Pool: *poolTO(pool), DeviceID: v.DeviceID, Size: v.Size, Passphrase: secretOf(tx, v),
		})
	}
	return out
}

func (o *op) migrate(ctx context.Context, p *migration) ([]Moved, error) {
	err := act(ctx, o, "record volumes", func(context.Context) error { return o.recordCopies(p) },
		func(context.Context) error { return o.d.dropCopies(p.moved()) })
	if err != nil {
		return nil, err
	}
	for i := range p.disks {
		if err := o.prepareDisk(ctx, p, &p.disks[i]); err != nil {
			return nil, o.d.rules.migrationFailed(ctx, o, p, err)
		}
	}
	prepare := agentapi.PrepareForMigration{VM: p.vmTO}
	err = act(ctx, o, "prepare host", func(ctx context.Context) error { return o.d.tell(ctx, p.To, prepare) },
		func(ctx context.Context) error {
			return o.d.tell(ctx, p.To, agentapi.PrepareForMigration{VM: p.vmTO, Rollback: true})
		})
	if err != nil {
		return nil, o.d.rules.migrationFailed(ctx, o, p, err)
	}
	if err := o.moveVM(ctx, p); err != nil {
		return nil, err
	}
	return p.moved(), act(ctx, o, "exchange volumes", func(context.Context) error { return o.d.exchange(p.moved(), inventory.VM{}) }, nil)
}

// tell has a host do something and say so.
func (d *Driver) tell(ctx context.Context, host inventory.ID, cmd agentapi.Command) error {
	_, err := d.ask(ctx, host, cmd)
	return err
}

// moved pairs the rows.
func (p *migration) moved() (out []Moved) {
	for _, disk := range p.disks {
		out = append(out, Moved{Old: disk.old.ID, New: disk.new.ID})
	}
	return out
}

// recordCopies writes the rows that the volumes will have, and notes them.
func (o *op) recordCopies(p *migration) error {
	return o.d.inv.Update(func(tx *inventory.Tx) error {
		note := []string{fmt.Sprint(p.From), fmt.Sprint(p.To)}
		for i, move := range p.Moves {
			row := p.disks[i].old
			row.ID, row.UUID, row.Path, row.VM, row.HasDevice, row.DeviceID = 0, o.d.newID(), "", 0, false, 0
			row.LastPool, row.Pool, row.PoolType, row.State = row.Pool, move.Pool, inventory.StorPool, inventory.VolumeMigrating
			p.disks[i].new = tx.Volumes.Put(row)
			err := tx.Volumes.Change(move.Volume, func(v *inventory.Volume) { v.State = inventory.VolumeMigrating })
			if err != nil {
				return err
			}
			note = append(note, fmt.Sprintf("%d=%d", move.Volume, p.disks[i].new.ID))
		}
		return tx.Intents.Change(o.row, func(i *inventory.Intent) { i.Data = strings.Join(note, " ") })
	})
}

// dropCopies removes the rows of copies that will not be, and brings those of the volumes to rest.
func (d *Driver) dropCopies(pairs []Moved) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		for _, pair := range pairs {
			tx.Volumes.Delete(pair.New)
			if v, ok := tx.Volumes.Get(pair.Old); ok {
				v.State = atRest(v.State)
				tx.Volumes.Put(v)
			}
		}
		return nil
	})
}

// prepareDisk makes the new volume of a disk and has the destination attach it.
func (o *op) prepareDisk(ctx context.Context, p *migration, disk *movingDisk) error {
	var gid string
	request := spapi.VolumeCreate{
		Name: nameless(), Size: disk.old.Size, Tags: o.d.rules.migrateSite().tags(disk.tags),
		Template: o.d.rules.migrateTemplate(disk.place, disk.conn.template),
		IOPS:     o.d.rules.iopsLimit(limitMigrate, limitFacts{place: disk.place, volume: disk.old.MaxIOPS}),
	}
	gid, err := step(ctx, o, fmt.Sprintf("create volume of %d", disk.old.ID),
		func(ctx context.Context) (string, error) {
			var err error
			gid, err = o.makeVolume(ctx, disk.conn, request)
			return gid, err
		}, func(ctx context.Context) error { return o.dropNew(ctx, disk.conn, gid) })
	if err != nil {
		return &createError{err}
	}
	disk.new.Path = devPath(gid)
	err = o.d.changeRow(disk.new.ID, func(_ *inventory.Tx, v *inventory.Volume) { v.Path = devPath(gid) })
	if err != nil {
		return err
	}
	target := agentapi.ModifyTargets{Add: true, Paths: []string{devPath(gid)}, Pool: *poolTO(disk.conn.pool)}
	return act(ctx, o, fmt.Sprintf("attach volume of %d", disk.old.ID), func(ctx context.Context) error {
		answer, err := o.d.ask(ctx, p.To, target)
		if err != nil {
			return err
		}
		if out, err := payload[agentapi.Connected](answer, target.Command(), p.To); err != nil || len(out.Paths) == 0 {
			return errors.Join(fmt.Errorf("host %d did not attach %s", p.To, devPath(gid)), err)
		}
		return nil
	}, func(ctx context.Context) error {
		return o.d.tell(ctx, p.To, agentapi.ModifyTargets{Paths: target.Paths, Pool: target.Pool})
	})
}

// createError is the failure to create the new volume of a disk.
type createError struct{ error }

func (e *createError) Unwrap() error { return e.error }

// dropNew deletes the new volume of a disk, known or not.
func (o *op) dropNew(ctx context.Context, c *conn, gid string) error {
	var errs []error
	if gid != "" {
		errs = append(errs, deleteVolume(ctx, c, "~"+gid))
	}
	if slices.Contains(o.made.doubtful, c.pool.ID) {
		errs = append(errs, dropTagged(ctx, c, o.id, nil))
	}
	return errors.Join(errs...)
}

// moveVM has the source move the VM. Unless it says that it did, the hosts are asked where the VM runs: it may have moved
// before what failed. When it has not, everything is taken back.
func (o *op) moveVM(ctx context.Context, p *migration) error {
	wait, err := o.d.wait(SettingMigrationWait)
	if err != nil {
		return err
	}
	cmd := agentapi.Migrate{VM: p.vmTO, To: p.to.UUID, Storage: map[string]string{}, Wait: wait}
	for _, disk := range p.disks {
		cmd.Storage[disk.old.Path] = disk.new.Path
	}
	before := o.undo
	if err := o.pivot(ctx); err != nil {
		return err
	}
	cause := o.d.tell(ctx, p.From, cmd)
	if cause == nil {
		return nil
	}
	there, err := o.d.arrived(ctx, p.vm.Instance, p.From, p.To)
	if err != nil {
		return errors.Join(cause, err)
	}
	if there {
		return nil
	}
	o.undo, o.pivoted = before, false
	return errors.Join(cause, o.d.inv.Update(func(tx *inventory.Tx) error {
		return tx.Intents.Change(o.row, func(i *inventory.Intent) { i.Pivoted = false })
	}))
}

// arrived asks both hosts whether a VM runs on the destination; [ErrInDoubt] is wrapped unless they agree.
func (d *Driver) arrived(ctx context.Context, vm string, from, to inventory.ID) (bool, error) {
	there, err := d.runs(ctx, vm, to)
	if err != nil {
		return false, err
	}
	if there.Running {
		return true, nil
	}
	here, err := d.runs(ctx, vm, from)
	if err != nil {
		return false, err
	}
	if !here.Running || here.Migrating {
		return false, fmt.Errorf("VM %s: %w", vm, ErrInDoubt)
	}
	return false, nil
}

func (d *Driver) runs(ctx context.Context, vm string, host inventory.ID) (out agentapi.VMFound, err error) {
	cmd := agentapi.CheckVM{VM: vm}
	answer, err := d.ask(ctx, host, cmd)
	if err == nil {
		out, err = payload[agentapi.VMFound](answer, cmd.Command(), host)
	}
	if err != nil {
		return out, fmt.Errorf("VM %s: %w: %w", vm, ErrInDoubt, err)
	}
	return out, nil
}

// exchange gives the new rows the identity of the old ones, which are left to be expunged, and the snapshots with it. A VM
// that is given gets its new host.
func (d *Driver) exchange(pairs []Moved, vm inventory.VM) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		for _, pair := range pairs {
			if err := exchange(tx, pair); err != nil {
				return err
			}
		}
		if vm.ID != 0 {
			tx.VMs.Put(vm)
		}
		return nil
	})
}

func exchange(tx *inventory.Tx, pair Moved) error {
	from, err := tx.Volumes.Must(pair.Old)
	if err != nil {
		return err
	}
	to, err := tx.Volumes.Must(pair.New)
	if err != nil || to.VM != 0 { // it has been exchanged; its state may be another's doing
		return err
	}
	from.UUID, to.UUID = to.UUID, from.UUID
	to.VM, to.HasDevice, to.DeviceID = from.VM, from.HasDevice, from.DeviceID
	to.State, to.Format = inventory.VolumeReady, string(agentapi.QCOW2)
	from.VM, from.HasDevice, from.DeviceID, from.State = 0, false, 0, inventory.VolumeDestroy
	tx.Volumes.Put(from)
	tx.Volumes.Put(to)
	for _, s := range tx.Snapshots.All(func(s inventory.Snapshot) bool { return s.Volume == from.ID }) {
		s.Volume = to.ID
		tx.Snapshots.Put(s)
	}
	for _, r := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.Volume == from.ID }) {
		r.Volume = to.ID
		tx.SnapshotRefs.Put(r)
	}
	return charge(tx, to.Pool, to.Size)
}

// readMigration is what recordCopies noted.
func readMigration(data string) (from, to inventory.ID, pairs []Moved) {
	for i, word := range strings.Fields(data) {
		left, right, _ := strings.Cut(word, "=")
		a, _ := strconv.ParseInt(left, 10, 64) // written by recordCopies
		b, _ := strconv.ParseInt(right, 10, 64)
		switch i {
		case 0:
			from = inventory.ID(a)
		case 1:
			to = inventory.ID(a)
		default:
			pairs = append(pairs, Moved{inventory.ID(a), inventory.ID(b)})
		}
	}
	return from, to, pairs
}

// migrateBack removes what a migration has prepared that was cut short before the VM moved.
func migrateBack(ctx context.Context, d *Driver, i inventory.Intent) error {
	_, to, pairs := readMigration(i.Data)
	var vm agentapi.VM
	var news []inventory.Volume
	var pools []inventory.Pool
	err := d.inv.View(func(tx *inventory.Tx) error {
		if row, ok := tx.VMs.Get(i.Object); ok {
			vm = vmTO(tx, row)
		}
		for _, pair := range pairs {
			v, ok := tx.Volumes.Get(pair.New)
			pool, there := tx.Pools.Get(v.Pool)
			if ok && there {
				news, pools = append(news, v), append(pools, pool)
			}
		}
		return nil
	})
	if err != nil || len(news) == 0 {
		return errors.Join(err, d.staysRunning(i.Object))
	}
	if err := d.tell(ctx, to, agentapi.PrepareForMigration{VM: vm, Rollback: true}); err != nil {
		d.log.WarnContext(ctx, "a migration that was prepared is not taken back", "vm", i.Object, "host", to, "error", err)
	}
	for n, v := range news {
		if err := d.dropPrepared(ctx, i, v, pools[n], to); err != nil {
			return err
		}
	}
	return errors.Join(d.dropCopies(pairs), d.staysRunning(i.Object))
}

// staysRunning records that a VM whose migration was cut short runs where it did.
func (d *Driver) staysRunning(vm inventory.ID) error {
	return d.inv.Update(func(tx *inventory.Tx) error {
		if row, ok := tx.VMs.Get(vm); ok && row.State == inventory.VMMigrating {
			row.State = inventory.VMRunning
			tx.VMs.Put(row)
		}
		return nil
	})
}

// dropPrepared has a host detach a volume that no VM will use, and deletes it with what else the operation made there.
func (d *Driver) dropPrepared(ctx context.Context, i inventory.Intent, v inventory.Volume, pool inventory.Pool, host inventory.ID) error {
	c, err := d.connect(ctx, v.Pool)
	if err != nil {
		return err
	}
	if v.Path != "" {
		detach := agentapi.ModifyTargets{Paths: []string{v.Path}, Pool: *poolTO(pool)}
		if err := d.tell(ctx, host, detach); err != nil { // the deletion detaches by force
			d.log.WarnContext(ctx, "volume not detached by its host", "volume", v.ID, "host", host, "error", err)
		}
		if err := deleteVolume(ctx, c, apiName(v.Path, true)); err != nil {
			return err
		}
	}
	if d.rules.markOperation(nil, i.Op)[tagOperation] == "" {
		return nil
	}
	return dropTagged(ctx, c, i.Op, nil)
}

// finishMigrate finds out where the VM runs, and ends its migration there.
func finishMigrate(ctx context.Context, d *Driver, i inventory.Intent) error {
	from, to, pairs := readMigration(i.Data)
	var vm inventory.VM
	done := true
	err := d.inv.View(func(tx *inventory.Tx) error {
		vm, _ = tx.VMs.Get(i.Object)
		for _, pair := range pairs {
			v, ok := tx.Volumes.Get(pair.New)
			done = done && ok && v.VM == i.Object
		}
		return nil
	})
	if err != nil || done {
		return err
	}
	there, err := d.arrived(ctx, vm.Instance, from, to)
	if err != nil {
		return err
	}
	if !there {
		return migrateBack(ctx, d, i)
	}
	vm.LastHost, vm.Host, vm.State = from, to, inventory.VMRunning
	return d.exchange(pairs, vm)
}
