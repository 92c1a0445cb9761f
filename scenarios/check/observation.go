package check

import (
	"context"

	"github.com/spsim/spsim/driver/inventory"
)

// Observation is what was seen at one moment.
type Observation struct {
	Objects     []Object // StorPool's volumes and snapshots
	Attachments []Attachment
	Hosts       []Host
	Files       []File
	Inventory   Inventory
	// Guests tells whether Hosts says what guests see; a target without an eye on its hosts leaves it false.
	Guests bool
	// Unsettled tells that operations which failed after their point of no return could not be finished yet, because
	// StorPool or a host still refuses: what they work on is not judged.
	Unsettled bool
	// Excused names objects that somebody changed on purpose behind CloudStack's back, by global id, with the reason.
	Excused map[string]string
	// Hash gives a digest of an object's contents by global id; it is computed when asked for.
	Hash func(ctx context.Context, gid string) (string, error)
}

// Object is a volume or snapshot on StorPool.
type Object struct {
	GlobalID  string // without tilde
	Snapshot  bool
	Size      int64 // bytes
	Template  string
	IOPS      int64 // 0 is no limit
	Parent    string
	Tags      map[string]string
	Transient bool // a snapshot that vanishes by itself
}

// Attachment is an attachment on StorPool.
type Attachment struct {
	GlobalID  string
	Client    int
	ReadWrite bool
}

// Host is a KVM host. Uses, Mounts, Stray and Unfinished are what agentsim.State says.
type Host struct {
	Row        inventory.ID
	Client     int // SP_OURID
	On         bool
	Guests     []Guest
	Uses       map[string]int
	Mounts     map[string]int
	Stray      map[string]int64
	Unfinished int
}

// Guest is a VM that runs on a host.
type Guest struct {
	Name  string // instance name
	Disks []Disk
}

// Disk is a disk as its guest sees it.
type Disk struct {
	Path string
	Size int64 // bytes
}

// File is a file on secondary storage or on a primary pool of files, unfinished ones included.
type File struct {
	Store inventory.ID // 0 on a pool
	Pool  inventory.ID
	Name  string
	Size  int64 // bytes
}

// Inventory is a copy of the tables that invariants read.
type Inventory struct {
	Hosts            []inventory.Host
	Pools            []inventory.Pool
	SecondaryStores  []inventory.SecondaryStore
	DiskOfferings    []inventory.DiskOffering
	ServiceOfferings []inventory.ServiceOffering
	VMs              []inventory.VM
	Volumes          []inventory.Volume
	VolumeStores     []inventory.VolumeStore
	Snapshots        []inventory.Snapshot
	SnapshotRefs     []inventory.SnapshotRef
	Templates        []inventory.Template
	TemplateStores   []inventory.TemplateStore
	TemplatePools    []inventory.TemplatePool
	VMSnapshots      []inventory.VMSnapshot
	Intents          []inventory.Intent
	Details          map[inventory.Owner]map[string]string
}

// ReadInventory copies the tables at one moment.
func ReadInventory(s *inventory.Store) (i Inventory, err error) {
	err = s.View(func(tx *inventory.Tx) error {
		i = Inventory{
			Hosts: tx.Hosts.All(nil), Pools: tx.Pools.All(nil), SecondaryStores: tx.SecondaryStores.All(nil),
			DiskOfferings: tx.DiskOfferings.All(nil), ServiceOfferings: tx.ServiceOfferings.All(nil),
			VMs: tx.VMs.All(nil), Volumes: tx.Volumes.All(nil), VolumeStores: tx.VolumeStores.All(nil), Snapshots: tx.Snapshots.All(nil),
			SnapshotRefs: tx.SnapshotRefs.All(nil), Templates: tx.Templates.All(nil),
			TemplateStores: tx.TemplateStores.All(nil), TemplatePools: tx.TemplatePools.All(nil),
			VMSnapshots: tx.VMSnapshots.All(nil), Intents: tx.Intents.All(nil),
			Details: map[inventory.Owner]map[string]string{},
		}
		for _, k := range []inventory.Kind{
			inventory.OfPool, inventory.OfVolume, inventory.OfSnapshot, inventory.OfVMSnapshot, inventory.OfVM,
			inventory.OfDiskOffering, inventory.OfServiceOffering, inventory.Tag,
		} {
			for _, d := range tx.Details.Named(k, func(string) bool { return true }) {
				if i.Details[d.Owner] == nil {
					i.Details[d.Owner] = map[string]string{}
				}
				i.Details[d.Owner][d.Name] = d.Value
			}
		}
		return nil
	})
	return i, err
}
