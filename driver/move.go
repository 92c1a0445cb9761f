package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const (
	actionRetemplate = "copyAsync volume => volume, live"
	actionMoveCopy   = "copyAsync volume => volume, offline"
)

// movePlan is a volume and where it goes: the same row on another pool, or another row.
type movePlan struct {
	src, dst         Object
	from, to         inventory.Volume
	fromPool, toPool inventory.Pool
	vm               inventory.VM // of the source, if any
	place            placement    // of the destination's offering
	tags             tagFacts     // of the source, with the tier of the destination
	fromTO           agentapi.Volume
	toStore          *agentapi.Store // of a volume that goes to secondary storage
	fromStore        *agentapi.Store // of a volume that comes from secondary storage
	wait             time.Duration
}

// moveVolume takes a volume to another place (driver-management 10.6 to 10.8): between pools of StorPool by a change of its
// placement template while its VM runs and by a copy otherwise, to StorPool and away from it by a host.
func (d *Driver) moveVolume(ctx context.Context, src, dst Object) (res Result, err error) {
	unlock, err := d.lockBoth(ctx, src.ID, dst.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planMove(src, dst)
	if err != nil {
		return res, err
	}
	switch ours, theirs := p.fromPool.Provider == inventory.StorPool, p.toPool.Provider == inventory.StorPool; {
	case ours && theirs:
		live, err := d.rules.movesLive(p.vm)
		if err != nil {
			return res, err
		}
		if live {
			return d.retemplate(ctx, p)
		}
		return d.copyOver(ctx, p)
	case ours:
		return d.copyOut(ctx, p)
	case theirs:
		return d.copyIn(ctx, p)
	default:
		return res, fmt.Errorf("neither is on StorPool: %w", ErrRefused)
	}
}

// lockBoth takes the locks of two volumes, or of one, in the order of their ids.
func (d *Driver) lockBoth(ctx context.Context, a, b inventory.ID) (unlock func(), err error) {
	var held []func()
	unlock = func() {
		for _, f := range slices.Backward(held) {
			f()
		}
	}
	for _, id := range slices.Compact([]inventory.ID{min(a, b), max(a, b)}) {
		one, err := d.lock(ctx, inventory.OfVolume, id)
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, one)
	}
	return unlock, nil
}

func (d *Driver) planMove(src, dst Object) (p movePlan, err error) {
	p.src, p.dst = src, dst
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.from, err = tx.Volumes.Must(src.ID); err != nil {
			return err
		}
		if p.to, err = tx.Volumes.Must(dst.ID); err != nil {
			return err
		}
		p.vm, _ = tx.VMs.Get(p.from.VM)
		p.place = placementOf(tx, p.to.Offering)
		if p.tags, err = volumeFacts(tx, p.from, p.from.VM, p.place); err != nil {
			return err
		}
		p.fromTO = volumeTO(tx, p.from)
		if p.fromPool, p.fromStore, err = storeOf(tx, src); err != nil {
			return err
		}
		p.toPool, p.toStore, err = storeOf(tx, dst)
		return err
	})
	return p, err
}

// storeOf reads the store of an object: a pool, or a secondary storage.
func storeOf(tx *inventory.Tx, o Object) (pool inventory.Pool, store *agentapi.Store, err error) {
	if o.Role == inventory.Primary {
		pool, err = tx.Pools.Must(o.Store)
		return pool, nil, err
	}
	row, err := tx.SecondaryStores.Must(o.Store)
	return pool, storeTO(row), err
}

// movesLive tells whether a volume moves under a running VM. While its VM is between two states nobody knows who writes to
// it: then it does not move at all (D-37).
func movesLive(vm inventory.VM) (bool, error) {
	switch vm.State {
	case inventory.VMRunning:
		return true, nil
	case "", inventory.VMStopped, inventory.VMDestroyed, inventory.VMExpunging, inventory.VMError:
		return false, nil
	case inventory.VMStarting, inventory.VMStopping, inventory.VMMigrating:
	}
	return false, fmt.Errorf("VM %s is %s: %w", vm.Instance, vm.State, ErrRefused)
}

// visible refuses a move between pools that do not see the same objects (D-37).
func visible(ctx context.Context, c *conn, name string) error {
	_, err := c.Volume(ctx, name)
	if errors.Is(err, spapi.ErrNotFound) {
		return fmt.Errorf("pool %d is of another StorPool cluster, copy a snapshot instead: %w", c.pool.ID, ErrRefused)
	}
	return err
}

