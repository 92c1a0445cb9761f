package mgmt

import (
	"context"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// Driver is the part of a primary-storage plugin that CloudStack's core calls; [driver.Driver] is one.
type Driver interface {
	Initialize(ctx context.Context, r driver.PoolRequest) (inventory.ID, error)
	AttachZone(ctx context.Context, pool inventory.ID, hypervisor string) error
	Maintain(ctx context.Context, pool inventory.ID) error
	CancelMaintain(ctx context.Context, pool inventory.ID) error
	DeleteDataStore(ctx context.Context, pool inventory.ID) error
	HostConnect(ctx context.Context, host, pool inventory.ID) error
	HostDisconnected(ctx context.Context, host, pool inventory.ID) error
	HostRemoved(ctx context.Context, host, cluster inventory.ID) error
	Bypass(pool inventory.ID) (bool, error)
	MaySnapshot(volume inventory.ID) error
	CreateAsync(ctx context.Context, o driver.Object) (driver.Result, error)
	DeleteAsync(ctx context.Context, o driver.Object) error
	CopyAsync(ctx context.Context, src, dst driver.Object) (driver.Result, error)
	CanCopy(src, dst driver.Object) bool
	Resize(ctx context.Context, volume inventory.ID, r driver.ResizeRequest) (driver.Result, error)
	TakeSnapshot(ctx context.Context, snapshot inventory.ID) (driver.Result, error)
	RevertSnapshot(ctx context.Context, snapshot, volume inventory.ID) (driver.Result, error)
	ProvideVMInfo(ctx context.Context, vm, volume inventory.ID) error
	RevokeAccess(ctx context.Context, volume inventory.ID) error
	UpdateStorageWithTheNewDiskOffering(ctx context.Context, volume, offering inventory.ID) error
	DetachVolumeFromAllStorageNodes(ctx context.Context, volume inventory.ID) error
	CanHandleSnapshot(snapshot, zone inventory.ID, op driver.SnapshotOperation) bool
	CopySnapshot(ctx context.Context, src, dst driver.Object) (driver.Result, error)
	DeleteSnapshot(ctx context.Context, snapshot, zone inventory.ID) error
	DeleteTemplate(ctx context.Context, template inventory.ID) error
	CanHandleVMSnapshot(vm inventory.ID, memory bool) bool
	TakeVMSnapshot(ctx context.Context, vmSnapshot inventory.ID) error
	RevertVMSnapshot(ctx context.Context, vmSnapshot inventory.ID) (driver.Result, error)
	DeleteVMSnapshot(ctx context.Context, vmSnapshot inventory.ID) error
	CanHandleTemplate(src, dst driver.Object) bool
	TemplateFromSnapshot(ctx context.Context, src, dst driver.Object) (driver.Result, error)
	CanMigrate(m driver.Migration) bool
	MigrateVM(ctx context.Context, m driver.Migration) ([]driver.Moved, error)
	DirectDownload(ctx context.Context, template, pool, host inventory.ID, file string) (driver.Result, error)
	CheckVMTag(key, value string, admin bool) error
	ProvideVMTags(ctx context.Context, vm, volume inventory.ID) error
}
