package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// CanHandleVMSnapshot tells whether the VM-snapshot strategy claims the snapshots of a VM: it does so when the VM has
// volumes, all of them are on StorPool, and no memory is asked for (driver-management 12.2).
func (d *Driver) CanHandleVMSnapshot(inventory.ID, bool) bool { return false }

// TakeVMSnapshot takes the StorPool snapshots of all volumes of a VM at one instant for the row of a VM snapshot; the row
// becomes Ready and current, or Error with nothing left on StorPool (driver-management 12.2).
func (d *Driver) TakeVMSnapshot(context.Context, inventory.ID) error { return unbuilt("VM snapshots") }

// RevertVMSnapshot takes the volumes of a stopped VM back to a VM snapshot, all of them or none; their rows get the sizes
// that they have then. Result.Notice names volumes of the VM that are not members and stayed as they were.
func (d *Driver) RevertVMSnapshot(context.Context, inventory.ID) (Result, error) {
	return Result{}, unbuilt("VM snapshots")
}

// DeleteVMSnapshot deletes the members of a VM snapshot and its row; it may be repeated, what is missing counts as deleted.
func (d *Driver) DeleteVMSnapshot(context.Context, inventory.ID) error {
	return unbuilt("VM snapshots")
}

// CheckVMTag tells whether a VM may get a resource tag: the value of vc-policy must be one that StorPool takes, and with
// storpool.vc.policy.admin.only the caller must be an administrator (driver-management 9.9, D-29). Other keys pass.
func (d *Driver) CheckVMTag(string, string, bool) error { return nil }

// ProvideVMTags writes the backup policy that a VM has on record to one of its volumes, empty when it has none. A failure
// is returned, and left to [Driver.Reconcile] as well (driver-management 9.9).
func (d *Driver) ProvideVMTags(context.Context, inventory.ID, inventory.ID) error {
	return unbuilt("the policy tag of VMs")
}

// CanHandleTemplate tells whether the data-motion strategy makes a template of a snapshot: src is its record on a StorPool
// pool, dst a template on secondary storage (driver-management 11.1).
func (d *Driver) CanHandleTemplate(Object, Object) bool { return false }

// TemplateFromSnapshot makes a template on secondary storage of a StorPool snapshot, and keeps a base snapshot for it.
func (d *Driver) TemplateFromSnapshot(context.Context, Object, Object) (Result, error) {
	return Result{}, unbuilt("templates of snapshots")
}

// Move is a volume and the pool to which it goes.
type Move struct{ Volume, Pool inventory.ID }

// Migration is a running VM that moves to another host with its volumes.
type Migration struct {
	VM       inventory.ID
	From, To inventory.ID // hosts
	Moves    []Move
}

// Moved is a volume that has moved: the row Old is left in state Destroy to be expunged, New has its identity.
type Moved struct{ Old, New inventory.ID }

// CanMigrate tells whether the data-motion strategy claims a migration: to another host, all volumes to StorPool pools.
func (d *Driver) CanMigrate(Migration) bool { return false }

// MigrateVM moves a running VM to another host with its volumes, all or nothing (driver-management 11.2). The VM's own row
// is the caller's; [ErrInDoubt] is wrapped while nobody knows where the VM runs.
func (d *Driver) MigrateVM(context.Context, Migration) ([]Moved, error) {
	return nil, unbuilt("migration with storage")
}

// CopySnapshot copies a snapshot from its pool to a pool of another StorPool location: src and dst are its records on
// primary storage (driver-management 12.1). The data may still be on its way when it returns.
func (d *Driver) CopySnapshot(context.Context, Object, Object) (Result, error) {
	return Result{}, unbuilt("copies of snapshots to other zones")
}

// UnexportSnapshots ends the exports whose copies have all their data (driver-management 13.3).
func (d *Driver) UnexportSnapshots(context.Context) error { return nil }

// Unknown is an object of the plugin on StorPool that is not on record.
type Unknown struct {
	Pool     inventory.ID
	Path     string // device path
	Snapshot bool
	Role     string // the tag cs
	Deleted  bool   // it was a leftover and is gone
}

// CheckVolumes reports the volumes that carry the plugin's tags and that no record names (driver-management 13.2).
func (d *Driver) CheckVolumes(context.Context) ([]Unknown, error) { return nil, nil }

// CheckSnapshots is [Driver.CheckVolumes] for snapshots.
func (d *Driver) CheckSnapshots(context.Context) ([]Unknown, error) { return nil, nil }

// DirectDownload caches a template on a pool from a file that a host of the pool has downloaded (agent 10).
func (d *Driver) DirectDownload(_ context.Context, _, _, _ inventory.ID, _ string) (Result, error) {
	return Result{}, unbuilt("direct download")
}

func unbuilt(what string) error { return fmt.Errorf("%s: %w", what, ErrNotBuilt) }
