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
	// Sealed is every place that holds contents of an encrypted volume.
	Sealed []Sealed
	// Leaks are the places where something of an encrypted volume was found that must be nowhere.
	Leaks []Leak
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
	Secrets    []string // paths of the disks whose passphrase libvirt holds
	Held       int      // passphrases in the agent's memory
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

// Sealed is a place with contents of an encrypted volume: itself, a snapshot of it, or a backup.
type Sealed struct {
	Place    string
	GlobalID string // empty for a file
	Volume   inventory.ID
	// Layers counts the LUKS containers that lie in one another.
	Layers int
	// Damage says why the volume's passphrase does not open it; empty when it does.
	Damage string
	// Others tells that another passphrase opens it as well.
	Others bool
}

// Leak is a passphrase or a piece of plaintext where it must not be.
type Leak struct {
	Place      string
	What       string
	Passphrase bool // else plaintext
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
	Passphrases      map[inventory.ID]bool // of those that are on record
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
			Details: map[inventory.Owner]map[string]string{}, Passphrases: map[inventory.ID]bool{},
		}
		for _, k := range tx.Passphrases.All(nil) {
			i.Passphrases[k.ID] = true
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
