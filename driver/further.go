package driver

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

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