// retemplate moves a volume of a running VM: the same StorPool object gets another placement template.
func (d *Driver) retemplate(ctx context.Context, p movePlan) (res Result, err error) {
	name, err := nameOf(p.from.Path, fmt.Sprintf("volume %d", p.from.ID))
	if err != nil {
		return res, err
	}
	res = Result{Path: p.from.Path, Size: p.from.Size, Format: p.from.Format, EncryptFormat: p.from.EncryptFormat}
	if p.from.Pool == p.dst.Store {
		return res, nil // it is there already
	}
	c, err := d.connect(ctx, p.dst.Store)
	if err != nil {
		return res, err
	}
	if err = d.rules.visible(ctx, c, name); err != nil {
		return res, err
	}
	op, err := d.begin(actionRetemplate, inventory.Intent{Pool: p.dst.Store, Kind: inventory.OfVolume, Object: p.from.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	err = op.commit(ctx, func(ctx context.Context) error { return c.VolumeUpdate(ctx, name, d.rules.moveUpdate(p, c.template)) })
	if err != nil {
		return res, err
	}
	return res, op.settle(ctx, c, p.from)
}

// moveUpdate gives a volume the template of its offering, or else of its new pool.
func moveUpdate(p movePlan, poolTemplate string) spapi.VolumeUpdate {
	return spapi.VolumeUpdate{Template: p.place.templateOr(poolTemplate)}
}

// settle records that a volume is on the pool of c now.
func (o *op) settle(ctx context.Context, c *conn, v inventory.Volume) error {
	size := o.d.rules.moved(spSize(v.Size, v.Encrypted()))
	return o.record(ctx, c, "record move", size, func(tx *inventory.Tx) error {
		if _, there := tx.Pools.Get(v.Pool); there {
			if err := charge(tx, v.Pool, -size); err != nil {
				return err
			}
		}
		return tx.Volumes.Change(v.ID, func(r *inventory.Volume) {
			r.LastPool, r.Pool, r.PoolType = r.Pool, c.pool.ID, inventory.StorPool
		})
	})
}

// finishRetemplate goes on with a live move that had begun.
func finishRetemplate(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	row, _, err := d.held(i.Object, 0)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && (row.row.Path == "" || row.row.Pool == i.Pool) {
		return restBack(ctx, d, i)
	}
	if err != nil {
		return err
	}
	p, err := d.planMove(
		Object{Kind: VolumeObject, ID: i.Object, Role: inventory.Primary, Store: row.row.Pool},
		Object{Kind: VolumeObject, ID: i.Object, Role: inventory.Primary, Store: i.Pool})
	if err != nil {
		return err
	}
	c, err := d.connect(ctx, i.Pool)
	if err != nil {
		return err
	}
	name := apiName(p.from.Path, true)
	if err := c.VolumeUpdate(ctx, name, d.rules.moveUpdate(p, c.template)); missingIsFine(err) != nil {
		return err
	}
	if err := d.reopen(i).settle(ctx, c, p.from); err != nil {
		return err
	}
	return restBack(ctx, d, i)
}

// copyOver moves a volume that nobody uses to another pool: a copy for the other row; CloudStack deletes the source.
func (d *Driver) copyOver(ctx context.Context, p movePlan) (res Result, err error) {
	name, err := nameOf(p.from.Path, fmt.Sprintf("volume %d", p.from.ID))
	if err == nil && p.from.ID == p.to.ID {
		err = fmt.Errorf("volume %d would be copied onto itself: %w", p.from.ID, ErrRefused)
	}
	if err != nil {
		return res, err
	}
	c, err := d.connect(ctx, p.dst.Store)
	if err != nil {
		return res, err
	}
	v := target{row: p.to, place: p.place, tags: p.tags}
	if res, ok, err := v.existing(ctx, c); ok || err != nil {
		return res, err
	}
	if err = d.rules.visible(ctx, c, name); err != nil {
		return res, err
	}
	op, err := d.begin(actionMoveCopy, inventory.Intent{Pool: p.dst.Store, Kind: inventory.OfVolume, Object: p.to.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	if err = op.note(fmt.Sprint(p.from.ID)); err != nil {
		return res, err
	}
	gid, err := op.createVolume(ctx, "copy volume", c, spapi.VolumeCreate{
		BaseOn: name, Template: d.rules.moveTemplate(p.place, c.template), Tags: d.rules.moveTags(p),
		IOPS: d.rules.iopsLimit(limitMove, limitFacts{place: p.place, volume: p.to.MaxIOPS, source: p.from.MaxIOPS}),
	})
	if err != nil {
		return res, err
	}
	return op.arrive(ctx, c, p, gid, p.from.Size)
}

// arrive records a volume that has been copied to StorPool for its new row.
func (o *op) arrive(ctx context.Context, c *conn, p movePlan, gid string, size int64) (Result, error) {
	delta := o.d.rules.moved(spSize(size, p.from.Encrypted()))
	err := o.record(ctx, c, "record volume", delta, func(tx *inventory.Tx) error {
		return tx.Volumes.Change(p.to.ID, func(r *inventory.Volume) {
			r.LastPool, r.Pool, r.PoolType = p.from.Pool, c.pool.ID, inventory.StorPool
			r.Path, r.Size, r.EncryptFormat = devPath(gid), size, p.from.EncryptFormat
		})
	})
	return Result{Path: devPath(gid), Size: size, Format: p.to.Format, EncryptFormat: p.from.EncryptFormat}, err
}

// moveTemplate is the template of a copy: its offering's, or else the pool's (D-37).
func moveTemplate(p placement, pool string) string { return p.templateOr(pool) }

// moveTags carries every tag of the source over (D-37).
func moveTags(p movePlan) spapi.Tags { return siteMove.tags(p.tags) }

// moveBack ends a move that was cut short before it was recorded; the source is as it was.
func moveBack(ctx context.Context, d *Driver, i inventory.Intent) error {
	if err := restoreSource(d, i); err != nil {
		return err
	}
	return volumeBack(ctx, d, i)
}

// moveDone ends a move that was recorded; CloudStack still has to exchange the rows and delete the source.
func moveDone(ctx context.Context, d *Driver, i inventory.Intent) error {
	if err := restoreSource(d, i); err != nil {
		return err
	}
	return volumeDone(ctx, d, i)
}

// restoreSource brings the row of the source of a move, which the intent notes, to rest.
func restoreSource(d *Driver, i inventory.Intent) error {
	var source inventory.ID
	if _, err := fmt.Sscan(i.Data, &source); err != nil {
		return nil //nolint:nilerr // the operation ended before it noted its source
	}
	return d.changeRow(source, func(_ *inventory.Tx, v *inventory.Volume) { v.State = atRest(v.State) })
}
