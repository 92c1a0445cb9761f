package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionResize = "resize"

// ResizeRequest is what CloudStack asks of a resize. The zero value of a member asks for no change of it.
type ResizeRequest struct {
	Size     int64          // bytes as CloudStack counts them, without the room of a LUKS header
	MaxIOPS  *int64         // 0 is unlimited
	Offering inventory.ID   // new disk offering
	ShrinkOK bool           // the caller accepts to lose what is beyond Size
	Instance string         // name of the running VM, empty when there is none
	Hosts    []inventory.ID // where that VM runs; empty when there is none
}

// resizePlan is a resize with what it needs to know.
type resizePlan struct {
	ResizeRequest
	row     inventory.Volume
	name    string    // on StorPool
	old     placement // of the present offering
	place   placement // of the new one
	offered int64     // IOPS limit of the new offering
}

// Resize changes size, IOPS limit, tier and placement template of a volume (driver-management 9.3). When a host or its
// guest could not be told of a change the volume keeps the new size and Result.Notice says so (D-26).
func (d *Driver) Resize(ctx context.Context, volume inventory.ID, r ResizeRequest) (res Result, err error) {
	unlock, err := d.lock(ctx, inventory.OfVolume, volume)
	if err != nil {
		return res, err
	}
	defer unlock()
	p, err := d.planResize(volume, r)
	if err != nil {
		return res, fmt.Errorf("resize volume %d: %w", volume, err)
	}
	c, err := d.connect(ctx, p.row.Pool)
	if err != nil {
		return res, err
	}
	op, err := d.begin(actionResize, inventory.Intent{
		Pool: p.row.Pool, Kind: inventory.OfVolume, Object: volume, Data: strconv.FormatInt(int64(r.Offering), 10),
	})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	res = Result{Path: p.row.Path, Size: p.Size, Format: p.row.Format}
	update := d.rules.resizeUpdate(p, c.template)
	err = op.commit(ctx, func(ctx context.Context) error { return c.VolumeUpdate(ctx, p.name, update) })
	if errors.Is(err, errCrash) {
		return res, err
	}
	if err == nil && d.rules.notifies(p) {
		err = act(ctx, op, "tell the host", func(ctx context.Context) error { return d.tellResize(ctx, c, p, &res) }, nil)
		if errors.Is(err, errCrash) {
			return res, err
		}
		err = d.rules.untold(p, err, &res)
	}
	if err != nil {
		return res, d.rules.resizeFailed(ctx, op, c, p, fmt.Errorf("resize volume %d: %w", volume, err))
	}
	return res, op.record(ctx, c, "record size", d.rules.grown(p), func(tx *inventory.Tx) error {
		return tx.Volumes.Change(volume, func(v *inventory.Volume) {
			v.Size, v.MaxIOPS = p.Size, p.limit()
		})
	})
}

func (d *Driver) planResize(volume inventory.ID, r ResizeRequest) (p resizePlan, err error) {
	p.ResizeRequest = r
	err = d.inv.View(func(tx *inventory.Tx) error {
		if p.row, err = tx.Volumes.Must(volume); err != nil {
			return err
		}
		if p.Size == 0 {
			p.Size = p.row.Size
		}
		p.old, p.place = placementOf(tx, p.row.Offering), placementOf(tx, p.row.Offering)
		if r.Offering != 0 {
			offering, err := tx.DiskOfferings.Must(r.Offering)
			if err != nil {
				return err
			}
			p.place, p.offered = placementOf(tx, r.Offering), offering.MaxIOPS
		}
		p.name, err = nameOf(p.row.Path, "its path")
		return err
	})
	return p, err
}

// resizeUpdate is the change on StorPool (driver-management 17, 5 and 6). A new offering sets its tier and template and
// takes back those of the old one (D-27). The limit is sent when it changes (D-12).
func resizeUpdate(p resizePlan, poolTemplate string) spapi.VolumeUpdate {
	u := spapi.VolumeUpdate{
		Size: spSize(p.Size, p.row.Encrypted()), ShrinkOK: &p.ShrinkOK, IOPS: resizeLimit(p),
	}
	if p.Offering != 0 {
		u.Tags, u.Template = spapi.Tags{tagTier: p.place.tier}, p.place.templateOr(poolTemplate)
	}
	return u
}

// limit is the IOPS limit that the volume is to have.
func (p resizePlan) limit() int64 {
	switch {
	case p.MaxIOPS != nil:
		return *p.MaxIOPS
	case p.Offering != 0:
		return p.offered
	default:
		return p.row.MaxIOPS
	}
}

