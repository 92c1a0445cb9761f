package driver

import (
	"context"

	"github.com/spsim/spsim/driver/inventory"
)

// tellLate has the guest of a volume see the size that StorPool has, if it is not the one on record.
func (d *Driver) tellLate(ctx context.Context, volume inventory.ID) error {
	var p resizePlan
	running := false
	err := d.inv.View(func(tx *inventory.Tx) (err error) {
		if p.row, err = tx.Volumes.Must(volume); err != nil {
			return err
		}
		vm, ok := tx.VMs.Get(p.row.VM)
		running = ok && vm.State == inventory.VMRunning && vm.Host != 0
		p.Hosts, p.Instance = []inventory.ID{vm.Host}, vm.Instance
		return nil
	})
	if err != nil || !running {
		return err
	}
	c, name, err := d.reach(ctx, p.row)
	if err != nil {
		return err
	}
	found, err := c.Volume(ctx, name)
	if err != nil {
		return err
	}
	if p.Size = csSize(found.Size, p.row.Encrypted()); !changesSize(p) {
		return nil
	}
	p.ShrinkOK = true // StorPool has done it
	return d.tellResize(ctx, c, p, &Result{})
}
