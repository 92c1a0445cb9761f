package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const (
	actionCopyOut = "copyAsync volume => volume, away"
	actionCopyIn  = "copyAsync volume => volume, import"
	// temporaryMargin is how much longer than the copy a temporary snapshot lives if nobody deletes it.
	temporaryMargin = time.Hour
)

// copyOut has a host copy a volume from a temporary snapshot to secondary storage or to a pool of another kind
// (driver-management 10.8). The snapshot goes in any case, in the end by itself (D-15).
func (d *Driver) copyOut(ctx context.Context, p movePlan) (res Result, err error) {
	if err := d.rules.plain(p.from, "it would leave StorPool as ciphertext that nothing can open"); err != nil {
		return res, err
	}
	name, err := nameOf(p.from.Path, fmt.Sprintf("volume %d", p.from.ID))
	if err != nil {
		return res, err
	}
	c, err := d.connect(ctx, p.src.Store)
	if err != nil {
		return res, err
	}
	if p.wait, err = d.wait(SettingCopyVolumeWait); err != nil {
		return res, err
	}
	op, err := d.begin(actionCopyOut, inventory.Intent{Pool: p.src.Store, Kind: inventory.OfVolume, Object: p.from.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	gid, err := op.createSnapshot(ctx, "temporary snapshot", c, name, spapi.VolumeSnapshot{
		Name: nameless(), DeleteAfter: d.rules.temporaryLife(p.wait), Tags: siteTemporary.tags(p.tags),
	})
	if err != nil {
		return res, err
	}
	out, err := step(ctx, op, "copy volume away", func(ctx context.Context) (agentapi.Volume, error) { return d.sendOut(ctx, c, p, gid) }, nil)
	if err != nil {
		d.rules.temporaryLeft(op, err)
		return res, err
	}
	res = Result{Path: out.Path, Size: out.Size, Format: string(out.Format)}
	err = act(ctx, op, "delete temporary snapshot",
		func(ctx context.Context) error { return missingIsFine(deleteSnapshot(ctx, c, "~"+gid)) }, nil)
	if err != nil && !errors.Is(err, errCrash) { // the copy is there: the snapshot is removed later
		d.log.WarnContext(ctx, "temporary snapshot not deleted", "volume", p.from.ID, "snapshot", gid, "error", err)
		op.doubt(c)()
		op.undo, err = nil, nil
	}
	return res, err
}

// wait reads a setting that limits a command.
func (d *Driver) wait(setting string) (wait time.Duration, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		wait = d.seconds(tx, setting)
		return nil
	})
	return wait, err
}

// temporaryLife is when StorPool deletes a temporary snapshot by itself, in seconds.
func temporaryLife(wait time.Duration) int64 { return int64((wait + temporaryMargin) / time.Second) }

// sendOut has a host copy the temporary snapshot to the destination.
func (d *Driver) sendOut(ctx context.Context, c *conn, p movePlan, gid string) (out agentapi.Volume, err error) {
	host, err := d.hostBetween(ctx, c, "~"+gid, p.toPool.ID)
	if err != nil {
		return out, err
	}
	from := p.fromTO
	from.Path = devPath(gid)
	to := agentapi.Volume{
		UUID: p.to.UUID, Name: p.to.Name, Size: p.from.Size, Format: agentapi.Format(p.to.Format), Store: p.toStore,
	}
	if p.toStore != nil {
		to.Path = strings.Join([]string{"volumes", p.to.Account, strconv.FormatInt(int64(p.to.ID), 10)}, "/")
	} else {
		to.Pool = poolTO(p.toPool)
	}
	cmd := agentapi.CopyVolumeToSecondary{Source: from, Dest: to, Wait: p.wait}
	answer, err := d.ask(ctx, host, cmd)
	if err == nil {
		out, err = payload[agentapi.Volume](answer, cmd.Command(), host)
	}
	return out, err
}

// hostBetween is a host near a snapshot that is connected to another pool as well; a pool of 0 asks for none.
func (d *Driver) hostBetween(ctx context.Context, c *conn, snapshot string, other inventory.ID) (inventory.ID, error) {
	near, err := d.hostNear(ctx, c, snapshot)
	if err != nil || other == 0 {
		return near, err
	}
	return d.between(c.pool.ID, other, near)
}

