package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

const actionPolicy = "provideVmTags"

// CheckVMTag tells whether a VM may get a resource tag: the value of vc-policy must be one that StorPool takes, and with
// storpool.vc.policy.admin.only the caller must be an administrator (driver-management 9.9, D-29). Other keys pass.
func (d *Driver) CheckVMTag(key, value string, admin bool) error {
	if !VMTagNeeded(key) {
		return nil
	}
	return d.rules.policyAllowed(d, value, admin)
}

func policyAllowed(d *Driver, value string, admin bool) error {
	only := false
	err := d.inv.View(func(tx *inventory.Tx) error {
		only = d.flag(tx, SettingPolicyAdminOnly)
		return nil
	})
	switch {
	case err != nil:
		return err
	case only && !admin:
		return fmt.Errorf("tag %s: only an administrator may set it: %w", tagPolicy, ErrRefused)
	case strings.ContainsFunc(value, func(r rune) bool { return !templateRune(r) && r != '.' && r != ':' }):
		return fmt.Errorf("tag %s: a value holds letters, digits and _ - . : only: %w", tagPolicy, ErrRefused)
	default:
		return nil
	}
}

// ProvideVMTags writes the backup policy that a VM has on record to one of its volumes, empty when it has none. A failure
// is returned, and left to [Driver.Reconcile] as well (driver-management 9.9, D-29).
func (d *Driver) ProvideVMTags(ctx context.Context, vm, volume inventory.ID) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, volume)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(volume, vm)
	if err != nil || !ours || v.row.Path == "" {
		return err
	}
	_, err = d.now(ctx, actionPolicy, v.row, d.rules.policySet, func(ctx context.Context) error { return d.setPolicy(ctx, v) })
	if err != nil {
		return fmt.Errorf("set %s of volume %d: %w", tagPolicy, volume, err)
	}
	return nil
}

func (d *Driver) setPolicy(ctx context.Context, v target) error {
	c, name, err := d.reach(ctx, v.row)
	if err != nil {
		return err
	}
	return c.VolumeUpdate(ctx, name, spapi.VolumeUpdate{Tags: sitePolicy.tags(v.tags)})
}

// finishPolicy writes the policy of a volume by what its VM has on record now.
func finishPolicy(ctx context.Context, d *Driver, i inventory.Intent) error {
	unlock, err := d.lock(ctx, inventory.OfVolume, i.Object)
	if err != nil {
		return err
	}
	defer unlock()
	v, ours, err := d.held(i.Object, 0)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && (!ours || v.row.Path == "") {
		return nil
	}
	if err != nil {
		return err
	}
	if v, _, err = d.held(i.Object, v.row.VM); err != nil {
		return err
	}
	return missingIsFine(d.setPolicy(ctx, v))
}
