package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionCreate = "createAsync"

// CreateAsync creates an empty volume for its row and stores its path (driver-management 9.2). A volume that is there
// already is left as it is. An encrypted volume is there only once a host has proved that it is encrypted (D-10).
func (d *Driver) CreateAsync(ctx context.Context, o Object) (res Result, err error) {
	if o.Kind != VolumeObject || o.Role != inventory.Primary {
		return res, fmt.Errorf("create %s: only volumes on primary storage are created: %w", o, ErrRefused)
	}
	unlock, err := d.lock(ctx, inventory.OfVolume, o.ID)
	if err != nil {
		return res, err
	}
	defer unlock()
	v, err := d.target(o)
	if err != nil {
		return res, fmt.Errorf("create %s: %w", o, err)
	}
	c, err := d.connect(ctx, o.Store)
	if err != nil {
		return res, err
	}
	if res, ok, err := v.existing(ctx, c); ok || err != nil {
		return res, err
	}
	cipher, err := d.planCipher(ctx, c, v, "")
	if err != nil {
		return res, err
	}
	op, err := d.begin(actionCreate, inventory.Intent{Pool: o.Store, Kind: inventory.OfVolume, Object: o.ID})
	if err != nil {
		return res, err
	}
	defer op.end(ctx, &err)
	gid, err := op.createVolume(ctx, "create volume", c, d.createRequest(c, v))
	if err != nil {
		return res, err
	}
	if err = op.encrypt(ctx, c, &v, gid, v.row.Size, cipher); err != nil {
		return res, err
	}
	return op.adopt(ctx, c, v, gid, v.row.Size)
}

// createRequest is the body of an empty volume (driver-management 17, 1 and 2).
func (d *Driver) createRequest(c *conn, v target) spapi.VolumeCreate {
	return spapi.VolumeCreate{
		Size: spSize(v.row.Size, v.row.Encrypted()), Tags: siteCreate.tags(v.tags), Template: v.place.templateOr(c.template),
		IOPS: d.rules.iopsLimit(limitCreate, limitFacts{place: v.place, volume: v.row.MaxIOPS}),
	}
}

// target is a volume that an operation makes.
type target struct {
	row   inventory.Volume
	place placement
	tags  tagFacts
}

// target reads the row of a volume to be made.
func (d *Driver) target(o Object) (v target, err error) {
	err = d.inv.View(func(tx *inventory.Tx) error {
		if v.row, err = tx.Volumes.Must(o.ID); err != nil {
			return err
		}
		v.place = placementOf(tx, v.row.Offering)
		v.tags, err = volumeFacts(tx, v.row, v.row.VM, v.place)
		return err
	})
	return v, err
}

// existing returns the volume that the row already names on this pool, if StorPool has it.
func (v target) existing(ctx context.Context, c *conn) (Result, bool, error) {
	name := apiName(v.row.Path, true)
	if name == "" || v.row.Pool != c.pool.ID {
		return Result{}, false, nil
	}
	_, err := c.Volume(ctx, name)
	if errors.Is(err, spapi.ErrNotFound) {
		return Result{}, false, nil
	}
	if err != nil {
		return Result{}, false, fmt.Errorf("look for volume %d: %w", v.row.ID, err)
	}
	return Result{Path: v.row.Path, Size: v.row.Size, Format: v.row.Format, EncryptFormat: v.row.EncryptFormat}, true, nil
}

// adopt is the step that writes a new volume of size bytes, as CloudStack counts them, into its row; it ends the operation.
func (o *op) adopt(ctx context.Context, c *conn, v target, gid string, size int64) (Result, error) {
	row := v.row
	row.Path, row.Pool, row.PoolType, row.Size = devPath(gid), c.pool.ID, inventory.StorPool, size
	err := o.record(ctx, c, "record volume", o.d.rules.counted(row, size), func(tx *inventory.Tx) error {
		return tx.Volumes.Change(row.ID, func(r *inventory.Volume) {
			r.Path, r.Pool, r.PoolType, r.Size, r.EncryptFormat = row.Path, row.Pool, row.PoolType, row.Size, row.EncryptFormat
		})
	})
	return Result{Path: row.Path, Size: size, Format: row.Format, EncryptFormat: row.EncryptFormat}, err
}