// resizeLimit is the limit to send: nil when it stays as it is, or when the QoS service owns it.
func resizeLimit(p resizePlan) *int64 {
	want := p.limit()
	if p.place.tier != "" || want == p.row.MaxIOPS && p.old.tier == "" {
		return nil
	}
	return &want
}

// changesSize tells whether there is anything to tell a host.
func changesSize(p resizePlan) bool { return p.Size != p.row.Size }

// tellResize has a host see the new size, and the guest when there is one.
func (d *Driver) tellResize(ctx context.Context, c *conn, p resizePlan, res *Result) error {
	host, attached := inventory.ID(0), len(p.Hosts) > 0
	vm := "none"
	if attached {
		host, vm = p.Hosts[0], p.Instance
	} else {
		var err error
		if host, err = d.anyHost(c.pool.ID); err != nil {
			return err
		}
	}
	answer, err := d.ask(ctx, host, agentapi.ResizeVolume{
		Path: p.row.Path, Pool: *poolTO(c.pool), CurrentSize: p.row.Size, NewSize: p.Size, ShrinkOK: p.ShrinkOK, VM: vm, Attached: attached,
	})
	if err != nil {
		return err
	}
	if told, ok := answer.Payload.(agentapi.Resized); ok && attached && !told.GuestNotified {
		res.Notice = unseenByGuest + answer.Details
	}
	return nil
}

// unseenByGuest begins the notice of a resize that the guest does not know of.
const unseenByGuest = "the volume has its new size; the guest sees it after its next start: "

// untold keeps the new size although a host could not be told: the device has it, and the guest may have seen it (D-26).
func untold(_ resizePlan, err error, res *Result) error {
	if err != nil {
		res.Notice = unseenByGuest + err.Error()
	}
	return nil
}

// resizeFailed reports a resize that StorPool refused, or that may yet have happened: Reconcile reads the real size then.
func resizeFailed(_ context.Context, _ *op, _ *conn, _ resizePlan, err error) error { return err }

// grown is what a resize changes in the pool's used bytes (D-25).
func grown(p resizePlan) int64 { return p.Size - p.row.Size }

// finishResize records the size that a volume has after a resize that was cut short, and has a running guest see it.
func finishResize(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	if err := d.tellLate(ctx, i.Object); err != nil { // as in a resize, the size stays (D-26)
		d.log.WarnContext(ctx, "a guest sees the new size after its next start", "volume", i.Object, "error", err)
	}
	return d.readBack(ctx, i)
}

// readBack records size and limit that StorPool has for a volume, and brings its row to rest.
func (d *Driver) readBack(ctx context.Context, i inventory.Intent) error {
	v, ours, err := d.held(i.Object, 0)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && !ours {
		return nil
	}
	if err != nil {
		return err
	}
	c, name, err := d.reach(ctx, v.row)
	if errors.Is(err, ErrNotOnStorPool) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := c.Volume(ctx, name)
	if err != nil {
		return missingIsFine(err)
	}
	size := csSize(found.Size, v.row.Encrypted())
	return d.inv.Update(func(tx *inventory.Tx) error {
		offering, place, moved := resizedTo(tx, i, found, c.template)
		err := tx.Volumes.Change(v.row.ID, func(r *inventory.Volume) {
			r.Size = size
			if moved {
				r.Offering, r.MaxIOPS = offering.ID, offering.MaxIOPS
				v.place = place
			}
			if v.place.tier == "" {
				r.MaxIOPS = found.IOPS.Value
			}
			r.State = atRest(r.State)
		})
		return errors.Join(err, charge(tx, c.pool.ID, size-v.row.Size))
	})
}

// resizedTo is the offering of a resize that was cut short, if StorPool has what it asks for: core does not know yet.
func resizedTo(tx *inventory.Tx, i inventory.Intent, found spapi.Volume, template string) (o inventory.DiskOffering, p placement, moved bool) {
	id, err := strconv.ParseInt(i.Data, 10, 64)
	if err != nil || id == 0 {
		return o, p, false
	}
	o, there := tx.DiskOfferings.Get(inventory.ID(id))
	p = placementOf(tx, inventory.ID(id))
	return o, p, there && found.Tags[tagTier] == p.tier && found.TemplateName == p.templateOr(template) &&
		(p.tier != "" || found.IOPS.Value == o.MaxIOPS)
}

// atRest is the state in which a volume is left when the operation on it is over, whatever became of it.
func atRest(s inventory.VolumeState) inventory.VolumeState {
	switch s {
	case inventory.VolumeResizing, inventory.VolumeReverting, inventory.VolumeSnapshotting, inventory.VolumeMigrating:
		return inventory.VolumeReady
	default:
		return s
	}
}