// between is a host that is connected to two pools, the preferred one if it is.
func (d *Driver) between(pool, other, preferred inventory.ID) (host inventory.ID, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		for _, h := range connectedHosts(tx, pool) {
			if _, ok := poolHost(tx, other, h.ID); ok && (host == 0 || h.ID == preferred) {
				host = h.ID
			}
		}
		if host == 0 {
			return fmt.Errorf("pools %d and %d: %w to both", pool, other, ErrNoHost)
		}
		return nil
	})
	return host, err
}

// copyIn has a host write a volume of secondary storage or of a pool of another kind onto a new StorPool volume
// (driver-management 10.6); it goes when that fails (D-3). Result.Size is the size that it really has.
func (d *Driver) copyIn(ctx context.Context, p movePlan) (res Result, err error) {
	if err := d.rules.plain(p.from, "only StorPool's own volumes can be moved while encrypted"); err != nil {
		return res, err
	}
	if err := d.rules.plain(p.to, "what is imported is not encrypted on the way"); err != nil {
		return res, err
	}
	c, err := d.connect(ctx, p.dst.Store)
	if err != nil {
		return res, err
	}
	if res, ok, err := (target{row: p.to}).existing(ctx, c); ok || err != nil {
		return res, err
	}
	if p.wait, err = d.wait(SettingDownloadWait); err != nil {
		return res, err
	}
	op, err := d.begin(actionCopyIn, inventory.Intent{Pool: p.dst.Store, Kind: inventory.OfVolume, Object: p.to.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	if err = op.note(fmt.Sprint(p.from.ID)); err != nil {
		return res, err
	}
	request := d.rules.importRequest(p, c.template)
	if request.Size = p.to.Size; request.Size == 0 {
		request.Size = unknownSize
	}
	request.Name = nameless()
	request.IOPS = d.rules.iopsLimit(limitImport, limitFacts{place: p.place, volume: p.to.MaxIOPS})
	gid, err := op.createVolume(ctx, "create volume", c, request)
	if err != nil {
		return res, err
	}
	size, err := step(ctx, op, "import volume", func(ctx context.Context) (int64, error) { return d.sendIn(ctx, c, p, gid) }, nil)
	if err != nil {
		d.rules.importFailed(ctx, op, c, p)
		return res, err
	}
	return op.arrive(ctx, c, p, gid, size)
}

// importRequest carries the tags of the source, whose place the new volume takes, and honours its offering (D-3).
func importRequest(p movePlan, poolTemplate string) spapi.VolumeCreate {
	return spapi.VolumeCreate{Template: p.place.templateOr(poolTemplate), Tags: siteMove.tags(p.tags)}
}

// sendIn has a host write the source onto the new volume; it returns the size that the volume has then.
func (d *Driver) sendIn(ctx context.Context, c *conn, p movePlan, gid string) (size int64, err error) {
	host, err := d.rules.importHost(d, p)
	if err != nil {
		return 0, err
	}
	from := p.fromTO
	from.Store = p.fromStore
	if p.fromStore != nil {
		from.Pool = nil
	}
	to := agentapi.Volume{
		UUID: p.to.UUID, Name: p.to.Name, Path: devPath(gid), Size: p.to.Size, Format: agentapi.Format(p.to.Format), Pool: poolTO(c.pool),
	}
	cmd := agentapi.DownloadVolume{Source: from, Dest: to, Wait: p.wait}
	answer, err := d.ask(ctx, host, cmd)
	if err != nil {
		return 0, err
	}
	if _, err = payload[agentapi.Volume](answer, cmd.Command(), host); err != nil {
		return 0, err
	}
	return d.rules.importedSize(ctx, c, gid, p.to.Size)
}

// importedSize reads the size of an imported volume back: the host has given it the virtual size of the image.
func importedSize(ctx context.Context, c *conn, gid string, _ int64) (int64, error) {
	v, err := c.Volume(ctx, "~"+gid)
	return v.Size, err
}

// importHost is a host that is connected to source and destination (D-3).
func importHost(d *Driver, p movePlan) (inventory.ID, error) {
	if p.fromPool.ID == 0 {
		return d.anyHost(p.dst.Store)
	}
	return d.between(p.dst.Store, p.fromPool.ID, p.vm.Host)
}

// nothingMore leaves everything to the undo of the operation.
func nothingMore(*op, error) {}
