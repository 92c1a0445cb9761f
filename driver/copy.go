package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// CanCopy tells whether [Driver.CopyAsync] is in charge of a pair of objects (driver-management 9.12).
func (d *Driver) CanCopy(src, dst Object) bool {
	switch pairOf(src, dst) {
	case pair{SnapshotObject, VolumeObject}, pair{SnapshotObject, SnapshotObject}, pair{VolumeObject, TemplateObject},
		pair{TemplateObject, TemplateObject}, pair{TemplateObject, VolumeObject}, pair{VolumeObject, VolumeObject}:
		return true
	default:
		return false
	}
}

// CopyAsync makes dst of src (driver-management 10): a volume of a snapshot or a template, a template cached on a pool, a
// template of a volume, a backup of a snapshot on secondary storage, a volume elsewhere. Other pairs are refused with
// [ErrRefused]. Repeating a copy that is done changes nothing.
func (d *Driver) CopyAsync(ctx context.Context, src, dst Object) (Result, error) {
	copies := map[pair]func(context.Context, Object, Object) (Result, error){
		{SnapshotObject, VolumeObject}:   d.restore,
		{SnapshotObject, SnapshotObject}: d.backup,
		{TemplateObject, TemplateObject}: d.cacheTemplate,
		{TemplateObject, VolumeObject}:   d.cloneTemplate,
		{VolumeObject, TemplateObject}:   d.templateOfVolume,
		{VolumeObject, VolumeObject}:     d.moveVolume,
	}
	copying := copies[pairOf(src, dst)]
	if copying == nil {
		return Result{}, fmt.Errorf("copy %s => %s (%s to %s): %w", src.Kind, dst.Kind, src, dst, ErrRefused)
	}
	if err := rolesFit(src, dst); err != nil {
		return Result{}, err
	}
	res, err := copying(ctx, src, dst)
	if err != nil {
		return res, fmt.Errorf("copy %s to %s: %w", src, dst, err)
	}
	return res, nil
}

type pair struct{ src, dst ObjectKind }

func pairOf(src, dst Object) pair { return pair{src.Kind, dst.Kind} }

// rolesFit refuses directions that no copy has: a backup and a template of a volume go from a pool to an image store,
// volumes go anywhere, everything else goes to a pool.
func rolesFit(src, dst Object) error {
	toImage := dst.Kind == SnapshotObject || pairOf(src, dst) == pair{VolumeObject, TemplateObject}
	want := inventory.Primary
	switch {
	case pairOf(src, dst) == pair{VolumeObject, VolumeObject}:
		return nil
	case toImage:
		want = inventory.Image
	}
	if dst.Role != want || toImage && src.Role != inventory.Primary {
		return fmt.Errorf("copy %s to %s: no copy goes that way: %w", src, dst, ErrRefused)
	}
	return nil
}
